/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/protojson_writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/utf8.h"
#include "lib/schema/proto_feed.h"
#include "lib/schema/raw_write.h"

/* How the fields of a message are written. */
enum mode {
    MODE_MEMBERS, /* "name": value */
    MODE_BARE,    /* the value alone, as the type has but one: Struct, Value, ListValue, wrappers */
    MODE_ENTRY,   /* the value of a map entry alone; its key was written before */
};

/* A message on its way through the feed. item is the record that comes next, while has_item. */
struct walk {
    struct sl_proto_feed feed;
    struct sl_proto_item item;
    bool has_item;
    enum mode mode;
    const struct sl_proto_path *path;
    bool has_written; /* some value */
};

void sl_protojson_problem(struct sl_protojson_writer *w, enum sl_status status,
                          const struct sl_proto_path *path, const char *what)
{
    if (w->status != SL_OK) {
        return;
    }
    char where[SL_PROTO_PATH_MAX];
    w->status = status;
    w->result->is_malformed = true;
    (void)snprintf(w->result->problem, sizeof(w->result->problem), "%s: %s",
                   sl_proto_path_text(path, where), what);
}

void sl_protojson_stop(struct sl_protojson_writer *w, enum sl_status status,
                       const struct sl_proto_path *path, const char *what)
{
    sl_protojson_problem(w, status, path, what);
    w->is_stopped = true;
}

void sl_protojson_unknown(struct sl_protojson_writer *w, const struct sl_proto_record *record,
                          const struct sl_proto_path *path)
{
    if (w->unknown.buf == NULL) {
        return;
    }
    if (!w->result->has_unknown) {
        w->result->has_unknown = true;
        sl_json_out_begin_array(&w->unknown);
    }
    char where[SL_PROTO_PATH_MAX];
    sl_raw_write_record(&w->unknown, record, path == NULL ? NULL : sl_proto_path_text(path, where));
}

static void next(struct sl_protojson_writer *w, struct walk *walk)
{
    if (w->out->buf->is_full) {
        sl_protojson_stop(w, SL_LIMIT, walk->path, "the JSON is larger than allowed");
    }
    walk->has_item = !w->is_stopped && sl_proto_feed_next(&walk->feed, &walk->item);
}

/* The next record, when it is one more of this field; others of its number go to the unknown. */
static bool is_more(struct sl_protojson_writer *w, struct walk *walk, const struct sl_field *field)
{
    next(w, walk);
    while (walk->has_item && walk->item.record.number == field->number) {
        if (walk->item.field != NULL) {
            return true;
        }
        sl_protojson_unknown(w, &walk->item.record, walk->path);
        next(w, walk);
    }
    return false;
}

/* Before the value of a field: its name, where this message's mode wants one. */
static void name(struct sl_protojson_writer *w, struct walk *walk, const struct sl_field *field)
{
    walk->has_written = true;
    if (walk->mode == MODE_MEMBERS) {
        sl_json_out_key_span(w->out, sl_span_str(field->json_name));
    }
}

/* Where the field's value stands; a bare one stands where its message does. */
static const struct sl_proto_path *place(const struct walk *walk, const struct sl_field *field,
                                         struct sl_proto_path *step)
{
    if (walk->mode != MODE_MEMBERS) {
        return walk->path;
    }
    *step = (struct sl_proto_path){walk->path, sl_span_str(field->json_name), 0};
    return step;
}

static void one_value(struct sl_protojson_writer *w, const struct sl_field *field,
                      const struct sl_proto_record *record, const struct sl_proto_path *path)
{
    if (field->message != NULL) {
        sl_protojson_message(w, field->message, record->bytes, path);
    } else {
        sl_protojson_scalar(w, field, record, path);
    }
}

/* True for the number that google.protobuf.Value cannot hold in JSON. */
static bool is_odd_number(const struct walk *walk, const struct sl_field *field,
                          const struct sl_proto_record *record)
{
    const uint64_t exponent = UINT64_C(0x7ff) << 52; /* all ones in NaN and the infinities */
    return walk->feed.type->well_known == SL_WKT_VALUE && field->type == SL_TYPE_DOUBLE &&
           (record->value & exponent) == exponent;
}

/* A field without repetition: the last value counts. */
static void scalar_run(struct sl_protojson_writer *w, struct walk *walk)
{
    const struct sl_field *field = walk->item.field;
    struct sl_proto_record last = walk->item.record;
    struct sl_proto_path step;
    while (is_more(w, walk, field)) {
        last = walk->item.record;
    }
    if (field->has_presence || !sl_protojson_is_default(field, &last)) {
        if (is_odd_number(walk, field, &last)) {
            sl_protojson_problem(w, SL_MALFORMED, walk->path, "NaN or Infinity in a Value");
        }
        name(w, walk, field);
        sl_protojson_scalar(w, field, &last, place(walk, field, &step));
    }
}

