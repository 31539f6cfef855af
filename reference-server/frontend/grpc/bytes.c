/* SPDX-License-Identifier: Apache-2.0 */
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/slice.h>

#include "lib/wire/message.h"
#include "reference-server/frontend/grpc/internal.h"

/* A thread of the C core may be the one that lets a frame go. What orders that behind our handing it over is inside the C
 * core, which is not instrumented: ThreadSanitizer is told here. */
#ifdef __has_feature
#    if __has_feature(thread_sanitizer)
#        define IS_THREAD_SANITIZED 1
#    endif
#endif
#ifdef IS_THREAD_SANITIZED
#    include <sanitizer/tsan_interface.h>
#    define HANDED_OVER(frame) __tsan_release(frame)
#    define TAKEN_OVER(frame)  __tsan_acquire(frame)
#else
#    define HANDED_OVER(frame) (void)(frame)
#    define TAKEN_OVER(frame)  (void)(frame)
#endif

enum {
    INFLATED_MAX = 1 << 30, /* of a wrong server */
};

/* The bytes as they came. */
static struct srv_frame *gather(grpc_byte_buffer *buffer)
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
    return frame;
}

static enum sl_status inflate_frame(const char *encoding, size_t max, struct srv_frame **frame)
{
    struct sl_buf out;
    sl_buf_init(&out, max);
    enum sl_status status =
        sl_message_decompress(sl_span_str(encoding), srv_frame_span(*frame), &out);
    srv_frame_unref(*frame);
    *frame = status == SL_OK ? srv_frame_copy(sl_buf_span(&out)) : NULL;
    sl_buf_release(&out);
    return status;
}

enum sl_status srv_bytes_take(const struct srv_grpc *grpc, grpc_byte_buffer *buffer,
                              struct srv_frame **ret_frame)
{
    bool is_unbounded = grpc->chat->config.misbehave.inflate_unbounded;
    size_t max = is_unbounded ? INFLATED_MAX : grpc->max_message;
    enum sl_status status = SL_OK;
    grpc_compression_algorithm compression = buffer->data.raw.compression;
    *ret_frame = gather(buffer);
    grpc_byte_buffer_destroy(buffer);
    if (compression == GRPC_COMPRESS_GZIP) {
        status = inflate_frame("gzip", max, ret_frame);
    } else if (compression == GRPC_COMPRESS_DEFLATE) {
        status = inflate_frame("deflate", max, ret_frame);
    }
    if (is_unbounded && status == SL_OK && (*ret_frame)->len > grpc->max_message) {
        srv_frame_unref(*ret_frame);
        *ret_frame = NULL;
        status = SL_LIMIT;
    }
    return status;
}

struct srv_answer srv_bytes_refusal(enum sl_status status)
{
    return status == SL_LIMIT
               ? srv_refusal(SL_GRPC_RESOURCE_EXHAUSTED, "the message is larger than allowed")
               : srv_refusal(SL_GRPC_INTERNAL, "the message cannot be decompressed");
}

static void unref_frame(void *frame)
{
    TAKEN_OVER(frame);
    srv_frame_unref(frame);
}

grpc_byte_buffer *srv_bytes_give(struct srv_frame *frame)
{
    HANDED_OVER(frame);
    grpc_slice slice = grpc_slice_new_with_user_data(frame->data, frame->len, unref_frame, frame);
    grpc_byte_buffer *buffer = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return buffer;
}
