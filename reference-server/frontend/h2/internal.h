/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_H2_INTERNAL_H
#define SRV_H2_INTERNAL_H

/*
 * What the files of this folder share. One thread, one libuv loop; nothing here has a lock.
 *
 *     server    the loop, the listener, the end of a turn     conn      one socket: bytes in, bytes out
 *     session   the callbacks of nghttp2                      call      one stream: a request, then what is sent
 *     drain     the phases of the end                     refused   answers without the service
 *     life      the end of one connection            unfinished  memory of requests that are not whole
 *
 * A turn of the loop: every socket that has bytes is read and its requests are served, which only queues; then what is
 * due by the clock; then each connection that has become dirty is flushed, once. nghttp2 is asked for bytes only there,
 * and only while the socket takes them, so that messages stay in the buffers of the chat core for as long as they can.
 *
 * A connection is never closed in the middle of something: it is marked dead, and goes at the end of the turn.
 */
#include <nghttp2/nghttp2.h>
#include <stdatomic.h>
#include <uv.h>

#include "reference-server/frontend/frontend.h"
#include "reference-server/frontend/h2/age.h"
#include "reference-server/frontend/h2/closed.h"
#include "reference-server/frontend/h2/guard.h"
#include "reference-server/frontend/h2/heap.h"
#include "reference-server/frontend/h2/keepalive.h"
#include "reference-server/frontend/h2/message_in.h"
#include "reference-server/frontend/h2/overflow.h"
#include "reference-server/frontend/h2/reply.h"
#include "reference-server/frontend/h2/request.h"
#include "reference-server/frontend/h2/tls_source.h"
#include "reference-server/frontend/h2/wire/wire.h"
#include "reference-server/frontend/timers.h"

enum {
    SRV_H2_STREAM_WINDOW = 65535, /* bytes that wait on a stream that is not read */
    SRV_H2_CONNECTION_WINDOW = 1024 * 1024,
};

struct srv_h2;
struct srv_h2_conn;

/* One stream of HTTP/2. */
struct srv_h2_call {
    struct srv_h2_conn *conn;
    int32_t id;
    struct srv_stream *stream; /* NULL: not begun, or answered */
    /* What goes out: one message at a time, and behind the last one the status. */
    struct srv_frame *current; /* the message in the hands of the transport */
    size_t offset;             /* bytes of it that nghttp2 has, its prefix counted */
    struct srv_answer answer;  /* of a call that is no stream */
    /* What comes in. */
    struct srv_h2_message_in in;
    struct srv_frame *request;    /* where the method takes one, until the client has half-closed */
    struct srv_frame *request_id; /* NULL: none */
    struct sl_buf held;     /* bytes that the stream cannot receive yet: no more than its window */
    size_t unfinished;      /* bytes of these three, as unfinished.h counts */
    struct srv_timer timer; /* when to pull again */
    struct srv_timer deadline;
    uint64_t send_began_ns; /* when current was pulled; kept with --stall-limit only */
    struct srv_frame
        *held_request; /* a wrong server: the answer waits until nobody else holds this */
    bool accepts_gzip;
    bool is_zipped;         /* current is */
    bool is_begun;          /* the service knows of it */
    bool is_told;           /* telemetry does */
    bool has_head;          /* initial metadata was submitted */
    bool is_input_over;     /* the client has half-closed */
    bool is_half_close_due; /* and held bytes come before that */
    bool is_packing;        /* nghttp2 is asking for bytes: a wake need not pull */
    bool is_ending;         /* the status was submitted */
    bool is_over;           /* and sent */
    bool is_head_sent;      /* the first block of the response was */
    bool is_patient;        /* answered in HTTP only: not reset at once */
    struct srv_call_record record;
    struct srv_h2_call *prev, *next; /* of the connection */
};

struct srv_h2_conn {
    uv_poll_t poll;
    struct srv_h2 *h2;
    int fd;
    int events; /* that poll waits for */
    nghttp2_session *session;
    struct srv_tls *tls;   /* NULL: clear text */
    struct srv_wire *wire; /* what is wrong between the session and the socket; NULL: nothing */
    struct sl_buf out;     /* what the socket did not take */
    size_t out_sent;       /* bytes of it that it did */
    struct srv_h2_request head;
    struct srv_h2_closed closed;
    struct srv_h2_overflow overflow;
    struct srv_h2_call *calls;
    uint32_t call_count;
    size_t unfinished; /* the sum of its calls */
    struct srv_timer linger;
    struct srv_timer life; /* the first thing that is due of these */
    struct srv_h2_guard guard;
    struct srv_h2_keepalive keepalive;
    struct srv_h2_age age;
    uint64_t calm_due_ns; /* closed then, whatever waits */
    uint64_t blocked_ns;  /* when the socket last took a byte; of a blocked one */
    struct srv_connection_record record;
    bool is_dirty;
    bool is_dead;     /* goes at the end of the turn */
    bool is_finished; /* nothing more is to be sent but what waits in out */
    bool is_closing_tls;
    bool is_lingering; /* all was sent: what still comes is dropped until the peer closes too */
    bool is_blocked;   /* the socket takes no more */
    bool is_clogged;   /* and so much waits that nothing more is read */
    bool is_calmed;    /* GOAWAY(ENHANCE_YOUR_CALM) was submitted; nothing more is read */
    bool is_gone;      /* GOAWAY with the last stream was submitted */
    bool is_settled;   /* our SETTINGS were sent */
    struct srv_h2_conn *prev, *next;
    struct srv_h2_conn *next_dirty;
};

