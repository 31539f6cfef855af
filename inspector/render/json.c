/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/render/json.h"

#include <stdlib.h>

#include "lib/base/hex.h"

enum {
    NUMBER_MAX = 64,
};

static bool is_string(struct sl_span value)
{
    return value.len >= 2 && value.data[0] == '"';
}

/* Behind the string that begins at at. */
static const uint8_t *skip_string(const uint8_t *at, const uint8_t *end)
{
    for (at++; at < end && *at != '"'; at++) {
        at += *at == '\\' && at + 1 < end ? 1 : 0;
    }
    return at < end ? at + 1 : end;
}

/* Behind the value that begins at at. */
static const uint8_t *skip_value(const uint8_t *at, const uint8_t *end)
{
    size_t depth = 0;
    while (at < end) {
        uint8_t c = *at;
        if (c == '"') {
            at = skip_string(at, end);
        } else if (c == '{' || c == '[') {
            depth++;
            at++;
        } else if ((c == '}' || c == ']' || c == ',') && depth == 0) {
            return at;
        } else {
            depth -= c == '}' || c == ']' ? 1 : 0;
            at++;
            if (depth > 0 || (c != '}' && c != ']')) {
                continue;
            }
        }
        if (depth == 0) {
            return at;
        }
    }
    return at;
}

struct ins_json ins_json_open(struct sl_span value)
{
    if (value.len < 2 || (value.data[0] != '{' && value.data[0] != '[')) {
        return (struct ins_json){0};
    }
    return (struct ins_json){.at = value.data + 1, .end = value.data + value.len - 1};
}

static void skip_separator(struct ins_json *rest, uint8_t separator)
{
    if (rest->at < rest->end && *rest->at == separator) {
        rest->at++;
    }
}

bool ins_json_item(struct ins_json *rest, struct sl_span *ret_value)
{
    if (rest->at >= rest->end) {
        return false;
    }
    const uint8_t *end = skip_value(rest->at, rest->end);
    *ret_value = sl_span(rest->at, (size_t)(end - rest->at));
    rest->at = end > rest->at ? end : rest->end;
    skip_separator(rest, ',');
    return true;
}

bool ins_json_member(struct ins_json *rest, struct sl_span *ret_key, struct sl_span *ret_value)
{
    if (rest->at >= rest->end || *rest->at != '"') {
        return false;
    }
    const uint8_t *end = skip_string(rest->at, rest->end);
    *ret_key = sl_span(rest->at + 1, (size_t)(end - rest->at) - (end - rest->at > 1 ? 2 : 1));
    rest->at = end;
    skip_separator(rest, ':');
    return ins_json_item(rest, ret_value);
}

struct sl_span ins_json_get(struct sl_span object, const char *key)
{
    struct ins_json rest = ins_json_open(object);
    struct sl_span name;
    struct sl_span value;
    while (ins_json_member(&rest, &name, &value)) {
        if (sl_span_is(name, key)) {
            return value;
        }
    }
    return sl_span(NULL, 0);
}

struct sl_span ins_json_in(struct sl_span object, const char *outer, const char *key)
{
    return ins_json_get(ins_json_get(object, outer), key);
}

bool ins_json_is_null(struct sl_span value)
{
    return value.len == 0 || sl_span_is(value, "null");
}

bool ins_json_is_true(struct sl_span value)
{
    return sl_span_is(value, "true");
}

bool ins_json_is_bare(struct sl_span value)
{
    return value.len <= 2;
}

double ins_json_double(struct sl_span value)
{
    char text[NUMBER_MAX];
    size_t len = value.len < sizeof(text) - 1 ? value.len : sizeof(text) - 1;
    if (len == 0) {
        return 0;
    }
    memcpy(text, value.data, len);
    text[len] = '\0';
    return strtod(text, NULL);
}

uint64_t ins_json_u64(struct sl_span value)
{
    uint64_t number = 0;
    for (size_t i = 0; i < value.len && value.data[i] >= '0' && value.data[i] <= '9'; i++) {
        number = number * 10 + (uint64_t)(value.data[i] - '0');
    }
    return number;
}

/* The character of \uXXXX, which is what json_out writes for controls alone: below U+0800. */
static void add_unit(struct sl_buf *out, const uint8_t *digits)
{
    unsigned unit = 0;
    for (int i = 0; i < 4; i++) {
        unit = (unit << 4 | ((unsigned)sl_hex_value(digits[i]) & 0xf));
    }
    if (unit < 0x80) {
        (void)sl_buf_add_u8(out, (uint8_t)unit);
    } else if (unit < 0x800) {
        (void)sl_buf_add_u8(out, (uint8_t)(0xc0 | unit >> 6));
        (void)sl_buf_add_u8(out, (uint8_t)(0x80 | (unit & 0x3f)));
    } else {
        (void)sl_buf_add_u8(out, (uint8_t)(0xe0 | unit >> 12));
        (void)sl_buf_add_u8(out, (uint8_t)(0x80 | (unit >> 6 & 0x3f)));
        (void)sl_buf_add_u8(out, (uint8_t)(0x80 | (unit & 0x3f)));
    }
}

static uint8_t unescaped(uint8_t c)
{
    static const char from[] = "bfnrt";
    static const char to[] = "\b\f\n\r\t";
    const char *found = strchr(from, c);
    return found == NULL || c == '\0' ? c : (uint8_t)to[found - from];
}

struct sl_span ins_json_text(struct sl_span value, struct sl_buf *scratch)
{
    sl_buf_clear(scratch);
    if (!is_string(value)) {
        return value;
    }
    const uint8_t *end = value.data + value.len - 1;
    for (const uint8_t *at = value.data + 1; at < end && !scratch->is_full; at++) {
        if (*at != '\\' || at + 1 >= end) {
            (void)sl_buf_add_u8(scratch, *at);
        } else if (at[1] == 'u' && end - at >= 6) {
            add_unit(scratch, at + 2);
            at += 5;
        } else {
            (void)sl_buf_add_u8(scratch, unescaped(at[1]));
            at++;
        }
    }
    return sl_buf_span(scratch);
}
