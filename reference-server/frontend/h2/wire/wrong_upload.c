/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong servers: how they read the messages of requests, and what they do when a client leaves. */
#include "lib/base/alloc.h"
#include "reference-server/frontend/h2/wire/deviation.h"

enum { PREFIX = 5 /* of a message */, SEND_BYTES = 1024 };

static void put_data(struct srv_wire *wire, uint32_t stream, uint8_t flags, struct sl_span payload)
{
    srv_wire_put_data(wire, SRV_WIRE_IN, stream, flags, payload);
}

static bool is_data(const struct srv_wire_stream *stream, const struct srv_wire_frame *frame)
{
    return stream != NULL && frame->type == SL_H2_DATA && (frame->flags & SL_H2_FLAG_PADDED) == 0;
}

/* A prefix that came in pieces is never put together: what comes of such a stream is lost. */
SRV_WIRE_FRAME_HOOK(split_prefix_hangs)
{
    (void)wire;
    if (is_data(stream, frame) && stream->frames[SRV_WIRE_IN] == 0 && frame->payload.len > 0 &&
        frame->payload.len < PREFIX) {
        stream->note[0] = 1;
    }
    return is_data(stream, frame) && stream->note[0] == 1;
}

/* Where a frame begins a message begins. */
SRV_WIRE_FRAME_HOOK(message_is_frame)
{
    if (!is_data(stream, frame) || frame->payload.len < PREFIX) {
        return false;
    }
    const uint8_t *bytes = frame->payload.data;
    size_t len = PREFIX + ((size_t)bytes[1] << 24 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 8 |
                           bytes[4]);
    if (len >= frame->payload.len) {
        return false;
    }
    put_data(wire, frame->stream, frame->flags, sl_span_first(frame->payload, len));
    return true;
}

SRV_WIRE_FRAME_HOOK(frame_is_message)
{
    if (!is_data(stream, frame) || frame->payload.len < PREFIX) {
        return false;
    }
    const uint8_t *bytes = frame->payload.data;
    size_t len = PREFIX + ((size_t)bytes[1] << 24 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 8 |
                           bytes[4]);
    if (len <= frame->payload.len || len > SL_H2_DEFAULT_MAX_FRAME) {
        return false;
    }
    uint8_t *whole = sl_alloc(SL_H2_DEFAULT_MAX_FRAME);
    memcpy(whole, bytes, frame->payload.len);
    put_data(wire, frame->stream, frame->flags, sl_span(whole, len));
    sl_free(whole);
    return true;
}

SRV_WIRE_FRAME_HOOK(empty_data_ends)
{
    if (!is_data(stream, frame) || frame->payload.len > 0) {
        return false;
    }
    put_data(wire, frame->stream, SL_H2_FLAG_END_STREAM, sl_span(NULL, 0));
    return true;
}

SRV_WIRE_FRAME_HOOK(padding_is_data)
{
    if (stream == NULL || frame->type != SL_H2_DATA || (frame->flags & SL_H2_FLAG_PADDED) == 0 ||
        frame->payload.len == 0) {
        return false;
    }
    put_data(wire, frame->stream, frame->flags & SL_H2_FLAG_END_STREAM,
             sl_span_from(frame->payload, 1));
    return true;
}

SRV_WIRE_FRAME_HOOK(padding_refused)
{
    if (stream == NULL || frame->type != SL_H2_DATA || (frame->flags & SL_H2_FLAG_PADDED) == 0) {
        return false;
    }
    (void)sl_h2_write_rst_stream(wire->to[SRV_WIRE_OUT], frame->stream, SL_H2_PROTOCOL_ERROR);
    return true;
}

SRV_WIRE_FRAME_HOOK(empty_message_lost)
{
    static const uint8_t empty[PREFIX];
    if (!is_data(stream, frame) || frame->payload.len != PREFIX ||
        memcmp(frame->payload.data, empty, PREFIX) != 0) {
        return false;
    }
    put_data(wire, frame->stream, frame->flags, sl_span(NULL, 0));
    return true;
}

