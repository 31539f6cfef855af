/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/raw_write.h"

#include "lib/schema/protojson_writer.h"
#include "lib/schema/raw_guess.h"

/* Numbers up to here are exact in every JSON reader; larger ones are written as strings. */
#define EXACT_MAX ((UINT64_C(1) << 53) - 1)

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

/* The value as a float or double. */
static void real(struct sl_json_out *out, uint64_t bits, bool is_float)
{
    if (is_float) {
        uint32_t half = (uint32_t)bits;
        float value;
        memcpy(&value, &half, sizeof(value));
        sl_protojson_real(out, (double)value, true);
    } else {
        double value;
        memcpy(&value, &bits, sizeof(value));
        sl_protojson_real(out, value, false);
    }
}

static uint64_t next_packed(struct sl_rd *rd, enum sl_raw_shape shape)
{
    return shape == SL_RAW_VARINTS    ? sl_rd_varint(rd)
           : shape == SL_RAW_FIXED32S ? sl_rd_le32(rd)
                                      : sl_rd_le64(rd);
}

/* Of fixed32 and fixed64 that may be floats: those as well. */
static void packed_reals(struct sl_json_out *out, struct sl_span bytes, enum sl_raw_shape shape)
{
    bool is_float = shape == SL_RAW_FIXED32S;
    bool are_reals = true;
    struct sl_rd rd;
    sl_rd_init(&rd, bytes);
    while (sl_rd_left(&rd) > 0 && are_reals) {
        uint64_t bits = next_packed(&rd, shape);
        are_reals = is_float ? sl_raw_is_float((uint32_t)bits) : sl_raw_is_double(bits);
    }
    if (!are_reals) {
        return;
    }
    sl_json_out_key(out, is_float ? "float" : "double");
    sl_json_out_begin_array(out);
    sl_rd_init(&rd, bytes);
    while (sl_rd_left(&rd) > 0 && !out->buf->is_full) {
        real(out, next_packed(&rd, shape), is_float);
    }
    sl_json_out_end_array(out);
}

static void packed(struct sl_json_out *out, struct sl_span bytes, enum sl_raw_shape shape)
{
    struct sl_rd rd;
    sl_rd_init(&rd, bytes);
    sl_json_out_key_str(out, "type", "packed");
    sl_json_out_key_str(out, "of",
                        shape == SL_RAW_VARINTS    ? "varint"
                        : shape == SL_RAW_FIXED32S ? "fixed32"
                                                   : "fixed64");
    sl_json_out_key(out, "value");
    sl_json_out_begin_array(out);
    while (sl_rd_left(&rd) > 0 && !out->buf->is_full) {
        number(out, next_packed(&rd, shape));
    }
    sl_json_out_end_array(out);
    if (shape != SL_RAW_VARINTS) {
        packed_reals(out, bytes, shape);
    }
}

/* "type" and "value" of a payload. */
static void payload(struct sl_json_out *out, struct sl_span bytes, unsigned depth)
{
    enum sl_raw_shape shape = sl_raw_guess(bytes, depth < SL_PROTO_DEPTH_MAX);
    switch (shape) {
    case SL_RAW_STRING:
        sl_json_out_key_str(out, "type", "string");
        sl_json_out_key(out, "value");
        sl_json_out_span(out, bytes);
        break;
    case SL_RAW_MESSAGE:
        sl_json_out_key_str(out, "type", "message");
        sl_json_out_key(out, "value");
        fields(out, bytes, depth + 1);
        break;
    case SL_RAW_VARINTS:
    case SL_RAW_FIXED32S:
    case SL_RAW_FIXED64S:
        packed(out, bytes, shape);
        break;
    case SL_RAW_BYTES:
        sl_json_out_key_str(out, "type", "bytes");
        sl_json_out_key(out, "value");
        sl_json_out_base64(out, bytes);
        break;
    }
}

/* Of a fixed32 or fixed64 that may be a float: that as well. */
static void real_beside(struct sl_json_out *out, const struct sl_proto_record *record)
{
    bool is_float = record->wire == SL_WIRE_FIXED32;
    if (is_float ? sl_raw_is_float((uint32_t)record->value) : sl_raw_is_double(record->value)) {
        sl_json_out_key(out, is_float ? "float" : "double");
        real(out, record->value, is_float);
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
        if (record->wire != SL_WIRE_VARINT) {
            real_beside(out, record);
        }
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
