/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_RD_H
#define SL_RD_H

/*
 * Bounds-checked reader over bytes that somebody else owns.
 *
 * The reader remembers its first failure: after it every read returns zero and moves nothing. A
 * decoder reads a whole header and asks sl_rd_ok() once, at the end.
 *
 * Ownership: borrows the bytes; they must outlive the reader and every span taken from it.
 * Threads:   one at a time.      Limits: none; allocates nothing.
 */
#include "lib/base/span.h"

struct sl_rd {
    const uint8_t *pos;
    const uint8_t *end;
    bool is_failed;
};

static inline void sl_rd_init(struct sl_rd *rd, struct sl_span bytes)
{
    static const uint8_t nothing[1];
    rd->pos = bytes.len == 0 ? nothing : bytes.data;
    rd->end = rd->pos + bytes.len;
    rd->is_failed = false;
}

/* False once a read went past the end. */
static inline bool sl_rd_ok(const struct sl_rd *rd)
{
    return !rd->is_failed;
}

/* Bytes not yet read; 0 after a failure. */
static inline size_t sl_rd_left(const struct sl_rd *rd)
{
    return rd->is_failed ? 0 : (size_t)(rd->end - rd->pos);
}

/* Marks the reader failed, for a decoder that found its input malformed. */
static inline void sl_rd_fail(struct sl_rd *rd)
{
    rd->is_failed = true;
}

/* The next len bytes, borrowed; an empty span past the end. */
static inline struct sl_span sl_rd_take(struct sl_rd *rd, size_t len)
{
    if (rd->is_failed || len > (size_t)(rd->end - rd->pos)) {
        rd->is_failed = true;
        return sl_span(NULL, 0);
    }
    struct sl_span taken = sl_span(rd->pos, len);
    rd->pos += len;
    return taken;
}

/* All bytes that are left. */
static inline struct sl_span sl_rd_rest(struct sl_rd *rd)
{
    return sl_rd_take(rd, sl_rd_left(rd));
}

static inline uint8_t sl_rd_u8(struct sl_rd *rd)
{
    struct sl_span byte = sl_rd_take(rd, 1);
    return byte.len == 0 ? 0 : byte.data[0];
}

/* The next len (at most 8) bytes as a number, most significant byte first. Inline, as are those below:
 * several stand in every packet. */
static inline uint64_t sl_rd_be(struct sl_rd *rd, size_t len)
{
    struct sl_span bytes = sl_rd_take(rd, len);
    uint64_t value = 0;
    if (bytes.len == 0) {
        return 0;
    }
    for (size_t i = 0; i < len; i++) {
        value = value << 8 | bytes.data[i];
    }
    return value;
}

/* The same, least significant byte first. */
static inline uint64_t sl_rd_le(struct sl_rd *rd, size_t len)
{
    struct sl_span bytes = sl_rd_take(rd, len);
    uint64_t value = 0;
    if (bytes.len == 0) {
        return 0;
    }
    for (size_t i = len; i > 0; i--) {
        value = value << 8 | bytes.data[i - 1];
    }
    return value;
}

static inline uint16_t sl_rd_be16(struct sl_rd *rd)
{
    return (uint16_t)sl_rd_be(rd, 2);
}

static inline uint32_t sl_rd_be24(struct sl_rd *rd)
{
    return (uint32_t)sl_rd_be(rd, 3);
}

static inline uint32_t sl_rd_be32(struct sl_rd *rd)
{
    return (uint32_t)sl_rd_be(rd, 4);
}

static inline uint64_t sl_rd_be64(struct sl_rd *rd)
{
    return sl_rd_be(rd, 8);
}

static inline uint16_t sl_rd_le16(struct sl_rd *rd)
{
    return (uint16_t)sl_rd_le(rd, 2);
}

static inline uint32_t sl_rd_le32(struct sl_rd *rd)
{
    return (uint32_t)sl_rd_le(rd, 4);
}

static inline uint64_t sl_rd_le64(struct sl_rd *rd)
{
    return sl_rd_le(rd, 8);
}

/* Of sl_rd_varint, where it has more than one byte. */
uint64_t sl_rd_varint_long(struct sl_rd *rd);

/* A protobuf base-128 varint of at most 10 bytes; longer fails the reader. Bits past 64 are dropped,
 * as every protobuf implementation does. */
static inline uint64_t sl_rd_varint(struct sl_rd *rd)
{
    if (!rd->is_failed && rd->pos < rd->end && *rd->pos < 0x80) {
        return *rd->pos++;
    }
    return sl_rd_varint_long(rd);
}

#endif