/* A message that came in several parts is what the parts make when put together. */
static void merged_message(struct sl_protojson_writer *w, struct walk *walk,
                           const struct sl_field *field, struct sl_span first,
                           const struct sl_proto_path *path)
{
    struct sl_buf whole;
    sl_buf_init(&whole, SL_PROTOJSON_MERGE_MAX - w->merge_bytes);
    (void)sl_buf_add_span(&whole, first);
    do {
        (void)sl_buf_add_span(&whole, walk->item.record.bytes);
    } while (is_more(w, walk, field));
    if (whole.is_full) {
        sl_protojson_stop(w, SL_LIMIT, path, "the parts of a message are larger than allowed");
        sl_buf_clear(&whole);
    }
    w->merge_bytes += whole.len;
    sl_protojson_message(w, field->message, sl_buf_span(&whole), path);
    w->merge_bytes -= whole.len;
    sl_buf_release(&whole);
}

static void message_run(struct sl_protojson_writer *w, struct walk *walk)
{
    const struct sl_field *field = walk->item.field;
    struct sl_span bytes = walk->item.record.bytes;
    struct sl_proto_path step;
    name(w, walk, field);
    const struct sl_proto_path *path = place(walk, field, &step);
    if (is_more(w, walk, field)) {
        merged_message(w, walk, field, bytes, path);
    } else {
        sl_protojson_message(w, field->message, bytes, path);
    }
}

/* An array that is opened when its first element comes. */
struct array {
    const struct sl_field *field;
    const struct sl_proto_path *path;
    size_t count;
};

static void element(struct sl_protojson_writer *w, struct walk *walk, struct array *array,
                    const struct sl_proto_record *record)
{
    if (array->count == 0) {
        name(w, walk, array->field);
        sl_json_out_begin_array(w->out);
    }
    struct sl_proto_path step = {.parent = array->path, .index = array->count};
    array->count++;
    one_value(w, array->field, record, &step);
}

static void packed_elements(struct sl_protojson_writer *w, struct walk *walk, struct array *array,
                            struct sl_span bytes)
{
    const struct sl_field *field = array->field;
    struct sl_proto_record record = {.number = field->number, .wire = sl_proto_feed_wire(field)};
    struct sl_rd rd;
    sl_rd_init(&rd, bytes);
    while (sl_rd_left(&rd) > 0 && !w->out->buf->is_full) {
        record.value = record.wire == SL_WIRE_VARINT    ? sl_proto_rd_varint(&rd)
                       : record.wire == SL_WIRE_FIXED32 ? sl_rd_le32(&rd)
                                                        : sl_rd_le64(&rd);
        if (!sl_rd_ok(&rd)) {
            sl_protojson_stop(w, SL_MALFORMED, array->path, "packed values are cut short");
            return;
        }
        bool is_unknown = field->type == SL_TYPE_ENUM && field->enumeration->is_closed &&
                          sl_enum_type_name(field->enumeration, (int32_t)record.value) == NULL;
        if (is_unknown) {
            sl_protojson_unknown(w, &record, walk->path);
        } else {
            element(w, walk, array, &record);
        }
    }
}

static void array_run(struct sl_protojson_writer *w, struct walk *walk)
{
    struct sl_proto_path step;
    struct array array = {.field = walk->item.field};
    array.path = place(walk, array.field, &step);
    do {
        const struct sl_proto_record *record = &walk->item.record;
        if (record->wire == sl_proto_feed_wire(array.field)) {
            element(w, walk, &array, record);
        } else {
            packed_elements(w, walk, &array, record->bytes);
        }
    } while (is_more(w, walk, array.field));
    if (array.count > 0) {
        sl_json_out_end_array(w->out);
    }
}

/* One entry of a map. */
struct entry {
    struct sl_span text; /* its key, when that is a string */
    uint64_t rank;       /* otherwise the key, as an unsigned number that sorts as the key does */
    struct sl_span bytes;
};

static bool is_signed_key(const struct sl_field *key)
{
    return key->type == SL_TYPE_INT32 || key->type == SL_TYPE_INT64 ||
           key->type == SL_TYPE_SINT32 || key->type == SL_TYPE_SINT64 ||
           key->type == SL_TYPE_SFIXED32 || key->type == SL_TYPE_SFIXED64;
}

#define SIGN_BIT (UINT64_C(1) << 63)

/* The key of an entry. False when the entry is to go to the unknown fields, as its value is a number
 * that a closed enum does not have. */
