/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/json_text.h"

#include "lib/base/hex.h"
#include "lib/base/utf8.h"

/* Position in the text; at reads 0 past the end, which is no character of JSON outside of strings. */
struct scan {
    struct sl_span text;
    size_t at;
    struct sl_buf *out;
};

static uint8_t peek(const struct scan *scan)
{
    return scan->at < scan->text.len ? scan->text.data[scan->at] : 0;
}

static void skip_space(struct scan *scan)
{
    uint8_t c = peek(scan);
    while (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        scan->at++;
        c = peek(scan);
    }
}

/* Appends what lies between start and here. */
static bool take(struct scan *scan, size_t start)
{
    return sl_buf_add(scan->out, scan->text.data + start, scan->at - start) == SL_OK;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool digits(struct scan *scan)
{
    size_t start = scan->at;
    while (is_digit(peek(scan))) {
        scan->at++;
    }
    return scan->at > start;
}

/* RFC 8259 6 */
static bool number(struct scan *scan)
{
    size_t start = scan->at;
    scan->at += peek(scan) == '-' ? 1 : 0;
    bool is_zero = peek(scan) == '0';
    size_t first = scan->at;
    if (!digits(scan) || (is_zero && scan->at > first + 1)) {
        return false;
    }
    if (peek(scan) == '.') {
        scan->at++;
        if (!digits(scan)) {
            return false;
        }
    }
    if ((peek(scan) | 0x20) == 'e') {
        scan->at++;
        scan->at += peek(scan) == '+' || peek(scan) == '-' ? 1 : 0;
        if (!digits(scan)) {
            return false;
        }
    }
    return take(scan, start);
}

/* Behind a backslash. */
static bool escape(struct scan *scan)
{
    uint8_t c = peek(scan);
    scan->at++;
    if (c == 'u') {
        for (size_t i = 0; i < 4; i++) {
            if (sl_hex_value(peek(scan)) < 0) {
                return false;
            }
            scan->at++;
        }
        return true;
    }
    return c != 0 && strchr("\"\\/bfnrt", c) != NULL;
}

/* RFC 8259 7 */
static bool string(struct scan *scan)
{
    size_t start = scan->at;
    if (peek(scan) != '"') {
        return false;
    }
    scan->at++;
    while (scan->at < scan->text.len && scan->text.data[scan->at] != '"') {
        uint8_t c = scan->text.data[scan->at];
        size_t len = 1;
        if (c == '\\') {
            scan->at++;
            if (!escape(scan)) {
                return false;
            }
            continue;
        }
        if (c < 0x20) {
            return false;
        }
        if (c >= 0x80) {
            len = sl_utf8_char(sl_span_from(scan->text, scan->at));
        }
        if (len == 0) {
            return false;
        }
        scan->at += len;
    }
    if (scan->at >= scan->text.len) {
        return false;
    }
    scan->at++;
    return take(scan, start);
}

static bool word(struct scan *scan)
{
    static const char *const words[] = {"true", "false", "null"};
    size_t start = scan->at;
    for (size_t i = 0; i < 3; i++) {
        if (sl_span_starts(sl_span_from(scan->text, start), words[i])) {
            scan->at += strlen(words[i]);
            return take(scan, start);
        }
    }
    return false;
}

static bool byte(struct scan *scan, uint8_t c)
{
    if (peek(scan) != c) {
        return false;
    }
    scan->at++;
    return sl_buf_add_u8(scan->out, c) == SL_OK;
}

/* A name and its colon, inside an object. */
static bool key(struct scan *scan)
{
    if (!string(scan)) {
        return false;
    }
    skip_space(scan);
    return byte(scan, ':');
}

/* All of one value; the depth is kept in a string of closing brackets. */
static bool value(struct scan *scan)
{
    uint8_t open[SL_JSON_TEXT_DEPTH_MAX];
    size_t depth = 0;
    for (;;) {
        skip_space(scan);
        uint8_t c = peek(scan);
        bool is_begun = c == '{' || c == '[';
        if (is_begun) {
            if (depth == SL_JSON_TEXT_DEPTH_MAX || !byte(scan, c)) {
                return false;
            }
            open[depth++] = c == '{' ? '}' : ']';
            skip_space(scan);
            if (peek(scan) != open[depth - 1]) {
                if (c == '{' && !key(scan)) {
                    return false;
                }
                continue; /* with the first item */
            }
        } else if (!(c == '"'                  ? string(scan)
                     : c == '-' || is_digit(c) ? number(scan)
                                               : word(scan))) {
            return false;
        }
        /* Behind a value, or before the end of an empty list. */
        bool is_next = false;
        while (depth > 0 && !is_next) {
            skip_space(scan);
            if (peek(scan) == open[depth - 1]) {
                depth--;
                (void)byte(scan, open[depth]);
                continue;
            }
            if (!byte(scan, ',')) {
                return false;
            }
            skip_space(scan);
            if (open[depth - 1] == '}' && !key(scan)) {
                return false;
            }
            is_next = true;
        }
        if (!is_next) {
            return true;
        }
    }
}

enum sl_status sl_json_compact(struct sl_span text, struct sl_buf *out)
{
    struct scan scan = {.text = text, .out = out};
    bool is_value = value(&scan);
    if (out->is_full) {
        return SL_LIMIT;
    }
    skip_space(&scan);
    return is_value && scan.at == text.len ? SL_OK : SL_MALFORMED;
}
