/* SPDX-License-Identifier: Apache-2.0 */
/* h2_ping: HTTP/2 PINGs, one after the other, for the metric ping. */
#include <stdio.h>

#include "harness/engine/actor.h"
#include "harness/steps/verbs.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

struct ping_args {
    struct har_expr count, every;
    const char *rule;
    struct har_expr within;
};
static const struct har_field fields[] = {
    {"count", HAR_FIELD_EXPR, offsetof(struct ping_args, count), .help = "how many; default 1"},
    {"every", HAR_FIELD_DURATION, offsetof(struct ping_args, every),
     .help = "from one to the next at least; default 0"},
    {"rule", HAR_FIELD_STRING, offsetof(struct ping_args, rule),
     .help = "broken when one is not acknowledged; default SUB-04"},
    {"within", HAR_FIELD_DURATION, offsetof(struct ping_args, within), .help = "default 10s"},
};

struct pings {
    size_t *first; /* per actor of the play: its probes before this step */
    size_t count;
    uint64_t every_ns;
};

static void start(struct har_step *step)
{
    struct pings *state = step->state;
    const struct ping_args *args = step->node->args;
    struct har_play *play = step->play;
    state->count = (size_t)har_play_value_in(play, &args->count, 1, 1, HAR_PING_PROBES_MAX);
    state->every_ns = har_play_ns(play, &args->every, 0);
    state->first = sl_calloc(play->actor_count, sizeof(size_t));
    HAR_FOR_ACTORS (play, step->node->who, actor) {
        state->first[actor->number - 1] = actor->probe_count;
    }
}

static void stop(struct har_step *step)
{
    struct pings *state = step->state;
    sl_free(state->first);
}

/* True when this actor has done its part. */
static bool drive(struct har_step *step, struct har_actor *actor)
{
    const struct pings *state = step->state;
    size_t done = actor->probe_count - state->first[actor->number - 1];
    (void)har_actor_conn(actor);
    if (!actor->link->is_connected) {
        return false;
    }
    if (done > 0) {
        const struct har_ping_probe *last = &actor->probes[actor->probe_count - 1];
        uint64_t next_ns = last->sent_ns + state->every_ns;
        if (last->acked_ns == 0 || done >= state->count) {
            return last->acked_ns != 0;
        }
        if (sl_clock_mono_ns() < next_ns) {
            har_play_wake(step->play, next_ns);
            return false;
        }
    }
    if (actor->probe_count == HAR_PING_PROBES_MAX) {
        har_play_mistake(step->play, step->node->path, "more than %d PINGs of one actor",
                         HAR_PING_PROBES_MAX);
    } else if (!har_actor_ping(actor, har_track_phase(step->track))) {
        har_play_fail(step->play, step->node, "RES-02",
                      "no PING can be sent: the connection has ended");
    }
    return false;
}

static void poll(struct har_step *step)
{
    har_step_drive(step, drive);
}

static void tell(const struct har_step *step, char *text, size_t size)
{
    (void)step;
    (void)snprintf(text, size, "a PING was not acknowledged");
}

static const char *rule_of(const struct har_step *step)
{
    const struct ping_args *args = step->node->args;
    return args->rule == NULL ? "SUB-04" : args->rule;
}

const struct har_step_type har_step_h2_ping = {
    .name = "h2_ping",
    .help = "sends HTTP/2 PINGs, each when the one before it is acknowledged; check them by metric "
            "ping",
    .example = "{\"slow\": {\"h2_ping\": {\"count\": 20, \"every\": \"50ms\"}}}",
    .kinds = HAR_BIT(HAR_PUBLISHER) | HAR_BIT(HAR_SUBSCRIBER) | HAR_BIT(HAR_CHAT) |
             HAR_BIT(HAR_STREAM) | HAR_BIT(HAR_RAW),
    .needs_h2 = true,
    HAR_STEP_ARGS(struct ping_args, fields),
    .state_size = sizeof(struct pings),
    .rule_of = rule_of,
    .within_offset = offsetof(struct ping_args, within),
    .start = start,
    .poll = poll,
    .stop = stop,
    .tell = tell,
};
