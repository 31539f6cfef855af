/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a byte of choices, then blocks, each behind a byte of its length. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "lib/base/rd.h"
#include "lib/wire/hpack.h"

enum {
    START_DISTRUSTED = 1,
    DISTRUST_LATER = 2,
    KEEP_NO_HEADERS = 4,
    DISTRUST_AFTER_BLOCKS = 2,
};

/* What was decoded is inside its limits and encodes to a block that decodes to the same. */
static void check_headers(const struct sl_headers *headers)
{
    assert(headers->count <= SL_HPACK_FIELDS_MAX);
    assert(headers->bytes.len <= SL_HPACK_LIST_MAX);
    struct sl_buf block;
    sl_buf_init(&block, 4 * SL_HPACK_LIST_MAX);
    struct sl_hpack_encoder *encoder = sl_hpack_encoder_new(4096);
    struct sl_hpack_decoder *decoder = sl_hpack_decoder_new(4096);
    struct sl_headers again = {0};
    if (sl_hpack_encode(encoder, headers->fields, headers->count, &block) == SL_OK) {
        enum sl_status status = sl_hpack_decode(decoder, sl_buf_span(&block), &again);
        assert(status == SL_OK);
        (void)status;
        assert(again.count == headers->count);
        for (size_t i = 0; i < again.count; i++) {
            assert(sl_span_equal(again.fields[i].name, headers->fields[i].name));
            assert(sl_span_equal(again.fields[i].value, headers->fields[i].value));
        }
    }
    sl_headers_release(&again);
    sl_hpack_decoder_free(decoder);
    sl_hpack_encoder_free(encoder);
    sl_buf_release(&block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_rd rd;
    sl_rd_init(&rd, sl_span(data, size));
    uint8_t choices = sl_rd_u8(&rd);
    struct sl_hpack_decoder *decoder = sl_hpack_decoder_new((uint32_t)choices << 5);
    if ((choices & START_DISTRUSTED) != 0) {
        sl_hpack_decoder_distrust(decoder);
    }
    struct sl_headers headers = {0};
    for (size_t blocks = 0; sl_rd_left(&rd) > 0; blocks++) {
        if ((choices & DISTRUST_LATER) != 0 && blocks == DISTRUST_AFTER_BLOCKS) {
            sl_hpack_decoder_distrust(decoder);
        }
        size_t len = sl_rd_u8(&rd);
        struct sl_span block = len <= sl_rd_left(&rd) ? sl_rd_take(&rd, len) : sl_rd_rest(&rd);
        bool is_kept = (choices & KEEP_NO_HEADERS) == 0;
        if (sl_hpack_decode(decoder, block, is_kept ? &headers : NULL) == SL_OK && is_kept) {
            check_headers(&headers);
        }
    }
    sl_headers_release(&headers);
    sl_hpack_decoder_free(decoder);
    return 0;
}
