/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/transport/h2.h"
#include "lib/base/rd.h"

enum {
    TOP_UP_SHARE = 4, /* a window is topped up when a quarter of it is used */
};

/* The window that an automatic stream is kept at. */
static int64_t automatic_window(const struct h2_conn *conn)
{
    return conn->stream_window > 0 ? conn->stream_window : SL_H2_DEFAULT_WINDOW;
}

/* WINDOW_UPDATE, within what RFC 9113 6.9.1 lets a window grow to; returns what was granted. */
static int64_t grant(struct h2_conn *conn, uint32_t id, int64_t window, int64_t increment)
{
    if (increment > SL_H2_MAX_WINDOW - window) {
        increment = SL_H2_MAX_WINDOW - window;
    }
    if (increment > SL_H2_MAX_WINDOW) {
        increment = SL_H2_MAX_WINDOW;
    }
    if (increment <= 0) {
        return 0;
    }
    (void)sl_h2_write_window_update(har_h2_out(conn), id, (uint32_t)increment);
    har_h2_wake(conn);
    return increment;
}

void har_h2_credit_connection(struct h2_conn *conn)
{
    int64_t target = conn->base.config.connection_window;
    if ((conn->base.config.suppress & HAR_SUPPRESS_WINDOW_UPDATES) == 0 &&
        conn->recv_window <= target - target / TOP_UP_SHARE) {
        conn->recv_window += grant(conn, 0, conn->recv_window, target - conn->recv_window);
    }
}

void har_h2_credit_opened(struct h2_conn *conn, struct h2_stream *stream)
{
    stream->credit.window += conn->stream_window;
    stream->credit.settings = conn->settings_sent;
    stream->credit.window +=
        grant(conn, stream->base.id, stream->credit.window, stream->credit.early);
    har_h2_credit_top_up(conn, stream);
}

void har_h2_credit_top_up(struct h2_conn *conn, struct h2_stream *stream)
{
    struct h2_credit *credit = &stream->credit;
    int64_t increment = 0;
    if (!stream->is_open || conn->is_failing) {
        return;
    }
    if (credit->mode == H2_CREDIT_AUTO) {
        int64_t target = automatic_window(conn);
        increment = credit->window <= target - target / TOP_UP_SHARE ? target - credit->window : 0;
    } else if (credit->phase != H2_PAID_NONE && credit->wanted > credit->received) {
        /* What is missing to the wanted offset. Padding took window without content, so that it is
         * made up here too. */
        increment = (int64_t)(credit->wanted - credit->received) - credit->window;
    }
    credit->window += grant(conn, stream->base.id, credit->window, increment);
}

/* Pays for the next message if one is asked for: its prefix, or, when that has come already, the rest. */
static void pay_next(struct h2_credit *credit)
{
    if (credit->phase != H2_PAID_NONE || credit->messages == 0) {
        return;
    }
    credit->messages--;
    credit->wanted = credit->message_start + SL_MESSAGE_PREFIX_SIZE;
    credit->phase = H2_PAID_PREFIX;
    if (credit->has_prefix) {
        credit->wanted += credit->length;
        credit->phase = H2_PAID_PAYLOAD;
    }
}

void har_h2_credit_prefix(struct h2_stream *stream, uint32_t length)
{
    struct h2_credit *credit = &stream->credit;
    credit->length = length;
    credit->has_prefix = true;
    if (credit->phase == H2_PAID_PREFIX) {
        credit->wanted += length;
        credit->phase = H2_PAID_PAYLOAD;
    }
}

void har_h2_credit_message(struct h2_stream *stream, uint32_t length)
{
    struct h2_credit *credit = &stream->credit;
    credit->message_start += SL_MESSAGE_PREFIX_SIZE + (uint64_t)length;
    credit->has_prefix = false;
    credit->phase = H2_PAID_NONE;
    pay_next(credit);
}

