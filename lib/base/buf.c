/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "lib/base/alloc.h"

enum {
    FIRST_CAPACITY = 64,
};

void sl_buf_init(struct sl_buf *buf, size_t max)
{
    *buf = (struct sl_buf){.max = max};
}

void sl_buf_release(struct sl_buf *buf)
{
    if (buf != NULL) {
        sl_free(buf->data);
        sl_buf_init(buf, buf->max);
    }
}

void sl_buf_clear(struct sl_buf *buf)
{
    buf->len = 0;
    buf->is_full = false;
}

uint8_t *sl_buf_reserve_slow(struct sl_buf *buf, size_t len)
{
    if (len > buf->max || buf->len > buf->max - len) {
        buf->is_full = true;
        return NULL;
    }
    /* One byte more than the content, so that sl_buf_str() always has room for its NUL. */
    size_t need = buf->len + len + 1;
    if (need > buf->capacity) {
        size_t grown = buf->capacity == 0 ? FIRST_CAPACITY : buf->capacity + buf->capacity / 2;
        if (grown > buf->max + 1) {
            grown = buf->max + 1;
        }
        buf->capacity = grown < need ? need : grown;
        buf->data = sl_realloc(buf->data, buf->capacity);
    }
    return buf->data + buf->len;
}

enum sl_status sl_buf_add_slow(struct sl_buf *buf, const void *bytes, size_t len)
{
    uint8_t *room = sl_buf_reserve(buf, len);
    if (room == NULL) {
        return SL_LIMIT;
    }
    if (len > 0) {
        memcpy(room, bytes, len);
    }
    buf->len += len;
    return SL_OK;
}

enum sl_status sl_buf_add_span(struct sl_buf *buf, struct sl_span span)
{
    return sl_buf_add(buf, span.data, span.len);
}

enum sl_status sl_buf_add_str(struct sl_buf *buf, const char *text)
{
    return sl_buf_add(buf, text, strlen(text));
}

/* The low len bytes of value, most significant first. */
static enum sl_status add_big_endian(struct sl_buf *buf, uint64_t value, size_t len)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(value >> (8 * (len - 1 - i)));
    }
    return sl_buf_add(buf, bytes, len);
}

static enum sl_status add_little_endian(struct sl_buf *buf, uint64_t value, size_t len)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
    return sl_buf_add(buf, bytes, len);
}

enum sl_status sl_buf_add_be16(struct sl_buf *buf, uint16_t value)
{
    return add_big_endian(buf, value, 2);
}

enum sl_status sl_buf_add_be24(struct sl_buf *buf, uint32_t value)
{
    return add_big_endian(buf, value, 3);
}

enum sl_status sl_buf_add_be32(struct sl_buf *buf, uint32_t value)
{
    return add_big_endian(buf, value, 4);
}

enum sl_status sl_buf_add_be64(struct sl_buf *buf, uint64_t value)
{
    return add_big_endian(buf, value, 8);
}

enum sl_status sl_buf_add_le16(struct sl_buf *buf, uint16_t value)
{
    return add_little_endian(buf, value, 2);
}

enum sl_status sl_buf_add_le32(struct sl_buf *buf, uint32_t value)
{
    return add_little_endian(buf, value, 4);
}

enum sl_status sl_buf_add_le64(struct sl_buf *buf, uint64_t value)
{
    return add_little_endian(buf, value, 8);
}

enum sl_status sl_buf_add_varint(struct sl_buf *buf, uint64_t value)
{
    uint8_t bytes[10];
    size_t len = 0;
    do {
        bytes[len] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
        len++;
    } while (value > 0);
    return sl_buf_add(buf, bytes, len);
}

enum sl_status sl_buf_addf(struct sl_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(len >= 0);
    uint8_t *room = sl_buf_reserve(buf, (size_t)len);
    if (room != NULL) {
        (void)vsnprintf((char *)room, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
    return room == NULL ? SL_LIMIT : SL_OK;
}

void sl_buf_consume(struct sl_buf *buf, size_t len)
{
    if (len >= buf->len) {
        buf->len = 0;
    } else if (len > 0) {
        memmove(buf->data, buf->data + len, buf->len - len);
        buf->len -= len;
    }
}

void sl_buf_truncate(struct sl_buf *buf, size_t len)
{
    assert(len <= buf->len);
    buf->len = len;
}

const char *sl_buf_str(struct sl_buf *buf)
{
    if (sl_buf_reserve(buf, 0) == NULL) {
        return "";
    }
    buf->data[buf->len] = '\0';
    return (const char *)buf->data;
}

uint8_t *sl_buf_take(struct sl_buf *buf, size_t *ret_len)
{
    (void)sl_buf_str(buf);
    uint8_t *taken = buf->data == NULL ? sl_alloc(1) : buf->data;
    if (ret_len != NULL) {
        *ret_len = buf->len;
    }
    sl_buf_init(buf, buf->max);
    return taken;
}
