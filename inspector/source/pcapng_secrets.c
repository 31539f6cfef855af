/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/source/pcapng_secrets.h"

#include "lib/base/alloc.h"

enum {
    HEAD_SIZE = 12,  /* type, length, and a section's byte order */
    FRAME_SIZE = 12, /* type and both lengths */
    BLOCK_MAX = 16 * 1024 * 1024,
    CHUNK = 16 * 1024, /* read at a time */
};

#define BYTE_ORDER_MAGIC 0x1a2b3c4dU
#define SECRETS_TLS_KEYS 0x544c534bU

uint32_t ins_pcapng_u32(bool is_big_endian, const uint8_t *at)
{
    if (is_big_endian) {
        return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    }
    return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

bool ins_pcapng_section_order(struct sl_span bytes, bool *ret_is_big_endian)
{
    if (bytes.len < HEAD_SIZE || ins_pcapng_u32(true, bytes.data) != INS_PCAPNG_SECTION) {
        return false;
    }
    *ret_is_big_endian = ins_pcapng_u32(true, bytes.data + 8) == BYTE_ORDER_MAGIC;
    return *ret_is_big_endian || ins_pcapng_u32(false, bytes.data + 8) == BYTE_ORDER_MAGIC;
}

bool ins_pcapng_add_secrets(struct sl_buf *secrets, bool is_big_endian, struct sl_span block)
{
    if (block.len < FRAME_SIZE + 8) {
        return true;
    }
    uint32_t type = ins_pcapng_u32(is_big_endian, block.data + 8);
    uint32_t len = ins_pcapng_u32(is_big_endian, block.data + 12);
    if (type == SECRETS_TLS_KEYS && len <= block.len - FRAME_SIZE - 8) {
        return sl_buf_add(secrets, block.data + 16, len) == SL_OK;
    }
    return true;
}

/* The secrets of the block at this place. False when they do not fit, or the block is damaged. */
static bool take(const struct ins_input *input, uint64_t at, uint32_t size, bool is_big_endian,
                 struct sl_buf *secrets)
{
    if (size > INS_PCAPNG_SECRETS_BLOCK_MAX) {
        return false;
    }
    uint8_t *block = sl_alloc(size);
    bool is_taken = ins_input_peek(input, at, block, size) == size &&
                    ins_pcapng_u32(is_big_endian, block + size - 4) == size &&
                    ins_pcapng_add_secrets(secrets, is_big_endian, sl_span(block, size));
    sl_free(block);
    return is_taken;
}

uint64_t ins_pcapng_look_ahead(const struct ins_input *input, struct sl_buf *secrets)
{
    uint8_t chunk[CHUNK];
    if (ins_input_peek(input, INS_PCAPNG_NEAR, chunk, 1) == 0) {
        return 0;
    }
    uint64_t at = 0, begin = 0;
    size_t len = 0;
    bool is_big_endian = false;
    while (at < INS_PCAPNG_AHEAD) {
        if (at + HEAD_SIZE > begin + len) {
            begin = at;
            len = ins_input_peek(input, at, chunk, sizeof(chunk));
        }
        if (at + HEAD_SIZE > begin + len) {
            break;
        }
        const uint8_t *here = chunk + (at - begin);
        bool is_section = ins_pcapng_u32(true, here) == INS_PCAPNG_SECTION;
        if (is_section && !ins_pcapng_section_order(sl_span(here, HEAD_SIZE), &is_big_endian)) {
            break;
        }
        uint32_t type = ins_pcapng_u32(is_big_endian, here);
        uint32_t size = ins_pcapng_u32(is_big_endian, here + 4);
        if (size < FRAME_SIZE || size % 4 != 0 || size > BLOCK_MAX ||
            (type == INS_PCAPNG_SECRETS && !take(input, at, size, is_big_endian, secrets))) {
            break;
        }
        at += size;
    }
    return at;
}
