/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wrong servers: frames that are errors of the client and are passed over in silence, which is the commonest way to be wrong; and
 * frames that are right and are not borne.
 */
#include "reference-server/frontend/h2/wire/deviation.h"

static bool is_idle(const struct srv_wire *wire, const struct srv_wire_frame *frame)
{
    return frame->stream > wire->last_id || (frame->stream != 0 && frame->stream % 2 == 0);
}

/* --- errors, ignored --- */

SRV_WIRE_FRAME_HOOK(even_stream_ignored)
{
    (void)wire;
    (void)stream;
    return frame->stream != 0 && frame->stream % 2 == 0;
}

SRV_WIRE_FRAME_HOOK(lower_stream_ignored)
{
    return stream == NULL && frame->stream % 2 == 1 && frame->stream < wire->last_id;
}

/* And what comes behind it on the stream. */
SRV_WIRE_FRAME_HOOK(reused_stream_ignored)
{
    (void)wire;
    if (frame->type == SL_H2_HEADERS && stream != NULL &&
        (stream->is_ended[SRV_WIRE_IN] || stream->is_reset[SRV_WIRE_IN])) {
        stream->note[0] = 1;
    }
    return stream != NULL && stream->note[0] != 0;
}

SRV_WIRE_FRAME_HOOK(data_on_idle_ignored)
{
    (void)stream;
    return frame->type == SL_H2_DATA && frame->stream != 0 && is_idle(wire, frame);
}

SRV_WIRE_FRAME_HOOK(reset_of_idle_ignored)
{
    (void)stream;
    return frame->type == SL_H2_RST_STREAM && frame->stream != 0 && is_idle(wire, frame);
}

SRV_WIRE_FRAME_HOOK(credit_for_idle_ignored)
{
    (void)stream;
    return frame->type == SL_H2_WINDOW_UPDATE && frame->stream != 0 && is_idle(wire, frame);
}

SRV_WIRE_FRAME_HOOK(data_after_end_ignored)
{
    (void)wire;
    return frame->type == SL_H2_DATA && stream != NULL && stream->is_ended[SRV_WIRE_IN] &&
           !stream->is_reset[SRV_WIRE_IN];
}

SRV_WIRE_FRAME_HOOK(headers_after_end_ignored)
{
    (void)wire;
    return frame->type == SL_H2_HEADERS && stream != NULL && stream->is_ended[SRV_WIRE_IN] &&
           !stream->is_reset[SRV_WIRE_IN];
}

SRV_WIRE_FRAME_HOOK(bad_lengths_ignored)
{
    (void)wire;
    (void)stream;
    size_t len = frame->payload.len;
    bool is_ack = (frame->flags & SL_H2_FLAG_ACK) != 0;
    return (frame->type == SL_H2_PING && len != 8) ||
           (frame->type == SL_H2_RST_STREAM && len != 4) ||
           (frame->type == SL_H2_WINDOW_UPDATE && len != 4) ||
           (frame->type == SL_H2_PRIORITY && len != 5) ||
           (frame->type == SL_H2_SETTINGS && (is_ack ? len > 0 : len % 6 != 0));
}

SRV_WIRE_FRAME_HOOK(wrong_place_ignored)
{
    (void)wire;
    (void)stream;
    bool is_of_connection =
        frame->type == SL_H2_SETTINGS || frame->type == SL_H2_PING || frame->type == SL_H2_GOAWAY;
    bool is_of_stream = frame->type == SL_H2_DATA || frame->type == SL_H2_HEADERS ||
                        frame->type == SL_H2_RST_STREAM || frame->type == SL_H2_PRIORITY;
    return (is_of_connection && frame->stream != 0) || (is_of_stream && frame->stream == 0);
}

SRV_WIRE_FRAME_HOOK(long_padding_ignored)
{
    (void)wire;
    (void)stream;
    return (frame->type == SL_H2_DATA || frame->type == SL_H2_HEADERS) &&
           (frame->flags & SL_H2_FLAG_PADDED) != 0 &&
           (frame->payload.len == 0 || frame->payload.data[0] >= frame->payload.len);
}

/* The session's decoder sees what stands behind the length of the padding, and the session resets a stream without
 * pseudo-headers by itself. */
SRV_WIRE_FRAME_HOOK(long_padding_decoded)
{
    (void)wire;
    (void)stream;
    if (frame->type == SL_H2_HEADERS && (frame->flags & SL_H2_FLAG_PADDED) != 0 &&
        frame->payload.len > 0 && frame->payload.data[0] >= frame->payload.len) {
        frame->flags &= (uint8_t)~SL_H2_FLAG_PADDED;
        frame->payload = sl_span_from(frame->payload, 1);
    }
    return false;
}

SRV_WIRE_FRAME_HOOK(push_promise_ignored)
{
    (void)wire;
    (void)stream;
    return frame->type == SL_H2_PUSH_PROMISE;
}

SRV_WIRE_FRAME_HOOK(lone_continuation_ignored)
{
    (void)stream;
    /* note[1] is set while a block is open. */
    bool is_open = wire->note[1] != 0;
    if (frame->type == SL_H2_HEADERS || (frame->type == SL_H2_CONTINUATION && is_open)) {
        wire->note[1] = (frame->flags & SL_H2_FLAG_END_HEADERS) == 0;
    }
    return frame->type == SL_H2_CONTINUATION && !is_open;
}

SRV_WIRE_FRAME_HOOK(frame_within_block_ignored)
{
    (void)stream;
    bool is_open = wire->note[1] != 0;
    if (frame->type == SL_H2_HEADERS || frame->type == SL_H2_CONTINUATION) {
        wire->note[1] = (frame->flags & SL_H2_FLAG_END_HEADERS) == 0;
    }
    return is_open && frame->type != SL_H2_CONTINUATION;
}

