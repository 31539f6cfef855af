/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/raw_write.h"

#include "lib/base/utf8.h"
#include "lib/schema/protojson.h"

enum {
    PACKED_VARINT_MAX = 2, /* bytes of each element: longer ones are too often chance */
};

/* Numbers up to here are exact in every JSON reader; larger ones are written as strings. */
#define EXACT_MAX ((UINT64_C(1) << 53) - 1)

enum shape { SHAPE_STRING, SHAPE_MESSAGE, SHAPE_PACKED, SHAPE_BYTES };

/* How text-like bytes are: 0 not at all, 1 with line breaks and tabs, 2 without. */
static int textness(struct sl_span bytes)
{
    int answer = 2;
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t c = bytes.data[i];
        if (c == '\t' || c == '\n' || c == '\r') {
            answer = 1;
        } else if (c < 0x20 || c == 0x7f) {
            return 0;
        }
    }
    return sl_utf8_is_valid(bytes) ? answer : 0;
}

/* True when all bytes are short varints, each in its shortest form, two at least. */
static bool is_packed(struct sl_span bytes)
{
    size_t count = 0;
    size_t run = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        run++;
        bool is_last = bytes.data[i] < 0x80;
        if (run > PACKED_VARINT_MAX || (is_last && run > 1 && bytes.data[i] == 0)) {
            return false;
        }
        if (is_last) {
            count++;
            run = 0;
        }
    }
    return run == 0 && count >= 2;
}

/* What a length-delimited payload most likely is. Text without a control character is text, though
 * it may parse as a message by chance; with line breaks it is text only when it is no message, as a line
 * feed is also the tag of field 1. */
static enum shape guess(struct sl_span bytes, unsigned depth)
{
    int text = textness(bytes);
    if (text == 2) {
        return SHAPE_STRING;
    }
    if (depth < SL_PROTO_DEPTH_MAX && sl_proto_rd_count(bytes) > 0) {
        return SHAPE_MESSAGE;
    }
    if (text == 1) {
        return SHAPE_STRING;
    }
    return is_packed(bytes) ? SHAPE_PACKED : SHAPE_BYTES;
}

static void number(struct sl_json_out *out, uint64_t value)
{
    if (value <= EXACT_MAX) {
        sl_json_out_u64(out, value);
        return;
    }
    char text[24];
    size_t at = sizeof(text);
    for (; value > 0; value /= 10) {
        text[--at] = (char)('0' + value % 10);
    }
    sl_json_out_span(out, sl_span(text + at, sizeof(text) - at));
}

static void fields(struct sl_json_out *out, struct sl_span bytes, unsigned depth);

/* "type" and "value" of a payload. */
static void payload(struct sl_json_out *out, struct sl_span bytes, unsigned depth)
{
    switch (guess(bytes, depth)) {
    case SHAPE_STRING:
        sl_json_out_key_str(out, "type", "string");
        sl_json_out_key(out, "value");
        sl_json_out_span(out, bytes);
        break;
    case SHAPE_MESSAGE:
        sl_json_out_key_str(out, "type", "message");
        sl_json_out_key(out, "value");
        fields(out, bytes, depth + 1);
        break;
    case SHAPE_PACKED: {
        struct sl_rd rd;
        sl_rd_init(&rd, bytes);
        sl_json_out_key_str(out, "type", "packed");
        sl_json_out_key(out, "value");
        sl_json_out_begin_array(out);
        while (sl_rd_left(&rd) > 0) {
            number(out, sl_rd_varint(&rd));
        }
        sl_json_out_end_array(out);
        break;
    }
    case SHAPE_BYTES:
        sl_json_out_key_str(out, "type", "bytes");
        sl_json_out_key(out, "value");
        sl_json_out_base64(out, bytes);
        break;
    }
}

static void record_members(struct sl_json_out *out, const struct sl_proto_record *record,
                           unsigned depth)
{
    static const char *const types[] = {
        [SL_WIRE_VARINT] = "varint", [SL_WIRE_FIXED64] = "fixed64", [SL_WIRE_FIXED32] = "fixed32"};
    sl_json_out_key_u64(out, "field", record->number);
    if (record->wire == SL_WIRE_LEN) {
        payload(out, record->bytes, depth);
    } else if (record->wire == SL_WIRE_GROUP && depth < SL_PROTO_DEPTH_MAX) {
        sl_json_out_key_str(out, "type", "group");
        sl_json_out_key(out, "value");
        fields(out, record->bytes, depth + 1);
    } else if (record->wire == SL_WIRE_GROUP) {
        sl_json_out_key_str(out, "type", "bytes");
        sl_json_out_key(out, "value");
        sl_json_out_base64(out, record->bytes);
    } else {
        sl_json_out_key_str(out, "type", types[record->wire]);
        sl_json_out_key(out, "value");
        number(out, record->value);
    }
}

/* The records of a well-formed message as an array. */
static void fields(struct sl_json_out *out, struct sl_span bytes, unsigned depth)
{
    struct sl_rd rd;
    struct sl_proto_record record;
    sl_rd_init(&rd, bytes);
    sl_json_out_begin_array(out);
    while (!out->buf->is_full && sl_proto_rd_next(&rd, &record)) {
        sl_json_out_begin_object(out);
        record_members(out, &record, depth);
        sl_json_out_end_object(out);
    }
    sl_json_out_end_array(out);
}

void sl_raw_write_record(struct sl_json_out *out, const struct sl_proto_record *record,
                         const char *path)
{
    sl_json_out_begin_object(out);
    record_members(out, record, 0);
    if (path != NULL) {
        sl_json_out_key_str(out, "path", path);
    }
    sl_json_out_end_object(out);
}

enum sl_status sl_raw_write(struct sl_span bytes, struct sl_json_out *out)
{
    if (sl_proto_rd_count(bytes) < 0) {
        sl_json_out_null(out);
        return SL_MALFORMED;
    }
    fields(out, bytes, 0);
    return SL_OK;
}
