/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_TRANSPORT_H
#define HAR_TRANSPORT_H

/*
 * Client connections and their streams, the same face over two transports.
 *
 * `h2` writes its own frames and meters credit message by message: every window is under control, and
 * frames may be wrong on purpose. `grpc` is the C core's client, what users run; its channel ends on a
 * socketpair whose other end is relayed to TCP (or TLS) here, no faster than the C core reads it. On
 * both, every byte of both directions passes one sl_observer and, when asked, one capture.
 * Both open the first stream when the server's SETTINGS have come, as every gRPC client does, and
 * none after its GOAWAY. The C core's windows stay at 64 KiB (no BDP probe) and it does not retry.
 *
 * Life: everything runs on one libuv loop and one thread; callbacks come from the loop, never from
 * inside the call that caused them. har_conn_free and har_stream_free may be called from any callback;
 * after that no callback of the object comes. A stream is freed by har_stream_free, also after its
 * connection. Payloads, headers and texts passed to callbacks are borrowed for the call. Times are
 * sl_clock_mono_ns.
 */
#include <uv.h>

#include "lib/wire/observer.h"

enum {
    HAR_MESSAGE_MAX =
        16 * 1024 * 1024, /* a longer response message ends its stream RESOURCE_EXHAUSTED */
    HAR_STREAM_QUEUE_MAX = 64 * 1024 * 1024,
    HAR_CONN_QUEUE_MAX = 64 * 1024 * 1024, /* bytes that wait for the socket */
};

enum har_transport {
    HAR_TRANSPORT_GRPC,
    HAR_TRANSPORT_H2,
};

/* h2: what a client does by itself and here does not. */
enum har_suppress {
    HAR_SUPPRESS_PREFACE = 1,        /* nothing at all is sent at the beginning */
    HAR_SUPPRESS_SETTINGS_ACK = 2,   /* the server's SETTINGS are obeyed and not acknowledged */
    HAR_SUPPRESS_PING_ACK = 4,       /* PINGs of the server have no answer */
    HAR_SUPPRESS_WINDOW_UPDATES = 8, /* no credit for the connection but what is asked for */
};

struct har_conn;
struct har_stream;
struct har_tls;     /* harness/transport/tls.h: a client's TLS set-up, shared by connections */
struct har_trace;   /* harness/evidence/trace.h: what went through the sockets of a play */
struct har_capture; /* harness/evidence/capture.h: a pcapng being written */

/* How a connection came to its end. */
enum har_conn_end {
    HAR_CONN_REFUSED, /* never established: text says why */
    HAR_CONN_FIN,     /* closed by the peer in order */
    HAR_CONN_RST,     /* reset by the peer */
    HAR_CONN_TLS,     /* TLS failed */
    HAR_CONN_UNFIT, /* both ends are not meant for each other: a certificate, no TLS or no HTTP/2 at all;
                         another attempt would end so too */
    HAR_CONN_ERROR, /* the peer's bytes made it impossible to go on */
};

struct har_conn_handler {
    void (*connected)(void *owner, struct har_conn *conn); /* TCP (and TLS) is up */
    /* Not called after har_conn_close or har_conn_free. Streams that were open have had their end()
     * before it. */
    void (*ended)(void *owner, struct har_conn *conn, enum har_conn_end how, const char *text);
    void (*goaway)(void *owner, struct har_conn *conn, uint32_t last_stream, uint32_t error);
    void (*ping_ack)(void *owner, struct har_conn *conn, uint64_t opaque); /* h2 only */
    void (*frame)(void *owner, struct har_conn *conn, const struct sl_frame_event *event);
    void (*finding)(void *owner, struct har_conn *conn, const struct sl_finding *finding);
};