/* The first byte of the first message, which is the compressed flag, is what it should be. */
SRV_WIRE_FRAME_HOOK(flags_not_read)
{
    if (!is_data(stream, frame) || stream->frames[SRV_WIRE_IN] > 0 || frame->payload.len == 0 ||
        frame->payload.data[0] == 0) {
        return false;
    }
    uint8_t *bytes = sl_alloc(frame->payload.len);
    memcpy(bytes, frame->payload.data, frame->payload.len);
    bytes[0] = 0;
    put_data(wire, frame->stream, frame->flags, sl_span(bytes, frame->payload.len));
    sl_free(bytes);
    return true;
}

/* Notes streams whose messages are not to be compressed. */
SRV_WIRE_BLOCK_HOOK(note_plain_stream)
{
    (void)wire;
    if (stream != NULL && stream->blocks[SRV_WIRE_IN] == 0) {
        bool is_plain = srv_wire_find(block, "grpc-encoding") == block->count ||
                        srv_wire_has(block, "grpc-encoding", "identity");
        stream->note[0] = is_plain ? 1 : 0;
    }
    return false;
}

SRV_WIRE_FRAME_HOOK(compressed_flag_taken)
{
    bool is_so = is_data(stream, frame) && stream->note[0] == 1 && frame->payload.len > 0 &&
                 frame->payload.data[0] == 1;
    return is_so && flags_not_read(wire, stream, frame);
}

/* Notes streams whose messages may be compressed. */
SRV_WIRE_BLOCK_HOOK(note_gzip_stream)
{
    (void)wire;
    if (stream != NULL && stream->blocks[SRV_WIRE_IN] == 0) {
        stream->note[0] = srv_wire_has(block, "grpc-encoding", "gzip") ? 1 : 0;
    }
    return false;
}

SRV_WIRE_FRAME_HOOK(plain_beside_gzip_refused)
{
    bool is_so = is_data(stream, frame) && stream->note[0] == 1 &&
                 stream->frames[SRV_WIRE_IN] == 0 && frame->payload.len > 0 &&
                 frame->payload.data[0] == 0;
    if (is_so) {
        (void)sl_h2_write_rst_stream(wire->to[SRV_WIRE_OUT], frame->stream, SL_H2_INTERNAL_ERROR);
    }
    return is_so;
}

static const uint8_t gzip_magic[] = {0x1f, 0x8b};

/* The connection ends at a compressed message that is no gzip. */
SRV_WIRE_FRAME_HOOK(damaged_gzip_ends_connection)
{
    const uint8_t *bytes = frame->payload.data;
    if (!is_data(stream, frame) || frame->payload.len < PREFIX + sizeof(gzip_magic) ||
        bytes[0] != 1 || memcmp(bytes + PREFIX, gzip_magic, sizeof(gzip_magic)) == 0) {
        return false;
    }
    put_data(wire, 0, 0, sl_span(NULL, 0)); /* which the session does not bear */
    return true;
}

/* A message that is no protobuf (its first tag has no wire type) is taken for one without fields. */
SRV_WIRE_FRAME_HOOK(undecodable_is_empty)
{
    static const uint8_t empty[PREFIX];
    if (!is_data(stream, frame) || frame->payload.len <= PREFIX ||
        (frame->payload.data[PREFIX] & 7) < 6) {
        return false;
    }
    put_data(wire, frame->stream, frame->flags, sl_span(empty, PREFIX));
    return true;
}

/* A message that is announced as larger than any limit is waited for. */
SRV_WIRE_FRAME_HOOK(limit_waits_for_body)
{
    (void)wire;
    if (is_data(stream, frame) && stream->frames[SRV_WIRE_IN] == 0 &&
        frame->payload.len >= PREFIX && frame->payload.data[1] > 0) {
        stream->note[0] = 1;
    }
    return is_data(stream, frame) && stream->note[0] == 1;
}

/* A message that its stream's end cuts is filled up with zeros, as one in a buffer of the right length is. */
SRV_WIRE_FRAME_HOOK(cut_message_filled)
{
    static const uint8_t zeros[SEND_BYTES];
    if (!is_data(stream, frame) || (frame->flags & SL_H2_FLAG_END_STREAM) == 0 ||
        stream->frames[SRV_WIRE_IN] > 0 || frame->payload.len < PREFIX) {
        return false;
    }
    const uint8_t *bytes = frame->payload.data;
    size_t len = PREFIX + ((size_t)bytes[1] << 24 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 8 |
                           bytes[4]);
    if (len <= frame->payload.len || len - frame->payload.len > sizeof(zeros)) {
        return false;
    }
    put_data(wire, frame->stream, 0, frame->payload);
    put_data(wire, frame->stream, SL_H2_FLAG_END_STREAM, sl_span(zeros, len - frame->payload.len));
    return true;
}

