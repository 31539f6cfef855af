/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/reflect.h"

#include <assert.h>
#include <stdio.h>
#include <uthash.h>
#include <utlist.h>

#include "lib/base/alloc.h"
#include "lib/schema/proto_rd.h"

/* Field numbers of reflection.proto and descriptor.proto. */
enum {
    REQUEST_FILE = 3,
    REQUEST_SYMBOL = 4,
    REQUEST_SERVICES = 7,
    RESPONSE_FILES = 4,
    RESPONSE_SERVICES = 6,
    RESPONSE_ERROR = 7,
    FILES_FILE = 1,
    SERVICES_SERVICE = 1,
    SERVICE_NAME = 1,
    ERROR_CODE = 1,
    ERROR_TEXT = 2,
    FILE_NAME = 1,
    FILE_DEPENDENCY = 3,
};

/* A symbol, a file or the list of services that is wanted, or a file that came. The key is one byte that tells which,
 * and the name. */
struct entry {
    char *key;
    size_t key_len;
    unsigned depth;
    bool is_here; /* a file that came */
    UT_hash_handle hh;
    struct entry *next; /* in the list of what is to be asked for */
};

struct sl_reflect {
    struct sl_pool *pool;
    struct entry *entries;
    struct entry *to_ask; /* those that were not asked for yet, in order */
    struct entry *last;   /* of them */
    struct entry *asked;  /* the one that is out */
    size_t bytes_left;
    size_t left_out_count;
    char left_out[SL_REFLECT_TEXT_MAX];
};

struct sl_reflect *sl_reflect_new(struct sl_pool *pool)
{
    struct sl_reflect *reflect = sl_alloc(sizeof(*reflect));
    reflect->pool = pool;
    reflect->bytes_left = SL_REFLECT_BYTES_MAX;
    return reflect;
}

void sl_reflect_free(struct sl_reflect *reflect)
{
    if (reflect == NULL) {
        return;
    }
    struct entry *entry = NULL;
    struct entry *next = NULL;
    HASH_ITER (hh, reflect->entries, entry, next) {
        HASH_DEL(reflect->entries, entry);
        sl_free(entry->key);
        sl_free(entry);
    }
    sl_free(reflect);
}

/* Bytes of a peer as text for a person. */
static void put_text(char *out, size_t size, struct sl_span text)
{
    size_t len = text.len < size - 1 ? text.len : size - 1;
    for (size_t i = 0; i < len; i++) {
        out[i] = text.data[i] >= ' ' && text.data[i] < 0x7f ? (char)text.data[i] : '?';
    }
    out[len] = '\0';
}

static bool is_for(const struct entry *entry, unsigned kind)
{
    return entry->key[0] == (char)('0' + kind);
}

static struct sl_span name_of(const struct entry *entry)
{
    return sl_span(entry->key + 1, entry->key_len - 1);
}

/* ---- what is wanted ---- */

/* The entry of this name, made where there is none; *ret_is_new tells. kind: the request's field number. */
static enum sl_status enter(struct sl_reflect *reflect, unsigned kind, struct sl_span name,
                            struct entry **ret_entry, bool *ret_is_new,
                            struct sl_error *reterr_error)
{
    if (name.len == 0 || name.len > SL_REFLECT_NAME_MAX) {
        return sl_error_set(reterr_error, SL_LIMIT, "a name of %zu bytes; 1 to %d are taken",
                            name.len, SL_REFLECT_NAME_MAX);
    }
    char key[SL_REFLECT_NAME_MAX + 1];
    struct entry *entry = NULL;
    key[0] = (char)('0' + kind);
    memcpy(key + 1, name.data, name.len);
    HASH_FIND(hh, reflect->entries, key, name.len + 1, entry);
    *ret_is_new = entry == NULL;
    if (entry == NULL) {
        if (HASH_COUNT(reflect->entries) >= SL_REFLECT_NAMES_MAX) {
            return sl_error_set(reterr_error, SL_LIMIT, "more than %d files", SL_REFLECT_NAMES_MAX);
        }
        entry = sl_alloc(sizeof(*entry));
        entry->key_len = name.len + 1;
        entry->key = sl_alloc(entry->key_len);
        memcpy(entry->key, key, entry->key_len);
        HASH_ADD_KEYPTR(hh, reflect->entries, entry->key, entry->key_len, entry);
    }
    *ret_entry = entry;
    return SL_OK;
}

static enum sl_status want(struct sl_reflect *reflect, unsigned kind, struct sl_span name,
                           unsigned depth, struct sl_error *reterr_error)
{
    struct entry *entry = NULL;
    bool is_new = false;
    enum sl_status status = enter(reflect, kind, name, &entry, &is_new, reterr_error);
    if (status != SL_OK || !is_new) {
        return status;
    }
    if (depth > SL_REFLECT_DEPTH_MAX) {
        char text[SL_REFLECT_TEXT_MAX];
        put_text(text, sizeof(text), name);
        return sl_error_set(reterr_error, SL_LIMIT, "imports more than %d deep, down to %.100s",
                            SL_REFLECT_DEPTH_MAX, text);
    }
    entry->depth = depth;
    LL_APPEND_ELEM(reflect->to_ask, reflect->last, entry);
    reflect->last = entry;
    return SL_OK;
}

