/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The code is canonical: codes of one length follow each other in the order of their symbols, and
 * after the last code of a length comes the first longer one. So the lengths alone make the tables.
 *
 * Decoding looks PEEK_BITS at a time up in a table whose entries hold up to two symbols. The codes
 * that are longer are rare, and found by comparing with the first code of each length.
 */
#include "lib/wire/hpack_huffman.h"

#include <pthread.h>

enum {
    SYMBOLS = 257,
    EOS = 256,
    PEEK_BITS = 12,
    CODE_BITS_MAX = 30,
};

/* RFC 7541 Appendix B */
static const uint8_t code_bits[SYMBOLS] = {
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, /* 0x00 */
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28, /* 0x10 */
    6,  10, 10, 12, 13, 6,  8,  11, 10, 10, 8,  11, 8,  6,  6,  6,  /* 0x20 */
    5,  5,  5,  6,  6,  6,  6,  6,  6,  6,  7,  8,  15, 6,  12, 10, /* 0x30 */
    13, 6,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  7,  /* 0x40 */
    7,  7,  7,  7,  7,  7,  7,  7,  8,  7,  8,  13, 19, 13, 14, 6,  /* 0x50 */
    15, 5,  6,  5,  6,  5,  6,  6,  6,  5,  7,  7,  6,  6,  6,  5,  /* 0x60 */
    6,  7,  6,  5,  5,  6,  7,  7,  7,  7,  7,  15, 11, 14, 13, 28, /* 0x70 */
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, /* 0x80 */
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, /* 0x90 */
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, /* 0xa0 */
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, /* 0xb0 */
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, /* 0xc0 */
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, /* 0xd0 */
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, /* 0xe0 */
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, /* 0xf0 */
    30,
};

/* What the next PEEK_BITS begin with. */
struct peek {
    uint8_t symbols[2];
    uint8_t first_bits; /* of the first code; 0: the code is longer than PEEK_BITS */
    uint8_t bits;       /* of all codes here; the low nibble, above it how many there are */
};

static struct peek peeks[1 << PEEK_BITS];
static uint16_t symbols_by_code[SYMBOLS];
/* Of the codes of one length: the first one behind them, at the left of 32 bits; and what to add to a
 * code for its place in symbols_by_code. */
static uint32_t code_end[CODE_BITS_MAX + 1];
static int32_t code_place[CODE_BITS_MAX + 1];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static unsigned peek_bits(const struct peek *peek)
{
    return peek->bits & 0xf;
}

static unsigned peek_count(const struct peek *peek)
{
    return peek->bits >> 4;
}

/* The code at the left of window, which is not in peeks; its symbol and length. */
static unsigned long_code(uint32_t window, unsigned *ret_bits)
{
    unsigned bits = 5;
    while (bits < CODE_BITS_MAX && window >= code_end[bits]) {
        bits++;
    }
    *ret_bits = bits;
    return symbols_by_code[(int32_t)(window >> (32 - bits)) + code_place[bits]];
}

static void add_second(struct peek *peek, uint32_t window)
{
    unsigned bits = 0;
    unsigned symbol = long_code(window << peek->first_bits, &bits);
    if (peek->first_bits + bits <= PEEK_BITS) {
        peek->symbols[1] = (uint8_t)symbol;
        peek->bits = (uint8_t)(2U << 4 | (peek->first_bits + bits));
    }
}

