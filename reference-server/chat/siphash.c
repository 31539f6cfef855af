/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/siphash.h"

enum {
    WORD = 8, /* bytes */
    ROUNDS_A_WORD = 2,
    ROUNDS_AT_THE_END = 4,
};

/* The state of the paper, and the word that is being filled. */
struct state {
    uint64_t v[4];
    uint64_t word;
    unsigned filled; /* bytes of it */
    uint64_t length; /* of all input */
};

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static uint64_t read_word(const uint8_t *bytes)
{
    uint64_t word = 0;
    for (unsigned i = 0; i < WORD; i++) {
        word |= (uint64_t)bytes[i] << (8 * i);
    }
    return word;
}

static void run_rounds(uint64_t v[4], unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

static void mix(struct state *state, uint64_t word)
{
    state->v[3] ^= word;
    run_rounds(state->v, ROUNDS_A_WORD);
    state->v[0] ^= word;
}

static void begin(struct state *state, const uint8_t key[16])
{
    uint64_t k0 = read_word(key);
    uint64_t k1 = read_word(key + WORD);
    *state = (struct state){
        .v = {k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
              k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573)}};
}

static void add(struct state *state, struct sl_span bytes)
{
    state->length += bytes.len;
    for (size_t i = 0; i < bytes.len; i++) {
        state->word |= (uint64_t)bytes.data[i] << (8 * state->filled);
        if (++state->filled == WORD) {
            mix(state, state->word);
            state->word = 0;
            state->filled = 0;
        }
    }
}

static uint64_t fold(const struct state *state)
{
    return state->v[0] ^ state->v[1] ^ state->v[2] ^ state->v[3];
}

static struct srv_siphash end(struct state *state)
{
    struct srv_siphash hash;
    mix(state, state->word | state->length << 56);
    state->v[2] ^= 0xee;
    run_rounds(state->v, ROUNDS_AT_THE_END);
    hash.low = fold(state);
    state->v[1] ^= 0xdd;
    run_rounds(state->v, ROUNDS_AT_THE_END);
    hash.high = fold(state);
    return hash;
}

struct srv_siphash srv_siphash(const uint8_t key[16], struct sl_span bytes)
{
    struct state state;
    begin(&state, key);
    add(&state, bytes);
    return end(&state);
}

struct srv_siphash srv_siphash_pair(const uint8_t key[16], struct sl_span first,
                                    struct sl_span second)
{
    struct state state;
    uint8_t length[WORD];
    for (unsigned i = 0; i < WORD; i++) {
        length[i] = (uint8_t)((uint64_t)first.len >> (8 * i));
    }
    begin(&state, key);
    add(&state, sl_span(length, sizeof(length)));
    add(&state, first);
    add(&state, second);
    return end(&state);
}
