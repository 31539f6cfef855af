/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_PACE_H
#define HAR_PACE_H

/*
 * The keys of a load and the engine behind them, for every verb that sends more than one message: how many,
 * when, and in a closed loop how many at a time.
 *
 * A verb prepares a pace when it starts, drives it for each of its actors in every poll, and says by two
 * functions how one message is issued and how many are still without an answer.
 */
#include "harness/steps/load.h"
#include "harness/steps/step.h"

struct har_pace_args {
    struct har_expr count;
    struct har_expr rate;     /* messages a second, intended times */
    struct har_expr burst;    /* messages at each intended time */
    struct har_load_args at;  /* a shape of load, in place of rate and burst */
    struct har_expr duration; /* how long, in place of count or beside it */
    int loop;                 /* 0 closed: the next after the reply; 1 open */
    struct har_expr inflight; /* closed loop: calls at a time */
};
enum {
    HAR_PACE_FIELDS = 7,
};
/* For a table of fields: a struct har_pace_args at this offset. */
#define HAR_PACE_ROWS(offset)                                                               \
    {"count", HAR_FIELD_EXPR, (offset) + offsetof(struct har_pace_args, count),             \
     .help = "messages of each actor; default 1"},                                          \
        {"rate", HAR_FIELD_EXPR, (offset) + offsetof(struct har_pace_args, rate),           \
         .help = "messages a second at intended times"},                                    \
        {"burst", HAR_FIELD_EXPR, (offset) + offsetof(struct har_pace_args, burst),         \
         .help = "messages at each intended time; default 1"},                              \
        {"at",                                                                              \
         HAR_FIELD_OBJECT,                                                                  \
         (offset) + offsetof(struct har_pace_args, at),                                     \
         .fields = har_load_fields,                                                         \
         .field_count = HAR_LOAD_FIELDS,                                                    \
         .help = "a shape of load: its intended times, in place of `rate`"},                \
        {"for", HAR_FIELD_DURATION, (offset) + offsetof(struct har_pace_args, duration),    \
         .help = "how long; `count`, where it is given too, ends it earlier"},              \
        {"loop", HAR_FIELD_CHOICE, (offset) + offsetof(struct har_pace_args, loop),         \
         .choices = har_pace_loops,                                                         \
         .help = "closed: the next one after the reply; open: at its time, whatever came"}, \
    {                                                                                       \
        "inflight", HAR_FIELD_EXPR, (offset) + offsetof(struct har_pace_args, inflight),    \
            .help = "closed loop: calls at a time; default 1"                               \
    }
extern const char *const har_pace_loops[];

/* How far one actor is. */
struct har_progress {
    struct har_load_cursor cursor;
    uint32_t issued, replied;
    uint64_t next_ns;    /* offset of the next message; when has_next */
    uint64_t replied_ns; /* the last reply */
    bool has_next, has_ended;
    bool was_held; /* the closed loop let it wait for a reply */
};

/* One message that is to go now. */
struct har_due {
    uint64_t intended_ns;
    uint64_t due_ns; /* when it could have gone at the earliest */
};

/* Sends one message; issued was counted. */
typedef void har_issue_fn(struct har_step *step, struct har_actor *actor,
                          struct har_progress *progress, struct har_due due);
/* Messages of the actor without an answer; notes when the last answer came. */
typedef uint32_t har_outstanding_fn(const struct har_actor *actor, struct har_progress *progress);

struct har_pace {
    struct har_progress *of; /* per actor of the play */
    struct har_load load;
    uint32_t count, inflight;
    bool is_open;
    uint64_t end_ns; /* no message after it; UINT64_MAX: by count alone */
    har_issue_fn *issue;
    har_outstanding_fn *outstanding;
};

/* What is wrong with the keys together, or NULL. */
const char *har_pace_problem(const struct har_pace_args *args);
/* When the step starts; has_within: its deadline was given. False, and the play has failed, when the numbers
 * are impossible. Zeroed before; released by har_pace_release. */
bool har_pace_begin(struct har_step *step, const struct har_pace_args *args, bool has_within,
                    struct har_pace *pace);
/* Issues what is due; true when this actor has issued all of it. */
bool har_pace_drive(struct har_step *step, struct har_pace *pace, struct har_actor *actor);
void har_pace_release(struct har_pace *pace);

#endif
