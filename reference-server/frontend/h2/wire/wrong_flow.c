/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong servers: windows. Those of the client are kept by the ledger, which has their switches. */
#include "reference-server/frontend/h2/wire/deviation.h"
#include "reference-server/frontend/h2/wire/ledger.h"

enum { WINDOW_UPDATE_SIZE = 4 };

static uint32_t increment_of(const struct srv_wire_frame *frame)
{
    const uint8_t *bytes = frame->payload.data;
    return frame->payload.len != WINDOW_UPDATE_SIZE
               ? 0
               : ((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
                  bytes[3]) &
                     SL_H2_MAX_WINDOW;
}

/* --- credit that the server gives --- */

static bool stream_credit_never(struct srv_wire *wire, struct srv_wire_stream *stream,
                                struct srv_wire_frame *frame)
{
    (void)wire;
    (void)stream;
    return frame->type == SL_H2_WINDOW_UPDATE && frame->stream != 0;
}

static bool connection_credit_never(struct srv_wire *wire, struct srv_wire_stream *stream,
                                    struct srv_wire_frame *frame)
{
    (void)wire;
    (void)stream;
    return frame->type == SL_H2_WINDOW_UPDATE && frame->stream == 0;
}

/* Bytes that came in and are not to be given back: note[0] counts them. */
static bool withhold(struct srv_wire *wire, struct srv_wire_stream *stream,
                     struct srv_wire_frame *frame)
{
    (void)stream;
    if (frame->type != SL_H2_WINDOW_UPDATE || frame->stream != 0 || wire->note[0] == 0) {
        return false;
    }
    uint32_t increment = increment_of(frame);
    uint32_t kept = wire->note[0] < increment ? (uint32_t)wire->note[0] : increment;
    wire->note[0] -= kept;
    if (kept < increment) {
        (void)sl_h2_write_window_update(wire->to[SRV_WIRE_OUT], 0, increment - kept);
    }
    return true;
}

static bool reset_leaks_credit(struct srv_wire *wire, struct srv_wire_stream *stream,
                               struct srv_wire_frame *frame)
{
    if (stream != NULL && frame->type == SL_H2_RST_STREAM && !stream->is_reset[SRV_WIRE_IN]) {
        wire->note[0] += stream->data[SRV_WIRE_IN];
    }
    return false;
}

static bool padding_leaks_credit(struct srv_wire *wire, struct srv_wire_stream *stream,
                                 struct srv_wire_frame *frame)
{
    (void)stream;
    if (frame->type == SL_H2_DATA && (frame->flags & SL_H2_FLAG_PADDED) != 0 &&
        frame->payload.len > 0) {
        wire->note[0] += frame->payload.data[0] + (size_t)1;
    }
    return false;
}

static bool late_data_leaks_credit(struct srv_wire *wire, struct srv_wire_stream *stream,
                                   struct srv_wire_frame *frame)
{
    if (stream != NULL && frame->type == SL_H2_DATA &&
        (stream->is_ended[SRV_WIRE_OUT] || stream->is_reset[SRV_WIRE_OUT])) {
        wire->note[0] += frame->payload.len;
    }
    return false;
}

static bool sends_window_update_zero(struct srv_wire *wire, struct srv_wire_stream *stream,
                                     struct srv_wire_frame *frame)
{
    (void)stream;
    if (frame->type == SL_H2_HEADERS) {
        (void)sl_h2_write_window_update(wire->to[SRV_WIRE_OUT], 0, 0);
    }
    return false;
}

static bool sends_window_overflow(struct srv_wire *wire, struct srv_wire_stream *stream,
                                  struct srv_wire_frame *frame)
{
    (void)stream;
    if (frame->type == SL_H2_HEADERS && wire->note[1]++ == 0) {
        (void)sl_h2_write_window_update(wire->to[SRV_WIRE_OUT], 0, SL_H2_MAX_WINDOW);
    }
    return false;
}

/* An acknowledgement is lost where a stream has DATA that waits. */
static bool ping_unacked_while_blocked(struct srv_wire *wire, struct srv_wire_stream *stream,
                                       struct srv_wire_frame *frame)
{
    (void)stream;
    return frame->type == SL_H2_PING && (frame->flags & SL_H2_FLAG_ACK) != 0 &&
           srv_wire_ledger_waits(wire);
}

#define LEDGER(name)    SRV_WIRE_DEVIATION(name, .has_ledger = true)
#define OUT(name, hook) SRV_WIRE_DEVIATION(name, .frame[SRV_WIRE_OUT] = (hook))

static const struct srv_wire_deviation deviations[] = {
    LEDGER(window_ignored),
    LEDGER(window_one_more),
    LEDGER(connection_window_ignored),
    LEDGER(connection_window_lost),
    LEDGER(initial_zero_ignored),
    LEDGER(initial_raise_ignored),
    LEDGER(initial_too_large_taken),
    LEDGER(initial_of_max_refused),
    LEDGER(initial_moves_connection),
    LEDGER(settings_first_counts),
    LEDGER(initial_overflow_taken),
    LEDGER(negative_window_forgotten),
    LEDGER(negative_window_stuck),
    LEDGER(small_grants_lost),
    LEDGER(window_update_zero_taken),
    LEDGER(window_wraps),
    LEDGER(window_of_max_refused),
    LEDGER(data_after_reset),
    LEDGER(first_stream_first),
    LEDGER(stalled_stream_blocks),
    OUT(stream_credit_never, stream_credit_never),
    OUT(connection_credit_never, connection_credit_never),
    OUT(sends_window_update_zero, sends_window_update_zero),
    OUT(sends_window_overflow, sends_window_overflow),
    SRV_WIRE_DEVIATION(ping_unacked_while_blocked, .has_ledger = true,
                       .frame[SRV_WIRE_OUT] = ping_unacked_while_blocked),
    SRV_WIRE_DEVIATION(reset_leaks_credit, .frame = {reset_leaks_credit, withhold}),
    SRV_WIRE_DEVIATION(padding_leaks_credit, .frame = {padding_leaks_credit, withhold}),
    SRV_WIRE_DEVIATION(late_data_leaks_credit, .frame = {late_data_leaks_credit, withhold}),
};
const struct srv_wire_group srv_wire_group_flow = {deviations,
                                                   sizeof(deviations) / sizeof(deviations[0])};
