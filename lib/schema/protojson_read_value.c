/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/protojson_reader.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/hex.h"

enum {
    NUMBER_TEXT_MAX = 64, /* bytes of a number in a string */
};

/* An integer that is whole, wherever it came from: bits and sign apart. */
struct integer {
    bool is_negative;
    uint64_t magnitude;
};

/* A JSON number's text, as RFC 8259 6 wants it: strtod() takes much more. */
static bool is_number_text(const char *text)
{
    const char *at = text + (*text == '-');
    if (*at == '0' ? at[1] >= '0' && at[1] <= '9' : *at < '1' || *at > '9') {
        return false;
    }
    at += strspn(at, "0123456789");
    if (*at == '.') {
        size_t digits = strspn(++at, "0123456789");
        if (digits == 0) {
            return false;
        }
        at += digits;
    }
    if (*at == 'e' || *at == 'E') {
        at++;
        at += *at == '+' || *at == '-';
        size_t digits = strspn(at, "0123456789");
        if (digits == 0) {
            return false;
        }
        at += digits;
    }
    return *at == '\0';
}

/* True when value is a whole number of at most 64 bits. */
static bool integer_of_double(double value, struct integer *ret_integer)
{
    double magnitude = fabs(value);
    if (!isfinite(value) || magnitude != floor(magnitude) || magnitude >= 18446744073709551616.0) {
        return false;
    }
    *ret_integer = (struct integer){value < 0, (uint64_t)magnitude};
    return true;
}

static bool integer_of_text(struct sl_span text, struct integer *ret_integer)
{
    char copy[NUMBER_TEXT_MAX];
    if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.data, 0, text.len) != NULL) {
        return false;
    }
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    if (!is_number_text(copy)) {
        return false;
    }
    if (strpbrk(copy, ".eE") != NULL) {
        return integer_of_double(strtod(copy, NULL), ret_integer);
    }
    errno = 0;
    ret_integer->is_negative = copy[0] == '-';
    ret_integer->magnitude = strtoull(copy + ret_integer->is_negative, NULL, 10);
    return errno == 0;
}

static bool integer_of_json(json_t *json, struct integer *ret_integer)
{
    if (json_is_integer(json)) {
        json_int_t value = json_integer_value(json);
        uint64_t bits = (uint64_t)value;
        *ret_integer = (struct integer){value < 0, value < 0 ? 0 - bits : bits};
        return true;
    }
    if (json_is_real(json)) {
        return integer_of_double(json_real_value(json), ret_integer);
    }
    return json_is_string(json) &&
           integer_of_text(sl_span(json_string_value(json), json_string_length(json)), ret_integer);
}

/* Appends the integer in the encoding of the field's type. */
static enum sl_status put_integer(struct sl_protojson_reader *r, const struct sl_field *field,
                                  struct integer integer, const struct sl_proto_path *path)
{
    uint64_t max = UINT64_MAX;
    bool is_unsigned = false;
    switch ((int)field->type) {
    case SL_TYPE_UINT32:
    case SL_TYPE_FIXED32:
        max = UINT32_MAX;
        is_unsigned = true;
        break;
    case SL_TYPE_UINT64:
    case SL_TYPE_FIXED64:
        is_unsigned = true;
        break;
    case SL_TYPE_INT64:
    case SL_TYPE_SINT64:
    case SL_TYPE_SFIXED64:
        max = INT64_MAX;
        break;
    default:
        max = INT32_MAX;
        break;
    }
    bool is_negative = integer.is_negative && integer.magnitude > 0;
    uint64_t limit = is_negative ? (is_unsigned ? 0 : max + 1) : max;
    if (integer.magnitude > limit) {
        return sl_protojson_bad(r, path, "the number is out of range");
    }
    uint64_t value = is_negative ? 0 - integer.magnitude : integer.magnitude;
    switch ((int)field->type) {
    case SL_TYPE_FIXED32:
    case SL_TYPE_SFIXED32:
        (void)sl_buf_add_le32(r->out, (uint32_t)value);
        break;
    case SL_TYPE_FIXED64:
    case SL_TYPE_SFIXED64:
        (void)sl_buf_add_le64(r->out, value);
        break;
    case SL_TYPE_SINT32:
    case SL_TYPE_SINT64:
        (void)sl_buf_add_varint(r->out, value << 1 ^ (is_negative ? UINT64_MAX : 0));
        break;
    default:
        (void)sl_buf_add_varint(r->out, value);
        break;
    }
    return SL_OK;
}

/* A number, a number in a string, or one of three names. */
static bool double_of_json(json_t *json, double *ret_value)
{
    if (json_is_number(json)) {
        *ret_value = json_number_value(json);
        return true;
    }
    if (!json_is_string(json)) {
        return false;
    }
    const char *text = json_string_value(json);
    size_t len = json_string_length(json);
    if (strcmp(text, "NaN") == 0) {
        *ret_value = (double)NAN;
    } else if (strcmp(text, "Infinity") == 0) {
        *ret_value = (double)INFINITY;
    } else if (strcmp(text, "-Infinity") == 0) {
        *ret_value = (double)-INFINITY;
    } else if (len == strlen(text) && is_number_text(text)) {
        *ret_value = strtod(text, NULL);
        return isfinite(*ret_value);
    } else {
        return false;
    }
    return len == strlen(text);
}

