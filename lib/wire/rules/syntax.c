/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/rules/syntax.h"

#include <string.h>

enum {
    LENGTH_DIGITS_MAX = 18,
    FIRST_ASCII = 0x20, /* PROTOCOL-HTTP2 "ASCII-Value" */
    LAST_ASCII = 0x7e,
    TOP_BIT = 0x80,
};

#define EACH UINT64_C(0x0101010101010101) /* byte of eight */

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* RFC 9113 8.2.2 */
static bool is_connection_specific(struct sl_span name)
{
    switch (name.data[0]) {
    case 'c':
        return sl_span_is(name, "connection");
    case 'p':
        return sl_span_is(name, "proxy-connection");
    case 'k':
        return sl_span_is(name, "keep-alive");
    case 't':
        return sl_span_is(name, "transfer-encoding");
    case 'u':
        return sl_span_is(name, "upgrade");
    default:
        return false;
    }
}

/* What most names are made of; of any other byte it is looked at what it is. */
static bool is_usual(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || c == '-';
}

const char *sl_syntax_wrong_name(struct sl_span name)
{
    if (name.len == 0) {
        return "without a name";
    }
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        if (is_usual(c)) {
            continue;
        }
        if (c >= 'A' && c <= 'Z') {
            return "whose name has capital letters";
        }
        if (c <= 0x20 || c >= 0x7f || (c == ':' && i > 0)) {
            return "whose name has a byte that no name may have";
        }
    }
    return is_connection_specific(name) ? "that is of an HTTP/1.1 connection" : NULL;
}

bool sl_syntax_has_forbidden_byte(struct sl_span value)
{
    if (sl_syntax_is_printable(value)) {
        return false;
    }
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] == '\0' || value.data[i] == '\r' || value.data[i] == '\n') {
            return true;
        }
    }
    return false;
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

bool sl_syntax_is_spaced(struct sl_span value)
{
    return value.len > 0 && (is_blank(value.data[0]) || is_blank(value.data[value.len - 1]));
}

bool sl_syntax_is_printable(struct sl_span value)
{
    size_t i = 0;
    for (; i + sizeof(uint64_t) <= value.len; i += sizeof(uint64_t)) {
        uint64_t eight;
        memcpy(&eight, value.data + i, sizeof(eight));
        uint64_t below =
            (eight - EACH * FIRST_ASCII) & ~eight; /* its top bit where a byte is below */
        uint64_t above = (eight + EACH * (TOP_BIT - 1 - LAST_ASCII)) | eight;
        if (((below | above) & EACH * TOP_BIT) != 0) {
            return false;
        }
    }
    for (; i < value.len; i++) {
        if (value.data[i] < FIRST_ASCII || value.data[i] > LAST_ASCII) {
            return false;
        }
    }
    return true;
}

bool sl_syntax_read_length(struct sl_span text, uint64_t *ret_length)
{
    *ret_length = 0;
    if (text.len == 0 || text.len > LENGTH_DIGITS_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.data[i])) {
            return false;
        }
        *ret_length = *ret_length * 10 + (uint64_t)(text.data[i] - '0');
    }
    return true;
}

bool sl_syntax_is_binary(struct sl_span name)
{
    return name.len > 4 && memcmp(name.data + name.len - 4, "-bin", 4) == 0;
}

enum sl_base64_kind sl_syntax_base64(struct sl_span text)
{
    size_t padding = 0;
    while (padding < 2 && padding < text.len && text.data[text.len - 1 - padding] == '=') {
        padding++;
    }
    size_t digits = text.len - padding;
    if (digits % 4 == 1 || (padding > 0 && text.len % 4 != 0)) {
        return SL_NO_BASE64;
    }
    for (size_t i = 0; i < digits; i++) {
        uint8_t c = text.data[i];
        bool is_one =
            is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '+' || c == '/';
        if (!is_one) {
            return SL_NO_BASE64;
        }
    }
    return padding > 0 ? SL_BASE64_PADDED : SL_BASE64_UNPADDED;
}

enum sl_base64_kind sl_syntax_base64_list(struct sl_span list)
{
    enum sl_base64_kind worst = SL_BASE64_UNPADDED;
    struct sl_span item;
    while (sl_span_next_item(&list, &item)) {
        enum sl_base64_kind kind = sl_syntax_base64(item);
        if (kind == SL_NO_BASE64) {
            return SL_NO_BASE64;
        }
        worst = kind == SL_BASE64_PADDED ? kind : worst;
    }
    return worst;
}

const char *sl_syntax_wrong_path(struct sl_span path)
{
    size_t slashes = 0;
    for (size_t i = 0; i < path.len; i++) {
        uint8_t c = path.data[i];
        if (c == '?' || c == '#') {
            return "has a query or fragment";
        }
        if (c == '/' && i > 0 && path.data[i - 1] == '/') {
            return "has two slashes together";
        }
        slashes += c == '/';
    }
    if (slashes < 2) {
        return "names no method behind its service";
    }
    return path.data[path.len - 1] == '/' ? "names no method behind its last slash" : NULL;
}
