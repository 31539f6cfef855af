/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/steps/pace.h"

#include "harness/engine/actor.h"
#include "harness/evidence/decisions.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

const char *const har_pace_loops[] = {"closed", "open", NULL};

const char *har_pace_problem(const struct har_pace_args *args)
{
    const struct har_load_args *at = &args->at;
    bool has_at = at->rate.is_set || at->poisson.is_set || at->step.count > 0 ||
                  at->ramp.count > 0 || at->replay.count > 0 || at->burst.n.is_set;
    if (args->rate.is_set && has_at) {
        return "'rate' and 'at' exclude each other";
    }
    if (args->loop == 1 && !has_at && !args->rate.is_set && args->duration.is_set &&
        !args->count.is_set) {
        return "an open loop needs 'count', 'rate' or 'at'";
    }
    return har_load_problem(at, args->duration.is_set);
}

/* The numbers of a list, in unit; false when one is negative. */
static bool take_parts(struct har_play *play, const struct har_exprs *list, double unit,
                       struct har_load *load)
{
    load->parts = sl_calloc(list->count + 1, sizeof(double));
    load->part_count = list->count;
    for (size_t i = 0; i < list->count; i++) {
        load->parts[i] = har_play_value(play, &list->items[i], 0) * unit;
        if (load->parts[i] < 0) {
            return false;
        }
    }
    return true;
}

static bool prepare_load(struct har_play *play, const struct har_pace_args *args,
                         struct har_load *load)
{
    const struct har_load_args *at = &args->at;
    load->seconds = har_play_value(play, &args->duration, 0) / 1000;
    load->group = har_play_value(play, &args->burst, 1);
    bool is_even = args->rate.is_set || at->rate.is_set || at->burst.n.is_set;
    if (at->poisson.is_set) {
        load->shape = HAR_LOAD_POISSON;
        load->rate = har_play_value(play, &at->poisson, 0);
    } else if (at->burst.n.is_set) {
        load->group = har_play_value(play, &at->burst.n, 1);
        load->rate = load->group * 1000 / har_play_value(play, &at->burst.every_ms, 0);
    } else if (at->step.count > 0) {
        load->shape = HAR_LOAD_STEP;
        return take_parts(play, &at->step, 1, load);
    } else if (at->ramp.count > 0) {
        load->shape = HAR_LOAD_RAMP;
        return take_parts(play, &at->ramp, 1, load);
    } else if (at->replay.count > 0) {
        load->shape = HAR_LOAD_REPLAY;
        return take_parts(play, &at->replay, 1e-3, load);
    } else if (is_even) {
        load->rate = har_play_value(play, at->rate.is_set ? &at->rate : &args->rate, 0);
    }
    if (is_even && load->rate > 0) {
        load->shape = HAR_LOAD_EVEN;
    }
    return load->shape != HAR_LOAD_POISSON || load->rate > 0;
}

static bool prepare(struct har_step *step, const struct har_pace_args *args, bool has_within,
                    struct har_pace *pace)
{
    struct har_play *play = step->play;
    bool is_timed = args->duration.is_set || args->at.replay.count > 0;
    double count =
        har_play_value_in(play, &args->count, is_timed ? HAR_SENT_MAX : 1, 0, HAR_SENT_MAX);
    double inflight = har_play_value_in(play, &args->inflight, 1, 1, HAR_SENT_MAX);
    bool is_good = prepare_load(play, args, &pace->load);
    if (!is_good || !(pace->load.group >= 1) || pace->load.seconds < 0 ||
        pace->load.seconds > 1e6) {
        return false;
    }
    pace->count = (uint32_t)count;
    pace->inflight = (uint32_t)inflight;
    pace->is_open = args->loop == 1;
    uint64_t time_ns = (uint64_t)(pace->load.seconds * 1e9);
    pace->end_ns = args->duration.is_set ? step->begin_ns + time_ns : UINT64_MAX;
    if (!has_within) {
        step->deadline_ns += time_ns;
    }
    return true;
}

bool har_pace_begin(struct har_step *step, const struct har_pace_args *args, bool has_within,
                    struct har_pace *pace)
{
    struct har_play *play = step->play;
    pace->of = sl_calloc(play->actor_count, sizeof(struct har_progress));
    if (!prepare(step, args, has_within, pace)) {
        har_play_mistake(play, step->node->path,
                         "this load is not possible: a rate, group or time is out of range");
        return false;
    }
    HAR_FOR_ACTORS (play, step->node->who, actor) {
        /* What a sender draws depends on the seed, on itself, and on how often it has sent before. */
        uint64_t stream = (uint64_t)actor->number << 32 | actor->loads++ | UINT64_C(1) << 63;
        har_load_begin(&pace->of[actor->number - 1].cursor, play->config.seed, stream);
        if (pace->load.shape == HAR_LOAD_POISSON) {
            har_decisions_draw(har_track_decisions(step->track), actor, step->node, "poisson",
                               stream);
        }
    }
    return true;
}

void har_pace_release(struct har_pace *pace)
{
    sl_free(pace->of);
    har_load_release(&pace->load);
}

/* True when there is one more message to send; then its intended time. */
static bool has_more(const struct har_step *step, const struct har_pace *pace,
                     struct har_progress *progress, uint64_t now_ns, uint64_t *ret_ns)
{
    if (progress->has_ended || progress->issued >= pace->count) {
        return false;
    }
    if (pace->load.shape == HAR_LOAD_AT_ONCE) {
        *ret_ns = now_ns;
        return now_ns < pace->end_ns;
    }
    if (!progress->has_next) {
        progress->has_next = har_load_next(&pace->load, &progress->cursor, &progress->next_ns);
        progress->has_ended = !progress->has_next;
    }
    *ret_ns = step->begin_ns + progress->next_ns;
    return progress->has_next;
}

bool har_pace_drive(struct har_step *step, struct har_pace *pace, struct har_actor *actor)
{
    struct har_progress *progress = &pace->of[actor->number - 1];
    uint64_t now_ns = sl_clock_mono_ns();
    uint64_t when_ns = 0;
    while (!step->play->is_over && has_more(step, pace, progress, now_ns, &when_ns)) {
        if (!pace->is_open && pace->outstanding(actor, progress) >= pace->inflight) {
            progress->was_held = true;
            return false;
        }
        if (when_ns > now_ns) {
            har_play_wake(step->play, when_ns);
            return false;
        }
        bool was_late = progress->was_held && progress->replied_ns > when_ns;
        progress->issued++;
        pace->issue(step, actor, progress,
                    (struct har_due){when_ns, was_late ? progress->replied_ns : when_ns});
        progress->was_held = progress->has_next = false;
        now_ns = sl_clock_mono_ns();
    }
    return !step->play->is_over;
}
