/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong servers: limits that are announced and not kept, or that are not there. */
#include "reference-server/frontend/h2/wire/deviation.h"

enum {
    SETTING = 6, /* RFC 9113 6.5.1 */
    STREAMS = 20,
    SMALL_WINDOW = 16384,
    ONE_LESS_WINDOW = 65534, /* than the session takes */
    LARGE_WINDOW = 2 * 65535,
};

static bool is_settings(const struct srv_wire_frame *frame)
{
    return frame->type == SL_H2_SETTINGS && (frame->flags & SL_H2_FLAG_ACK) == 0;
}

/* The server's SETTINGS, with this one in place of its own. */
static bool announce(struct srv_wire *wire, const struct srv_wire_frame *frame, uint16_t id,
                     uint32_t value)
{
    struct sl_buf payload;
    sl_buf_init(&payload, frame->payload.len + SETTING);
    for (struct sl_span rest = frame->payload; rest.len >= SETTING;
         rest = sl_span_from(rest, SETTING)) {
        if (((rest.data[0] << 8) | rest.data[1]) != id) {
            (void)sl_buf_add(&payload, rest.data, SETTING);
        }
    }
    (void)sl_buf_add_be16(&payload, id);
    (void)sl_buf_add_be32(&payload, value);
    srv_wire_put(wire, SRV_WIRE_OUT,
                 &(struct srv_wire_frame){SL_H2_SETTINGS, 0, 0, false, sl_buf_span(&payload)});
    sl_buf_release(&payload);
    return true;
}

SRV_WIRE_FRAME_HOOK(overrun_taken)
{
    (void)stream;
    return is_settings(frame) &&
           announce(wire, frame, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, SMALL_WINDOW);
}

SRV_WIRE_FRAME_HOOK(overrun_by_one_taken)
{
    (void)stream;
    return is_settings(frame) &&
           announce(wire, frame, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, ONE_LESS_WINDOW);
}

/* note[0] is what came and was not given back since, above what the first WINDOW_UPDATE, which note[1] tells of, allowed. */
SRV_WIRE_FRAME_HOOK(count_connection_credit)
{
    (void)stream;
    if (frame->type == SL_H2_WINDOW_UPDATE && frame->stream == 0 && frame->payload.len == 4) {
        const uint8_t *bytes = frame->payload.data;
        uint64_t more = (uint64_t)bytes[0] << 24 | (uint64_t)bytes[1] << 16 |
                        (uint64_t)bytes[2] << 8 | bytes[3];
        wire->note[0] -= wire->note[1]++ == 0 || more > wire->note[0] ? 0 : more;
    }
    return false;
}

SRV_WIRE_FRAME_HOOK(connection_window_smaller_than_announced)
{
    (void)stream;
    if (frame->type != SL_H2_DATA) {
        return false;
    }
    bool was_within = wire->note[0] <= SL_H2_DEFAULT_WINDOW;
    wire->note[0] += frame->payload.len;
    bool is_within = wire->note[0] <= SL_H2_DEFAULT_WINDOW;
    if (was_within && !is_within) {
        (void)sl_h2_write_goaway(wire->to[SRV_WIRE_OUT], wire->last_id, SL_H2_FLOW_CONTROL_ERROR,
                                 sl_span(NULL, 0));
    }
    return !is_within;
}

SRV_WIRE_FRAME_HOOK(window_smaller_than_announced)
{
    (void)stream;
    return is_settings(frame) &&
           announce(wire, frame, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, LARGE_WINDOW);
}

SRV_WIRE_FRAME_HOOK(refuse_half)
{
    if (frame->type != SL_H2_DATA || stream == NULL) {
        return false;
    }
    bool is_refused = stream->note[0] != 0;
    stream->note[0] |= stream->data[SRV_WIRE_IN] + frame->payload.len > LARGE_WINDOW / 2;
    if (stream->note[0] != 0 && !is_refused) {
        (void)sl_h2_write_rst_stream(wire->to[SRV_WIRE_OUT], stream->id, SL_H2_FLOW_CONTROL_ERROR);
        (void)sl_h2_write_rst_stream(wire->to[SRV_WIRE_IN], stream->id, SL_H2_CANCEL);
    }
    return stream->note[0] != 0;
}

SRV_WIRE_FRAME_HOOK(max_streams_ignored)
{
    (void)stream;
    return is_settings(frame) &&
           announce(wire, frame, SL_H2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS);
}

