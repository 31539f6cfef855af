/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/infer/values.h"

/* What a token has beside letters, digits and '_' (RFC 9110 5.6.2). */
#define TOKEN "!#$%&'*+-.^`|~"

enum {
    PATH_MAX_BYTES = 512,
    TIMEOUT_DIGITS = 8, /* PROTOCOL-HTTP2 "Requests" */
    STATUS_CODE_MAX = 16,
    STATUS_DIGITS = 10, /* that 32 bits have */
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool ins_value_is_path(struct sl_span value)
{
    size_t slashes = 0;
    if (value.len < 4 || value.len > PATH_MAX_BYTES || value.data[0] != '/' ||
        !is_word(value.data[value.len - 1])) {
        return false;
    }
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.data[i];
        bool is_edge = c == '/' || c == '.';
        slashes += c == '/' ? 1 : 0;
        if (!is_word(c) && (!is_edge || (i > 0 && !is_word(value.data[i - 1])))) {
            return false;
        }
    }
    return slashes == 2;
}

/* PROTOCOL-HTTP2 "Timeout". */
static bool is_timeout(struct sl_span value)
{
    if (value.len < 2 || value.len > TIMEOUT_DIGITS + 1) {
        return false;
    }
    for (size_t i = 0; i + 1 < value.len; i++) {
        if (!is_digit(value.data[i])) {
            return false;
        }
    }
    return memchr("HMSmun", value.data[value.len - 1], 6) != NULL;
}

static bool is_status(struct sl_span value)
{
    if (value.len == 1) {
        return is_digit(value.data[0]);
    }
    return value.len == 2 && value.data[0] == '1' && is_digit(value.data[1]) &&
           10 + value.data[1] - '0' <= STATUS_CODE_MAX;
}

const char *ins_value_name(struct sl_span value, enum sl_dir dir, bool is_last)
{
    if (sl_span_starts(value, "application/grpc")) {
        return "content-type";
    }
    if (dir == SL_DIR_RESPONSE) {
        return is_last && is_status(value) ? "grpc-status" : NULL;
    }
    if (ins_value_is_path(value)) {
        return ":path";
    }
    if (sl_span_is(value, "trailers")) {
        return "te";
    }
    if (sl_span_starts(value, "grpc-")) {
        return "user-agent"; /* grpc-go/1.60.0, grpc-node-js/1.9.0, grpc-java-netty/1.60.0 ... */
    }
    return is_timeout(value) ? "grpc-timeout" : NULL;
}

/* ---- grammars ---- */

/* One byte at least; all letters, digits, '_' or of also. */
static bool is_all_of(struct sl_span value, const char *also)
{
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.data[i];
        if (c == 0 || (!is_word(c) && strchr(also, c) == NULL)) {
            return false;
        }
    }
    return value.len > 0;
}

static bool is_digits(struct sl_span value, size_t len_max)
{
    bool is_good = value.len > 0 && value.len <= len_max;
    for (size_t i = 0; is_good && i < value.len; i++) {
        is_good = is_digit(value.data[i]);
    }
    return is_good;
}

bool ins_value_fits(struct sl_span name, struct sl_span value)
{
    if (sl_span_is(name, ":method")) {
        return is_all_of(value, TOKEN);
    }
    if (sl_span_is(name, ":scheme")) {
        return sl_span_is(value, "http") || sl_span_is(value, "https");
    }
    if (sl_span_is(name, ":path")) {
        return sl_span_starts(value, "/") || sl_span_is(value, "*");
    }
    if (sl_span_is(name, ":status")) {
        return value.len == 3 && is_digits(value, 3);
    }
    if (sl_span_is(name, "te")) {
        return sl_span_is(value, "trailers");
    }
    if (sl_span_is(name, "content-type")) {
        return value.len > 0 && memchr(value.data, '/', value.len) != NULL;
    }
    if (sl_span_is(name, "grpc-timeout")) {
        return is_timeout(value);
    }
    if (sl_span_is(name, "grpc-status")) {
        return is_digits(value, STATUS_DIGITS);
    }
    if (sl_span_is(name, "grpc-encoding")) {
        return is_all_of(value, TOKEN);
    }
    if (sl_span_is(name, "grpc-accept-encoding")) {
        return is_all_of(value, TOKEN ", ");
    }
    return true;
}
