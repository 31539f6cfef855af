/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_VIEW_H
#define INS_VIEW_H

/*
 * A view turns the events of all connections into records. Each view is one struct ins_view_ops; the
 * session numbers connections and calls before a view sees them, so ids are the same in every view.
 */
#include "inspector/stream/via.h"
#include "lib/schema/pool.h"
#include "lib/wire/observer.h"

struct ins_tls_info;
struct ins_held;

struct ins_connection {
    uint64_t id; /* from 1, in the order they were recognised */
    struct ins_endpoint client, server;
    uint64_t tcp_number; /* of its TCP connection, ins_tcp_number */
    bool is_midway;      /* began before the capture did */
    bool is_guessed;     /* nothing has shown yet that client and server are not each other */
    /* Between where the capture was taken and the server: SYN to SYN-ACK; where those were not captured,
     * the shortest answer of the server to a SETTINGS or PING so far. */
    bool has_round_trip;
    bool is_by_answer;
    uint64_t round_trip_ns;
    const struct sl_observer *observer; /* of its HTTP/2; NULL: none */
    const struct ins_tls_info *tls;     /* NULL: without TLS */
    /* what stands between these ends and those of the calls: the outermost of via_count */
    const struct ins_via *via;
    size_t via_count;
};

struct ins_infer_group;

struct ins_call {
    uint64_t id; /* from 1, by first appearance; 0: makes no record (no gRPC) */
    const struct ins_connection *connection;
    struct sl_call *call;
    const struct sl_method *method; /* of the schema, or NULL */
    struct ins_infer_group *group;  /* of calls whose :path is unknown alike, or NULL */
    bool is_selected;               /* by the user's options, for all that is known by now */
    bool is_decided;                /* it stays so */
    struct ins_held *held;          /* view/held.h; NULL: nothing */
    bool is_conflicting;            /* bytes in its time came again with other ones */
    bool is_given_up;               /* because too many calls were open at once */
    bool is_connection_given_up;    /* because of memory, or too many connections */
    void *view_data;                /* the view's own; freed by it at call_end */
    void *graphs;                   /* the same, of the report's view */
};

struct ins_view;

/* Events as of struct sl_observer_handler. Any but free may be NULL; call is NULL where there is none. */
struct ins_view_ops {
    const char *name;
    void (*call_begin)(struct ins_view *view, struct ins_call *call);
    void (*message)(struct ins_view *view, struct ins_call *call, enum sl_dir dir,
                    const struct sl_message *message, const struct sl_at *at);
    void (*call_end)(struct ins_view *view, struct ins_call *call);
    /* call is never NULL; its id is 0 when it makes no record */
    void (*stall)(struct ins_view *view, const struct ins_connection *connection,
                  struct ins_call *call, const struct sl_stall *stall);
    void (*frame)(struct ins_view *view, const struct ins_connection *connection,
                  struct ins_call *call, const struct sl_frame_event *event);
    void (*finding)(struct ins_view *view, const struct ins_connection *connection,
                    struct ins_call *call, const struct sl_finding *finding);
    void (*finish)(struct ins_view *view); /* the input has ended */
    void (*free)(struct ins_view *view);
    size_t keep_message_max; /* payload bytes that it wants to see; 0: none */
    size_t keep_frame_max;
    bool
        is_by_event; /* its records are events, which --since and --until select by their own times */
};

/* The head of each view's own struct. */
struct ins_view {
    const struct ins_view_ops *ops;
    bool has_findings; /* it tells or counts them: without it nothing is judged */
};

enum {
    INS_VIEW_MESSAGE_MAX = 4 * 1024 * 1024, /* payload bytes of a message that are decoded */
    INS_VIEW_FRAME_MAX = 4096,
};

#endif
