/* SPDX-License-Identifier: Apache-2.0 */
/* subscribe: opens SubscribeToRoom and makes sure that the server has registered it. */
#include <stdio.h>

#include "harness/binding/bound.h"
#include "harness/engine/actor.h"
#include "harness/engine/notes.h"
#include "harness/steps/probe.h"
#include "harness/steps/verbs.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/rng.h"

enum {
    ROOMS_A_ROUND_MAX = 1000,
};
#define FIRST_PAUSE_NS (20 * SL_MS)
#define LAST_PAUSE_NS  (500 * SL_MS)

struct subscribe_args {
    int probe; /* 0 yes, 1 no */
    struct har_expr history;
    const char *after;
    struct har_strings refused;
    bool is_persistent;
    const char *rule;
    struct har_expr within;
};
static const char *const yes_no[] = {"yes", "no", NULL};
static const struct har_field fields[] = {
    {"probe", HAR_FIELD_CHOICE, offsetof(struct subscribe_args, probe), .choices = yes_no,
     .help = "\"no\": do not wait until the subscription is known to be registered"},
    {"history", HAR_FIELD_EXPR, offsetof(struct subscribe_args, history),
     .help = "so many messages of the past are asked for (SUB-12)"},
    {"after", HAR_FIELD_STRING, offsetof(struct subscribe_args, after),
     .help = "resumes after the message of this id; \"{last}\": the last one it received (SUB-13)"},
    {"refused", HAR_FIELD_STRINGS, offsetof(struct subscribe_args, refused),
     .help = "statuses that are right in place of a subscription"},
    {"retry", HAR_FIELD_BOOL, offsetof(struct subscribe_args, is_persistent),
     .help = "true: one that is refused while the scenario has the server down tries again, "
             "after 50 to 250 ms, each time drawn from the seed"},
    {"rule", HAR_FIELD_STRING, offsetof(struct subscribe_args, rule),
     .help = "broken when nothing comes (default SEND-03), or the stream ends before it "
             "(default SUB-16)"},
    {"within", HAR_FIELD_DURATION, offsetof(struct subscribe_args, within), .help = "default 10s"},
};

struct subscribe {
    uint64_t next_ns, pause_ns;
    uint32_t *paid;     /* per actor of the play: the probe after which credit was given last */
    uint64_t *again_ns; /* the same: when it tries again; 0: it need not */
};

static void start(struct har_step *step)
{
    struct subscribe *state = step->state;
    struct har_play *play = step->play;
    state->pause_ns = FIRST_PAUSE_NS;
    state->paid = sl_calloc(play->actor_count, sizeof(uint32_t));
    state->again_ns = sl_calloc(play->actor_count, sizeof(uint64_t));
    const struct subscribe_args *args = step->node->args;
    bool needs_probe = args->probe == 0 && play->config.binding == NULL &&
                       !har_profile_has(play->config.profile, "ready");
    HAR_FOR_ACTORS (play, step->node->who, actor) {
        bool is_last = args->after != NULL && strcmp(args->after, "{last}") == 0;
        actor->past.history =
            (int32_t)har_play_value_in(play, &args->history, 0, INT32_MIN, INT32_MAX);
        actor->past.after = is_last ? actor->past.last_id : args->after;
        actor->past.refusals = &args->refused;
        actor->end_rule = args->rule;
        har_actor_open(actor);
        if (needs_probe && actor->spec->is_manual) {
            (void)har_stream_credit_messages(actor->stream, 1);
        }
    }
}

static void stop(struct har_step *step)
{
    struct subscribe *state = step->state;
    sl_free(state->paid);
    sl_free(state->again_ns);
}

/* It ended in place of a subscription; by a wrong status the play is over. */
static bool is_refused(const struct har_actor *actor)
{
    return actor->past.refusals->count > 0 && actor->state == HAR_STREAM_ENDED;
}

/* One probe for each room in which somebody has not seen any. */
static void send_round(struct har_step *step)
{
    struct har_play *play = step->play;
    uint32_t before = play->probe_count;
    HAR_FOR_ACTORS (play, step->node->who, actor) {
        bool is_due = actor->probe_seen == 0 && !is_refused(actor);
        for (uint32_t i = before; i < play->probe_count && is_due; i++) {
            is_due = strcmp(play->probes[i].room, actor->room) != 0;
        }
        if (is_due && play->probe_count - before < ROOMS_A_ROUND_MAX) {
            har_probe_send(play, actor->room);
        }
    }
}

static uint32_t last_probe(const struct har_play *play, const char *room)
{
    for (uint32_t i = play->probe_count; i > 0; i--) {
        if (strcmp(play->probes[i - 1].room, room) == 0) {
            return i;
        }
    }
    return 0;
}

/* Metered subscribers are paid for every probe of their room, one at a time. */
static void pay(struct subscribe *state, struct har_actor *actor, uint32_t last)
{
    uint32_t *paid = &state->paid[actor->number - 1];
    if (actor->spec->is_manual && actor->probe_seen > *paid && actor->probe_seen < last) {
        *paid = actor->probe_seen;
        (void)har_stream_credit_messages(actor->stream, 1);
    }
}