enum sl_status sl_reflect_want_symbol(struct sl_reflect *reflect, struct sl_span symbol,
                                      struct sl_error *reterr_error)
{
    return want(reflect, REQUEST_SYMBOL, symbol, 0, reterr_error);
}

void sl_reflect_want_services(struct sl_reflect *reflect)
{
    /* The name is not looked at by any server; some refuse an empty one. It is the first entry, so that no limit is
     * met. */
    enum sl_status status = want(reflect, REQUEST_SERVICES, sl_span_str("*"), 0, NULL);
    assert(status == SL_OK || HASH_COUNT(reflect->entries) >= SL_REFLECT_NAMES_MAX);
}

/* ---- requests ---- */

bool sl_reflect_next(struct sl_reflect *reflect, struct sl_buf *request)
{
    while (reflect->asked == NULL && reflect->to_ask != NULL) {
        struct entry *entry = reflect->to_ask;
        reflect->to_ask = entry->next;
        reflect->last = reflect->to_ask == NULL ? NULL : reflect->last;
        if (entry->is_here) { /* it came with another one meanwhile */
            continue;
        }
        struct sl_span name = name_of(entry);
        reflect->asked = entry;
        (void)sl_buf_add_varint(request, (uint64_t)(entry->key[0] - '0') << 3 | SL_WIRE_LEN);
        (void)sl_buf_add_varint(request, name.len);
        (void)sl_buf_add_span(request, name);
        return true;
    }
    return false;
}

void sl_reflect_ask_again(struct sl_reflect *reflect)
{
    struct entry *entry = reflect->asked;
    if (entry != NULL) {
        entry->next = reflect->to_ask;
        reflect->to_ask = entry;
        reflect->last = reflect->last == NULL ? entry : reflect->last;
        reflect->asked = NULL;
    }
}

bool sl_reflect_is_waiting(const struct sl_reflect *reflect)
{
    return reflect->asked != NULL;
}

/* ---- answers ---- */

static void leave_out(struct sl_reflect *reflect, const struct entry *entry, uint64_t code,
                      struct sl_span said)
{
    char name[SL_REFLECT_TEXT_MAX];
    char text[SL_REFLECT_TEXT_MAX];
    if (is_for(entry, REQUEST_FILE) && sl_pool_builtin_has_file(name_of(entry))) {
        return;
    }
    if (reflect->left_out_count++ == 0) {
        put_text(name, sizeof(name), name_of(entry));
        put_text(text, sizeof(text), said);
        (void)snprintf(reflect->left_out, sizeof(reflect->left_out),
                       "the server has no %s %.100s (error %llu%s%.80s)",
                       is_for(entry, REQUEST_FILE)     ? "file"
                       : is_for(entry, REQUEST_SYMBOL) ? "symbol"
                                                       : "list of services",
                       name, (unsigned long long)code, said.len == 0 ? "" : ": ", text);
    }
}

enum {
    GRPC_NOT_FOUND = 5,
};

void sl_reflect_not_found(struct sl_reflect *reflect)
{
    if (reflect->asked != NULL) {
        leave_out(reflect, reflect->asked, GRPC_NOT_FOUND, sl_span(NULL, 0));
        reflect->asked = NULL;
    }
}

static void take_error(struct sl_reflect *reflect, struct sl_span bytes)
{
    struct sl_rd rd;
    struct sl_proto_record record;
    struct sl_span text = sl_span(NULL, 0);
    uint64_t code = 0;
    sl_rd_init(&rd, bytes);
    while (sl_proto_rd_next(&rd, &record)) {
        if (record.number == ERROR_CODE && record.wire == SL_WIRE_VARINT) {
            code = record.value;
        } else if (record.number == ERROR_TEXT && record.wire == SL_WIRE_LEN) {
            text = record.bytes;
        }
    }
    leave_out(reflect, reflect->asked, code, text);
}

/* The pool takes the file, which is then known by its name. */
static enum sl_status take_file(struct sl_reflect *reflect, struct sl_span file,
                                struct sl_error *reterr_error)
{
    struct sl_rd rd;
    struct sl_proto_record record;
    struct sl_span name = sl_span(NULL, 0);
    struct entry *entry = NULL;
    bool is_new = false;
    sl_rd_init(&rd, file);
    while (sl_proto_rd_next(&rd, &record)) {
        if (record.number == FILE_NAME && record.wire == SL_WIRE_LEN) {
            name = record.bytes;
        }
    }
    if (!sl_rd_ok(&rd)) {
        return sl_error_set(reterr_error, SL_MALFORMED, "a file that is no FileDescriptorProto");
    }
    enum sl_status status = enter(reflect, REQUEST_FILE, name, &entry, &is_new, reterr_error);
    if (status != SL_OK || entry->is_here) {
        return status;
    }
    entry->is_here = true;
    entry->depth = is_new ? reflect->asked->depth : entry->depth;
    return sl_pool_add_file(reflect->pool, file, reterr_error);
}

