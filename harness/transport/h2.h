/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_H2_H
#define HAR_H2_H

/*
 * The inside of the `h2` transport: our own frames over a link, with the observer as the only parser.
 *
 *   h2_conn.c    life, the operations of a connection, the end of it
 *   h2_events.c  what the observer saw: settings, pings, windows, messages, ends
 *   h2_send.c    opening streams and sending DATA within the server's limits, once per turn
 *   h2_request.c the request's header block
 *   h2_credit.c  what the server may send: automatic, by message, by byte
 *   h2_stream.c  the operations of a stream
 *   h2_keepalive.c
 *
 * Stream: WAITING (no id: the connection is not ready, or the server's limit is reached) -> OPEN ->
 * ended. An open stream is in by_id, and its observed call's user points to it.
 */
#include <uthash.h>

#include "harness/transport/conn.h"

enum {
    H2_PENDING_WINDOWS_MAX = 64, /* own INITIAL_WINDOW_SIZE values on their way to the server */
    H2_FIRST_FRAME = SL_H2_FRAME_HEADER_SIZE,
};

/* Who decides what the server may send on a stream. */
enum h2_credit_mode {
    H2_CREDIT_AUTO, /* kept topped up */
    H2_CREDIT_HELD, /* manual or stalled: only what is asked for */
};

/* Where the message that is being paid for stands. */
enum h2_credit_phase {
    H2_PAID_NONE,
    H2_PAID_PREFIX,  /* up to its 5 bytes */
    H2_PAID_PAYLOAD, /* up to its end */
};

struct h2_credit {
    enum h2_credit_mode mode;
    enum h2_credit_phase phase;
    int64_t window;         /* what the server may still send, as this side counts it */
    uint64_t received;      /* DATA content up to the last whole frame */
    uint64_t wanted;        /* content offset that the phase pays for */
    uint64_t message_start; /* content offset of the message that is arriving */
    uint64_t messages;      /* paid for beyond the one of the phase */
    uint32_t length;        /* of the message that is arriving; when has_prefix */
    bool has_prefix;
    uint32_t early;    /* bytes asked for before the stream was open */
    uint64_t settings; /* how many SETTINGS were sent before the stream was opened */
};

/* Doubly linked membership in one of the connection's lists (utlist). */
struct h2_stream {
    struct har_stream base;
    UT_hash_handle hh;
    struct sl_headers metadata; /* until it is opened; -bin values encoded */
    struct sl_call *call;       /* as the observer sees it; NULL before its headers are sent */
    struct h2_credit credit;
    struct sl_buf out; /* messages with their prefixes */
    size_t out_at;     /* how much of out was sent */
    size_t unsent;     /* bytes of the message that is being sent; 0: between two */
    size_t queued;     /* messages not sent to their end */
    int64_t send_window;
    struct h2_stream *send_prev, *send_next; /* conn->waiting before it is open, conn->ready then */
    struct h2_stream *drain_prev, *drain_next;
    bool is_waiting;     /* in conn->waiting */
    bool is_open;        /* in conn->by_id */
    bool is_ready;       /* in conn->ready */
    bool is_draining;    /* in conn->draining */
    bool is_half_closed; /* asked for */
    bool is_end_sent;
};

struct h2_pending_window {
    uint64_t settings; /* it was in this SETTINGS, counted from 1 */
    int64_t change;    /* of streams that were open when it was sent */
};

struct h2_keepalive;

struct h2_conn {
    struct har_conn base;
    struct sl_hpack_encoder *encoder;
    struct sl_buf block;        /* scratch of a header block */
    struct h2_stream *by_id;    /* open streams */
    struct h2_stream *waiting;  /* to be opened, in order */
    struct h2_stream *ready;    /* with DATA that the stream's window allows */
    struct h2_stream *draining; /* drained() is due */
    struct h2_keepalive *keepalive;
    uint32_t next_id;
    uint32_t open_count;

    /* the server's */
    uint32_t max_frame;
    uint32_t initial_window;
    uint32_t max_streams;
    int64_t send_window;
    bool has_settings;
    struct h2_unseen *unseen; /* of h2_raw.c */
    uint32_t table,
        table_due; /* of header blocks in literals: the size of the server's HPACK table that was told, and the
                                  least that its SETTINGS have allowed */
    size_t answers; /* bytes of our acknowledgements that wait for the socket, at most */

