/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/hex.h"

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum sl_status sl_hex_encode(struct sl_span bytes, struct sl_buf *out)
{
    for (size_t i = 0; i < bytes.len; i++) {
        char pair[2] = {hex_digits[bytes.data[i] >> 4], hex_digits[bytes.data[i] & 15]};
        if (sl_buf_add(out, pair, 2) != SL_OK) {
            return SL_LIMIT;
        }
    }
    return SL_OK;
}

int sl_hex_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    if (digit >= 'A' && digit <= 'F') {
        return digit - 'A' + 10;
    }
    return -1;
}

enum sl_status sl_hex_decode(struct sl_span text, struct sl_buf *out)
{
    if (text.len % 2 != 0) {
        return SL_MALFORMED;
    }
    for (size_t i = 0; i < text.len; i += 2) {
        int high = sl_hex_value(text.data[i]);
        int low = sl_hex_value(text.data[i + 1]);
        if (high < 0 || low < 0) {
            return SL_MALFORMED;
        }
        if (sl_buf_add_u8(out, (uint8_t)(high << 4 | low)) != SL_OK) {
            return SL_LIMIT;
        }
    }
    return SL_OK;
}

enum sl_status sl_base64_encode(struct sl_span bytes, bool has_padding, struct sl_buf *out)
{
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t have = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t group = (uint32_t)bytes.data[i] << 16;
        group |= have > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
        group |= have > 2 ? (uint32_t)bytes.data[i + 2] : 0;
        char quad[4] = {base64_digits[group >> 18], base64_digits[group >> 12 & 63],
                        base64_digits[group >> 6 & 63], base64_digits[group & 63]};
        for (size_t k = have + 1; k < 4; k++) {
            quad[k] = '=';
        }
        if (sl_buf_add(out, quad, has_padding ? 4 : have + 1) != SL_OK) {
            return SL_LIMIT;
        }
    }
    return SL_OK;
}

/* 0 to 63, or -1. */
static int base64_value(uint8_t digit)
{
    if (digit >= 'A' && digit <= 'Z') {
        return digit - 'A';
    }
    if (digit >= 'a' && digit <= 'z') {
        return digit - 'a' + 26;
    }
    if (digit >= '0' && digit <= '9') {
        return digit - '0' + 52;
    }
    if (digit == '+' || digit == '-') {
        return 62;
    }
    return digit == '/' || digit == '_' ? 63 : -1;
}

enum sl_status sl_base64_decode(struct sl_span text, struct sl_buf *out)
{
    size_t len = text.len;
    /* Padding is optional, but where there is some it must fill the last group (RFC 4648 4). */
    if (len % 4 == 0 && len > 0 && text.data[len - 1] == '=') {
        len -= text.data[len - 2] == '=' ? 2 : 1;
    }
    if (len % 4 == 1) {
        return SL_MALFORMED;
    }
    uint32_t group = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < len; i++) {
        int value = base64_value(text.data[i]);
        if (value < 0) {
            return SL_MALFORMED;
        }
        group = group << 6 | (uint32_t)value;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            if (sl_buf_add_u8(out, (uint8_t)(group >> bits)) != SL_OK) {
                return SL_LIMIT;
            }
        }
    }
    return SL_OK;
}
