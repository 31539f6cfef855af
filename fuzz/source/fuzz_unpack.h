/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FUZZ_UNPACK_H
#define FUZZ_UNPACK_H

/* Reads what a decompressing input gives, in views of several sizes; asserts what must hold of any. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "inspector/source/unpack.h"

enum {
    FUZZ_UNPACK_MAX = 4 * 1024 * 1024, /* of what comes out; the rest is more of the same */
};

static inline void fuzz_unpack(struct ins_input *input)
{
    uint64_t total = 0;
    size_t want = 1;
    while (total < FUZZ_UNPACK_MAX) {
        struct sl_span here = ins_input_view(input, want);
        if (here.len == 0) {
            break;
        }
        size_t step = here.len < want ? here.len : want;
        assert(ins_input_skip(input, step));
        total += step;
        assert(ins_input_offset(input) == total);
        want = want * 3 % 70001;
    }
    ins_input_free(input);
}

#endif