static bool read_entry(struct sl_protojson_writer *w, const struct sl_field *field,
                       struct sl_span bytes, struct entry *ret_entry)
{
    const struct sl_field *key = &field->message->fields[0];
    const struct sl_field *value = &field->message->fields[1];
    bool is_closed = value->type == SL_TYPE_ENUM && value->enumeration->is_closed;
    bool is_known = true;
    struct sl_rd rd;
    struct sl_proto_record record;
    *ret_entry = (struct entry){.rank = is_signed_key(key) ? SIGN_BIT : 0, .bytes = bytes};
    sl_rd_init(&rd, bytes);
    while (sl_proto_rd_next(&rd, &record)) {
        bool is_known_field = sl_proto_feed_field(w->pool, field->message, &record) != NULL;
        if (record.number == 1 && is_known_field) {
            uint64_t number = (uint64_t)sl_protojson_integer(key, record.value);
            ret_entry->text = record.bytes;
            ret_entry->rank = is_signed_key(key) ? number ^ SIGN_BIT : number;
        } else if (record.number == 2 && is_closed && record.wire == SL_WIRE_VARINT) {
            is_known = is_known_field;
        }
    }
    return is_known;
}

static int by_key(const void *a, const void *b)
{
    const struct entry *left = a;
    const struct entry *right = b;
    if (left->rank != right->rank) {
        return left->rank < right->rank ? -1 : 1;
    }
    size_t shared = left->text.len < right->text.len ? left->text.len : right->text.len;
    int order = shared == 0 ? 0 : memcmp(left->text.data, right->text.data, shared);
    if (order == 0 && left->text.len != right->text.len) {
        order = left->text.len < right->text.len ? -1 : 1;
    }
    if (order == 0) { /* one key twice: in wire order, which is that of the addresses */
        order = left->bytes.data < right->bytes.data ? -1 : left->bytes.data > right->bytes.data;
    }
    return order;
}

static bool walk_fields(struct sl_protojson_writer *w, const struct sl_message_type *type,
                        struct sl_span bytes, enum mode mode, const struct sl_proto_path *path);

/* The value of a field that is not on the wire. */
static void default_value(struct sl_protojson_writer *w, const struct sl_field *field,
                          const struct sl_proto_path *path)
{
    const struct sl_proto_record nothing = {.number = field->number};
    one_value(w, field, &nothing, path);
}

static void write_entry(struct sl_protojson_writer *w, const struct sl_field *field,
                        const struct entry *entry, const struct sl_proto_path *path)
{
    const struct sl_field *key = &field->message->fields[0];
    struct sl_span text = entry->text;
    char number[24];
    if (key->type == SL_TYPE_BOOL) {
        text = sl_span_str(entry->rank != 0 ? "true" : "false");
    } else if (is_signed_key(key)) {
        (void)snprintf(number, sizeof(number), "%" PRId64, (int64_t)(entry->rank ^ SIGN_BIT));
        text = sl_span_str(number);
    } else if (key->type != SL_TYPE_STRING) {
        (void)snprintf(number, sizeof(number), "%" PRIu64, entry->rank);
        text = sl_span_str(number);
    }
    struct sl_proto_path step = {path, text.len == 0 ? sl_span_str("\"\"") : text, 0};
    if (key->is_utf8_checked && !sl_utf8_is_valid(text)) {
        step.name = sl_span_str("?");
        sl_protojson_problem(w, SL_MALFORMED, &step, "a key is not valid UTF-8");
    }
    sl_json_out_key_span(w->out, text);
    if (!walk_fields(w, field->message, entry->bytes, MODE_ENTRY, &step)) {
        default_value(w, &field->message->fields[1], &step);
    }
}

/* Reads all entries of a map into a buffer of struct entry. */
static void collect_entries(struct sl_protojson_writer *w, struct walk *walk,
                            const struct sl_field *field, struct sl_buf *entries)
{
    do {
        struct entry entry;
        if (read_entry(w, field, walk->item.record.bytes, &entry)) {
            (void)sl_buf_add(entries, &entry, sizeof(entry));
        } else {
            sl_protojson_unknown(w, &walk->item.record, walk->path);
        }
    } while (is_more(w, walk, field));
    if (entries->is_full) {
        sl_protojson_stop(w, SL_LIMIT, walk->path, "a map has more entries than allowed");
    }
}

/* A map as an object: sorted by key, as every language writes maps in an order of its own; of several
 * entries with one key the last counts. */
static void map_run(struct sl_protojson_writer *w, struct walk *walk)
{
    const struct sl_field *field = walk->item.field;
    struct sl_proto_path step;
    const struct sl_proto_path *path = place(walk, field, &step);
    struct sl_buf buf;
    sl_buf_init(&buf, SL_PROTO_INDEX_MAX);
    collect_entries(w, walk, field, &buf);
    size_t count = buf.len / sizeof(struct entry);
    struct entry *entries = (struct entry *)(void *)buf.data;
    if (count > 0) {
        qsort(entries, count, sizeof(*entries), by_key);
        name(w, walk, field);
        sl_json_out_begin_object(w->out);
        for (size_t i = 0; i < count && !w->is_stopped; i++) {
            bool is_last = i + 1 == count || entries[i].rank != entries[i + 1].rank ||
                           !sl_span_equal(entries[i].text, entries[i + 1].text);
            if (is_last) {
                write_entry(w, field, &entries[i], path);
            }
        }
        sl_json_out_end_object(w->out);
    }
    sl_buf_release(&buf);
}