enum srv_h2_phase {
    SRV_H2_RUNNING,
    SRV_H2_TOLD,     /* health says NOT_SERVING */
    SRV_H2_NOTICED,  /* clients were asked to begin no more streams */
    SRV_H2_DRAINING, /* GOAWAY with the last stream went out */
    SRV_H2_ENDING,   /* streams were given their status */
    SRV_H2_CLOSING,  /* connections are closed */
};

struct srv_h2 {
    struct srv_frontend base;
    uv_loop_t loop;
    uv_thread_t thread;
    uv_poll_t listener;
    uv_poll_t clock; /* a timerfd: libuv's timers are too coarse for rates */
    uv_check_t turn_end;
    uv_idle_t more; /* on while there is work for another turn */
    uv_async_t told;
    int listen_fd, clock_fd;
    int port;
    bool is_listening;
    unsigned wrong_left; /* a wrong server: connections until its end; 0: it does not end */
    bool is_full;        /* the last connection that came was refused */
    uint64_t armed_ns;   /* when the timerfd fires; SRV_NEVER: it does not */
    uint64_t now_ns;     /* of this turn */
    struct srv_timers timers;
    struct srv_frontend_config settings;
    const struct srv_frontend_config *config; /* these */
    struct srv_services *services;
    const struct srv_misbehave *wrong;
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    struct srv_tls_source *tls; /* NULL: clear text */
    struct sl_buf gathered; /* what nghttp2 gave; shared by all connections, as are the others */
    struct sl_buf cipher;
    struct sl_buf plain;
    struct sl_buf filtered; /* what a wrong server makes of plain bytes in, or gathered ones out */
    uint8_t *input;
    struct srv_h2_conn *conns;
    size_t conn_count;
    size_t unfinished; /* the sum of all calls */
    struct srv_h2_conn *dirty, **dirty_end;
    uint64_t connection_numbers;
    enum srv_h2_phase phase;
    struct srv_timer drain_timer;
    atomic_uint drains_asked;
    unsigned drains_done;
    struct srv_h2_heap heap;
    struct srv_timer trim_timer; /* when memory is given back */
};

#define SRV_H2_OF(timer, type, member) \
    ((struct type *)(void *)((char *)(timer)-offsetof(struct type, member)))

/* --- server.c --- */

void srv_h2_set_timer(struct srv_h2 *h2, struct srv_timer *timer, uint64_t due_ns);

/* No new connections. */
void srv_h2_stop_listening(struct srv_h2 *h2);

/* Ends the loop when a drain has nothing left to wait for. */
void srv_h2_check_end(struct srv_h2 *h2);

/* A call was freed: gives memory back to the system, but not at once. */
void srv_h2_note_ended(struct srv_h2 *h2);

/* --- conn.c --- */

/* Takes fd, an accepted socket that does not block. */
void srv_h2_conn_open(struct srv_h2 *h2, int fd, const char *peer);

/* It has something to send or to be asked; flushed at the end of the turn. */
void srv_h2_conn_dirty(struct srv_h2_conn *conn);

/* It goes at the end of the turn. reason is static, for telemetry; the first one counts. */
void srv_h2_conn_kill(struct srv_h2_conn *conn, const char *reason);

/* At the end of a turn. */
void srv_h2_conn_flush(struct srv_h2_conn *conn);

/* --- session.c --- */

nghttp2_session_callbacks *srv_h2_callbacks_new(void);

/* A session with our settings submitted. */
nghttp2_session *srv_h2_session_new(struct srv_h2_conn *conn);

/* Puts --max-streams into our SETTINGS, the first frame that the session gave. */
void srv_h2_session_patch(const struct srv_h2_conn *conn, uint8_t *frame, size_t len);

/* Before more bytes go to the session: windows have become narrower by what was sent since. */
void srv_h2_session_sent_meanwhile(struct srv_h2_conn *conn);

/* --- call.c --- */

/* The head of a request has come, whole. is_over: without a body. */
void srv_h2_call_begin(struct srv_h2_conn *conn, int32_t id, bool is_over);

/* Bytes of its body; takes care of the stream's window, not of the connection's. */
void srv_h2_call_input(struct srv_h2_call *call, struct sl_span bytes);

/* The client has half-closed. */
void srv_h2_call_half_close(struct srv_h2_call *call);

/* The request is as far as the method wants it: begins. */
void srv_h2_call_start(struct srv_h2_call *call);

/* Ends it with a status, past what is not yet in nghttp2's hands. */
void srv_h2_call_end(struct srv_h2_call *call, enum sl_grpc_status status, const char *text);

/* Its status was submitted, whatever it was about to do. */
void srv_h2_call_set_ending(struct srv_h2_call *call);

/* The stream is closed: frees the call. is_reset: before its end. */
void srv_h2_call_free(struct srv_h2_call *call, bool is_reset);

/* --- refused.c --- */

/* Answers a request that the service does not hear of. */
void srv_h2_refused_answer(struct srv_h2_call *call, const struct srv_h2_refusal *refusal);

/* The last block was sent. A client that has not half-closed is told by RST_STREAM(NO_ERROR) that the rest is not
 * needed (RFC 9113 8.1). */
void srv_h2_refused_sent_end(struct srv_h2_call *call);

/* --- drain.c --- */

/* In the loop's thread; each further call ends a phase at once. */
void srv_h2_drain(struct srv_h2 *h2);

#endif
