/* SPDX-License-Identifier: Apache-2.0 */
/* Frame headers and the content of padded frames: what is read lies inside the input, and a frame
 * that is written again is equal. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "lib/wire/h2_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_span rest = sl_span(data, size);
    struct sl_h2_frame_header header;
    while (sl_h2_frame_header_read(rest, &header) == SL_OK) {
        struct sl_span payload =
            sl_span_first(sl_span_from(rest, SL_H2_FRAME_HEADER_SIZE), header.length);
        struct sl_span content;
        if (sl_h2_frame_content(&header, payload, &content) == SL_OK && content.len > 0) {
            assert(content.data >= payload.data);
            assert(content.data + content.len <= payload.data + payload.len);
        }
        struct sl_buf again;
        sl_buf_init(&again, SL_H2_FRAME_HEADER_SIZE);
        enum sl_status status = sl_h2_write_header(&again, &header);
        assert(status == SL_OK);
        (void)status;
        assert(sl_span_equal(sl_buf_span(&again), sl_span_first(rest, SL_H2_FRAME_HEADER_SIZE)));
        sl_buf_release(&again);
        (void)sl_h2_type_name(header.type);
        (void)sl_h2_error_name(header.stream);
        (void)sl_h2_setting_name((uint16_t)header.stream);
        rest = sl_span_from(rest, SL_H2_FRAME_HEADER_SIZE + payload.len);
    }
    return 0;
}
