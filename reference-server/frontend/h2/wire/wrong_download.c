/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong servers: the messages of responses, and the frames that carry them. */
#include "lib/base/alloc.h"
#include "reference-server/frontend/h2/wire/deviation.h"

enum { PREFIX = 5 /* of a message */, UNARY_MAX = 512 };

static void put_data(struct srv_wire *wire, uint32_t stream, uint8_t flags, struct sl_span payload)
{
    srv_wire_put_data(wire, SRV_WIRE_OUT, stream, flags, payload);
}

static bool is_of(const struct srv_wire_stream *stream, const char *method)
{
    size_t len = strlen(stream->path);
    size_t tail = strlen(method);
    return len >= tail && strcmp(stream->path + len - tail, method) == 0;
}

/* The path is known where the requests' blocks are read: these hooks are what makes them be. */
static bool watch_path(struct srv_wire *wire, struct srv_wire_stream *stream,
                       struct srv_wire_block *block)
{
    (void)wire;
    (void)stream;
    (void)block;
    return false;
}

/* DATA that begins with a whole message's prefix: the first of its stream does. */
static bool begins_messages(const struct srv_wire_stream *stream,
                            const struct srv_wire_frame *frame)
{
    return stream != NULL && frame->type == SL_H2_DATA && stream->frames[SRV_WIRE_OUT] == 0 &&
           frame->payload.len >= PREFIX && frame->payload.len <= UNARY_MAX;
}

/* The first message's DATA with its prefix changed: byte at becomes value. */
static bool put_changed(struct srv_wire *wire, const struct srv_wire_stream *stream,
                        const struct srv_wire_frame *frame, size_t at, uint8_t value)
{
    uint8_t bytes[UNARY_MAX];
    if (!begins_messages(stream, frame)) {
        return false;
    }
    memcpy(bytes, frame->payload.data, frame->payload.len);
    bytes[at] = value;
    put_data(wire, frame->stream, frame->flags, sl_span(bytes, frame->payload.len));
    return true;
}

SRV_WIRE_FRAME_HOOK(length_one_more)
{
    return frame->payload.len >= PREFIX &&
           put_changed(wire, stream, frame, 4, (uint8_t)(frame->payload.data[4] + 1));
}

SRV_WIRE_FRAME_HOOK(length_little_endian)
{
    uint8_t bytes[UNARY_MAX];
    if (!begins_messages(stream, frame)) {
        return false;
    }
    memcpy(bytes, frame->payload.data, frame->payload.len);
    for (size_t i = 0; i < 4; i++) {
        bytes[1 + i] = frame->payload.data[4 - i];
    }
    put_data(wire, frame->stream, frame->flags, sl_span(bytes, frame->payload.len));
    return true;
}

SRV_WIRE_FRAME_HOOK(reserved_flag_sent)
{
    return put_changed(wire, stream, frame, 0, 2);
}

SRV_WIRE_FRAME_HOOK(compressed_flag_alone)
{
    return put_changed(wire, stream, frame, 0, 1);
}

SRV_WIRE_BLOCK_HOOK(bytes_after_last_message)
{
    bool is_last = block->is_end && srv_wire_find(block, "grpc-status") < block->count;
    if (stream != NULL && is_last && stream->frames[SRV_WIRE_OUT] > 0) {
        put_data(wire, block->stream, 0, sl_span("\0\0", 2));
    }
    return false;
}

SRV_WIRE_FRAME_HOOK(unary_twice)
{
    if (begins_messages(stream, frame) && is_of(stream, "/SendMessage")) {
        put_data(wire, frame->stream, 0, frame->payload);
    }
    return false;
}

SRV_WIRE_FRAME_HOOK(unary_never)
{
    (void)wire;
    return begins_messages(stream, frame) && is_of(stream, "/SendMessage");
}

/* A frame of more than the 16,384 bytes that a client allows (RFC 9113 4.2). */
SRV_WIRE_FRAME_HOOK(frame_too_long)
{
    enum { TOO_LONG = SL_H2_DEFAULT_MAX_FRAME + 1 };
    if (!begins_messages(stream, frame)) {
        return false;
    }
    uint8_t *bytes = sl_alloc(TOO_LONG);
    size_t len = frame->payload.len;
    memcpy(bytes, frame->payload.data, len);
    /* An unknown type, so that the message itself stays right: the length is an error whatever the type is. */
    srv_wire_put(
        wire, SRV_WIRE_OUT,
        &(struct srv_wire_frame){UINT8_MAX, 0, frame->stream, false, sl_span(bytes, TOO_LONG)});
    sl_free(bytes);
    return false;
}

SRV_WIRE_FRAME_HOOK(padding_too_long)
{
    uint8_t bytes[1 + UNARY_MAX];
    if (!begins_messages(stream, frame)) {
        return false;
    }
    bytes[0] = UINT8_MAX;
    memcpy(bytes + 1, frame->payload.data, frame->payload.len);
    size_t len = 1 + frame->payload.len < UINT8_MAX ? 1 + frame->payload.len : UINT8_MAX;
    put_data(wire, frame->stream, frame->flags | SL_H2_FLAG_PADDED, sl_span(bytes, len));
    return true;
}

SRV_WIRE_FRAME_HOOK(data_on_connection)
{
    if (begins_messages(stream, frame)) {
        put_data(wire, 0, 0, sl_span(NULL, 0));
    }
    return false;
}

#define BLOCK(name) SRV_WIRE_DEVIATION(name, .block[SRV_WIRE_OUT] = (name))
#define FRAME(name) SRV_WIRE_DEVIATION(name, .frame[SRV_WIRE_OUT] = (name))

static const struct srv_wire_deviation deviations[] = {
    BLOCK(bytes_after_last_message),
    FRAME(length_one_more),
    FRAME(length_little_endian),
    FRAME(reserved_flag_sent),
    FRAME(compressed_flag_alone),
    FRAME(frame_too_long),
    FRAME(padding_too_long),
    FRAME(data_on_connection),
    SRV_WIRE_DEVIATION(unary_twice, .frame[SRV_WIRE_OUT] = unary_twice,
                       .block[SRV_WIRE_IN] = watch_path),
    SRV_WIRE_DEVIATION(unary_never, .frame[SRV_WIRE_OUT] = unary_never,
                       .block[SRV_WIRE_IN] = watch_path),
};
const struct srv_wire_group srv_wire_group_download = {deviations,
                                                       sizeof(deviations) / sizeof(deviations[0])};
