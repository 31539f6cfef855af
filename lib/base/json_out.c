/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/json_out.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/hex.h"
#include "lib/base/utf8.h"

enum {
    BLOCK =
        32, /* bytes looked at in one go: what the compiler turns into few vector instructions */
    DIGITS_MAX = 20,
};

void sl_json_out_init(struct sl_json_out *out, struct sl_buf *buf)
{
    out->buf = buf;
    out->depth = 0;
    out->is_comma_due = false;
}

/* Puts a comma where one is due, into room for it; what comes next follows there. */
static uint8_t *lead(const struct sl_json_out *out, uint8_t *at)
{
    if (out->is_comma_due) {
        *at++ = ',';
    }
    return at;
}

/* A value was written. */
static void value_done(struct sl_json_out *out)
{
    out->is_comma_due = out->depth > 0;
}

static void short_value(struct sl_json_out *out, const void *text, size_t len)
{
    uint8_t *room = sl_buf_reserve(out->buf, len + out->is_comma_due);
    if (room != NULL) {
        uint8_t *at = lead(out, room);
        memcpy(at, text, len);
        sl_buf_commit(out->buf, (size_t)(at - room) + len);
    }
    value_done(out);
}

static void before_value(struct sl_json_out *out)
{
    if (out->is_comma_due) {
        (void)sl_buf_add_u8(out->buf, ',');
    }
}

static void begin(struct sl_json_out *out, uint8_t bracket)
{
    short_value(out, &bracket, 1);
    out->depth++;
    assert(out->depth < SL_JSON_OUT_DEPTH_MAX);
    out->is_comma_due = false;
}

static void end(struct sl_json_out *out, uint8_t bracket)
{
    assert(out->depth > 0);
    out->depth--;
    (void)sl_buf_add_u8(out->buf, bracket);
    value_done(out);
}

void sl_json_out_begin_object(struct sl_json_out *out)
{
    begin(out, '{');
}

void sl_json_out_end_object(struct sl_json_out *out)
{
    end(out, '}');
}

void sl_json_out_begin_array(struct sl_json_out *out)
{
    begin(out, '[');
}

void sl_json_out_end_array(struct sl_json_out *out)
{
    end(out, ']');
}

static void escaped(struct sl_buf *buf, uint8_t byte)
{
    switch (byte) {
    case '"':
        (void)sl_buf_add(buf, "\\\"", 2);
        break;
    case '\\':
        (void)sl_buf_add(buf, "\\\\", 2);
        break;
    case '\n':
        (void)sl_buf_add(buf, "\\n", 2);
        break;
    case '\r':
        (void)sl_buf_add(buf, "\\r", 2);
        break;
    case '\t':
        (void)sl_buf_add(buf, "\\t", 2);
        break;
    default:
        (void)sl_buf_addf(buf, "\\u%04x", (unsigned)byte);
        break;
    }
}

/* True for a byte that stands for itself in a string. */
static bool is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

/* How many bytes from here on need no escape; may stop short. */
static size_t plain_bytes(struct sl_span text)
{
    size_t i = 0;
    for (; i + BLOCK <= text.len; i += BLOCK) {
        uint8_t special = 0;
        for (size_t j = 0; j < BLOCK; j++) {
            uint8_t byte = text.data[i + j];
            special |= (uint8_t)((uint8_t)(byte - 0x20) >= 0x5f) | (uint8_t)(byte == '"') |
                       (uint8_t)(byte == '\\');
        }
        if (special != 0) {
            break;
        }
    }
    while (i < text.len && is_plain(text.data[i])) {
        i++;
    }
    return i;
}

/* text from i on, where it first needs an escape, and the quote behind it. */
static void quoted_rest(struct sl_buf *buf, struct sl_span text, size_t i)
{
    size_t start = i; /* bytes from here to i need no escape */
    while (i < text.len) {
        size_t len = sl_utf8_char(sl_span_from(text, i));
        if (len > 1) {
            i += len;
        } else {
            (void)sl_buf_add(buf, text.data + start, i - start);
            if (len == 0) {
                (void)sl_buf_add_str(buf, "\xef\xbf\xbd"); /* U+FFFD for a byte that is not UTF-8 */
            } else {
                escaped(buf, text.data[i]);
            }
            i++;
            start = i;
        }
        i += plain_bytes(sl_span_from(text, i));
    }
    (void)sl_buf_add(buf, text.data + start, text.len - start);
    (void)sl_buf_add_u8(buf, '"');
}

/* A string, with the comma before it; the second quote is left to the caller when it needs no escape:
 * close is what stands there. */
