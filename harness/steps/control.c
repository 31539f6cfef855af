/* SPDX-License-Identifier: Apache-2.0 */
/* The steps that order other steps: phase, parallel, track, repeat, barrier, mark. */
#include <stdio.h>

#include "harness/steps/verbs.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum {
    REPEAT_MAX = 1000000,
};

/* ---- phase, parallel and track: children on tracks of their own ---- */

struct children {
    struct har_track **tracks;
    size_t count;
    uint64_t rounds; /* repeat: still to begin */
};

static void turn_children(struct har_step *step)
{
    struct children *state = step->state;
    bool is_done = true;
    for (size_t i = 0; i < state->count && !step->play->is_over; i++) {
        har_track_turn(state->tracks[i]);
        is_done &= har_track_is_done(state->tracks[i]);
    }
    step->is_done = is_done;
}

static void free_children(struct har_step *step)
{
    struct children *state = step->state;
    for (size_t i = 0; i < state->count; i++) {
        har_track_free(state->tracks[i]);
    }
    sl_free(state->tracks);
    state->tracks = NULL;
    state->count = 0;
}

static void tell_children(const struct har_step *step, char *text, size_t size)
{
    const struct children *state = step->state;
    for (size_t i = 0; i < state->count; i++) {
        if (!har_track_is_done(state->tracks[i])) {
            har_track_tell(state->tracks[i], text, size);
            return;
        }
    }
}

/* Of the first child that stands at a step with one. */
static const char *rule_of_children(const struct har_step *step)
{
    const struct children *state = step->state;
    for (size_t i = 0; i < state->count; i++) {
        const char *rule =
            har_track_is_done(state->tracks[i]) ? "" : har_track_rule(state->tracks[i]);
        if (rule[0] != '\0') {
            return rule;
        }
    }
    return "";
}

/* One track of all children. */
static void add_sequence(struct har_step *step, int phase)
{
    struct children *state = step->state;
    state->tracks = sl_calloc(1, sizeof(state->tracks[0]));
    state->tracks[0] = har_track_new(step->play, step->track, step->node->children,
                                     step->node->child_count, phase);
    state->count = 1;
}

struct phase_args {
    const char *name;
    json_t *children;
    const char *why;
};
static const struct har_field phase_fields[] = {
    {"phase", HAR_FIELD_STRING, offsetof(struct phase_args, name), .is_required = true,
     .help = "its name, for the checks"},
    {"do", HAR_FIELD_JSON, offsetof(struct phase_args, children), .is_required = true,
     .help = "the steps of it"},
    {"why", HAR_FIELD_STRING, offsetof(struct phase_args, why), .help = "a note for the reader"},
};

static void start_phase(struct har_step *step)
{
    const struct phase_args *args = step->node->args;
    int phase = har_phase_index(step->play->scenario, args->name);
    step->play->phase = phase;
    step->play->entered_ns = step->begin_ns;
    if (step->play->phase_begin_ns[phase] == 0) {
        step->play->phase_begin_ns[phase] = step->begin_ns;
    }
    add_sequence(step, phase);
}

static void stop_phase(struct har_step *step)
{
    const struct phase_args *args = step->node->args;
    int phase = har_phase_index(step->play->scenario, args->name);
    step->play->phase_end_ns[phase] = sl_clock_mono_ns();
    free_children(step);
}

const struct har_step_type har_step_phase = {
    .name = "phase",
    .help = "gives the steps in `do` a name; checks speak of phases",
    .example = "{\"phase\": \"burst\", \"do\": [{\"pub\": {\"send\": {\"count\": \"2*B\", \"rat"
               "e\": 500}}}, {\"await\": \"least_received(sub) >= B\"}]}",
    .children = HAR_CHILDREN_SEQUENCE,
    HAR_STEP_ARGS(struct phase_args, phase_fields),
    .state_size = sizeof(struct children),
    .rule_of = rule_of_children,
    .has_no_deadline = true,
    .start = start_phase,
    .poll = turn_children,
    .stop = stop_phase,
    .tell = tell_children,
};

