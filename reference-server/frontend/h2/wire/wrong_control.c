/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong servers: SETTINGS, PING, GOAWAY and what else belongs to the connection. */
#include "reference-server/frontend/h2/wire/deviation.h"

static bool is_ack(const struct srv_wire_frame *frame, uint8_t type)
{
    return frame->type == type && (frame->flags & SL_H2_FLAG_ACK) != 0;
}

static void put(struct srv_wire *wire, const struct srv_wire_frame *frame)
{
    srv_wire_put(wire, SRV_WIRE_OUT, frame);
}

/* --- SETTINGS --- */

/* The server's own, with one more behind. */
static bool put_settings(struct srv_wire *wire, const struct srv_wire_frame *frame, uint16_t id,
                         uint32_t value)
{
    struct sl_buf payload;
    if (frame->type != SL_H2_SETTINGS || (frame->flags & SL_H2_FLAG_ACK) != 0) {
        return false;
    }
    sl_buf_init(&payload, frame->payload.len + 6);
    (void)sl_buf_add_span(&payload, frame->payload);
    (void)sl_buf_add_be16(&payload, id);
    (void)sl_buf_add_be32(&payload, value);
    put(wire, &(struct srv_wire_frame){SL_H2_SETTINGS, 0, 0, false, sl_buf_span(&payload)});
    sl_buf_release(&payload);
    return true;
}

SRV_WIRE_FRAME_HOOK(settings_enable_push)
{
    (void)stream;
    return put_settings(wire, frame, SL_H2_SETTINGS_ENABLE_PUSH, 1);
}

SRV_WIRE_FRAME_HOOK(settings_frame_size_small)
{
    (void)stream;
    return put_settings(wire, frame, SL_H2_SETTINGS_MAX_FRAME_SIZE, 100);
}

SRV_WIRE_FRAME_HOOK(settings_window_too_large)
{
    (void)stream;
    return put_settings(wire, frame, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, UINT32_MAX);
}

SRV_WIRE_FRAME_HOOK(settings_not_first)
{
    (void)stream;
    if (frame->type == SL_H2_SETTINGS && (frame->flags & SL_H2_FLAG_ACK) == 0) {
        (void)sl_h2_write_ping(wire->to[SRV_WIRE_OUT], false, 0);
    }
    return false;
}

SRV_WIRE_FRAME_HOOK(settings_never)
{
    (void)wire;
    (void)stream;
    return frame->type == SL_H2_SETTINGS && (frame->flags & SL_H2_FLAG_ACK) == 0;
}

SRV_WIRE_FRAME_HOOK(settings_unacked)
{
    (void)wire;
    (void)stream;
    return is_ack(frame, SL_H2_SETTINGS);
}

/* The first is acknowledged, as some only do at the beginning. */
SRV_WIRE_FRAME_HOOK(later_settings_unacked)
{
    (void)stream;
    return is_ack(frame, SL_H2_SETTINGS) && wire->note[2]++ > 0;
}

SRV_WIRE_FRAME_HOOK(settings_acked_twice)
{
    (void)stream;
    if (is_ack(frame, SL_H2_SETTINGS)) {
        put(wire, frame);
    }
    return false;
}

SRV_WIRE_FRAME_HOOK(settings_ack_with_payload)
{
    (void)stream;
    if (!is_ack(frame, SL_H2_SETTINGS)) {
        return false;
    }
    put(wire, &(struct srv_wire_frame){SL_H2_SETTINGS, SL_H2_FLAG_ACK, 0, false,
                                       sl_span("\0\4\0\0\377\377", 6)});
    return true;
}

/* --- PING --- */

SRV_WIRE_FRAME_HOOK(ping_unacked)
{
    (void)wire;
    (void)stream;
    return is_ack(frame, SL_H2_PING);
}

SRV_WIRE_FRAME_HOOK(ping_other_bytes)
{
    (void)stream;
    if (!is_ack(frame, SL_H2_PING)) {
        return false;
    }
    (void)sl_h2_write_ping(wire->to[SRV_WIRE_OUT], true, 0);
    return true;
}

