/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/proto_feed.h"
#include "lib/schema/proto_time.h"
#include "lib/schema/protojson_writer.h"

/* Reads a message whose fields 1 and 2 are all that counts: the last record of each. False, and
 * writing has stopped, when it is malformed. */
static bool two_fields(struct sl_protojson_writer *w, const struct sl_message_type *type,
                       struct sl_span bytes, const struct sl_proto_path *path,
                       struct sl_proto_record last[2])
{
    struct sl_rd rd;
    struct sl_proto_record record;
    sl_rd_init(&rd, bytes);
    while (sl_proto_rd_next(&rd, &record)) {
        if (sl_proto_feed_field(w->pool, type, &record) != NULL) {
            last[record.number - 1] = record;
        } else {
            sl_protojson_unknown(w, &record, path);
        }
    }
    if (!sl_rd_ok(&rd)) {
        sl_protojson_stop(w, SL_MALFORMED, path,
                          "the bytes are cut short or are no protobuf message");
    }
    return sl_rd_ok(&rd);
}

/* The type that a type URL names: what stands after its last slash. */
static struct sl_span type_name(struct sl_span url)
{
    size_t at = url.len;
    while (at > 0 && url.data[at - 1] != '/') {
        at--;
    }
    return sl_span_from(url, at);
}

/* True for types that are not written as an object of their fields; inside an Any their form stands
 * as "value". */
static bool is_special(const struct sl_message_type *type)
{
    return type->well_known != SL_WKT_NONE && type->well_known != SL_WKT_EMPTY;
}

void sl_protojson_any(struct sl_protojson_writer *w, const struct sl_message_type *type,
                      struct sl_span bytes, const struct sl_proto_path *path)
{
    struct sl_proto_record last[2] = {{0}};
    bool is_whole = two_fields(w, type, bytes, path, last);
    struct sl_span url = last[0].bytes;
    struct sl_span value = last[1].bytes;
    sl_json_out_begin_object(w->out);
    if (is_whole && (url.len > 0 || value.len > 0)) {
        const struct sl_message_type *inner = sl_pool_message(w->pool, type_name(url));
        if (type_name(url).len == url.len) { /* any.proto: one slash at least */
            sl_protojson_problem(w, SL_MALFORMED, path, "the type URL of an Any has no slash");
        }
        sl_json_out_key(w->out, "@type");
        sl_protojson_scalar(w, &type->fields[0], &last[0], path);
        if (inner == NULL) {
            sl_json_out_key(w->out, "value");
            sl_json_out_base64(w->out, value);
        } else if (is_special(inner)) {
            sl_json_out_key(w->out, "value");
            sl_protojson_message(w, inner, value, path);
        } else if (w->depth > SL_PROTO_DEPTH_MAX) {
            sl_protojson_stop(w, SL_LIMIT, path, "messages nest deeper than allowed");
        } else {
            w->depth++;
            sl_protojson_members(w, inner, value, path);
            w->depth--;
        }
    }
    sl_json_out_end_object(w->out);
}

void sl_protojson_time(struct sl_protojson_writer *w, const struct sl_message_type *type,
                       struct sl_span bytes, const struct sl_proto_path *path)
{
    struct sl_proto_record last[2] = {{0}};
    bool is_whole = two_fields(w, type, bytes, path, last);
    struct sl_proto_time time = {(int64_t)last[0].value, (int32_t)last[1].value};
    char text[SL_PROTO_TIME_MAX];
    enum sl_status status = type->well_known == SL_WKT_TIMESTAMP
                                ? sl_proto_time_timestamp_text(time, text)
                                : sl_proto_time_duration_text(time, text);
    if (is_whole && status == SL_OK) {
        sl_json_out_str(w->out, text);
        return;
    }
    if (is_whole) {
        sl_protojson_problem(w, SL_MALFORMED, path,
                             type->well_known == SL_WKT_TIMESTAMP
                                 ? "a timestamp is outside the years 1 to 9999"
                                 : "a duration is out of range or has two signs");
    }
    sl_json_out_null(w->out);
}

/* Appends one path in camel case. False when its camel case would not read back as the same path. */
static bool add_mask_path(struct sl_buf *out, struct sl_span path)
{
    bool is_reversible = true;
    bool is_upper_next = false;
    for (size_t i = 0; i < path.len; i++) {
        uint8_t c = path.data[i];
        bool is_lower = c >= 'a' && c <= 'z';
        if ((c >= 'A' && c <= 'Z') || c == ',' || (is_upper_next && !is_lower)) {
            is_reversible = false;
        }
        if (c == '_') {
            is_upper_next = true;
            continue;
        }
        (void)sl_buf_add_u8(out, is_upper_next && is_lower ? (uint8_t)(c - 'a' + 'A') : c);
        is_upper_next = false;
    }
    return is_reversible && !is_upper_next;
}

void sl_protojson_field_mask(struct sl_protojson_writer *w, const struct sl_message_type *type,
                             struct sl_span bytes, const struct sl_proto_path *path)
{
    struct sl_buf text;
    struct sl_rd rd;
    struct sl_proto_record record;
    size_t count = 0;
    bool is_reversible = true;
    sl_buf_init(&text, bytes.len); /* a path and its comma are shorter than its record */
    sl_rd_init(&rd, bytes);
    while (sl_proto_rd_next(&rd, &record)) {
        if (sl_proto_feed_field(w->pool, type, &record) == NULL) {
            sl_protojson_unknown(w, &record, path);
            continue;
        }
        if (count++ > 0) {
            (void)sl_buf_add_u8(&text, ',');
        }
        is_reversible = add_mask_path(&text, record.bytes) && is_reversible;
    }
    if (!sl_rd_ok(&rd)) {
        sl_protojson_stop(w, SL_MALFORMED, path,
                          "the bytes are cut short or are no protobuf message");
    } else if (!is_reversible) {
        sl_protojson_problem(w, SL_MALFORMED, path, "a field mask's path has no JSON form");
    }
    sl_json_out_span(w->out, sl_buf_span(&text));
    sl_buf_release(&text);
}
