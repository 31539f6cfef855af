/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_BUF_H
#define SL_BUF_H

/*
 * The one growable buffer of the project. It is born with its maximum and never grows past it.
 *
 * Appending past the maximum changes nothing but is_full, which stays set until sl_buf_clear: a
 * writer appends a whole document and asks once. The text is not NUL-terminated except by
 * sl_buf_str(). A zeroed struct is an empty buffer with maximum 0.
 *
 * Ownership: owns its bytes; spans of it end with the next append, consume, clear or release.
 */
#include <assert.h>

#include "lib/base/span.h"
#include "lib/base/status.h"

struct sl_buf {
    uint8_t *data;
    size_t len;
    size_t capacity;
    size_t max;
    bool is_full; /* an append was refused */
};

/* An empty buffer that may hold up to max bytes. Allocates nothing yet. */
void sl_buf_init(struct sl_buf *buf, size_t max);

/* Frees the bytes; the buffer is empty again and keeps its maximum. Zeroed buffers and NULL are fine. */
void sl_buf_release(struct sl_buf *buf);

/* Empty and not full; keeps the memory. */
void sl_buf_clear(struct sl_buf *buf);

static inline struct sl_span sl_buf_span(const struct sl_buf *buf)
{
    return sl_span(buf->data, buf->len);
}

/* SL_LIMIT when the bytes do not fit; the buffer is then unchanged but for is_full. */
enum sl_status sl_buf_add_slow(struct sl_buf *buf, const void *bytes, size_t len);
static inline enum sl_status sl_buf_add(struct sl_buf *buf, const void *bytes, size_t len)
{
    /* Most appends find room, and most are short: JSON is written piece by piece. */
    bool has_room = len < buf->capacity - buf->len; /* and for the NUL of sl_buf_str() */
    if (len == 0 || !has_room || len > buf->max || buf->len > buf->max - len) {
        return sl_buf_add_slow(buf, bytes, len);
    }
    memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    return SL_OK;
}
enum sl_status sl_buf_add_span(struct sl_buf *buf, struct sl_span span);
enum sl_status sl_buf_add_str(struct sl_buf *buf, const char *text);
static inline enum sl_status sl_buf_add_u8(struct sl_buf *buf, uint8_t value)
{
    return sl_buf_add(buf, &value, 1);
}
enum sl_status sl_buf_add_be16(struct sl_buf *buf, uint16_t value);
enum sl_status sl_buf_add_be24(struct sl_buf *buf, uint32_t value);
enum sl_status sl_buf_add_be32(struct sl_buf *buf, uint32_t value);
enum sl_status sl_buf_add_be64(struct sl_buf *buf, uint64_t value);
enum sl_status sl_buf_add_le16(struct sl_buf *buf, uint16_t value);
enum sl_status sl_buf_add_le32(struct sl_buf *buf, uint32_t value);
enum sl_status sl_buf_add_le64(struct sl_buf *buf, uint64_t value);
enum sl_status sl_buf_add_varint(struct sl_buf *buf, uint64_t value);
enum sl_status sl_buf_addf(struct sl_buf *buf, const char *format, ...) SL_PRINTF(2, 3);

/* Room for len more bytes at the end, to be filled by the caller, or NULL (and is_full) when the
 * maximum forbids. sl_buf_commit() then adds what was written. */
uint8_t *sl_buf_reserve_slow(struct sl_buf *buf, size_t len);
static inline uint8_t *sl_buf_reserve(struct sl_buf *buf, size_t len)
{
    bool has_room = len < buf->capacity - buf->len;
    if (!has_room || len > buf->max || buf->len > buf->max - len) {
        return sl_buf_reserve_slow(buf, len);
    }
    return buf->data + buf->len;
}
static inline void sl_buf_commit(struct sl_buf *buf, size_t len)
{
    assert(len <= buf->capacity - buf->len);
    buf->len += len;
}

/* Removes the first len bytes (at most all). */
void sl_buf_consume(struct sl_buf *buf, size_t len);

/* Cuts back to len bytes; len must not be more than the buffer has. */
void sl_buf_truncate(struct sl_buf *buf, size_t len);

/* The content as a C string, borrowed until the next change; "" when the maximum leaves no room. */
const char *sl_buf_str(struct sl_buf *buf);

/* The content, NUL-terminated, yours to sl_free; ret_len may be NULL. The buffer is empty after. */
uint8_t *sl_buf_take(struct sl_buf *buf, size_t *ret_len);

#endif