struct parallel_args {
    json_t *tracks;
};
static const struct har_field parallel_fields[] = {
    {"parallel", HAR_FIELD_JSON, offsetof(struct parallel_args, tracks), .is_required = true,
     .help = "an array of steps and of arrays of steps"},
};

static void start_parallel(struct har_step *step)
{
    struct children *state = step->state;
    const struct har_node *node = step->node;
    state->tracks = sl_calloc(node->child_count + 1, sizeof(state->tracks[0]));
    for (size_t i = 0; i < node->child_count; i++) {
        state->tracks[state->count++] = har_track_new(step->play, step->track, &node->children[i],
                                                      1, har_track_phase(step->track));
    }
}

const struct har_step_type har_step_parallel = {
    .name = "parallel",
    .help = "runs its members beside each other; done when all are",
    .example = "{\"parallel\": [{\"pub\": {\"send\": {\"for\": \"2s\", \"rate\": 50}}}, [{\"h"
               "old\": \"open(sub) == 1\", \"for\": \"1s\"}, {\"sub\": {\"cancel\": {}}}]]}",
    .children = HAR_CHILDREN_TRACKS,
    HAR_STEP_ARGS(struct parallel_args, parallel_fields),
    .state_size = sizeof(struct children),
    .rule_of = rule_of_children,
    .has_no_deadline = true,
    .start = start_parallel,
    .poll = turn_children,
    .stop = free_children,
    .tell = tell_children,
};

static void start_track(struct har_step *step)
{
    add_sequence(step, har_track_phase(step->track));
}

const struct har_step_type har_step_track = {
    .name = "track",
    .help = "an array in place of a step: its steps one after the other",
    .children = HAR_CHILDREN_SELF,
    .state_size = sizeof(struct children),
    .rule_of = rule_of_children,
    .has_no_deadline = true,
    .start = start_track,
    .poll = turn_children,
    .stop = free_children,
    .tell = tell_children,
};

/* ---- repeat ---- */

struct repeat_args {
    struct har_expr times;
    json_t *children;
};
static const struct har_field repeat_fields[] = {
    {"repeat", HAR_FIELD_EXPR, offsetof(struct repeat_args, times), .is_required = true,
     .help = "how many times"},
    {"do", HAR_FIELD_JSON, offsetof(struct repeat_args, children), .is_required = true,
     .help = "the steps"},
};

static void start_repeat(struct har_step *step)
{
    struct children *state = step->state;
    const struct repeat_args *args = step->node->args;
    state->rounds = (uint64_t)har_play_value_in(step->play, &args->times, 0, 0, REPEAT_MAX);
}

static void poll_repeat(struct har_step *step)
{
    struct children *state = step->state;
    while (!har_play_is_out_of_time(step->play)) { /* rounds may take no turn at all */
        if (state->count > 0) {
            turn_children(step);
            if (!step->is_done || step->play->is_over) {
                return;
            }
            step->is_done = false;
            free_children(step);
        }
        if (state->rounds == 0) {
            step->is_done = true;
            return;
        }
        state->rounds--;
        add_sequence(step, har_track_phase(step->track));
    }
}

const struct har_step_type har_step_repeat = {
    .name = "repeat",
    .help = "runs the steps in `do` so many times",
    .example = "{\"repeat\": 50, \"do\": [{\"sub\": {\"subscribe\": {}}}, {\"sub\": {\"canc"
               "el\": {}}}, {\"mark\": \"round\"}]}",
    .children = HAR_CHILDREN_SEQUENCE,
    HAR_STEP_ARGS(struct repeat_args, repeat_fields),
    .state_size = sizeof(struct children),
    .rule_of = rule_of_children,
    .has_no_deadline = true,
    .start = start_repeat,
    .poll = poll_repeat,
    .stop = free_children,
    .tell = tell_children,
};