static bool is_ready(const struct har_step *step)
{
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        if (!actor->has_headers && !is_refused(actor)) {
            return false;
        }
    }
    return true;
}

static bool is_bound_open(const struct har_step *step)
{
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        if (!har_bound_is_open(actor) && !is_refused(actor)) {
            return false;
        }
    }
    return true;
}

static bool is_on_the_wire(const struct har_step *step)
{
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        if (actor->stream != NULL && har_stream_id(actor->stream) == 0) {
            return false;
        }
    }
    return true;
}

static void poll_probes(struct har_step *step)
{
    struct subscribe *state = step->state;
    struct har_play *play = step->play;
    bool has_all_seen_one = true;
    bool has_all_seen_last = true;
    HAR_FOR_ACTORS (play, step->node->who, actor) {
        uint32_t last = last_probe(play, actor->room);
        has_all_seen_one &= actor->probe_seen > 0 || is_refused(actor);
        has_all_seen_last &= actor->probe_seen == last || is_refused(actor);
        pay(state, actor, last);
    }
    bool is_waiting = har_probe_is_waiting(play);
    if (has_all_seen_one) {
        step->is_done = has_all_seen_last && !is_waiting;
        return;
    }
    uint64_t now_ns = sl_clock_mono_ns();
    if (!is_waiting && now_ns >= state->next_ns) {
        send_round(step);
        state->next_ns = now_ns + state->pause_ns;
        state->pause_ns = state->pause_ns * 2 > LAST_PAUSE_NS ? LAST_PAUSE_NS : state->pause_ns * 2;
    }
    har_play_wake(play, state->next_ns > now_ns ? state->next_ns : now_ns + FIRST_PAUSE_NS);
}

/* What was refused tries again, not all at once. */
static void retry(struct har_step *step)
{
    struct subscribe *state = step->state;
    uint64_t now_ns = sl_clock_mono_ns();
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        uint64_t *again_ns = &state->again_ns[actor->number - 1];
        if (actor->state != HAR_STREAM_ENDED) {
            continue;
        }
        if (*again_ns == 0) {
            struct sl_rng rng; /* of this actor's next try, whatever the others do */
            sl_rng_init(&rng, step->play->config.seed,
                        (uint64_t)actor->number << 32 | actor->generation | UINT64_C(1) << 62);
            double part = sl_rng_unit(&rng);
            *again_ns = now_ns + (uint64_t)((50 + 200 * part) * (double)SL_MS);
        }
        if (now_ns >= *again_ns) {
            *again_ns = 0;
            har_actor_open(actor);
        } else {
            har_play_wake(step->play, *again_ns);
        }
    }
}

static void poll(struct har_step *step)
{
    const struct subscribe_args *args = step->node->args;
    if (args->is_persistent) {
        retry(step);
    }
    if (args->probe != 0) {
        step->is_done = is_on_the_wire(step);
        har_play_wake(step->play, sl_clock_mono_ns() + SL_MS);
    } else if (step->play->config.binding != NULL) {
        step->is_done = is_bound_open(step);
        har_play_wake(step->play, sl_clock_mono_ns() + SL_MS);
    } else if (har_profile_has(step->play->config.profile, "ready")) {
        step->is_done = is_ready(step);
    } else {
        poll_probes(step);
    }
}

static void tell(const struct har_step *step, char *text, size_t size)
{
    unsigned total = 0;
    unsigned missing = 0;
    const struct har_binding *binding = step->play->config.binding;
    bool has_ready = har_profile_has(step->play->config.profile, "ready");
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        total++;
        missing += binding != NULL ? !har_bound_is_open(actor)
                   : has_ready     ? !actor->has_headers
                                   : actor->probe_seen == 0;
    }
    if (binding != NULL) {
        (void)snprintf(text, size, "%s did not open for %u of the %u streams of %s",
                       binding->methods[HAR_ROLE_SERVER_STREAM].method, missing, total,
                       step->node->actor);
    } else if (has_ready) {
        (void)snprintf(text, size, "no initial metadata came for %u of the %u subscriptions of %s",
                       missing, total, step->node->actor);
    } else {
        (void)snprintf(text, size,
                       "nothing came on %u of the %u subscriptions of %s, though %u messages were "
                       "sent to their rooms",
                       missing, total, step->node->actor, step->play->probe_count);
    }
}

static const char *rule_of(const struct har_step *step)
{
    const struct subscribe_args *args = step->node->args;
    return args->rule == NULL ? "SEND-03" : args->rule;
}

const struct har_step_type har_step_subscribe = {
    .name = "subscribe",
    .help =
        "opens the stream and publishes numbered probes until every subscription of the step has "
        "seen one (or, where the profile declares `ready`, waits for the initial metadata)",
    .example = "{\"sub\": {\"subscribe\": {\"within\": \"5s\"}}}",
    .kinds = HAR_BIT(HAR_SUBSCRIBER),
    HAR_STEP_ARGS(struct subscribe_args, fields),
    .state_size = sizeof(struct subscribe),
    .rule = "SEND-03",
    .rule_of = rule_of,
    .within_offset = offsetof(struct subscribe_args, within),
    .start = start,
    .poll = poll,
    .stop = stop,
    .tell = tell,
};
