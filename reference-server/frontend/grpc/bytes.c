/* SPDX-License-Identifier: Apache-2.0 */
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>

#include "reference-server/frontend/grpc/internal.h"

struct srv_frame *srv_bytes_take(grpc_byte_buffer *buffer)
{
    struct srv_frame *frame = srv_frame_new(grpc_byte_buffer_length(buffer));
    grpc_byte_buffer_reader reader;
    grpc_slice *slice = NULL;
    size_t at = 0;
    if (grpc_byte_buffer_reader_init(&reader, buffer)) {
        while (grpc_byte_buffer_reader_peek(&reader, &slice)) {
            memcpy(frame->data + at, GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice));
            at += GRPC_SLICE_LENGTH(*slice);
        }
        grpc_byte_buffer_reader_destroy(&reader);
    }
    frame->len = at;
    grpc_byte_buffer_destroy(buffer);
    return frame;
}

static void unref_frame(void *frame)
{
    srv_frame_unref(frame);
}

grpc_byte_buffer *srv_bytes_give(struct srv_frame *frame)
{
    grpc_slice slice = grpc_slice_new_with_user_data(frame->data, frame->len, unref_frame, frame);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}