/* All fields of a message in the given mode; true when a value was written. */
static bool walk_fields(struct sl_protojson_writer *w, const struct sl_message_type *type,
                        struct sl_span bytes, enum mode mode, const struct sl_proto_path *path)
{
    struct walk walk = {.mode = mode, .path = path};
    enum sl_status status = sl_proto_feed_init(&walk.feed, w->pool, type, bytes);
    next(w, &walk);
    while (walk.has_item && !w->is_stopped) {
        const struct sl_field *field = walk.item.field;
        if (field == NULL) {
            sl_protojson_unknown(w, &walk.item.record, path);
            next(w, &walk);
        } else if (mode == MODE_ENTRY && field->number == 1) {
            next(w, &walk);
        } else if (field->is_map) {
            map_run(w, &walk);
        } else if (field->is_repeated) {
            array_run(w, &walk);
        } else if (field->message != NULL) {
            message_run(w, &walk);
        } else {
            scalar_run(w, &walk);
        }
    }
    if (status == SL_LIMIT) {
        sl_protojson_stop(w, status, path, "a message has more fields than allowed");
    } else if (status != SL_OK) {
        sl_protojson_stop(w, status, path, "the bytes are cut short or are no protobuf message");
    }
    sl_proto_feed_release(&walk.feed);
    return walk.has_written;
}

void sl_protojson_members(struct sl_protojson_writer *w, const struct sl_message_type *type,
                          struct sl_span bytes, const struct sl_proto_path *path)
{
    (void)walk_fields(w, type, bytes, MODE_MEMBERS, path);
}

/* A type whose one value stands for it, or what that value is when it is not there. */
static void bare(struct sl_protojson_writer *w, const struct sl_message_type *type,
                 struct sl_span bytes, const struct sl_proto_path *path)
{
    if (walk_fields(w, type, bytes, MODE_BARE, path)) {
        return;
    }
    switch ((int)type->well_known) {
    case SL_WKT_STRUCT:
        sl_json_out_begin_object(w->out);
        sl_json_out_end_object(w->out);
        break;
    case SL_WKT_LIST_VALUE:
        sl_json_out_begin_array(w->out);
        sl_json_out_end_array(w->out);
        break;
    case SL_WKT_VALUE:
        sl_json_out_null(w->out);
        break;
    default:
        default_value(w, &type->fields[0], path);
        break;
    }
}

void sl_protojson_message(struct sl_protojson_writer *w, const struct sl_message_type *type,
                          struct sl_span bytes, const struct sl_proto_path *path)
{
    if (w->depth > SL_PROTO_DEPTH_MAX) {
        sl_protojson_stop(w, SL_LIMIT, path, "messages nest deeper than allowed");
        sl_json_out_null(w->out);
        return;
    }
    w->depth++;
    switch (type->well_known) {
    case SL_WKT_ANY:
        sl_protojson_any(w, type, bytes, path);
        break;
    case SL_WKT_TIMESTAMP:
    case SL_WKT_DURATION:
        sl_protojson_time(w, type, bytes, path);
        break;
    case SL_WKT_FIELD_MASK:
        sl_protojson_field_mask(w, type, bytes, path);
        break;
    case SL_WKT_STRUCT:
    case SL_WKT_VALUE:
    case SL_WKT_LIST_VALUE:
    case SL_WKT_WRAPPER:
        bare(w, type, bytes, path);
        break;
    case SL_WKT_NONE:
    case SL_WKT_EMPTY:
        sl_json_out_begin_object(w->out);
        sl_protojson_members(w, type, bytes, path);
        sl_json_out_end_object(w->out);
        break;
    }
    w->depth--;
}

enum sl_status sl_protojson_write(const struct sl_pool *pool, const struct sl_message_type *type,
                                  struct sl_span bytes, struct sl_json_out *out,
                                  struct sl_buf *unknown, struct sl_protojson_result *ret_result)
{
    struct sl_protojson_writer w = {.pool = pool, .out = out, .result = ret_result};
    *ret_result = (struct sl_protojson_result){0};
    sl_json_out_init(&w.unknown, unknown);
    sl_protojson_message(&w, type, bytes, NULL);
    if (ret_result->has_unknown) {
        sl_json_out_end_array(&w.unknown);
    }
    return w.status;
}
