/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/services/descriptors.h"

#include "lib/schema/proto_rd.h"

/* Field numbers of descriptor.proto. */
enum {
    SET_FILE = 1,
    ANY_NAME = 1, /* of everything that has a name */
    FILE_PACKAGE = 2,
    FILE_DEPENDENCY = 3,
    FILE_MESSAGE = 4,
    FILE_ENUM = 5,
    FILE_SERVICE = 6,
    FILE_EXTENSION = 7,
    MESSAGE_FIELD = 2,
    MESSAGE_NESTED = 3,
    MESSAGE_ENUM = 4,
    MESSAGE_EXTENSION = 6,
    MESSAGE_ONEOF = 8,
    ENUM_VALUE = 2,
    SERVICE_METHOD = 2,
    FIELD_EXTENDEE = 2,
    FIELD_NUMBER = 3,
};

enum kind {
    KIND_FILE,
    KIND_MESSAGE,
    KIND_ENUM,
    KIND_SERVICE,
    KIND_LEAF, /* nothing is declared in it */
};

/* What is declared in what. */
static const struct {
    enum kind scope;
    uint32_t number;
    enum kind kind;
} declared[] = {
    {KIND_FILE, FILE_MESSAGE, KIND_MESSAGE},      {KIND_FILE, FILE_ENUM, KIND_ENUM},
    {KIND_FILE, FILE_SERVICE, KIND_SERVICE},      {KIND_FILE, FILE_EXTENSION, KIND_LEAF},
    {KIND_MESSAGE, MESSAGE_NESTED, KIND_MESSAGE}, {KIND_MESSAGE, MESSAGE_ENUM, KIND_ENUM},
    {KIND_MESSAGE, MESSAGE_FIELD, KIND_LEAF},     {KIND_MESSAGE, MESSAGE_ONEOF, KIND_LEAF},
    {KIND_MESSAGE, MESSAGE_EXTENSION, KIND_LEAF}, {KIND_SERVICE, SERVICE_METHOD, KIND_LEAF},
};

static bool kind_of(enum kind scope, const struct sl_proto_record *record, enum kind *ret_kind)
{
    for (size_t i = 0; i < sizeof(declared) / sizeof(declared[0]); i++) {
        if (declared[i].scope == scope && declared[i].number == record->number &&
            record->wire == SL_WIRE_LEN) {
            *ret_kind = declared[i].kind;
            return true;
        }
    }
    return false;
}

/* The next payload of this field number. */
static bool next_of(struct sl_rd *rd, uint32_t number, struct sl_span *ret_payload)
{
    struct sl_proto_record record;
    while (sl_proto_rd_next(rd, &record)) {
        if (record.number == number && record.wire == SL_WIRE_LEN) {
            *ret_payload = record.bytes;
            return true;
        }
    }
    return false;
}

static struct sl_span payload_of(struct sl_span bytes, uint32_t number)
{
    struct sl_rd rd;
    struct sl_span found = sl_span(NULL, 0);
    sl_rd_init(&rd, bytes);
    (void)next_of(&rd, number, &found);
    return found;
}

void srv_descriptors_init(struct srv_descriptors *set, struct sl_span serialised)
{
    struct sl_rd rd;
    sl_rd_init(&rd, serialised);
    set->count = 0;
    while (set->count < SRV_DESCRIPTOR_FILES_MAX &&
           next_of(&rd, SET_FILE, &set->files[set->count])) {
        set->count++;
    }
}

int srv_descriptors_by_name(const struct srv_descriptors *set, struct sl_span name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (sl_span_equal(payload_of(set->files[i], ANY_NAME), name)) {
            return (int)i;
        }
    }
    return -1;
}

/* Cuts the first name off a dotted path. */
static struct sl_span cut(struct sl_span *path)
{
    size_t len = 0;
    while (len < path->len && path->data[len] != '.') {
        len++;
    }
    struct sl_span name = sl_span(path->data, len);
    *path = sl_span_from(*path, len < path->len ? len + 1 : len);
    return name;
}

static bool has_value(struct sl_span enumeration, struct sl_span name)
{
    struct sl_rd rd;
    struct sl_span value;
    sl_rd_init(&rd, enumeration);
    while (next_of(&rd, ENUM_VALUE, &value)) {
        if (sl_span_equal(payload_of(value, ANY_NAME), name)) {
            return true;
        }
    }
    return false;
}

/* One step down: what is called name in the scope. The values of an enum are called as if they stood beside it. */
static bool step(struct sl_span *scope, enum kind *kind, struct sl_span name, bool is_last)
{
    struct sl_rd rd;
    struct sl_proto_record record;
    enum kind found = KIND_LEAF;
    sl_rd_init(&rd, *scope);
    while (sl_proto_rd_next(&rd, &record)) {
        if (!kind_of(*kind, &record, &found)) {
            continue;
        }
        if (sl_span_equal(payload_of(record.bytes, ANY_NAME), name) ||
            (found == KIND_ENUM && is_last && has_value(record.bytes, name))) {
            *scope = record.bytes;
            *kind = found;
            return true;
        }
    }
    return false;
}

