/* SPDX-License-Identifier: Apache-2.0 */
/* A payload as snappy, raw or framed: never more than the limit, and what is kept of a damaged stream is what
 * its undamaged beginning decodes to. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "lib/wire/snappy.h"

enum {
    LIMIT = 256 * 1024,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_buf whole;
    struct sl_buf half;
    sl_buf_init(&whole, LIMIT);
    sl_buf_init(&half, LIMIT);
    enum sl_status status = sl_snappy_decompress(sl_span(data, size), &whole);
    assert(status == SL_OK || status == SL_MALFORMED || status == SL_LIMIT);
    assert(whole.len <= LIMIT);
    bool is_framed = size >= 2 && data[0] == 0xff && data[1] == 6;
    enum sl_status part = sl_snappy_decompress(sl_span(data, size / 2), &half);
    if (is_framed && size / 2 >= 10 && part != SL_LIMIT) {
        assert(half.len <= whole.len);
        assert(half.len == 0 || memcmp(half.data, whole.data, half.len) == 0);
    }
    sl_buf_release(&whole);
    sl_buf_release(&half);
    return 0;
}
