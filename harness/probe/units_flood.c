/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of which the count is the matter. */
#include "harness/probe/class.h"
#include "lib/wire/h2_frame.h"

enum {
    LONG_MESSAGE = 40 * 1000, /* announced; less than a first window is ever sent of it */
    PRIORITY_SIZE = 5,
};

static void open_stream(struct har_probe_wire *wire, uint8_t more_flags, struct sl_buf *out)
{
    har_probe_headers(wire, 0, (uint8_t)(SL_H2_FLAG_END_HEADERS | more_flags), sl_span(NULL, 0),
                      out);
}

void har_probe_write_reset(struct har_probe_wire *wire, struct sl_buf *out)
{
    open_stream(wire, 0, out);
    (void)sl_h2_write_rst_stream(out, wire->stream, SL_H2_CANCEL);
}

/* RFC 9113 6.9: an increment of 0 is an error of the stream. */
void har_probe_write_zero_credit(struct har_probe_wire *wire, struct sl_buf *out)
{
    open_stream(wire, 0, out);
    (void)sl_h2_write_window_update(out, wire->stream, 0);
}

/* RFC 9113 6.9.1: a window past 2^31-1 is one, too. */
void har_probe_write_credit_overflow(struct har_probe_wire *wire, struct sl_buf *out)
{
    open_stream(wire, 0, out);
    (void)sl_h2_write_window_update(out, wire->stream, SL_H2_MAX_WINDOW);
}

/* RFC 9113 5.1: DATA behind END_STREAM is STREAM_CLOSED. */
void har_probe_write_late_data(struct har_probe_wire *wire, struct sl_buf *out)
{
    open_stream(wire, SL_H2_FLAG_END_STREAM, out);
    (void)sl_h2_write_frame(out, SL_H2_DATA, 0, wire->stream, sl_span("", 1));
}

void har_probe_write_ping(struct har_probe_wire *wire, struct sl_buf *out)
{
    wire->pings++;
    (void)sl_h2_write_ping(out, false, wire->unit);
}

void har_probe_write_settings(struct har_probe_wire *wire, struct sl_buf *out)
{
    wire->settings++;
    (void)sl_h2_write_settings(out, NULL, 0);
}

void har_probe_begin_call(struct har_probe_wire *wire, struct sl_buf *out)
{
    open_stream(wire, 0, out);
}

void har_probe_write_empty_data(struct har_probe_wire *wire, struct sl_buf *out)
{
    (void)sl_h2_write_frame(out, SL_H2_DATA, 0, wire->stream, sl_span(NULL, 0));
}

void har_probe_begin_long_message(struct har_probe_wire *wire, struct sl_buf *out)
{
    static const uint8_t prefix[] = {0, 0, 0, LONG_MESSAGE >> 8, LONG_MESSAGE & 0xff};
    open_stream(wire, 0, out);
    (void)sl_h2_write_frame(out, SL_H2_DATA, 0, wire->stream, sl_span(prefix, sizeof(prefix)));
}

void har_probe_write_byte(struct har_probe_wire *wire, struct sl_buf *out)
{
    (void)sl_h2_write_frame(out, SL_H2_DATA, 0, wire->stream, sl_span("a", 1));
}

/* RFC 9113 6.3, of two idle streams that take turns to depend on each other. */
void har_probe_write_priority(struct har_probe_wire *wire, struct sl_buf *out)
{
    bool is_first = wire->unit % 2 == 0;
    const uint8_t payload[PRIORITY_SIZE] = {0, 0, 0x10, is_first ? 3 : 1, (uint8_t)wire->unit};
    (void)sl_h2_write_frame(out, SL_H2_PRIORITY, 0, is_first ? 0x1001 : 0x1003,
                            sl_span(payload, sizeof(payload)));
}
