/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/protojson_writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/utf8.h"

int64_t sl_protojson_integer(const struct sl_field *field, uint64_t value)
{
    switch ((int)field->type) {
    case SL_TYPE_INT32:
    case SL_TYPE_SFIXED32:
    case SL_TYPE_ENUM:
        return (int32_t)value;
    case SL_TYPE_UINT32:
    case SL_TYPE_FIXED32:
        return (uint32_t)value;
    case SL_TYPE_SINT32:
        return (int32_t)sl_proto_rd_zigzag((uint32_t)value);
    case SL_TYPE_SINT64:
        return sl_proto_rd_zigzag(value);
    case SL_TYPE_BOOL:
        return value != 0;
    default:
        return (int64_t)value;
    }
}

bool sl_protojson_is_default(const struct sl_field *field, const struct sl_proto_record *record)
{
    if (field->type == SL_TYPE_STRING || field->type == SL_TYPE_BYTES) {
        return record->bytes.len == 0;
    }
    /* Of floats the bits count: -0.0 is not the default. */
    return sl_protojson_integer(field, record->value) == 0;
}

/* A 64-bit integer is a string in JSON, as JavaScript's numbers cannot hold it. */
static void quoted_integer(struct sl_json_out *out, uint64_t value, bool is_signed)
{
    char text[24];
    size_t at = sizeof(text);
    bool is_negative = is_signed && (int64_t)value < 0;
    uint64_t rest = is_negative ? 0 - value : value;
    do {
        text[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (is_negative) {
        text[--at] = '-';
    }
    sl_json_out_span(out, sl_span(text + at, sizeof(text) - at));
}

void sl_protojson_real(struct sl_json_out *out, double value, bool is_float)
{
    if (!isfinite(value)) {
        sl_json_out_str(out, isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
        return;
    }
    if (value == 0 && signbit(value)) {
        sl_json_out_raw(out, sl_span_str("-0.0")); /* "-0" would be an integer to many readers */
        return;
    }
    double whole_max = is_float ? 16777216.0 : 1e15;
    if (fabs(value) < whole_max && value == (double)(int64_t)value && value >= 0) {
        sl_json_out_u64(out, (uint64_t)value);
        return;
    }
    char text[32];
    for (int digits = is_float ? 6 : 15; digits <= (is_float ? 9 : 17); digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, value);
        if (is_float ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value) {
            break;
        }
    }
    sl_json_out_raw(out, sl_span_str(text));
}

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static float float_of(uint64_t bits)
{
    uint32_t half = (uint32_t)bits;
    float value;
    memcpy(&value, &half, sizeof(value));
    return value;
}

static void enumerator(struct sl_json_out *out, const struct sl_enum_type *type, int32_t number)
{
    if (type->is_null_value) {
        sl_json_out_null(out);
        return;
    }
    const char *name = sl_enum_type_name(type, number);
    if (name != NULL) {
        sl_json_out_str(out, name);
    } else {
        sl_json_out_i64(out, number);
    }
}

void sl_protojson_scalar(struct sl_protojson_writer *w, const struct sl_field *field,
                         const struct sl_proto_record *record, const struct sl_proto_path *path)
{
    int64_t integer = sl_protojson_integer(field, record->value);
    switch ((int)field->type) {
    case SL_TYPE_STRING:
        if (field->is_utf8_checked && !sl_utf8_is_valid(record->bytes)) {
            sl_protojson_problem(w, SL_MALFORMED, path, "a string is not valid UTF-8");
        }
        sl_json_out_span(w->out, record->bytes);
        break;
    case SL_TYPE_BYTES:
        sl_json_out_base64(w->out, record->bytes);
        break;
    case SL_TYPE_BOOL:
        sl_json_out_bool(w->out, integer != 0);
        break;
    case SL_TYPE_ENUM:
        enumerator(w->out, field->enumeration, (int32_t)integer);
        break;
    case SL_TYPE_DOUBLE:
        sl_protojson_real(w->out, double_of(record->value), false);
        break;
    case SL_TYPE_FLOAT:
        sl_protojson_real(w->out, (double)float_of(record->value), true);
        break;
    case SL_TYPE_UINT64:
    case SL_TYPE_FIXED64:
        quoted_integer(w->out, (uint64_t)integer, false);
        break;
    case SL_TYPE_INT64:
    case SL_TYPE_SINT64:
    case SL_TYPE_SFIXED64:
        quoted_integer(w->out, (uint64_t)integer, true);
        break;
    default:
        sl_json_out_i64(w->out, integer);
        break;
    }
}