static unsigned open_streams(const struct srv_wire *wire)
{
    unsigned count = 0;
    for (const struct srv_wire_stream *stream = wire->streams; stream != NULL;
         stream = stream->hh.next) {
        count += !stream->is_ended[SRV_WIRE_OUT] && !stream->is_reset[SRV_WIRE_OUT] &&
                 !stream->is_reset[SRV_WIRE_IN];
    }
    return count;
}

/* The session serves the stream; the client is told that it was refused, and nothing else. */
SRV_WIRE_FRAME_HOOK(refuse_stream)
{
    if (frame->type == SL_H2_HEADERS && stream != NULL && stream->blocks[SRV_WIRE_IN] == 0 &&
        open_streams(wire) > STREAMS) {
        stream->note[0] = 1;
        (void)sl_h2_write_rst_stream(wire->to[SRV_WIRE_OUT], stream->id, SL_H2_REFUSED_STREAM);
    }
    return false;
}

SRV_WIRE_FRAME_HOOK(hide_refused)
{
    return (stream != NULL && stream->note[0] != 0) || max_streams_ignored(wire, stream, frame);
}

enum {
    COUNTED = 1, /* note[0] of a stream */
    REFUSED = 2,
};

/* note[1] of the connection: of how many streams the places are lost. */
SRV_WIRE_FRAME_HOOK(count_lost_places)
{
    if (stream != NULL && stream->note[0] == REFUSED) {
        return true;
    }
    bool is_bare_end = frame->type == SL_H2_HEADERS && stream != NULL &&
                       stream->blocks[SRV_WIRE_OUT] == 0 &&
                       (frame->flags & SL_H2_FLAG_END_STREAM) != 0;
    bool is_reset =
        frame->type == SL_H2_RST_STREAM && stream != NULL && !stream->is_ended[SRV_WIRE_OUT];
    if ((is_bare_end || is_reset) && stream->note[0] == 0) {
        stream->note[0] = COUNTED;
        wire->note[1]++;
    }
    return max_streams_ignored(wire, stream, frame);
}

SRV_WIRE_FRAME_HOOK(leaks_stream_slot_of_error)
{
    bool begins = frame->type == SL_H2_HEADERS && stream != NULL &&
                  stream->blocks[SRV_WIRE_IN] == 0 && (frame->flags & SL_H2_FLAG_END_HEADERS) != 0;
    if (!begins || open_streams(wire) + wire->note[1] <= STREAMS) {
        return frame->type == SL_H2_DATA && stream != NULL && stream->note[0] == REFUSED;
    }
    stream->note[0] = REFUSED; /* the session has the header block, for its table's sake */
    srv_wire_put(wire, SRV_WIRE_IN, frame);
    (void)sl_h2_write_rst_stream(wire->to[SRV_WIRE_IN], stream->id, SL_H2_CANCEL);
    (void)sl_h2_write_rst_stream(wire->to[SRV_WIRE_OUT], stream->id, SL_H2_REFUSED_STREAM);
    stream->is_reset[SRV_WIRE_OUT] = true;
    return true;
}

/* A header block without an end is read for ever. */
SRV_WIRE_FRAME_HOOK(continuation_unbounded)
{
    (void)wire;
    (void)stream;
    return frame->type == SL_H2_CONTINUATION && (frame->flags & SL_H2_FLAG_END_HEADERS) == 0;
}

#define IN(name)  SRV_WIRE_DEVIATION(name, .frame[SRV_WIRE_IN] = (name))
#define OUT(name) SRV_WIRE_DEVIATION(name, .frame[SRV_WIRE_OUT] = (name))

static const struct srv_wire_deviation deviations[] = {
    OUT(overrun_taken),
    OUT(overrun_by_one_taken),
    SRV_WIRE_DEVIATION(
        connection_window_smaller_than_announced,
        .frame = {connection_window_smaller_than_announced, count_connection_credit}),
    SRV_WIRE_DEVIATION(window_smaller_than_announced,
                       .frame = {refuse_half, window_smaller_than_announced}),
    OUT(max_streams_ignored),
    SRV_WIRE_DEVIATION(refused_executed, .frame = {refuse_stream, hide_refused}),
    SRV_WIRE_DEVIATION(leaks_stream_slot_of_error,
                       .frame = {leaks_stream_slot_of_error, count_lost_places}),
    IN(continuation_unbounded),
    SRV_WIRE_DEVIATION(bad_preface_hangs, .has_ledger = false), /* wire.c */
};
const struct srv_wire_group srv_wire_group_limits = {deviations,
                                                     sizeof(deviations) / sizeof(deviations[0])};