static enum sl_status put_real(struct sl_protojson_reader *r, const struct sl_field *field,
                               json_t *json, const struct sl_proto_path *path)
{
    double value;
    if (!double_of_json(json, &value)) {
        return sl_protojson_bad(r, path, "a number is wanted here");
    }
    if (field->type == SL_TYPE_DOUBLE) {
        uint64_t bits;
        memcpy(&bits, &value, sizeof(bits));
        (void)sl_buf_add_le64(r->out, bits);
        return SL_OK;
    }
    float narrow = (float)value;
    if (isfinite(value) && !isfinite(narrow)) {
        return sl_protojson_bad(r, path, "the number is out of range for a float");
    }
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof(bits));
    (void)sl_buf_add_le32(r->out, bits);
    return SL_OK;
}

/* The name or number of an enumerator. */
static enum sl_status put_enumerator(struct sl_protojson_reader *r, const struct sl_field *field,
                                     json_t *json, const struct sl_proto_path *path)
{
    const struct sl_enum_type *type = field->enumeration;
    if (type->is_null_value && json_is_null(json)) {
        (void)sl_buf_add_varint(r->out, 0);
        return SL_OK;
    }
    if (json_is_string(json)) {
        struct sl_span name = sl_span(json_string_value(json), json_string_length(json));
        for (size_t i = 0; i < type->value_count; i++) {
            if (sl_span_is(name, type->values[i].name)) {
                (void)sl_buf_add_varint(r->out, (uint64_t)(int64_t)type->values[i].number);
                return SL_OK;
            }
        }
        return sl_protojson_bad(r, path, "%s has no \"%.80s\"", type->full_name,
                                json_string_value(json));
    }
    struct integer integer;
    if (!integer_of_json(json, &integer)) {
        return sl_protojson_bad(r, path, "a name or number of %s is wanted here", type->full_name);
    }
    bool is_in_range = integer.magnitude <= (uint64_t)INT32_MAX + integer.is_negative;
    int64_t number = integer.is_negative ? -(int64_t)integer.magnitude : (int64_t)integer.magnitude;
    if (is_in_range && type->is_closed && sl_enum_type_name(type, (int32_t)number) == NULL) {
        return sl_protojson_bad(r, path, "%s has no number %d", type->full_name, (int)number);
    }
    return put_integer(r, field, integer, path);
}

static enum sl_status put_bytes(struct sl_protojson_reader *r, json_t *json,
                                const struct sl_proto_path *path)
{
    struct sl_span text = sl_span(json_string_value(json), json_string_length(json));
    size_t start = r->out->len;
    if (sl_base64_decode(text, r->out) != SL_OK && !r->out->is_full) {
        return sl_protojson_bad(r, path, "this is no base64");
    }
    sl_protojson_put_length(r->out, start);
    return SL_OK;
}

static void put_text(struct sl_buf *out, struct sl_span text)
{
    (void)sl_buf_add_varint(out, text.len);
    (void)sl_buf_add_span(out, text);
}

enum sl_status sl_protojson_read_scalar(struct sl_protojson_reader *r, const struct sl_field *field,
                                        json_t *json, const struct sl_proto_path *path)
{
    struct integer integer;
    switch ((int)field->type) {
    case SL_TYPE_DOUBLE:
    case SL_TYPE_FLOAT:
        return put_real(r, field, json, path);
    case SL_TYPE_ENUM:
        return put_enumerator(r, field, json, path);
    case SL_TYPE_BOOL:
        if (!json_is_boolean(json)) {
            return sl_protojson_bad(r, path, "true or false is wanted here");
        }
        (void)sl_buf_add_varint(r->out, json_is_true(json) ? 1 : 0);
        return SL_OK;
    case SL_TYPE_STRING:
    case SL_TYPE_BYTES:
        if (!json_is_string(json)) {
            return sl_protojson_bad(r, path, "a string is wanted here");
        }
        if (field->type == SL_TYPE_BYTES) {
            return put_bytes(r, json, path);
        }
        put_text(r->out, sl_span(json_string_value(json), json_string_length(json)));
        return SL_OK;
    default:
        if (!integer_of_json(json, &integer)) {
            return sl_protojson_bad(r, path, "a whole number is wanted here");
        }
        return put_integer(r, field, integer, path);
    }
}

enum sl_status sl_protojson_read_key(struct sl_protojson_reader *r, const struct sl_field *field,
                                     struct sl_span key, const struct sl_proto_path *path)
{
    struct integer integer;
    if (field->type == SL_TYPE_STRING) {
        put_text(r->out, key);
        return SL_OK;
    }
    if (field->type == SL_TYPE_BOOL) {
        if (!sl_span_is(key, "true") && !sl_span_is(key, "false")) {
            return sl_protojson_bad(r, path, "the key is to be true or false");
        }
        (void)sl_buf_add_varint(r->out, sl_span_is(key, "true") ? 1 : 0);
        return SL_OK;
    }
    if (!integer_of_text(key, &integer)) {
        return sl_protojson_bad(r, path, "the key is to be a whole number");
    }
    return put_integer(r, field, integer, path);
}
