/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_PROBE_H
#define HAR_PROBE_H

/*
 * "Are we affected?": each named class of abuse once, bounded in count and time, beside canaries.
 *
 *   class.h    what a class sends, and its maxima        class.c   the table; units_*.c  the frames
 *   attack.h   one class on its connections              canary.h  whether others are served meanwhile
 *   judge.h    a result into a verdict                   probe.c   one class after the other
 *   print.h    for people, Markdown and JSON             scope.h   where it may be used
 *
 * What is told are limits that were seen or not seen in what was sent: a limit that is absent is no exploit.
 *
 * Life: one loop, one thread; callbacks come from the loop.
 */
#include "harness/engine/target.h"
#include "harness/probe/class.h"
#include "harness/target/hiccup.h"

enum har_probe_verdict {
    HAR_PROBE_BOUNDED,  /* a limit was seen, or nothing that needs one */
    HAR_PROBE_OPEN,     /* no limit in what was sent */
    HAR_PROBE_AFFECTED, /* served, crashed, memory grew, or others were not served any more */
    HAR_PROBE_UNCLEAR,  /* the machine paused, or the connections did not come up */
    HAR_PROBE_NOT_RUN,
};

/* What the server did about a connection of ours; the first of it. */
enum har_probe_limit {
    HAR_PROBE_NO_LIMIT,
    HAR_PROBE_GOAWAY,
    HAR_PROBE_CLOSED, /* without a GOAWAY */
    HAR_PROBE_RESET,  /* of the stream */
    HAR_PROBE_STATUS, /* a grpc-status but OK, or an HTTP status of 400 or more */
    HAR_PROBE_HELD,   /* it read or answered no more */
};

struct har_probe_tally {
    uint32_t asked, lost;
    uint64_t worst_ns; /* of those that were answered */
    char text[160];    /* of the last one that was lost */
};

enum har_probe_same {
    HAR_PROBE_SAME_NOT_ASKED,
    HAR_PROBE_SAME_SERVED,
    HAR_PROBE_SAME_LOST,
};

struct har_probe_result {
    const struct har_probe_class *of;
    enum har_probe_verdict verdict;
    char reason[240];
    enum har_probe_limit limit;
    char limit_text[96];           /* "GOAWAY ENHANCE_YOUR_CALM" */
    uint32_t limit_after;          /* units that had been sent when it came */
    uint64_t limit_bytes;          /* and bytes */
    uint64_t limit_ns;             /* and time */
    uint32_t links, links_limited; /* connections, and those on which a limit was seen */
    uint32_t planned, sent;        /* units on each connection */
    uint64_t bytes;                /* on all of them */
    uint32_t answered;             /* acknowledgements, or resets, by the server */
    bool is_late;                  /* the limit came when the header block had ended */
    bool is_served;                /* grpc-status 0 for what was sent */
    bool has_failed;               /* the connections did not come up */
    bool is_noisy;                 /* the machine paused meanwhile */
    struct har_probe_tally before, during, after;
    enum har_probe_same same;
    char same_text[160];
    bool has_memory;
    uint64_t rss_before, rss_peak, rss_after; /* bytes */
    bool has_process;                         /* known, so that it can be told dead */
    bool is_alive;
    char death[HAR_TARGET_TEXT_MAX]; /* how it ended, and what it wrote last */
    uint64_t duration_ns;            /* of sending and waiting */
};

struct har_probe_config {
    uv_loop_t *loop;
    struct har_target *target; /* started */
    const struct sl_header *metadata;
    size_t metadata_count;
    const char *
        method; /* NULL: SendMessage of chat.v1, or Check of grpc.health.v1 where that is not served */
    const bool *is_chosen; /* per class of the table */
    unsigned percent;      /* of each class's maximum; 1 to 100 */
    uint64_t patience_ns;  /* of the classes that wait */
    struct har_hiccup *hiccup;
    void (*began)(void *owner, const struct har_probe_class *of);
    void (*judged)(void *owner, const struct har_probe_result *result);
    void (*done)(void *owner);
    void *owner;
};

struct har_probe;
/* config is copied, what it points to is kept. */
struct har_probe *har_probe_new(const struct har_probe_config *config);
void har_probe_free(struct har_probe *probe); /* NULL is fine */

/* The method that is called, and whether it is answered with OK. */
const char *har_probe_method(const struct har_probe *probe, bool *ret_is_served);
const struct har_probe_result *har_probe_results(const struct har_probe *probe, size_t *ret_count);

#endif