SRV_WIRE_FRAME_HOOK(ping_without_ack_flag)
{
    (void)stream;
    if (!is_ack(frame, SL_H2_PING)) {
        return false;
    }
    put(wire, &(struct srv_wire_frame){SL_H2_PING, 0, 0, false, frame->payload});
    return true;
}

SRV_WIRE_FRAME_HOOK(ping_acked_twice)
{
    (void)stream;
    if (is_ack(frame, SL_H2_PING)) {
        put(wire, frame);
    }
    return false;
}

/* --- GOAWAY --- */

static bool put_goaway(struct srv_wire *wire, const struct srv_wire_frame *frame, uint32_t last_id)
{
    if (frame->payload.len < 8) {
        return false;
    }
    const uint8_t *bytes = frame->payload.data;
    uint32_t code =
        (uint32_t)bytes[4] << 24 | (uint32_t)bytes[5] << 16 | (uint32_t)bytes[6] << 8 | bytes[7];
    (void)sl_h2_write_goaway(wire->to[SRV_WIRE_OUT], last_id, code,
                             sl_span_from(frame->payload, 8));
    return true;
}

SRV_WIRE_FRAME_HOOK(goaway_low_id)
{
    (void)stream;
    return frame->type == SL_H2_GOAWAY && put_goaway(wire, frame, 0);
}

SRV_WIRE_FRAME_HOOK(goaway_id_rises)
{
    (void)stream;
    if (frame->type != SL_H2_GOAWAY || frame->payload.len < 8) {
        return false;
    }
    /* The last id of this and of those that come is one higher than that of the one before. */
    wire->note[3] += 2;
    return put_goaway(wire, frame, wire->last_id + (uint32_t)wire->note[3]);
}

/* A drain's first GOAWAY names the last stream, and the session, which has named none yet, serves those above it. */
SRV_WIRE_FRAME_HOOK(goaway_then_served)
{
    static const uint8_t first[] = {0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0};
    (void)stream;
    return frame->type == SL_H2_GOAWAY && frame->payload.len >= sizeof(first) &&
           memcmp(frame->payload.data, first, sizeof(first)) == 0 &&
           put_goaway(wire, frame, wire->last_id);
}

SRV_WIRE_FRAME_HOOK(goaway_never)
{
    (void)wire;
    (void)stream;
    return frame->type == SL_H2_GOAWAY;
}

SRV_WIRE_FRAME_HOOK(goaway_without_code)
{
    (void)stream;
    if (frame->type != SL_H2_GOAWAY || frame->payload.len < 8) {
        return false;
    }
    (void)sl_h2_write_goaway(wire->to[SRV_WIRE_OUT], wire->last_id, SL_H2_NO_ERROR,
                             sl_span(NULL, 0));
    return true;
}

SRV_WIRE_FRAME_HOOK(reset_without_code)
{
    (void)stream;
    if (frame->type != SL_H2_RST_STREAM) {
        return false;
    }
    (void)sl_h2_write_rst_stream(wire->to[SRV_WIRE_OUT], frame->stream, SL_H2_NO_ERROR);
    return true;
}

/* --- frames that a server does not send so (RFC 9113 6) --- */

static bool before_head(const struct srv_wire_stream *stream, const struct srv_wire_frame *frame)
{
    return frame->type == SL_H2_HEADERS && stream != NULL && stream->blocks[SRV_WIRE_OUT] == 0;
}

SRV_WIRE_FRAME_HOOK(ping_too_short)
{
    if (before_head(stream, frame)) {
        put(wire, &(struct srv_wire_frame){SL_H2_PING, 0, 0, false, sl_span("\0\0\0\0", 4)});
    }
    return false;
}

SRV_WIRE_FRAME_HOOK(ping_on_stream)
{
    if (before_head(stream, frame)) {
        put(wire, &(struct srv_wire_frame){SL_H2_PING, 0, frame->stream, false,
                                           sl_span("\0\0\0\0\0\0\0", 8)});
    }
    return false;
}