struct har_conn_config {
    enum har_transport transport;
    const char *host; /* a name, an address, or "unix:PATH"; kept until the connection is freed */
    uint16_t port;
    const struct sockaddr_storage
        *address;                /* of the host, where it is known; NULL: it is looked up */
    const char *authority;       /* NULL: host:port */
    const struct har_tls *tls;   /* NULL: plaintext */
    bool is_https;               /* the server has TLS, though this connection has none */
    struct har_capture *capture; /* NULL: none */
    struct har_trace *trace;     /* NULL: none */
    const char *trace_name;      /* of the connection in it; copied */
    const struct har_conn_handler *handler; /* any callback may be NULL */
    void *owner;
    uint32_t stream_window;     /* h2: SETTINGS_INITIAL_WINDOW_SIZE; default 65535 */
    uint32_t connection_window; /* h2: what the connection window is kept topped up to */
    unsigned suppress;          /* h2: HAR_SUPPRESS_... together */
    bool is_literal;    /* h2: requests in literals that touch no HPACK table, so that header
                                   blocks sent by har_conn_send_raw may do to it what they like */
    uint32_t data_max;  /* h2: content of a DATA frame at most; 0: what the server allows */
    int receive_buffer; /* SO_RCVBUF in bytes; 0: the system's */
    uint64_t keepalive_time_ns; /* 0: none */
    uint64_t keepalive_timeout_ns;
    const struct sl_pool *
        pool; /* of the services called, for the rules that ask for a method's kind; NULL: none; kept */
};
/* h2, 65535, 16 MiB, automatic; the rest 0. */
struct har_conn_config har_conn_defaults(void);

/* Begins to connect. Never fails at once: a refusal comes by ended(). config is copied, what it points
 * to is kept. */
struct har_conn *har_conn_new(uv_loop_t *loop, const struct har_conn_config *config);
void har_conn_free(struct har_conn *conn);

enum har_close {
    HAR_CLOSE_FIN,    /* everything queued is sent, then FIN; no GOAWAY */
    HAR_CLOSE_RST,    /* TCP reset at once (SO_LINGER 0) */
    HAR_CLOSE_GOAWAY, /* GOAWAY(NO_ERROR), then FIN; on grpc as HAR_CLOSE_FIN */
};
/* Streams that are open end without a callback. */
void har_conn_close(struct har_conn *conn, enum har_close how);

/* While paused nothing is read from the socket: TCP's own backpressure. */
void har_conn_pause(struct har_conn *conn, bool is_paused);
const struct sl_observer *har_conn_observer(const struct har_conn *conn);
/* "127.0.0.1:51035", the local end; "" before it is connected. */
const char *har_conn_local(const struct har_conn *conn);
/* The other end, as an address; AF_UNSPEC before it is connected. */
const struct sockaddr_storage *har_conn_peer(const struct har_conn *conn);
/* Whether the server has sent anything yet. */
bool har_conn_has_heard(const struct har_conn *conn);
/* What its first bytes say, where it was met in the wrong way (TLS, HTTP/1.1, an echo), and what to do; NULL. */
const char *har_conn_hint(const struct har_conn *conn);
/* Bytes that wait for the socket: many when the server reads no more. */
size_t har_conn_unsent(const struct har_conn *conn);
/* h2: how many streams the server allows at once, while others wait for one of them to end; 0: none waits. */
uint32_t har_conn_stream_limit_met(const struct har_conn *conn);
/* What its requests call the server. */
const char *har_conn_authority(const struct har_conn *conn);

/* h2 only (SL_UNSUPPORTED on grpc): bytes put on the connection behind what is queued, as they are. */
enum sl_status har_conn_send_raw(struct har_conn *conn, struct sl_span bytes);
/* The same of whole frames, as far as the server's credit goes: what went is taken from the front of frames, and DATA
 * that has too little room is divided. What is left waits for credit; call again when some has come. */
enum sl_status har_conn_send_frames(struct har_conn *conn, struct sl_buf *frames);
/* h2 only: the bytes of DATA that the server allows now on the stream, a new one or an open one; on stream 0: by the
 * connection's window alone. 0 on grpc. */
int64_t har_conn_send_room(struct har_conn *conn, uint32_t stream);
/* h2 only, config.is_literal: appends what a header block of har_conn_send_raw must begin with, if the server has
 * lowered its HPACK table since the last block (RFC 7541 4.2); mostly nothing. */