static void quoted(struct sl_json_out *out, struct sl_span text, const char *close,
                   size_t close_len)
{
    struct sl_buf *buf = out->buf;
    size_t plain = plain_bytes(text);
    uint8_t *room = sl_buf_reserve(buf, plain + 1 + close_len + out->is_comma_due);
    if (room == NULL) {
        return;
    }
    uint8_t *at = lead(out, room);
    *at++ = '"';
    if (plain > 0) {
        memcpy(at, text.data, plain);
        at += plain;
    }
    if (plain == text.len) {
        memcpy(at, close, close_len);
        sl_buf_commit(buf, (size_t)(at - room) + close_len);
        return;
    }
    sl_buf_commit(buf, (size_t)(at - room));
    quoted_rest(buf, text, plain);
    (void)sl_buf_add(buf, close + 1, close_len - 1);
}

void sl_json_out_name(struct sl_json_out *out, const char *name, size_t len)
{
    uint8_t *room = sl_buf_reserve(out->buf, len + 3 + out->is_comma_due);
    if (room != NULL) {
        uint8_t *at = lead(out, room);
        *at++ = '"';
        memcpy(at, name, len);
        at += len;
        *at++ = '"';
        *at++ = ':';
        sl_buf_commit(out->buf, (size_t)(at - room));
    }
    out->is_comma_due = false;
}

void sl_json_out_key_span(struct sl_json_out *out, struct sl_span key)
{
    quoted(out, key, "\":", 2);
    out->is_comma_due = false;
}

void sl_json_out_str(struct sl_json_out *out, const char *text)
{
    if (text == NULL) {
        sl_json_out_null(out);
    } else {
        sl_json_out_span(out, sl_span_str(text));
    }
}

void sl_json_out_span(struct sl_json_out *out, struct sl_span text)
{
    quoted(out, text, "\"", 1);
    value_done(out);
}

void sl_json_out_base64(struct sl_json_out *out, struct sl_span bytes)
{
    before_value(out);
    (void)sl_buf_add_u8(out->buf, '"');
    (void)sl_base64_encode(bytes, true, out->buf);
    (void)sl_buf_add_u8(out->buf, '"');
    value_done(out);
}

/* The decimal digits of value, which end at end; where they begin. */
static char *digits_before(char *end, uint64_t value)
{
    static const char pairs[] =
        "00010203040506070809101112131415161718192021222324252627282930313233"
        "34353637383940414243444546474849505152535455565758596061626364656667"
        "6869707172737475767778798081828384858687888990919293949596979899";
    while (value >= 100) {
        end -= 2;
        memcpy(end, &pairs[value % 100 * 2], 2);
        value /= 100;
    }
    if (value >= 10) {
        end -= 2;
        memcpy(end, &pairs[value * 2], 2);
    } else {
        *--end = (char)('0' + value);
    }
    return end;
}

void sl_json_out_i64(struct sl_json_out *out, int64_t value)
{
    char text[DIGITS_MAX + 1];
    char *end = text + sizeof(text);
    char *at = digits_before(end, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
    if (value < 0) {
        *--at = '-';
    }
    short_value(out, at, (size_t)(end - at));
}

void sl_json_out_u64(struct sl_json_out *out, uint64_t value)
{
    char text[DIGITS_MAX];
    char *end = text + sizeof(text);
    char *at = digits_before(end, value);
    short_value(out, at, (size_t)(end - at));
}

void sl_json_out_bool(struct sl_json_out *out, bool value)
{
    short_value(out, value ? "true" : "false", value ? 4 : 5);
}

void sl_json_out_null(struct sl_json_out *out)
{
    short_value(out, "null", 4);
}

void sl_json_out_double(struct sl_json_out *out, double value)
{
    if (!isfinite(value)) {
        sl_json_out_null(out);
        return;
    }
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    short_value(out, text, strlen(text));
}

void sl_json_out_ms(struct sl_json_out *out, uint64_t ns)
{
    enum { DECIMALS = 6 };
    char text[DIGITS_MAX + 1 + DECIMALS];
    char *end = text + sizeof(text);
    uint64_t rest = ns % 1000000;
    (void)digits_before(end, rest + 1000000); /* keeps the zeros before it; its 1 is written over */
    char *at = end - DECIMALS - 1;
    *at = '.';
    while (end[-1] == '0') {
        end--;
    }
    if (rest == 0) {
        end = at;
    }
    at = digits_before(at, ns / 1000000);
    short_value(out, at, (size_t)(end - at));
}

void sl_json_out_raw(struct sl_json_out *out, struct sl_span json)
{
    before_value(out);
    (void)sl_buf_add_span(out->buf, json);
    value_done(out);
}
