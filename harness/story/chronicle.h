/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_CHRONICLE_H
#define HAR_CHRONICLE_H

/*
 * What a play notes for its story beside the records that its checks judge: when steps began and ended, when
 * connections and streams came and went, how credit moved.
 *
 * Every function takes a play or actor whose chronicle is NULL, and then does nothing: plays in tests have none.
 * Limits: each list has one; what does not fit is counted.
 */
#include "harness/engine/play.h"
#include "harness/story/story.h"
#include "harness/story/window_log.h"
#include "lib/wire/observer.h"

enum {
    HAR_CHRONICLE_SPANS_MAX = 8192,
    HAR_CHRONICLE_STREAMS_MAX = 65536,
    HAR_CHRONICLE_CONNS_MAX = 65536,
    HAR_CHRONICLE_WINDOWS_MAX = 64,
};

struct har_link;

/* A step. */
struct har_noted_span {
    const struct har_node *node;
    int phase;                /* -1: outside of phases */
    uint64_t at_ns, until_ns; /* until 0: it still ran when the play was over */
};

/* A stream of an actor. */
struct har_noted_stream {
    uint16_t actor;      /* number */
    unsigned generation; /* of the actor's streams */
    uint64_t opened_ns;
    uint64_t
        ready_ns; /* from then on it must get what is published: its step was done; 0: nobody knows */
    uint64_t ended_ns; /* 0: open when the play was over */
    bool is_by_server; /* ended so; else by us */
    uint32_t code;     /* gRPC status; by_server only */
};

struct har_noted_conn {
    const struct har_link *link;
    uint64_t at_ns;
    uint64_t visit; /* of those via the proxy, from 1: the proxy's number of it; 0: not via it */
};

struct har_chronicle {
    struct har_noted_span *spans;
    size_t span_count, span_capacity, spans_left_out;
    struct har_noted_stream *streams; /* by opening */
    size_t stream_count, stream_capacity, streams_left_out;
    struct har_noted_conn *conns; /* the index of a connection is its number less 1 */
    size_t conn_count, conn_capacity, conns_left_out;
    uint64_t visits;
    struct har_window_log *windows[HAR_CHRONICLE_WINDOWS_MAX];
    size_t window_count, windows_left_out;
    size_t unready; /* streams whose ready_ns is to come */
};

struct har_chronicle *har_chronicle_new(void);
void har_chronicle_free(struct har_chronicle *chronicle);

/* A step begins; the number to end it by. */
size_t har_chronicle_begin(struct har_play *play, const struct har_node *node, int phase);
void har_chronicle_end(struct har_play *play, size_t span, const struct har_node *node);

/* The actor's stream was opened, and is over: actor->state and what goes with it are set. */
void har_chronicle_opened(struct har_actor *actor);
void har_chronicle_closed(struct har_actor *actor);

/* The link has a new connection; its number, from 1, or 0 when there are too many. */
uint32_t har_chronicle_conn(struct har_link *link, bool is_via_proxy);
/* The connection of the link at that time: the last one made by then; 0: none. */
uint32_t har_chronicle_conn_at(const struct har_chronicle *chronicle, const struct har_link *link,
                               uint64_t at_ns);
/* A frame passed: windows may have changed. Of each group the first few actors are followed, each over all its streams. */
void har_chronicle_frame(struct har_link *link, const struct sl_frame_event *event);

#endif
