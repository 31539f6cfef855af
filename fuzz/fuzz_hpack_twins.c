/* SPDX-License-Identifier: Apache-2.0 */
/* Our decoder against nghttp2's inflater. Input: the table's size in units of 32, then blocks, each
 * behind a byte of its length; the length 255 stands for a new table size, in the byte behind it. */
#include <assert.h>
#include <stdio.h>

#include "fuzz/fuzz.h"
#include "lib/base/rd.h"
#include "tests/support/hpack_twins.h"

enum {
    SIZE_SHIFT = 5,
    NEW_SIZE = 255,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_rd rd;
    sl_rd_init(&rd, sl_span(data, size));
    struct hpack_twins *twins = hpack_twins_new((uint32_t)sl_rd_u8(&rd) << SIZE_SHIFT);
    bool is_good = true;
    while (is_good && sl_rd_left(&rd) > 0) {
        size_t len = sl_rd_u8(&rd);
        if (len == NEW_SIZE) {
            hpack_twins_set_table_size(twins, (uint32_t)sl_rd_u8(&rd) << SIZE_SHIFT);
            continue;
        }
        struct sl_span block = len <= sl_rd_left(&rd) ? sl_rd_take(&rd, len) : sl_rd_rest(&rd);
        const char *what = NULL;
        bool is_same = hpack_twins_decode(twins, block, &is_good, &what);
        if (!is_same) {
            (void)fprintf(stderr, "the decoders differ: %s\n", what);
        }
        assert(is_same);
    }
    hpack_twins_free(twins);
    return 0;
}