void har_h2_credit_data(struct h2_conn *conn, struct h2_stream *stream, uint32_t frame_length,
                        uint64_t received)
{
    stream->credit.window -= frame_length;
    stream->credit.received = received;
    har_h2_credit_top_up(conn, stream);
}

enum sl_status har_h2_credit_messages(struct har_stream *base, uint64_t count)
{
    struct h2_stream *stream = h2_stream_of(base);
    if (stream->credit.mode != H2_CREDIT_HELD) {
        return SL_STATE;
    }
    if (count > UINT64_MAX - stream->credit.messages) {
        return SL_LIMIT;
    }
    stream->credit.messages += count;
    pay_next(&stream->credit);
    har_h2_credit_top_up(h2_conn_under(stream), stream);
    return SL_OK;
}

enum sl_status har_h2_credit_bytes(struct har_stream *base, uint32_t bytes)
{
    struct h2_stream *stream = h2_stream_of(base);
    struct h2_credit *credit = &stream->credit;
    if (credit->mode != H2_CREDIT_HELD) {
        return SL_STATE;
    }
    int64_t reached = credit->window + credit->early + bytes;
    if (bytes == 0 || reached > SL_H2_MAX_WINDOW) {
        return SL_LIMIT;
    }
    if (stream->is_open) {
        credit->window += grant(h2_conn_under(stream), base->id, credit->window, bytes);
    } else {
        credit->early += bytes;
    }
    return SL_OK;
}

void har_h2_stall(struct har_stream *base)
{
    struct h2_stream *stream = h2_stream_of(base);
    stream->credit.mode = H2_CREDIT_HELD;
    stream->credit.phase = H2_PAID_NONE;
    stream->credit.messages = 0;
}

void har_h2_resume(struct har_stream *base)
{
    struct h2_stream *stream = h2_stream_of(base);
    stream->credit.mode = H2_CREDIT_AUTO;
    stream->credit.phase = H2_PAID_NONE;
    stream->credit.messages = 0;
    har_h2_credit_top_up(h2_conn_under(stream), stream);
}

/* --- our own INITIAL_WINDOW_SIZE --- */

/* The change that the oldest pending value makes to streams that were open when it was sent
 * (RFC 9113 6.9.2). */
static void apply_oldest(struct h2_conn *conn)
{
    struct h2_pending_window *oldest = &conn->pending[0];
    struct h2_stream *stream = NULL;
    struct h2_stream *next = NULL;
    HASH_ITER (hh, conn->by_id, stream, next) {
        if (stream->credit.settings < oldest->settings) {
            stream->credit.window += oldest->change;
            har_h2_credit_top_up(conn, stream);
        }
    }
    conn->pending_count--;
    memmove(conn->pending, conn->pending + 1, conn->pending_count * sizeof conn->pending[0]);
}

void har_h2_credit_settings_sent(struct h2_conn *conn, struct sl_span payload)
{
    struct sl_rd rd;
    sl_rd_init(&rd, payload);
    uint32_t window = conn->stream_window;
    while (sl_rd_left(&rd) > 0) {
        uint16_t id = sl_rd_be16(&rd);
        uint32_t value = sl_rd_be32(&rd);
        if (sl_rd_ok(&rd) && id == SL_H2_SETTINGS_INITIAL_WINDOW_SIZE) {
            window = value;
        }
    }
    conn->settings_sent++;
    if (window == conn->stream_window) {
        return;
    }
    if (conn->pending_count == H2_PENDING_WINDOWS_MAX) {
        apply_oldest(conn);
    }
    conn->pending[conn->pending_count++] = (struct h2_pending_window){
        .settings = conn->settings_sent,
        .change = (int64_t)window - conn->stream_window,
    };
    conn->stream_window = window;
}

void har_h2_credit_settings_acked(struct h2_conn *conn)
{
    conn->settings_acked++;
    while (conn->pending_count > 0 && conn->pending[0].settings <= conn->settings_acked) {
        apply_oldest(conn);
    }
}