static bool declares(struct sl_span file, struct sl_span symbol)
{
    struct sl_span package = payload_of(file, FILE_PACKAGE);
    enum kind kind = KIND_FILE;
    if (package.len > 0) {
        if (symbol.len <= package.len || symbol.data[package.len] != '.' ||
            !sl_span_equal(sl_span(symbol.data, package.len), package)) {
            return false;
        }
        symbol = sl_span_from(symbol, package.len + 1);
    }
    if (symbol.len == 0 || symbol.data[symbol.len - 1] == '.') {
        return false;
    }
    while (symbol.len > 0) {
        struct sl_span name = cut(&symbol);
        if (!step(&file, &kind, name, symbol.len == 0)) {
            return false;
        }
    }
    return true;
}

int srv_descriptors_by_symbol(const struct srv_descriptors *set, struct sl_span symbol)
{
    for (size_t i = 0; i < set->count; i++) {
        if (declares(set->files[i], symbol)) {
            return (int)i;
        }
    }
    return -1;
}

/* ---- extensions ---- */

struct extensions {
    struct sl_span extendee;
    srv_extension_fn *tell;
    void *owner;
    int file;
};

static void tell_extension(const struct extensions *wanted, struct sl_span field)
{
    struct sl_rd rd;
    struct sl_proto_record record;
    struct sl_span extendee = payload_of(field, FIELD_EXTENDEE);
    uint64_t number = 0;
    sl_rd_init(&rd, field);
    while (sl_proto_rd_next(&rd, &record)) {
        if (record.number == FIELD_NUMBER && record.wire == SL_WIRE_VARINT) {
            number = record.value;
        }
    }
    /* protoc writes type names with a leading dot. */
    if (extendee.len > 0 && sl_span_equal(sl_span_from(extendee, 1), wanted->extendee)) {
        wanted->tell(wanted->owner, (int32_t)number, wanted->file);
    }
}

/* In a file or message, and in the messages in it: as deep as our own set is. */
static void walk(const struct extensions *wanted, struct sl_span scope, enum kind kind)
{
    struct sl_rd rd;
    struct sl_proto_record record;
    uint32_t extension = kind == KIND_FILE ? FILE_EXTENSION : MESSAGE_EXTENSION;
    enum kind found = KIND_LEAF;
    sl_rd_init(&rd, scope);
    while (sl_proto_rd_next(&rd, &record)) {
        if (!kind_of(kind, &record, &found)) {
            continue;
        }
        if (found == KIND_MESSAGE) {
            walk(wanted, record.bytes, KIND_MESSAGE);
        } else if (record.number == extension) {
            tell_extension(wanted, record.bytes);
        }
    }
}

void srv_descriptors_extensions(const struct srv_descriptors *set, struct sl_span extendee,
                                srv_extension_fn *tell, void *owner)
{
    struct extensions wanted = {.extendee = extendee, .tell = tell, .owner = owner};
    for (size_t i = 0; i < set->count; i++) {
        wanted.file = (int)i;
        walk(&wanted, set->files[i], KIND_FILE);
    }
}

struct wanted_number {
    int32_t number;
    int file;
};

static void note_number(void *owner, int32_t number, int file)
{
    struct wanted_number *wanted = owner;
    if (number == wanted->number) {
        wanted->file = file;
    }
}

int srv_descriptors_by_extension(const struct srv_descriptors *set, struct sl_span extendee,
                                 int32_t number)
{
    struct wanted_number wanted = {.number = number, .file = -1};
    srv_descriptors_extensions(set, extendee, note_number, &wanted);
    return wanted.file;
}

/* ---- imports ---- */

/* True when one was marked that was not. */
static bool mark_imports(const struct srv_descriptors *set, struct sl_span file, bool *needed)
{
    struct sl_rd rd;
    struct sl_span name;
    bool is_new = false;
    sl_rd_init(&rd, file);
    while (next_of(&rd, FILE_DEPENDENCY, &name)) {
        int import = srv_descriptors_by_name(set, name);
        if (import >= 0 && !needed[import]) {
            needed[import] = is_new = true;
        }
    }
    return is_new;
}

void srv_descriptors_mark_needed(const struct srv_descriptors *set, int file, bool *needed)
{
    bool is_more = true;
    needed[file] = true;
    while (is_more) { /* ends: a pass marks another file, or is the last one */
        is_more = false;
        for (size_t i = 0; i < set->count; i++) {
            is_more |= needed[i] && mark_imports(set, set->files[i], needed);
        }
    }
}