/* --- what the client says of streams --- */

SRV_WIRE_FRAME_HOOK(cancel_ignored)
{
    (void)wire;
    return frame->type == SL_H2_RST_STREAM && stream != NULL && frame->payload.len == 4;
}

/* No DATA was sent: the stream waits for its window, or for something to say. */
SRV_WIRE_FRAME_HOOK(cancel_while_blocked_ignored)
{
    (void)wire;
    return frame->type == SL_H2_RST_STREAM && stream != NULL && frame->payload.len == 4 &&
           stream->data[SRV_WIRE_OUT] == 0;
}

SRV_WIRE_FRAME_HOOK(cancel_ends_connection)
{
    if (frame->type == SL_H2_RST_STREAM && stream != NULL && stream->frames[SRV_WIRE_OUT] == 0) {
        put_data(wire, 0, 0, sl_span(NULL, 0));
    }
    return false;
}

static bool is_cancel_of_open(const struct srv_wire_stream *stream,
                              const struct srv_wire_frame *frame)
{
    return frame->type == SL_H2_RST_STREAM && frame->payload.len == 4 && stream != NULL &&
           !stream->is_reset[SRV_WIRE_IN] && !stream->is_ended[SRV_WIRE_OUT];
}

/* A cancel is answered by one. */
SRV_WIRE_FRAME_HOOK(reset_answered)
{
    if (is_cancel_of_open(stream, frame)) {
        (void)sl_h2_write_rst_stream(wire->to[SRV_WIRE_OUT], frame->stream, SL_H2_CANCEL);
    }
    return false;
}

/* The handler that is told of a cancel says CANCELLED to nobody. */
SRV_WIRE_FRAME_HOOK(trailers_after_reset)
{
    if (is_cancel_of_open(stream, frame)) {
        struct srv_wire_block block = {.stream = frame->stream, .is_end = true};
        srv_wire_set(&block, "grpc-status", "1");
        srv_wire_put_literal_block(wire, SRV_WIRE_OUT, &block);
    }
    return false;
}

/* --- what it takes of HEADERS --- */

/* The five bytes of a priority are taken for the beginning of the block. */
SRV_WIRE_FRAME_HOOK(priority_is_block)
{
    (void)stream;
    if (frame->type != SL_H2_HEADERS || (frame->flags & SL_H2_FLAG_PRIORITY) == 0) {
        return false;
    }
    frame->flags &= (uint8_t)~SL_H2_FLAG_PRIORITY;
    srv_wire_put(wire, SRV_WIRE_IN, frame);
    return true;
}

#define FRAME(name) SRV_WIRE_DEVIATION(name, .frame[SRV_WIRE_IN] = (name))

static const struct srv_wire_deviation deviations[] = {
    FRAME(split_prefix_hangs),
    FRAME(message_is_frame),
    FRAME(frame_is_message),
    FRAME(empty_data_ends),
    FRAME(padding_is_data),
    FRAME(padding_refused),
    FRAME(empty_message_lost),
    FRAME(flags_not_read),
    SRV_WIRE_DEVIATION(compressed_flag_taken, .frame[SRV_WIRE_IN] = compressed_flag_taken,
                       .block[SRV_WIRE_IN] = note_plain_stream),
    SRV_WIRE_DEVIATION(plain_beside_gzip_refused, .frame[SRV_WIRE_IN] = plain_beside_gzip_refused,
                       .block[SRV_WIRE_IN] = note_gzip_stream),
    FRAME(damaged_gzip_ends_connection),
    FRAME(undecodable_is_empty),
    FRAME(limit_waits_for_body),
    FRAME(cut_message_filled),
    FRAME(cancel_ignored),
    FRAME(cancel_while_blocked_ignored),
    FRAME(cancel_ends_connection),
    FRAME(reset_answered),
    FRAME(trailers_after_reset),
    FRAME(priority_is_block),
};
const struct srv_wire_group srv_wire_group_upload = {deviations,
                                                     sizeof(deviations) / sizeof(deviations[0])};
