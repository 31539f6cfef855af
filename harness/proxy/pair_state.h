/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_PAIR_STATE_H
#define HAR_PAIR_STATE_H

/* What pair.c (faults) and pair_io.c (sockets) share. Internal to harness/proxy. */
#include "harness/proxy/framing.h"
#include "harness/proxy/lane.h"
#include "harness/proxy/pair.h"

enum {
    HAR_PAIR_CLIENT = 0, /* the source of SL_DIR_REQUEST */
    HAR_PAIR_SERVER = 1,
};

/* A fault on this connection. */
struct har_attached {
    uint64_t id;
    const struct har_fault *fault;
    bool is_armed; /* it names no call, or that call has come */
    bool is_told;
    uint64_t counted[2]; /* of what a cut counts, by direction */
    struct har_attached *next;
};

struct har_side {
    struct har_pair *pair;
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct sl_buf inflight;      /* what the socket had no room for */
    struct har_tls_session *tls; /* of the server's side; NULL: plaintext */
    bool has_handle;             /* tcp is open, or closing */
    bool is_up, is_reading, is_writing;
    bool has_ended;               /* nothing more comes from it */
    bool is_broken;               /* it takes nothing more */
    bool was_reset;               /* a write said so: its end will be one */
    bool has_shutdown;            /* FIN was sent to it */
    struct har_trace_flow *trace; /* NULL: none */
};

struct har_pair {
    struct har_pair_config config;
    struct har_side sides[2];
    struct har_lane lanes[2]; /* by direction: lane d leads from side d to side 1 - d */
    struct har_framing *framing;
    struct har_attached *faults;
    const struct addrinfo *address;
    uv_timer_t timer;
    bool has_timer;
    bool is_cut;     /* a fault ended it: what still comes is read and dropped */
    bool is_closing; /* all is to be closed */
    bool is_pumping;
};

/* ---- pair_tls.c: the server's side where it has TLS ---- */

/* The socket is connected: begins to shake hands. */
void har_pair_tls_begin(struct har_pair *pair);
/* Bytes that came: shakes hands, then feeds what they hold. SL_OK; SL_CLOSED after the peer's close_notify; else TLS
 * failed. */
SL_MUST_USE enum sl_status har_pair_tls_receive(struct har_side *side, struct sl_span bytes);
/* Encrypts bytes into records, which is empty; what is due to the peer comes with it. */
SL_MUST_USE enum sl_status har_pair_tls_wrap(struct har_side *side, struct sl_span bytes,
                                             struct sl_buf *records);
/* Says close_notify, as far as the socket takes it at once. */
void har_pair_tls_finish(struct har_side *side);

/* ---- pair_io.c ---- */

/* The client's socket out of the listener, and the timer. */
void har_pair_io_accept(struct har_pair *pair, uv_stream_t *listener);
/* To the server's next address. */
void har_pair_io_connect(struct har_pair *pair);
/* Writes to the side's socket, later what it does not take now. Not while it is writing. */
void har_pair_io_write(struct har_side *side, struct sl_span bytes);
/* Moves both lanes as far as they go now, and reads on where there is room. */
void har_pair_io_pump(struct har_pair *pair);
/* Closes both sockets; the memory goes when they are closed. */
void har_pair_io_close(struct har_pair *pair, bool is_reset);
/* Both sockets are closed. */
void har_pair_gone(struct har_pair *pair);

/* For the trace, where there is one (pair_trace.c): the socket is up; bytes that came from it, or that it took; its
 * end, by the proxy or by the other side. */
void har_pair_trace_begin(struct har_side *side);
void har_pair_trace_read(struct har_side *side, struct sl_span bytes);
void har_pair_trace_written(struct har_side *side, struct sl_span bytes);
void har_pair_trace_end(struct har_side *side, bool is_ours, bool is_reset);
void har_pair_trace_release(struct har_side *side);

#endif
