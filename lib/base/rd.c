/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/rd.h"

void sl_rd_init(struct sl_rd *rd, struct sl_span bytes)
{
    static const uint8_t nothing[1];
    rd->pos = bytes.len == 0 ? nothing : bytes.data;
    rd->end = rd->pos + bytes.len;
    rd->is_failed = false;
}

size_t sl_rd_left(const struct sl_rd *rd)
{
    return rd->is_failed ? 0 : (size_t)(rd->end - rd->pos);
}

void sl_rd_fail(struct sl_rd *rd)
{
    rd->is_failed = true;
}

struct sl_span sl_rd_take(struct sl_rd *rd, size_t len)
{
    if (rd->is_failed || len > (size_t)(rd->end - rd->pos)) {
        rd->is_failed = true;
        return sl_span(NULL, 0);
    }
    struct sl_span taken = sl_span(rd->pos, len);
    rd->pos += len;
    return taken;
}

struct sl_span sl_rd_rest(struct sl_rd *rd)
{
    return sl_rd_take(rd, sl_rd_left(rd));
}

/* The next len (at most 8) bytes as a number, most significant byte first. */
static uint64_t big_endian(struct sl_rd *rd, size_t len)
{
    struct sl_span bytes = sl_rd_take(rd, len);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        value = value << 8 | bytes.data[i];
    }
    return value;
}

static uint64_t little_endian(struct sl_rd *rd, size_t len)
{
    struct sl_span bytes = sl_rd_take(rd, len);
    uint64_t value = 0;
    for (size_t i = bytes.len; i > 0; i--) {
        value = value << 8 | bytes.data[i - 1];
    }
    return value;
}

uint8_t sl_rd_u8(struct sl_rd *rd)
{
    return (uint8_t)big_endian(rd, 1);
}

uint16_t sl_rd_be16(struct sl_rd *rd)
{
    return (uint16_t)big_endian(rd, 2);
}

uint32_t sl_rd_be24(struct sl_rd *rd)
{
    return (uint32_t)big_endian(rd, 3);
}

uint32_t sl_rd_be32(struct sl_rd *rd)
{
    return (uint32_t)big_endian(rd, 4);
}

uint64_t sl_rd_be64(struct sl_rd *rd)
{
    return big_endian(rd, 8);
}

uint16_t sl_rd_le16(struct sl_rd *rd)
{
    return (uint16_t)little_endian(rd, 2);
}

uint32_t sl_rd_le32(struct sl_rd *rd)
{
    return (uint32_t)little_endian(rd, 4);
}

uint64_t sl_rd_le64(struct sl_rd *rd)
{
    return little_endian(rd, 8);
}

uint64_t sl_rd_varint(struct sl_rd *rd)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t byte = sl_rd_u8(rd);
        if (rd->is_failed) {
            return 0;
        }
        if (shift < 64) {
            value |= (uint64_t)(byte & 0x7f) << shift;
        }
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
    rd->is_failed = true;
    return 0;
}
