/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "harness/engine/actor.h"
#include "harness/evidence/decisions.h"
#include "harness/steps/step.h"
#include "harness/story/chronicle.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

struct har_track {
    struct har_play *play;
    const struct har_node *nodes;
    size_t count, index;
    int phase;
    struct har_step *step; /* the one that runs */
    struct har_track *parent;
    struct har_track *children, *last_child,
        *next; /* those of the step, in the order of the file */
    struct har_decisions decisions;
};

struct har_track *har_track_new(struct har_play *play, struct har_track *parent,
                                const struct har_node *nodes, size_t count, int phase)
{
    struct har_track *track = sl_alloc(sizeof(*track));
    *track = (struct har_track){
        .play = play, .nodes = nodes, .count = count, .phase = phase, .parent = parent};
    if (parent != NULL && parent->children == NULL) {
        parent->children = track;
    } else if (parent != NULL) {
        parent->last_child->next = track;
    }
    if (parent != NULL) {
        parent->last_child = track;
    }
    return track;
}

struct har_decisions *har_track_decisions(struct har_track *track)
{
    return &track->decisions;
}

void har_track_collect(const struct har_track *track, struct har_decisions *log)
{
    har_decisions_join(log, &track->decisions);
    for (const struct har_track *child = track->children; child != NULL; child = child->next) {
        har_track_collect(child, log);
    }
}

/* Its parent knows what it did, and not it any more. */
static void leave_parent(struct har_track *track)
{
    struct har_track *parent = track->parent;
    struct har_track *before = NULL;
    har_track_collect(track, &parent->decisions);
    for (struct har_track *at = parent->children; at != track; at = at->next) {
        before = at;
    }
    if (before == NULL) {
        parent->children = track->next;
    } else {
        before->next = track->next;
    }
    parent->last_child = parent->last_child == track ? before : parent->last_child;
}

static void end_step(struct har_track *track)
{
    struct har_step *step = track->step;
    track->step = NULL;
    if (step != NULL) {
        har_chronicle_end(track->play, step->noted, step->node);
        if (step->node->type->stop != NULL) {
            step->node->type->stop(step);
        }
        sl_free(step->state);
        sl_free(step);
    }
}

void har_track_free(struct har_track *track)
{
    if (track != NULL) {
        end_step(track);
        if (track->parent != NULL) {
            leave_parent(track);
        }
        har_decisions_release(&track->decisions);
        sl_free(track);
    }
}

bool har_track_is_done(const struct har_track *track)
{
    return track->index == track->count;
}

int har_track_phase(const struct har_track *track)
{
    return track->phase;
}

static uint64_t step_deadline(struct har_step *step)
{
    const struct har_step_type *type = step->node->type;
    if (type->has_no_deadline) {
        return UINT64_MAX;
    }
    struct har_expr within = {0};
    if (type->within_offset != 0) {
        memcpy(&within, (const char *)step->node->args + type->within_offset, sizeof(within));
    }
    return step->begin_ns + har_play_ns(step->play, &within, HAR_STEP_DEADLINE_MS);
}

static void begin_step(struct har_track *track)
{
    struct har_step *step = sl_alloc(sizeof(*step));
    const struct har_node *node = &track->nodes[track->index];
    step->play = track->play;
    step->track = track;
    step->node = node;
    step->begin_ns = sl_clock_mono_ns();
    step->begin_evidence = track->play->evidence;
    step->state = sl_alloc(node->type->state_size + 1);
    step->deadline_ns = step_deadline(step);
    track->step = step;
    step->noted = har_chronicle_begin(track->play, node, track->phase);
    har_decisions_step(&track->decisions, track->play, node);
    if (node->type->start != NULL) {
        node->type->start(step);
    }
}

static bool is_late(const struct har_step *step, uint64_t now_ns)
{
    uint64_t allowed_ns = step->deadline_ns - step->begin_ns;
    return now_ns >= step->deadline_ns &&
           now_ns - step->begin_ns >=
               har_play_allowed_ns(step->play, step->begin_ns, step->begin_evidence, allowed_ns);
}

static const char *rule_of(const struct har_step *step)
{
    const struct har_step_type *type = step->node->type;
    const char *rule = type->rule_of == NULL ? type->rule : type->rule_of(step);
    return rule == NULL ? "" : rule;
}

const char *har_track_rule(const struct har_track *track)
{
    return track->step == NULL ? "" : rule_of(track->step);
}

static void fail_late(struct har_step *step)
{
    char text[HAR_REASON_MAX] = "";
    const struct har_step_type *type = step->node->type;
    if (type->tell != NULL) {
        type->tell(step, text, sizeof(text));
    }
    uint64_t waited_ns = sl_clock_mono_ns() - step->begin_ns;
    char whole[HAR_REASON_MAX];
    (void)snprintf(whole, sizeof(whole), "%s: %.380s, after %llu ms", type->name,
                   text[0] == '\0' ? "was not done" : text,
                   (unsigned long long)(waited_ns / SL_MS));
    har_play_fail_late(step->play, step->node, rule_of(step), waited_ns, whole);
}

void har_track_turn(struct har_track *track)
{
    struct har_play *play = track->play;
    while (!play->is_over && track->index < track->count) {
        if (track->step == NULL) {
            begin_step(track);
        }
        struct har_step *step = track->step;
        if (!play->is_over && !step->is_done) {
            step->node->type->poll(step);
        }
        if (play->is_over) {
            return;
        }
        if (!step->is_done) {
            uint64_t now_ns = sl_clock_mono_ns();
            if (is_late(step, now_ns)) {
                fail_late(step);
            } else if (step->deadline_ns != UINT64_MAX) {
                bool is_past = now_ns >= step->deadline_ns;
                har_play_wake(play, is_past ? now_ns + 10 * SL_MS : step->deadline_ns);
            }
            return;
        }
        end_step(track);
        track->index++;
    }
}

void har_track_tell(const struct har_track *track, char *text, size_t size)
{
    if (track->step == NULL) {
        (void)snprintf(text, size, "at its end");
        return;
    }
    const struct har_step *step = track->step;
    char inner[HAR_REASON_MAX] = "";
    if (step->node->type->tell != NULL) {
        step->node->type->tell(step, inner, sizeof(inner));
    }
    (void)snprintf(text, size, "%s (%s)%s%.300s", step->node->type->name, step->node->path,
                   inner[0] == '\0' ? "" : ": ", inner);
}

void har_step_drive(struct har_step *step, har_step_drive_fn *drive)
{
    bool is_done = true;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        if (!step->play->is_over) {
            is_done &= drive(step, actor);
        }
    }
    step->is_done = is_done;
}