    /* ours */
    int64_t recv_window;
    uint32_t stream_window; /* INITIAL_WINDOW_SIZE that was sent last */
    uint64_t settings_sent, settings_acked;
    struct h2_pending_window pending[H2_PENDING_WINDOWS_MAX];
    size_t pending_count;

    uint8_t first[H2_FIRST_FRAME]; /* of the server's bytes */
    size_t first_len;
    bool is_failing; /* the connection is to end: failure says why */
    uint32_t failure_error;
    struct sl_error failure;
};

static inline struct h2_conn *h2_conn_of(struct har_conn *conn)
{
    return (struct h2_conn *)conn;
}

static inline struct h2_stream *h2_stream_of(struct har_stream *stream)
{
    return (struct h2_stream *)stream;
}

/* The connection of an attached stream. */
static inline struct h2_conn *h2_conn_under(struct h2_stream *stream)
{
    return (struct h2_conn *)stream->base.conn;
}

/* h2_conn.c: GOAWAY(error) and the end, from the loop. */
void har_h2_fail(struct h2_conn *conn, uint32_t error, const char *text);
/* The output; whoever appends wakes the link. */
struct sl_buf *har_h2_out(struct h2_conn *conn);
void har_h2_wake(struct h2_conn *conn);

/* h2_events.c */
extern const struct sl_observer_handler har_h2_observer;
/* Checks that the server begins with SETTINGS (RFC 9113 3.4). */
void har_h2_check_first(struct h2_conn *conn, struct sl_span bytes);

/* h2_send.c: once per turn. */
void har_h2_send(struct h2_conn *conn);
/* The stream has DATA or END_STREAM to send, or its window has opened. */
void har_h2_mark_ready(struct h2_conn *conn, struct h2_stream *stream);
/* Tells drained() to those who are due. */
void har_h2_drain(struct h2_conn *conn);

/* h2_raw.c: har_conn_send_frames, har_conn_send_room and har_conn_table_update. */
enum sl_status har_h2_send_frames(struct har_conn *base, struct sl_buf *frames);
int64_t har_h2_raw_room(struct har_conn *base, uint32_t id);
void har_h2_table_update(struct har_conn *base, struct sl_buf *out);
/* The observer has seen a frame of ours. */
void har_h2_raw_seen(struct h2_conn *conn, const struct sl_h2_frame_header *frame);
void har_h2_unseen_clear(struct h2_conn *conn);

/* h2_request.c: HEADERS (and CONTINUATION) of the stream into the output. False when the encoder
 * refuses. */
bool har_h2_write_request(struct h2_conn *conn, struct h2_stream *stream);

/* h2_credit.c */
void har_h2_credit_connection(struct h2_conn *conn); /* tops the connection's window up */
void har_h2_credit_opened(struct h2_conn *conn, struct h2_stream *stream);
void har_h2_credit_top_up(struct h2_conn *conn, struct h2_stream *stream);
void har_h2_credit_prefix(struct h2_stream *stream, uint32_t length);
void har_h2_credit_message(struct h2_stream *stream, uint32_t length);
/* A whole DATA frame of frame_length bytes came, which took the content to received. */
void har_h2_credit_data(struct h2_conn *conn, struct h2_stream *stream, uint32_t frame_length,
                        uint64_t received);
/* A SETTINGS was sent, or acknowledged. */
void har_h2_credit_settings_sent(struct h2_conn *conn, struct sl_span payload);
void har_h2_credit_settings_acked(struct h2_conn *conn);
enum sl_status har_h2_credit_messages(struct har_stream *stream, uint64_t count);
enum sl_status har_h2_credit_bytes(struct har_stream *stream, uint32_t bytes);
void har_h2_stall(struct har_stream *stream);
void har_h2_resume(struct har_stream *stream);

/* h2_stream.c */
struct har_stream *har_h2_stream_new(struct har_conn *conn, const struct har_stream_config *config);
/* Takes the stream out of every list and from its call; its end is up to the caller. */
void har_h2_stream_forget(struct h2_conn *conn, struct h2_stream *stream);
/* RST_STREAM into the output, and forget. */
void har_h2_stream_reset(struct h2_conn *conn, struct h2_stream *stream, uint32_t error);

/* h2_keepalive.c */
struct h2_keepalive *har_h2_keepalive_new(struct h2_conn *conn);
void har_h2_keepalive_seen(struct h2_keepalive *keepalive); /* bytes came; NULL is fine */
void har_h2_keepalive_free(struct h2_keepalive *keepalive); /* NULL is fine */

#endif