/* What the file imports and nobody has yet is wanted. */
static enum sl_status take_imports(struct sl_reflect *reflect, struct sl_span file,
                                   struct sl_error *reterr_error)
{
    struct sl_rd rd;
    struct sl_proto_record record;
    enum sl_status status = SL_OK;
    sl_rd_init(&rd, file);
    while (status == SL_OK && sl_proto_rd_next(&rd, &record)) {
        if (record.number == FILE_DEPENDENCY && record.wire == SL_WIRE_LEN &&
            !sl_pool_has_file(reflect->pool, record.bytes)) {
            status =
                want(reflect, REQUEST_FILE, record.bytes, reflect->asked->depth + 1, reterr_error);
        }
    }
    return status;
}

/* Those of one answer: all are taken before the first import is missed. */
static enum sl_status take_files(struct sl_reflect *reflect, struct sl_span files,
                                 struct sl_error *reterr_error)
{
    enum sl_status status = SL_OK;
    for (int pass = 0; pass < 2; pass++) {
        struct sl_rd rd;
        struct sl_proto_record record;
        sl_rd_init(&rd, files);
        while (status == SL_OK && sl_proto_rd_next(&rd, &record)) {
            if (record.number == FILES_FILE && record.wire == SL_WIRE_LEN) {
                status = pass == 0 ? take_file(reflect, record.bytes, reterr_error)
                                   : take_imports(reflect, record.bytes, reterr_error);
            }
        }
        if (status == SL_OK && !sl_rd_ok(&rd)) {
            return sl_error_set(reterr_error, SL_MALFORMED, "an answer that is not well-formed");
        }
    }
    return status;
}

/* What is declared where each service of the list is, is wanted. */
static enum sl_status take_services(struct sl_reflect *reflect, struct sl_span services,
                                    struct sl_error *reterr_error)
{
    struct sl_rd rd;
    struct sl_proto_record record;
    enum sl_status status = SL_OK;
    sl_rd_init(&rd, services);
    while (status == SL_OK && sl_proto_rd_next(&rd, &record)) {
        struct sl_rd inner;
        struct sl_proto_record field;
        sl_rd_init(&inner, record.number == SERVICES_SERVICE && record.wire == SL_WIRE_LEN
                               ? record.bytes
                               : sl_span(NULL, 0));
        while (status == SL_OK && sl_proto_rd_next(&inner, &field)) {
            if (field.number == SERVICE_NAME && field.wire == SL_WIRE_LEN) {
                status = want(reflect, REQUEST_SYMBOL, field.bytes, 0, reterr_error);
            }
        }
        if (!sl_rd_ok(&inner)) {
            sl_rd_fail(&rd);
        }
    }
    if (status == SL_OK && !sl_rd_ok(&rd)) {
        return sl_error_set(reterr_error, SL_MALFORMED, "a list that is not well-formed");
    }
    return status;
}

enum sl_status sl_reflect_answer(struct sl_reflect *reflect, struct sl_span response,
                                 struct sl_error *reterr_error)
{
    struct sl_rd rd;
    struct sl_proto_record record;
    enum sl_status status = SL_OK;
    bool is_answer = false;
    if (reflect->asked == NULL) {
        return sl_error_set(reterr_error, SL_STATE, "an answer that was not asked for");
    }
    if (response.len > reflect->bytes_left) {
        return sl_error_set(reterr_error, SL_LIMIT, "more than %d bytes of answers",
                            SL_REFLECT_BYTES_MAX);
    }
    reflect->bytes_left -= response.len;
    sl_rd_init(&rd, response);
    while (status == SL_OK && sl_proto_rd_next(&rd, &record)) {
        if (record.wire != SL_WIRE_LEN) {
            continue;
        }
        if (record.number == RESPONSE_ERROR) {
            take_error(reflect, record.bytes);
            is_answer = true;
        } else if (record.number == RESPONSE_FILES) {
            status = take_files(reflect, record.bytes, reterr_error);
            is_answer = true;
        } else if (record.number == RESPONSE_SERVICES && is_for(reflect->asked, REQUEST_SERVICES)) {
            status = take_services(reflect, record.bytes, reterr_error);
            is_answer = true;
        }
    }
    if (status == SL_OK && (!sl_rd_ok(&rd) || !is_answer)) {
        return sl_error_set(reterr_error, SL_MALFORMED, "an answer without files or an error");
    }
    reflect->asked = NULL;
    return status;
}

const char *sl_reflect_left_out(const struct sl_reflect *reflect)
{
    return reflect->left_out;
}

size_t sl_reflect_left_out_count(const struct sl_reflect *reflect)
{
    return reflect->left_out_count;
}
