/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/grpc_status.h"

#include "lib/base/hex.h"
#include "lib/wire/h2_frame.h"

struct code_name {
    const char *name;
    uint32_t code;
};

static const struct code_name codes[] = {
#define X(name, value) {#name, value},
#include "lib/wire/tbl/grpc_status.def"
#undef X
};

enum {
    CODE_COUNT = sizeof codes / sizeof codes[0],
    TIMEOUT_DIGITS_MAX = 8, /* PROTOCOL-HTTP2 "TimeoutValue" */
    TIMEOUT_VALUE_MAX = 99999999,
};

const char *sl_grpc_status_name(uint32_t code)
{
    for (size_t i = 0; i < CODE_COUNT; i++) {
        if (codes[i].code == code) {
            return codes[i].name;
        }
    }
    return NULL;
}

enum sl_status sl_grpc_status_parse(struct sl_span name, uint32_t *ret_code)
{
    for (size_t i = 0; i < CODE_COUNT; i++) {
        if (sl_span_is(name, codes[i].name)) {
            *ret_code = codes[i].code;
            return SL_OK;
        }
    }
    return SL_NOT_FOUND;
}

enum sl_status sl_grpc_status_read(struct sl_span field, uint32_t *ret_code)
{
    *ret_code = SL_GRPC_UNKNOWN;
    uint64_t value = 0;
    for (size_t i = 0; i < field.len; i++) {
        uint8_t c = field.data[i];
        if (c < '0' || c > '9' || value > UINT32_MAX) {
            return SL_MALFORMED;
        }
        value = value * 10 + (uint64_t)(c - '0');
    }
    if (field.len == 0 || value > UINT32_MAX) {
        return SL_MALFORMED;
    }
    *ret_code = (uint32_t)value;
    return field.len > 1 && field.data[0] == '0' ? SL_MALFORMED : SL_OK;
}

enum sl_grpc_status sl_grpc_status_from_h2(uint32_t error)
{
    switch (error) {
    case SL_H2_REFUSED_STREAM:
        return SL_GRPC_UNAVAILABLE;
    case SL_H2_CANCEL:
        return SL_GRPC_CANCELLED;
    case SL_H2_ENHANCE_YOUR_CALM:
        return SL_GRPC_RESOURCE_EXHAUSTED;
    case SL_H2_INADEQUATE_SECURITY:
        return SL_GRPC_PERMISSION_DENIED;
    default:
        /* The table gives INTERNAL to all others but STREAM_CLOSED and HTTP_1_1_REQUIRED, for which
         * it has no entry; the common clients make INTERNAL of those too. */
        return SL_GRPC_INTERNAL;
    }
}

enum sl_grpc_status sl_grpc_status_from_http(unsigned http_status)
{
    switch (http_status) {
    case 400:
        return SL_GRPC_INTERNAL;
    case 401:
        return SL_GRPC_UNAUTHENTICATED;
    case 403:
        return SL_GRPC_PERMISSION_DENIED;
    case 404:
        return SL_GRPC_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return SL_GRPC_UNAVAILABLE;
    default:
        return SL_GRPC_UNKNOWN;
    }
}

enum sl_status sl_grpc_message_decode(struct sl_span field, struct sl_buf *out)
{
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < field.len && status == SL_OK; i++) {
        int high = -1;
        int low = -1;
        if (field.data[i] == '%' && field.len - i > 2) {
            high = sl_hex_value(field.data[i + 1]);
            low = sl_hex_value(field.data[i + 2]);
        }
        if (high >= 0 && low >= 0) {
            status = sl_buf_add_u8(out, (uint8_t)(high << 4 | low));
            i += 2;
        } else {
            status = sl_buf_add_u8(out, field.data[i]);
        }
    }
    return status;
}

enum sl_status sl_grpc_message_encode(struct sl_span text, struct sl_buf *out)
{
    static const char digits[] = "0123456789ABCDEF";
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < text.len && status == SL_OK; i++) {
        uint8_t c = text.data[i];
        if (c >= 0x20 && c <= 0x7e && c != '%') {
            status = sl_buf_add_u8(out, c);
        } else {
            const char escape[3] = {'%', digits[c >> 4], digits[c & 0xf]};
            status = sl_buf_add(out, escape, sizeof escape);
        }
    }
    return status;
}

struct timeout_unit {
    char letter;
    uint64_t ns;
};

/* Finest first. */
static const struct timeout_unit units[] = {
    {'n', 1},
    {'u', UINT64_C(1000)},
    {'m', UINT64_C(1000000)},
    {'S', UINT64_C(1000000000)},
    {'M', UINT64_C(60000000000)},
    {'H', UINT64_C(3600000000000)},
};

enum {
    UNIT_COUNT = sizeof units / sizeof units[0],
};

enum sl_status sl_grpc_timeout_read(struct sl_span field, uint64_t *ret_ns)
{
    if (field.len < 2 || field.len > TIMEOUT_DIGITS_MAX + 1) {
        return SL_MALFORMED;
    }
    uint64_t value = 0;
    for (size_t i = 0; i + 1 < field.len; i++) {
        uint8_t c = field.data[i];
        if (c < '0' || c > '9') {
            return SL_MALFORMED;
        }
        value = value * 10 + (uint64_t)(c - '0');
    }
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if ((char)field.data[field.len - 1] == units[i].letter) {
            bool fits = value <= UINT64_MAX / units[i].ns;
            *ret_ns = fits ? value * units[i].ns : UINT64_MAX;
            return SL_OK;
        }
    }
    return SL_MALFORMED;
}

enum sl_status sl_grpc_timeout_write(struct sl_buf *out, uint64_t ns)
{
    size_t i = 0;
    uint64_t value = ns;
    while (value > TIMEOUT_VALUE_MAX && i + 1 < UNIT_COUNT) {
        i++;
        value = ns / units[i].ns + (ns % units[i].ns != 0 ? 1 : 0);
    }
    return sl_buf_addf(out, "%llu%c", (unsigned long long)value, units[i].letter);
}
