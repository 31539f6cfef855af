/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/snappy.h"

#include <snappy-c.h>

enum { /* framing_format.txt 4 */
       CHUNK_HEADER = 4,
       CHUNK_COMPRESSED = 0x00,
       CHUNK_PLAIN = 0x01,
       CHUNK_SKIPPABLE = 0x80, /* and above: padding and reserved chunks that may be skipped */
       CHUNK_IDENTIFIER = 0xff,
       CHECKSUM_SIZE = 4,
       CHUNK_PLAIN_MAX = 65536, /* bytes of a chunk before its compression */
};

static const uint8_t identifier[] = {0xff, 6, 0, 0, 's', 'N', 'a', 'P', 'p', 'Y'};

/* CRC-32C (Castagnoli, reflected), half a byte at a time. */
static uint32_t crc32c(struct sl_span bytes)
{
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= bytes.data[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

/* framing_format.txt 3 */
static uint32_t masked_crc32c(struct sl_span bytes)
{
    uint32_t crc = crc32c(bytes);
    return (crc >> 15 | crc << 17) + 0xa282ead8;
}

/* One block, of at most plain_max bytes when it is inflated. */
static enum sl_status inflate_block(struct sl_span block, size_t plain_max, struct sl_buf *out)
{
    size_t len = 0;
    const char *text = block.len == 0 ? "" : (const char *)block.data;
    if (snappy_uncompressed_length(text, block.len, &len) != SNAPPY_OK || len > plain_max) {
        return SL_MALFORMED;
    }
    uint8_t *room = sl_buf_reserve(out, len);
    if (room == NULL && len > 0) {
        return SL_LIMIT;
    }
    uint8_t nothing = 0;
    size_t written = len;
    if (snappy_uncompress(text, block.len, (char *)(len == 0 ? &nothing : room), &written) !=
            SNAPPY_OK ||
        written != len) {
        return SL_MALFORMED;
    }
    sl_buf_commit(out, len);
    return SL_OK;
}

/* A chunk of data: checksum, then the bytes, compressed or not. */
static enum sl_status data_chunk(uint8_t type, struct sl_span chunk, struct sl_buf *out)
{
    if (chunk.len < CHECKSUM_SIZE) {
        return SL_MALFORMED;
    }
    const uint8_t *p = chunk.data;
    uint32_t checksum =
        (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | (uint32_t)p[0];
    struct sl_span content = sl_span_from(chunk, CHECKSUM_SIZE);
    size_t before = out->len;
    enum sl_status status = SL_OK;
    if (type == CHUNK_COMPRESSED) {
        status = inflate_block(content, CHUNK_PLAIN_MAX, out);
    } else if (content.len > CHUNK_PLAIN_MAX) {
        status = SL_MALFORMED;
    } else {
        status = sl_buf_add_span(out, content);
    }
    if (status != SL_OK) {
        return status;
    }
    struct sl_span plain = sl_span_from(sl_buf_span(out), before);
    if (masked_crc32c(plain) != checksum) {
        sl_buf_truncate(out, before);
        return SL_MALFORMED;
    }
    return SL_OK;
}

static enum sl_status framed(struct sl_span rest, struct sl_buf *out)
{
    while (rest.len > 0) {
        if (rest.len < CHUNK_HEADER) {
            return SL_MALFORMED;
        }
        uint8_t type = rest.data[0];
        size_t len = (size_t)rest.data[1] | (size_t)rest.data[2] << 8 | (size_t)rest.data[3] << 16;
        rest = sl_span_from(rest, CHUNK_HEADER);
        if (len > rest.len) {
            return SL_MALFORMED;
        }
        struct sl_span chunk = sl_span_first(rest, len);
        rest = sl_span_from(rest, len);
        enum sl_status status = SL_OK;
        if (type == CHUNK_COMPRESSED || type == CHUNK_PLAIN) {
            status = data_chunk(type, chunk, out);
        } else if (type == CHUNK_IDENTIFIER) {
            bool is_right = sl_span_equal(
                chunk, sl_span(identifier + CHUNK_HEADER, sizeof identifier - CHUNK_HEADER));
            status = is_right ? SL_OK : SL_MALFORMED;
        } else if (type < CHUNK_SKIPPABLE) {
            status = SL_MALFORMED;
        }
        if (status != SL_OK) {
            return status;
        }
    }
    return SL_OK;
}

enum sl_status sl_snappy_decompress(struct sl_span payload, struct sl_buf *out)
{
    if (payload.len >= sizeof identifier &&
        memcmp(payload.data, identifier, sizeof identifier) == 0) {
        return framed(payload, out);
    }
    return inflate_block(payload, SIZE_MAX, out);
}
