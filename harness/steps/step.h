/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_STEP_H
#define HAR_STEP_H

/*
 * Steps: what a scenario does. One verb a file, all registered in table.c.
 *
 * start() begins; poll() is called after everything that happened and sets is_done (or fails the play);
 * stop() ends the step early or late and frees what its state holds. State is zeroed and freed by the
 * engine. A step that is not done when its deadline (key `within`, else HAR_STEP_DEADLINE_MS) has passed
 * fails the play with what tell() says. Both are stretched by pauses of the machine and by the target's round
 * trips (har_play_allowed_ns).
 */
#include "harness/engine/play.h"

enum {
    HAR_STEP_DEADLINE_MS = 10000,
};

enum har_children {
    HAR_CHILDREN_NONE,
    HAR_CHILDREN_SEQUENCE, /* key "do" */
    HAR_CHILDREN_TRACKS,   /* key of the step's own name */
    HAR_CHILDREN_SELF,     /* an array in place of a step */
};

/* A step that runs. */
struct har_step {
    struct har_play *play;
    struct har_track *track;
    const struct har_node *node;
    void *state;
    uint64_t begin_ns, deadline_ns; /* 0: the play's */
    uint64_t begin_evidence;        /* of the play, when it began */
    size_t noted;                   /* its number in the play's chronicle */
    bool is_done;
};

/* A step against the schema of the run. */
struct har_fit {
    const struct har_node *node;
    const struct sl_pool *pool;
    const struct sl_method *method; /* that it calls, or that its actor's stream is of */
};

struct har_decisions; /* harness/evidence/decisions.h */

/* Until when what a step does to others lasts, for the story of the play. */
enum har_fault_end {
    HAR_FAULT_MOMENT,
    HAR_FAULT_STEP,  /* until the step is done */
    HAR_FAULT_ENDED, /* until a step of the same actors ends it */
};

struct har_step_type {
    const char *name;
    const char *help;
    const char *example; /* JSON; of the actors that `explain language` shows */
    unsigned kinds;      /* HAR_BIT of the kinds of actors that know it; 0: control */
    bool needs_h2;
    bool needs_proxy; /* an actor must go via the proxy */
    enum har_children children;
    const struct har_field *fields;
    size_t field_count, args_size, state_size;
    const char *(*problem)(
        const void *args); /* with a combination of keys, for the parser; may be NULL */
    /* The method whose schema it needs, besides that of its actors' streams; NULL: none. May be NULL. */
    const char *(*method_of)(const void *args);
    /* Could its messages be those of the method? False with the error. May be NULL. */
    bool (*fits)(const struct har_fit *fit, struct sl_error *reterr_error);
    /* What it does to others, as the story calls it ("reset"); NULL: nothing. fault_of: the same, where it depends on
     * the arguments; may be NULL. */
    const char *fault;
    const char *(*fault_of)(const struct har_node *node);
    enum har_fault_end fault_end;
    bool ends_faults; /* of its actors, whatever else it does */
    const char *rule; /* broken when it does not end; "" for none of the contract */
    const char *(*rule_of)(
        const struct har_step *step); /* the same, where it depends; may be NULL */
    bool has_no_deadline;
    size_t
        within_offset; /* of its struct har_expr `within` in args; 0: none (never the first member) */
    void (*start)(struct har_step *step);
    void (*poll)(struct har_step *step);
    void (*stop)(struct har_step *step);
    void (*tell)(const struct har_step *step, char *text, size_t size);
};

/* A poll() of a verb whose actors each do their part: drive() is true when one has. The step is done when all
 * have; none is driven once the play is over. */
typedef bool har_step_drive_fn(struct har_step *step, struct har_actor *actor);
void har_step_drive(struct har_step *step, har_step_drive_fn *drive);

const struct har_step_type *har_step_find(const char *name);
/* The nearest name among control steps or verbs. */
const char *har_step_nearest(const char *name, bool is_control);
const struct har_step_type *const *har_step_types(size_t *ret_count);

/* A sequence of steps, one after the other. parent: the track of the step that it belongs to; NULL: the root. Children
 * are freed in the order in which they were made, so that the decision log has that order. */
struct har_track *har_track_new(struct har_play *play, struct har_track *parent,
                                const struct har_node *nodes, size_t count, int phase);
void har_track_free(struct har_track *track);
void har_track_turn(struct har_track *track);
bool har_track_is_done(const struct har_track *track);
int har_track_phase(const struct har_track *track);
/* Its own decision log, to write to. */
struct har_decisions *har_track_decisions(struct har_track *track);
/* What it and its children decided so far. */
void har_track_collect(const struct har_track *track, struct har_decisions *log);
/* The rule of the step it stands at; "" where that has none. */
const char *har_track_rule(const struct har_track *track);
/* "$.run[2].do[1]: await ..." of the step it stands at. */
void har_track_tell(const struct har_track *track, char *text, size_t size);

#endif