SRV_WIRE_FRAME_HOOK(long_frame_ignored)
{
    (void)wire;
    (void)stream;
    return frame->payload.len > SL_H2_DEFAULT_MAX_FRAME;
}

SRV_WIRE_FRAME_HOOK(bad_settings_ignored)
{
    (void)stream;
    if (frame->type != SL_H2_SETTINGS) {
        return false;
    }
    for (struct sl_span rest = frame->payload; rest.len >= 6; rest = sl_span_from(rest, 6)) {
        unsigned id = (unsigned)rest.data[0] << 8 | rest.data[1];
        uint32_t value = (uint32_t)rest.data[2] << 24 | (uint32_t)rest.data[3] << 16 |
                         (uint32_t)rest.data[4] << 8 | rest.data[5];
        if ((id == SL_H2_SETTINGS_ENABLE_PUSH && value > 1) ||
            (id == SL_H2_SETTINGS_MAX_FRAME_SIZE &&
             (value < SL_H2_DEFAULT_MAX_FRAME || value > SL_H2_MAX_FRAME_LIMIT))) {
            (void)sl_h2_write_settings_ack(wire->to[SRV_WIRE_OUT]);
            return true;
        }
    }
    return false;
}

/* --- right frames, not borne --- */

/* An error of the connection, by the session's own hand: DATA on stream 0. */
static bool refuse(struct srv_wire *wire)
{
    srv_wire_put(wire, SRV_WIRE_IN,
                 &(struct srv_wire_frame){SL_H2_DATA, 0, 0, false, sl_span(NULL, 0)});
    return true;
}

SRV_WIRE_FRAME_HOOK(unknown_frame_refused)
{
    (void)stream;
    return frame->type > SL_H2_CONTINUATION && refuse(wire);
}

SRV_WIRE_FRAME_HOOK(unknown_setting_refused)
{
    (void)stream;
    bool has = false;
    for (struct sl_span rest = frame->payload; frame->type == SL_H2_SETTINGS && rest.len >= 6;
         rest = sl_span_from(rest, 6)) {
        unsigned id = (unsigned)rest.data[0] << 8 | rest.data[1];
        has |= id > SL_H2_SETTINGS_MAX_HEADER_LIST_SIZE;
    }
    return has && refuse(wire);
}

SRV_WIRE_FRAME_HOOK(reserved_bit_refused)
{
    (void)stream;
    return frame->has_reserved_bit && refuse(wire);
}

SRV_WIRE_FRAME_HOOK(undefined_flag_refused)
{
    static const uint8_t defined[] = {0x09, 0x2D, 0, 0, 0x01, 0x0C, 0x01, 0, 0, 0x04};
    (void)stream;
    return frame->type < sizeof(defined) && (frame->flags & ~defined[frame->type]) != 0 &&
           refuse(wire);
}

SRV_WIRE_FRAME_HOOK(priority_of_idle_refused)
{
    (void)stream;
    return frame->type == SL_H2_PRIORITY && is_idle(wire, frame) && refuse(wire);
}

SRV_WIRE_FRAME_HOOK(late_credit_refused)
{
    return (frame->type == SL_H2_WINDOW_UPDATE || frame->type == SL_H2_RST_STREAM) &&
           stream != NULL && stream->is_ended[SRV_WIRE_IN] && stream->is_ended[SRV_WIRE_OUT] &&
           refuse(wire);
}

SRV_WIRE_FRAME_HOOK(continuation_refused)
{
    (void)stream;
    return frame->type == SL_H2_CONTINUATION && refuse(wire);
}

SRV_WIRE_FRAME_HOOK(padded_headers_refused)
{
    (void)stream;
    return frame->type == SL_H2_HEADERS && (frame->flags & SL_H2_FLAG_PADDED) != 0 && refuse(wire);
}

SRV_WIRE_FRAME_HOOK(goaway_hangs_up)
{
    (void)stream;
    return frame->type == SL_H2_GOAWAY && refuse(wire);
}

/* Numbers above 2^31 - 100 are taken for negative ones. */
SRV_WIRE_FRAME_HOOK(high_stream_refused)
{
    enum { HIGH = 0x7fffff9c };
    (void)stream;
    return frame->type == SL_H2_HEADERS && frame->stream > HIGH && refuse(wire);
}

#define IN(name) SRV_WIRE_DEVIATION(name, .frame[SRV_WIRE_IN] = (name))

static const struct srv_wire_deviation deviations[] = {
    IN(even_stream_ignored),       IN(lower_stream_ignored),
    IN(reused_stream_ignored),     IN(data_on_idle_ignored),
    IN(reset_of_idle_ignored),     IN(credit_for_idle_ignored),
    IN(data_after_end_ignored),    IN(bad_lengths_ignored),
    IN(wrong_place_ignored),       IN(long_padding_ignored),
    IN(long_padding_decoded),      IN(push_promise_ignored),
    IN(lone_continuation_ignored), IN(frame_within_block_ignored),
    IN(long_frame_ignored),        IN(bad_settings_ignored),
    IN(unknown_frame_refused),     IN(unknown_setting_refused),
    IN(reserved_bit_refused),      IN(undefined_flag_refused),
    IN(priority_of_idle_refused),  IN(continuation_refused),
    IN(headers_after_end_ignored), IN(late_credit_refused),
    IN(padded_headers_refused),    IN(goaway_hangs_up),
    IN(high_stream_refused),
};
const struct srv_wire_group srv_wire_group_frames = {deviations,
                                                     sizeof(deviations) / sizeof(deviations[0])};
