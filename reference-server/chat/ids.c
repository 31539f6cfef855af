/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/ids.h"

enum {
    DIGITS = 16, /* of each half */
    DIGIT_BITS = 4,
};

/* By hand: as much as a twentieth of a unary call went into printf. */
static void put_hex(uint64_t value, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = DIGITS; i > 0; i--) {
        out[i - 1] = digits[value & ((1U << DIGIT_BITS) - 1)];
        value >>= DIGIT_BITS;
    }
}

const char *srv_ids_next(struct srv_ids *ids, char out[SRV_ID_MAX])
{
    put_hex(ids->random, out);
    put_hex(++ids->next, out + DIGITS);
    out[2 * DIGITS] = '\0';
    return out;
}