/* ---- barrier ---- */

struct barrier_args {
    const char *name;
    struct har_expr tracks;
    struct har_expr within;
};
static const struct har_field barrier_fields[] = {
    {"barrier", HAR_FIELD_STRING, offsetof(struct barrier_args, name), .is_required = true,
     .help = "its name"},
    {"tracks", HAR_FIELD_EXPR, offsetof(struct barrier_args, tracks), .is_required = true,
     .help = "how many tracks meet there"},
    {"within", HAR_FIELD_DURATION, offsetof(struct barrier_args, within), .help = "default 10s"},
};

static struct har_barrier *find_barrier(struct har_play *play, const char *name)
{
    for (size_t i = 0; i < play->barrier_count; i++) {
        if (strcmp(play->barriers[i].name, name) == 0) {
            return &play->barriers[i];
        }
    }
    if (play->barrier_count == HAR_BARRIERS_MAX) {
        return NULL;
    }
    play->barriers[play->barrier_count] = (struct har_barrier){.name = name};
    return &play->barriers[play->barrier_count++];
}

static void start_barrier(struct har_step *step)
{
    const struct barrier_args *args = step->node->args;
    struct har_barrier *barrier = find_barrier(step->play, args->name);
    if (barrier == NULL) {
        har_play_mistake(step->play, step->node->path, "more than %d barriers", HAR_BARRIERS_MAX);
        return;
    }
    barrier->arrived++;
    har_play_touch(step->play); /* the others look again */
}

static void poll_barrier(struct har_step *step)
{
    const struct barrier_args *args = step->node->args;
    const struct har_barrier *barrier = find_barrier(step->play, args->name);
    double tracks = har_play_value(step->play, &args->tracks, 1);
    step->is_done = barrier != NULL && barrier->arrived >= tracks;
}

const struct har_step_type har_step_barrier = {
    .name = "barrier",
    .help = "waits until so many tracks have come here; then all go on together",
    .example = "{\"parallel\": [[{\"pub\": {\"send\": {}}}, {\"barrier\": \"go\", \"tracks\""
               ": 2}], [{\"sub\": {\"subscribe\": {}}}, {\"barrier\": \"go\", \"tracks\": "
               "2}]]}",
    HAR_STEP_ARGS(struct barrier_args, barrier_fields),
    .rule = "",
    .within_offset = offsetof(struct barrier_args, within),
    .start = start_barrier,
    .poll = poll_barrier,
};

/* ---- mark ---- */

struct mark_args {
    const char *name;
};
static const struct har_field mark_fields[] = {
    {"mark", HAR_FIELD_STRING, offsetof(struct mark_args, name), .is_required = true,
     .help = "a name; the target's memory is noted under it, where it can be observed"},
};

static void start_mark(struct har_step *step)
{
    struct har_play *play = step->play;
    const struct mark_args *args = step->node->args;
    if (play->mark_count == HAR_MARKS_MAX) {
        har_play_mistake(play, step->node->path, "more than %d marks", HAR_MARKS_MAX);
        return;
    }
    struct har_mark *mark = &play->marks[play->mark_count++];
    *mark = (struct har_mark){.name = args->name, .at_ns = step->begin_ns};
    mark->has_resources = play->config.pid != 0 &&
                          har_resources_read(play->config.pid, &mark->resources, NULL) == SL_OK;
    mark->is_peak_reset = mark->has_resources && har_resources_reset_peak(play->config.pid);
}

static void poll_mark(struct har_step *step)
{
    step->is_done = true;
}

const struct har_step_type har_step_mark = {
    .name = "mark",
    .help = "notes the moment, and the target's memory",
    .example = "{\"mark\": \"round\"}",
    HAR_STEP_ARGS(struct mark_args, mark_fields),
    .rule = "",
    .start = start_mark,
    .poll = poll_mark,
};
