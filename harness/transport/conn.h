/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_CONN_H
#define HAR_CONN_H

/*
 * What the two transports have in common: a connection over a link, watched by an observer and a
 * capture, and streams that outlive callbacks. Internal to harness/transport.
 *
 * A transport embeds struct har_conn and struct har_stream as the first member of its own structs
 * and is called through the two tables of operations.
 *
 * Freeing: har_conn_free and har_stream_free may come from a callback deep inside a feed, so they
 * only mark and detach; the memory goes at the end of the loop's turn. Code that calls back must look
 * at is_freed, is_closed and is_ended afterwards.
 */
#include "harness/evidence/capture.h"
#include "harness/transport/greeting.h"
#include "harness/transport/link.h"
#include "harness/transport/turn.h"
#include "lib/schema/pool.h"

enum {
    HAR_LOCAL_MAX = 64,
};

struct har_conn_ops {
    const struct sl_observer_handler *observer; /* its owner is the connection */
    void (*connected)(struct har_conn *conn);
    void (*received)(struct har_conn *conn, struct sl_span bytes, uint64_t now_ns);
    void (*turn)(struct har_conn *conn);    /* as of har_link_handler */
    void (*drained)(struct har_conn *conn); /* as of har_link_handler */
    /* The link has ended and the observer knows: end the streams, then har_conn_deliver_ended. */
    void (*link_closed)(struct har_conn *conn, enum har_conn_end how, const char *text);
    /* har_conn_close: forget the streams; what is to be sent goes into the output. */
    void (*close)(struct har_conn *conn, enum har_close how);
    /* har_conn_free: streams are still attached. */
    void (*detach)(struct har_conn *conn);
    /* From the loop, after the transport has queued the task. */
    void (*late)(struct har_conn *conn);
    /* True when nothing refers to conn any more and its parts are released; else the transport calls
     * har_conn_reap later. */
    bool (*release)(struct har_conn *conn);
    enum sl_status (*send_raw)(struct har_conn *conn, struct sl_span bytes);
    enum sl_status (*send_frames)(struct har_conn *conn, struct sl_buf *frames); /* NULL: cannot */
    int64_t (*send_room)(struct har_conn *conn, uint32_t stream);    /* with send_frames */
    void (*table_update)(struct har_conn *conn, struct sl_buf *out); /* with send_frames */
    enum sl_status (*ping)(struct har_conn *conn, uint64_t opaque);
    enum sl_status (*settings)(struct har_conn *conn, const struct sl_h2_setting_pair *pairs,
                               size_t count);
    enum sl_status (*window_update)(struct har_conn *conn, uint32_t stream, uint32_t increment);
    uint32_t (*stream_limit_met)(const struct har_conn *conn); /* NULL: not known */
    uint32_t *(*next_id)(struct har_conn *conn);               /* NULL: not to be chosen */
    struct har_stream *(*stream_new)(struct har_conn *conn, const struct har_stream_config *config);
};

struct har_stream_ops {
    void (*free)(struct har_stream *stream);    /* detach; cancel if open */
    bool (*release)(struct har_stream *stream); /* as of har_conn_ops */
    enum sl_status (*send)(struct har_stream *stream, struct sl_span message);
    size_t (*queued)(const struct har_stream *stream);
    uint64_t (*data_bytes)(const struct har_stream *stream); /* NULL: not known */
    void (*half_close)(struct har_stream *stream);
    void (*cancel)(struct har_stream *stream, uint32_t error);
    enum sl_status (*credit_messages)(struct har_stream *stream, uint64_t count);
    enum sl_status (*credit_bytes)(struct har_stream *stream, uint32_t bytes);
    void (*stall)(struct har_stream *stream);
    void (*resume)(struct har_stream *stream);
};

struct har_conn {
    const struct har_conn_ops *ops;
    struct har_conn_config config;
    uv_loop_t *loop;
    char *authority;
    struct har_link *link;
    struct sl_observer *observer;
    struct har_capture_flow *flow; /* or NULL */
    struct har_turn *turn;
    struct har_turn_task task;  /* the release of the memory */
    struct har_stream *streams; /* all that are attached, newest first */
    struct sl_buf held; /* our bytes that the observer is to see after what it is at work on */
    char local[HAR_LOCAL_MAX];
    bool is_closed; /* by us, or ended: no more callbacks but those of frames and findings */
    bool is_freed;
    bool is_feeding; /* the observer is at work: it is not to be entered again */
    bool has_held_close, is_held_reset;
    bool has_goaway; /* from the server */
    bool is_paused;  /* by its owner */
    bool is_choked;  /* by its transport, which cannot pass on more */
    bool has_heard;  /* a byte of the server has come */
    bool has_hint;   /* its first bytes say what it is, no HTTP/2 */
    char hint[HAR_GREETING_MAX];
};

struct har_stream {
    const struct har_stream_ops *ops;
    struct har_conn *conn; /* NULL once detached */
    struct har_stream *prev, *next;
    const struct har_stream_handler *handler;
    void *owner;
    const char *method;
    uint64_t timeout_ns;
    struct har_turn *turn;
    struct har_turn_task task; /* a late end(), or the release of the memory */
    uint32_t id;
    bool is_ended; /* end() was delivered, or will never be */
    bool is_freed;
    const char *late_end; /* why an end() is due from the task; NULL: none is */
};

/* Makes the stream end UNAVAILABLE from the loop. reason is kept. */
void har_stream_end_late(struct har_stream *stream, const char *reason);

/* The constructors of the two transports; observer and link are made by har_conn_start. */
struct har_conn *har_h2_conn_new(void);
struct har_conn *har_grpc_conn_new(void);

/* What :scheme says. */
const char *har_conn_scheme(const struct har_conn *conn);

/* One direction's bytes to capture and observer. */
void har_conn_feed(struct har_conn *conn, enum sl_dir dir, struct sl_span bytes, uint64_t now_ns);
/* Stops reading while the transport cannot pass on what comes. */
void har_conn_choke(struct har_conn *conn, bool is_choked);
/* True while callbacks about conn may be made. */
bool har_conn_is_live(const struct har_conn *conn);
void har_conn_deliver_ended(struct har_conn *conn, enum har_conn_end how, const char *text);
/* Passes on an event of the observer: frame, GOAWAY and PING ack; finding. */
void har_conn_deliver_frame(struct har_conn *conn, const struct sl_frame_event *event);
void har_conn_deliver_finding(struct har_conn *conn, const struct sl_finding *finding);
/* The observer's question of the same name: by the schema of the connection. owner is the har_conn. */
bool har_conn_is_single_answer(void *owner, const struct sl_call *call);
/* Releases conn when it is freed and the transport says that it may go. */
void har_conn_reap(struct har_conn *conn);

/* Fills the common part of a new stream and attaches it to conn. */
void har_stream_start(struct har_stream *stream, const struct har_stream_ops *ops,
                      struct har_conn *conn, const struct har_stream_config *config);
void har_stream_detach(struct har_stream *stream);
/* end() once, if the stream is still to have one. */
void har_stream_deliver_end(struct har_stream *stream, const struct har_stream_result *result);
/* The end of a stream that never was on the wire, or whose connection is gone. */
void har_stream_deliver_unavailable(struct har_stream *stream, enum sl_status_source source,
                                    const char *text);
void har_stream_reap(struct har_stream *stream);

#endif