static void build_tables(void)
{
    uint32_t code = 0;
    uint16_t place = 0;
    for (unsigned bits = 1; bits <= CODE_BITS_MAX; bits++) {
        code <<= 1;
        code_place[bits] = (int32_t)place - (int32_t)code;
        for (unsigned symbol = 0; symbol < SYMBOLS; symbol++) {
            if (code_bits[symbol] == bits) {
                symbols_by_code[place] = (uint16_t)symbol;
                place++;
                code++;
            }
        }
        code_end[bits] = code << (32 - bits); /* wraps to 0 at the last, which is not asked */
    }
    for (uint32_t i = 0; i < 1U << PEEK_BITS; i++) {
        uint32_t window = i << (32 - PEEK_BITS);
        unsigned bits = 0;
        unsigned symbol = long_code(window, &bits);
        if (bits <= PEEK_BITS) {
            peeks[i].symbols[0] = (uint8_t)symbol;
            peeks[i].first_bits = (uint8_t)bits;
            peeks[i].bits = (uint8_t)(1U << 4 | bits);
            add_second(&peeks[i], window);
        }
    }
}

void sl_huffman_prepare(void)
{
    (void)pthread_once(&tables_once, build_tables);
}

static uint64_t load_be64(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* The last bits, behind which only ones are left of window. */
static uint8_t *decode_tail(uint64_t window, unsigned have, uint8_t *out)
{
    while (have > 0) {
        window |= UINT64_MAX >> have;
        const struct peek *peek = &peeks[window >> (64 - PEEK_BITS)];
        unsigned bits = peek->first_bits;
        unsigned symbol = peek->symbols[0];
        if (bits == 0) {
            symbol = long_code((uint32_t)(window >> 32), &bits);
        }
        if (bits > have) {
            break;
        }
        *out++ = (uint8_t)symbol; /* not EOS, whose code is longer than what can be left */
        window <<= bits;
        have -= bits;
    }
    uint64_t ones = ~(UINT64_MAX >> have);
    return have < 8 && (window & ones) == ones ? out : NULL;
}

bool sl_huffman_decode(struct sl_span coded, uint8_t *out, size_t *ret_len)
{
    const uint8_t *pos = coded.data;
    const uint8_t *end = coded.data + coded.len;
    const uint8_t *start = out;
    uint64_t window = 0; /* the bits to come, at its left */
    unsigned have = 0;   /* of them */
    for (;;) {
        if (end - pos >= 8) {
            /* What is loaded beyond the whole bytes is loaded again, the same, the next time. */
            window |= load_be64(pos) >> have;
            unsigned taken = (63 - have) >> 3;
            pos += taken;
            have += taken * 8;
        } else {
            while (have <= 56 && pos < end) {
                window |= (uint64_t)*pos++ << (56 - have);
                have += 8;
            }
        }
        if (have < CODE_BITS_MAX) {
            break;
        }
        do {
            const struct peek *peek = &peeks[window >> (64 - PEEK_BITS)];
            unsigned bits = peek_bits(peek);
            if (bits != 0) {
                memcpy(out, peek->symbols, 2);
                out += peek_count(peek);
            } else {
                unsigned symbol = long_code((uint32_t)(window >> 32), &bits);
                if (symbol == EOS) {
                    return false;
                }
                *out++ = (uint8_t)symbol;
            }
            window <<= bits;
            have -= bits;
        } while (have >= CODE_BITS_MAX);
    }
    const uint8_t *done = decode_tail(window, have, out);
    *ret_len = done == NULL ? 0 : (size_t)(done - start);
    return done != NULL;
}

void sl_huffman_encode(struct sl_span text, struct sl_buf *out)
{
    uint64_t pending = 0;
    unsigned count = 0; /* bits of pending, less than 8 between two symbols */
    sl_huffman_prepare();
    for (size_t i = 0; i < text.len; i++) {
        unsigned bits = code_bits[text.data[i]];
        int32_t place = 0;
        while (symbols_by_code[place] != text.data[i]) {
            place++;
        }
        pending = pending << bits | (uint32_t)(place - code_place[bits]);
        for (count += bits; count >= 8; count -= 8) {
            (void)sl_buf_add_u8(out, (uint8_t)(pending >> (count - 8)));
        }
    }
    if (count > 0) {
        (void)sl_buf_add_u8(out, (uint8_t)(pending << (8 - count) | 0xffU >> count));
    }
}
