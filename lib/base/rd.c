/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/rd.h"

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

uint64_t sl_rd_varint_long(struct sl_rd *rd)
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