void har_conn_table_update(struct har_conn *conn, struct sl_buf *out);
enum sl_status har_conn_ping(struct har_conn *conn, uint64_t opaque);
enum sl_status har_conn_settings(struct har_conn *conn, const struct sl_h2_setting_pair *pairs,
                                 size_t count);
enum sl_status har_conn_window_update(struct har_conn *conn, uint32_t stream, uint32_t increment);
/* h2 only: the number of the next stream, taken from those of the connection for frames of
 * har_conn_send_raw; 0 on grpc, or when there is none left. */
uint32_t har_conn_take_stream_id(struct har_conn *conn);
/* h2 only: the next stream gets this number (odd for a client that is right; RFC 9113 5.1.1). */
enum sl_status har_conn_set_stream_id(struct har_conn *conn, uint32_t next);

/* How a stream ended, as its client sees it. */
struct har_stream_result {
    uint32_t code; /* gRPC status */
    enum sl_status_source source;
    const char *message;               /* percent-decoded; "" when there is none */
    const struct sl_headers *trailers; /* NULL when there were none */
    uint32_t reset_error;              /* of an RST_STREAM by the server */
};

struct har_stream_handler {
    void (*headers)(void *owner, struct har_stream *stream, const struct sl_headers *headers);
    /* h2 with manual credit: the prefix of the next message has come, payload follows when granted */
    void (*prefix)(void *owner, struct har_stream *stream, uint32_t length);
    void (*message)(void *owner, struct har_stream *stream, struct sl_span payload,
                    uint64_t now_ns);
    /* All that was given to har_stream_send has been taken (h2: written to the socket; grpc: its batch
     * completed). */
    void (*drained)(void *owner, struct har_stream *stream);
    void (*end)(void *owner, struct har_stream *stream, const struct har_stream_result *result);
};

struct har_stream_config {
    const char *method;               /* "/chat.v1.ChatService/SendMessage", kept */
    const struct sl_header *metadata; /* copied */
    size_t metadata_count;
    uint64_t timeout_ns; /* grpc-timeout; 0: none. On grpc the C core also ends the call by itself;
                              on h2 keeping it is left to the server */
    bool is_manual;      /* h2: no credit for this stream but what is asked for; takes effect with
                             config.stream_window 0 */
    const struct har_stream_handler *handler;
    void *owner;
};

/* Opens a stream as soon as the connection is up; a connection that is closed already gives end() with
 * UNAVAILABLE from the loop. */
struct har_stream *har_stream_new(struct har_conn *conn, const struct har_stream_config *config);
/* Cancels the stream if it is open. */
void har_stream_free(struct har_stream *stream);

/* Queues one message (without prefix; copied). SL_STATE after half-close or end, SL_LIMIT when more
 * than HAR_STREAM_QUEUE_MAX bytes wait. */
enum sl_status har_stream_send(struct har_stream *stream, struct sl_span message);
/* Messages given to har_stream_send that are not taken yet. */
size_t har_stream_queued(const struct har_stream *stream);
/* END_STREAM behind what is queued. */
void har_stream_half_close(struct har_stream *stream);
/* RST_STREAM(error) at once (h2), or grpc_call_cancel. No end() comes after it. */
void har_stream_cancel(struct har_stream *stream, uint32_t error);
uint32_t har_stream_id(const struct har_stream *stream); /* 0 before it is on the wire */
/* h2 only: content of the server's DATA frames so far, padding left out; 0 on grpc. */
uint64_t har_stream_data_bytes(const struct har_stream *stream);

/* Credit, h2 only (SL_UNSUPPORTED on grpc). messages: two-step and exact: 5 bytes for the prefix, then
 * the length it announces, one message after the other, with the connection window topped up. */
enum sl_status har_stream_credit_messages(struct har_stream *stream, uint64_t count);
enum sl_status har_stream_credit_bytes(struct har_stream *stream, uint32_t bytes);
/* Stops reading the stream: automatic credit ceases (h2), or no further receive is started (grpc). */
void har_stream_stall(struct har_stream *stream);
/* Back to automatic credit: all that was withheld is granted. */
void har_stream_resume(struct har_stream *stream);

#endif
