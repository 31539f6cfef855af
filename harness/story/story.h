/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_STORY_H
#define HAR_STORY_H

/*
 * What a play came to, kept when its records are gone: for timelines, plots and comparisons.
 *
 *     records and chronicle of a play -> rows of actors, faults, windows -> report (report/story_json.c)
 *
 * A story is bounded, whatever the scenario does: series are put into buckets or thinned, long lists keep what
 * matters most, and what is left out is counted. All times are ns from the beginning of the play.
 *
 * Ownership: a story owns all that it has, but the names of phases, marks and verbs, which are those of the scenario and
 * must outlive it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "harness/scenario/fields.h"

enum {
    HAR_STORY_ROWS_MAX = 200,     /* actors */
    HAR_STORY_BUCKETS_MAX = 100,  /* of one actor */
    HAR_STORY_CELLS_MAX = 12000,  /* buckets of all actors and series: more actors get fewer */
    HAR_STORY_SPANS_MAX = 480,    /* of all actors */
    HAR_STORY_ROW_SPANS_MAX = 48, /* of one */
    HAR_STORY_STEPS_MAX = 48,     /* spans of the scenario itself */
    HAR_STORY_FAULTS_MAX = 32,
    HAR_STORY_WINDOWS_MAX = 24,
    HAR_STORY_POINTS_MAX = 200,      /* of one window */
    HAR_STORY_ALL_POINTS_MAX = 2400, /* of all windows */
    HAR_STORY_NAMES_MAX = 8,         /* of actors in one list */
    HAR_STORY_TEXT_MAX = 400,
    HAR_STORIES_MAX = 32 * 1024 * 1024,      /* bytes of memory of all stories of a run */
    HAR_STORIES_GOOD_MAX = 24 * 1024 * 1024, /* beyond it only failures have a whole one */
};

struct har_story_phase {
    const char *name;
    uint64_t at_ns, until_ns;
};

struct har_story_mark {
    const char *name;
    uint64_t at_ns;
    bool has_resources; /* of the target; else it could not be observed */
    uint64_t rss_bytes, fds;
};

/* Something that took a while, or a moment (until_ns == at_ns). */
struct har_story_span {
    const char *what;  /* a verb of the scenario, or "stream": from its opening to its end */
    const char *phase; /* NULL: outside of phases */
    uint64_t at_ns, until_ns;
    const char *text; /* "" for none */
};

enum har_story_flow {
    HAR_STORY_SENT,     /* messages, by when they were sent */
    HAR_STORY_RECEIVED, /* messages of a reader; answers to what a publisher, chat or client sent */
    HAR_STORY_LOST, /* accepted messages of its room that never came while it subscribed, by when they were sent */
    HAR_STORY_FLOWS,
};

struct har_story_actor {
    const char *name; /* "sub", or "sub[3]" where there are several */
    const char *kind, *room, *transport;
    uint32_t
        connection; /* the last one that it had, by the order in which the play made them; 0: none */
    struct har_story_span *spans;
    size_t span_count, spans_left_out;
    uint32_t *flows[HAR_STORY_FLOWS]; /* bucket_count of the story; NULL: all 0 */
    uint64_t totals[HAR_STORY_FLOWS];
    bool has_end; /* of its (last) stream */
    uint64_t end_ns;
    const char *end_status, *end_text;
};

/* Who was hit by a fault, seen from where it happened. An actor is in one scope only: the first that fits. */
enum har_story_scope {
    HAR_SCOPE_STREAM,     /* those it was done to */
    HAR_SCOPE_PUBLISHER,  /* those that publish to their room */
    HAR_SCOPE_CONNECTION, /* others on their connection */
    HAR_SCOPE_ROOM,       /* others in their room */
    HAR_SCOPE_SERVER,     /* all others */
    HAR_SCOPES,
};
extern const char *const har_story_scope_names[HAR_SCOPES]; /* "same stream" ... */

struct har_story_affected {
    size_t of;                               /* actors in this scope */
    size_t judged;                           /* of them: those of whom the records can tell */
    size_t count;                            /* of them: affected */
    const char *actors[HAR_STORY_NAMES_MAX]; /* the first of those */
    size_t actor_count;
    const char *text; /* what they got before and after */
};

struct har_story_fault {
    const char *what; /* "reset", "stall", "kill" ... */
    uint64_t at_ns;
    bool has_until;
    uint64_t until_ns;
    const char *actor;   /* the first that it was done to; NULL: the server */
    uint32_t connection; /* of it; 0: none */
    size_t count;        /* actors it was done to */
    const char *text;
    struct har_story_affected affected[HAR_SCOPES];
};

/* Credit that the server has left to send to an actor, in bytes, at moments in order. */
struct har_story_window {
    const char *actor;           /* of a connection: the first one on it */
    uint32_t connection, stream; /* stream 0: the window of the connection */
    uint64_t *at_ns;
    int64_t *bytes;
    size_t count;
    uint64_t left_out; /* points that were thinned away */
};

struct har_story {
    uint64_t duration_ns;
    struct har_story_phase *phases;
    size_t phase_count;
    struct har_story_mark *marks;
    size_t mark_count;
    struct har_story_span *steps; /* of no actor: await, hold, barrier ... */
    size_t step_count, steps_left_out;
    struct har_story_actor *actors;
    size_t actor_count, actors_left_out;
    uint64_t bucket_ns;
    size_t bucket_count;
    struct har_story_fault *faults; /* by time */
    size_t fault_count, faults_left_out;
    struct har_story_window *windows;
    size_t window_count, windows_left_out;
    size_t bytes; /* of memory */
    struct har_arena arena;
};

struct har_play;

/* The story of a play that is over; yours to har_story_free. */
struct har_story *har_story_new(struct har_play *play);
/* The same in place of *story (which may be NULL), where *held counts the memory of all stories of a run. Where
 * HAR_STORIES_MAX is reached it has its phases and marks only, and counts the rest as left out. */
void har_story_keep(struct har_story **story, struct har_play *play, size_t *held);
/* NULL is fine. */
void har_story_free(struct har_story *story);

#endif
