/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/json_out.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/hex.h"
#include "lib/base/utf8.h"

void sl_json_out_init(struct sl_json_out *out, struct sl_buf *buf)
{
    out->buf = buf;
    out->depth = 0;
    out->has_items[0] = false;
    out->is_after_key = false;
}

/* What has to stand before a value: nothing after a key, a comma after an earlier item. */
static void before_value(struct sl_json_out *out)
{
    if (out->is_after_key) {
        out->is_after_key = false;
        return;
    }
    if (out->depth > 0 && out->has_items[out->depth]) {
        (void)sl_buf_add_u8(out->buf, ',');
    }
    out->has_items[out->depth] = true;
}

static void begin(struct sl_json_out *out, uint8_t bracket)
{
    before_value(out);
    (void)sl_buf_add_u8(out->buf, bracket);
    out->depth++;
    assert(out->depth < SL_JSON_OUT_DEPTH_MAX);
    out->has_items[out->depth] = false;
}

static void end(struct sl_json_out *out, uint8_t bracket)
{
    assert(out->depth > 0);
    out->depth--;
    (void)sl_buf_add_u8(out->buf, bracket);
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

/* 0x80 in (at least) every byte of word that is zero, and in none when no byte is. */
static uint64_t zero_bytes(uint64_t word)
{
    return (word - UINT64_C(0x0101010101010101)) & ~word & UINT64_C(0x8080808080808080);
}

/* How many bytes from here on need no escape; found eight at a time, so it may stop short. */
static size_t plain_bytes(struct sl_span text)
{
    static const uint64_t ones = UINT64_C(0x0101010101010101);
    size_t i = 0;
    for (; i + sizeof(uint64_t) <= text.len; i += sizeof(uint64_t)) {
        uint64_t word = 0;
        memcpy(&word, text.data + i, sizeof(word));
        uint64_t special = (word & (ones * 0x80)) | zero_bytes(word ^ (ones * '"')) |
                           zero_bytes(word ^ (ones * '\\')) | zero_bytes(word ^ (ones * 0x7f)) |
                           zero_bytes(word & (ones * 0xe0)); /* below 0x20 */
        if (special != 0) {
            break;
        }
    }
    return i;
}

static void quoted(struct sl_buf *buf, struct sl_span text)
{
    (void)sl_buf_add_u8(buf, '"');
    size_t start = 0; /* bytes from here to i need no escape */
    size_t i = plain_bytes(text);
    while (i < text.len) {
        uint8_t byte = text.data[i];
        if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\') {
            i++;
            continue;
        }
        size_t len = sl_utf8_char(sl_span_from(text, i));
        if (len > 1) {
            i += len;
            i += plain_bytes(sl_span_from(text, i));
            continue;
        }
        (void)sl_buf_add(buf, text.data + start, i - start);
        if (len == 0) {
            (void)sl_buf_add_str(buf, "\xef\xbf\xbd"); /* U+FFFD for a byte that is not UTF-8 */
        } else {
            escaped(buf, byte);
        }
        i++;
        start = i;
        i += plain_bytes(sl_span_from(text, i));
    }
    if (text.len > start) {
        (void)sl_buf_add(buf, text.data + start, text.len - start);
    }
    (void)sl_buf_add_u8(buf, '"');
}

void sl_json_out_key(struct sl_json_out *out, const char *key)
{
    sl_json_out_key_span(out, sl_span_str(key));
}

void sl_json_out_key_span(struct sl_json_out *out, struct sl_span key)
{
    before_value(out);
    quoted(out->buf, key);
    (void)sl_buf_add_u8(out->buf, ':');
    out->is_after_key = true;
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
    before_value(out);
    quoted(out->buf, text);
}

void sl_json_out_base64(struct sl_json_out *out, struct sl_span bytes)
{
    before_value(out);
    (void)sl_buf_add_u8(out->buf, '"');
    (void)sl_base64_encode(bytes, true, out->buf);
    (void)sl_buf_add_u8(out->buf, '"');
}

void sl_json_out_i64(struct sl_json_out *out, int64_t value)
{
    if (value >= 0) {
        sl_json_out_u64(out, (uint64_t)value);
        return;
    }
    before_value(out);
    (void)sl_buf_addf(out->buf, "%" PRId64, value);
}

void sl_json_out_u64(struct sl_json_out *out, uint64_t value)
{
    before_value(out);
    char digits[20];
    size_t at = sizeof(digits);
    do {
        at--;
        digits[at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    (void)sl_buf_add(out->buf, digits + at, sizeof(digits) - at);
}

void sl_json_out_bool(struct sl_json_out *out, bool value)
{
    before_value(out);
    (void)sl_buf_add_str(out->buf, value ? "true" : "false");
}

void sl_json_out_null(struct sl_json_out *out)
{
    before_value(out);
    (void)sl_buf_add_str(out->buf, "null");
}

void sl_json_out_double(struct sl_json_out *out, double value)
{
    if (!isfinite(value)) {
        sl_json_out_null(out);
        return;
    }
    before_value(out);
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    (void)sl_buf_add_str(out->buf, text);
}

void sl_json_out_ms(struct sl_json_out *out, uint64_t ns)
{
    sl_json_out_u64(out, ns / 1000000);
    uint64_t rest = ns % 1000000;
    if (rest == 0) {
        return;
    }
    char decimals[7];
    (void)snprintf(decimals, sizeof(decimals), "%06u", (unsigned)rest);
    size_t len = 6;
    while (decimals[len - 1] == '0') {
        len--;
    }
    (void)sl_buf_add_u8(out->buf, '.');
    (void)sl_buf_add(out->buf, decimals, len);
}

void sl_json_out_raw(struct sl_json_out *out, struct sl_span json)
{
    before_value(out);
    (void)sl_buf_add_span(out->buf, json);
}

void sl_json_out_key_str(struct sl_json_out *out, const char *key, const char *text)
{
    sl_json_out_key(out, key);
    sl_json_out_str(out, text);
}

void sl_json_out_key_u64(struct sl_json_out *out, const char *key, uint64_t value)
{
    sl_json_out_key(out, key);
    sl_json_out_u64(out, value);
}

void sl_json_out_key_bool(struct sl_json_out *out, const char *key, bool value)
{
    sl_json_out_key(out, key);
    sl_json_out_bool(out, value);
}