SRV_WIRE_FRAME_HOOK(reset_too_long)
{
    if (frame->type != SL_H2_RST_STREAM || stream == NULL) {
        return false;
    }
    put(wire, &(struct srv_wire_frame){SL_H2_RST_STREAM, 0, frame->stream, false,
                                       sl_span("\0\0\0\0\0", 5)});
    return true;
}

SRV_WIRE_FRAME_HOOK(settings_on_stream)
{
    if (before_head(stream, frame)) {
        put(wire,
            &(struct srv_wire_frame){SL_H2_SETTINGS, 0, frame->stream, false, sl_span(NULL, 0)});
    }
    return false;
}

SRV_WIRE_FRAME_HOOK(settings_of_odd_length)
{
    if (before_head(stream, frame)) {
        put(wire, &(struct srv_wire_frame){SL_H2_SETTINGS, 0, 0, false, sl_span("\0\0\0\0\0", 5)});
    }
    return false;
}

SRV_WIRE_FRAME_HOOK(window_update_too_long)
{
    if (before_head(stream, frame)) {
        put(wire,
            &(struct srv_wire_frame){SL_H2_WINDOW_UPDATE, 0, 0, false, sl_span("\0\0\0\1\0", 5)});
    }
    return false;
}

SRV_WIRE_FRAME_HOOK(continuation_alone)
{
    if (before_head(stream, frame)) {
        put(wire, &(struct srv_wire_frame){SL_H2_CONTINUATION, SL_H2_FLAG_END_HEADERS,
                                           frame->stream, false, sl_span(NULL, 0)});
    }
    return false;
}

SRV_WIRE_FRAME_HOOK(push_promise)
{
    if (before_head(stream, frame)) {
        put(wire, &(struct srv_wire_frame){SL_H2_PUSH_PROMISE, SL_H2_FLAG_END_HEADERS,
                                           frame->stream, false, sl_span("\0\0\0\2\202", 5)});
    }
    return false;
}

SRV_WIRE_FRAME_HOOK(data_on_idle_stream)
{
    if (before_head(stream, frame)) {
        put(wire,
            &(struct srv_wire_frame){SL_H2_DATA, 0, frame->stream + 1000, false, sl_span(NULL, 0)});
    }
    return false;
}

SRV_WIRE_FRAME_HOOK(reset_of_idle_stream)
{
    if (before_head(stream, frame)) {
        (void)sl_h2_write_rst_stream(wire->to[SRV_WIRE_OUT], frame->stream + 1000, SL_H2_CANCEL);
    }
    return false;
}

/* SETTINGS, PING and their acks go, both ways, and nothing else. */
SRV_WIRE_FRAME_HOOK(answers_nothing)
{
    (void)wire;
    (void)stream;
    return frame->type != SL_H2_SETTINGS && frame->type != SL_H2_PING;
}

#define OUT(name) SRV_WIRE_DEVIATION(name, .frame[SRV_WIRE_OUT] = (name))

static const struct srv_wire_deviation deviations[] = {
    OUT(settings_enable_push),
    OUT(settings_frame_size_small),
    OUT(settings_window_too_large),
    OUT(settings_not_first),
    OUT(settings_never),
    OUT(settings_unacked),
    OUT(later_settings_unacked),
    OUT(settings_acked_twice),
    OUT(settings_ack_with_payload),
    OUT(ping_unacked),
    OUT(ping_other_bytes),
    OUT(ping_without_ack_flag),
    OUT(ping_acked_twice),
    OUT(goaway_low_id),
    OUT(goaway_id_rises),
    OUT(goaway_then_served),
    OUT(goaway_never),
    OUT(goaway_without_code),
    OUT(reset_without_code),
    OUT(ping_too_short),
    OUT(ping_on_stream),
    OUT(reset_too_long),
    OUT(settings_on_stream),
    OUT(settings_of_odd_length),
    OUT(window_update_too_long),
    OUT(continuation_alone),
    OUT(push_promise),
    OUT(data_on_idle_stream),
    OUT(reset_of_idle_stream),
    SRV_WIRE_DEVIATION(answers_nothing, .frame = {answers_nothing, answers_nothing}),
};
const struct srv_wire_group srv_wire_group_control = {deviations,
                                                      sizeof(deviations) / sizeof(deviations[0])};
