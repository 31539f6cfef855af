/* SPDX-License-Identifier: Apache-2.0 */
/* receive: takes messages that came on a stream, one after the other, and judges them. */
#include <stdio.h>

#include "harness/messages/expect.h"
#include "harness/messages/generic.h"
#include "harness/steps/verbs.h"
#include "lib/base/alloc.h"

struct receive_args {
    json_t *until;
    struct har_expr count;
    struct har_expect_args expect;
    const char *rule, *why;
    struct har_expr within;
};
#define AT(member) offsetof(struct receive_args, member)
static const struct har_field fields[] = {
    {"count", HAR_FIELD_EXPR, AT(count),
     .help = "how many are taken; default: as many as `sequence` has, else 1"},
    HAR_EXPECT_ROWS(AT(expect)),
    {"until", HAR_FIELD_JSON, AT(until),
     .help = "takes messages until one has these fields; `count` is then the most it may take"},
    {"rule", HAR_FIELD_STRING, AT(rule),
     .help = "broken when a message is not so, or does not come"},
    {"why", HAR_FIELD_STRING, AT(why), .help = "printed with the failure"},
    {"within", HAR_FIELD_DURATION, AT(within), .help = "default 10s"},
};
#undef AT

struct state {
    uint32_t wanted;
    uint32_t *taken; /* per actor of the play */
    bool *is_found;
    char last[HAR_MATCH_TEXT_MAX]; /* why the last one was not what `until` waits for */
};

static const char *problem(const void *args)
{
    const struct receive_args *receive = args;
    return har_expect_problem(&receive->expect);
}

static bool fits(const struct har_fit *fit, struct sl_error *reterr_error)
{
    const struct receive_args *args = fit->node->args;
    return har_expect_fits(fit->method->output, &args->expect, reterr_error) &&
           har_expect_value_fits(fit->method->output, args->until, "until", reterr_error);
}

static void start(struct har_step *step)
{
    struct state *state = step->state;
    const struct receive_args *args = step->node->args;
    struct har_play *play = step->play;
    size_t length = har_expect_length(&args->expect);
    double fallback = args->until != NULL ? HAR_INBOX_COUNT_MAX : length > 0 ? (double)length : 1;
    double wanted = har_play_value_in(play, &args->count, fallback, 0, HAR_INBOX_COUNT_MAX);
    state->taken = sl_calloc(play->actor_count, sizeof(uint32_t));
    state->is_found = sl_calloc(play->actor_count, sizeof(bool));
    state->wanted = (uint32_t)wanted;
    HAR_FOR_ACTORS (play, step->node->who, actor) {
        if (!har_generic_is_ready(actor, step->node)) {
            return;
        }
    }
}

static void stop(struct har_step *step)
{
    struct state *state = step->state;
    sl_free(state->taken);
    sl_free(state->is_found);
}

/* The next message of the inbox. */
static void take(struct har_step *step, struct har_actor *actor)
{
    struct state *state = step->state;
    const struct receive_args *args = step->node->args;
    uint32_t at = actor->read_count++;
    struct har_expect_item item = {
        .type = actor->method->output,
        .payload = har_inbox_at(actor->inbox, at),
        .number = state->taken[actor->number - 1]++,
        .place = {actor->index, at},
    };
    char why[HAR_MATCH_TEXT_MAX + 200];
    if (!har_expect_holds(step->play, &args->expect, &item, why, sizeof(why))) {
        har_play_fail(step->play, step->node, args->rule, "message %u of %s[%u]: %.400s", at,
                      actor->spec->name, actor->index, why);
    } else if (args->until != NULL) {
        state->is_found[actor->number - 1] =
            har_expect_value(step->play, args->until, false, &item, why, sizeof(why));
        (void)snprintf(state->last, sizeof(state->last), "%s",
                       state->is_found[actor->number - 1] ? "" : why);
    }
}

/* True when this actor has what it wants. */
static bool advance(struct har_step *step, struct har_actor *actor)
{
    struct state *state = step->state;
    const struct receive_args *args = step->node->args;
    const uint32_t *taken = &state->taken[actor->number - 1];
    const bool *is_found = &state->is_found[actor->number - 1];
    while (!step->play->is_over && !*is_found && *taken < state->wanted &&
           actor->read_count < actor->inbox->count) {
        take(step, actor);
    }
    bool has_all = args->until != NULL ? *is_found : *taken == state->wanted;
    if (has_all || step->play->is_over) {
        return true;
    }
    bool is_given_up = args->until != NULL && *taken == state->wanted;
    if (is_given_up) {
        har_play_fail(
            step->play, step->node, args->rule,
            "none of %u messages of %s[%u] is the one that is awaited; the last one: %.300s",
            *taken, actor->spec->name, actor->index, state->last);
    } else if (actor->state != HAR_STREAM_OPEN) {
        har_play_fail(step->play, step->node, args->rule,
                      "%s[%u] has %u messages, and its stream is %s%s", actor->spec->name,
                      actor->index, *taken,
                      actor->end_text[0] == '\0' ? "left" : "ended: ", actor->end_text);
    }
    return false;
}

static void poll(struct har_step *step)
{
    bool is_done = true;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        is_done &= !step->play->is_over && advance(step, actor);
    }
    step->is_done = is_done;
}

static void tell(const struct har_step *step, char *text, size_t size)
{
    const struct state *state = step->state;
    const struct receive_args *args = step->node->args;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        uint32_t taken = state->taken[actor->number - 1];
        if (args->until != NULL && !state->is_found[actor->number - 1]) {
            (void)snprintf(text, size,
                           "after %u messages of %s[%u] the one that is awaited has not come%s%s",
                           taken, actor->spec->name, actor->index,
                           state->last[0] == '\0' ? "" : "; the last one: ", state->last);
            return;
        }
        if (args->until == NULL && taken < state->wanted) {
            (void)snprintf(text, size, "%u of %u messages came to %s[%u]", taken, state->wanted,
                           actor->spec->name, actor->index);
            return;
        }
    }
}

static const char *rule_of(const struct har_step *step)
{
    const struct receive_args *args = step->node->args;
    return args->rule;
}

const struct har_step_type har_step_receive = {
    .name = "receive",
    .help = "takes the next messages that came on the stream, and waits for those that did not yet",
    .example = "{\"stream\": {\"receive\": {\"until\": {\"status\": \"NOT_SERVING\"}, \"cou"
               "nt\": 10}}}",
    .kinds = HAR_BIT(HAR_STREAM),
    HAR_STEP_ARGS(struct receive_args, fields),
    .state_size = sizeof(struct state),
    .rule_of = rule_of,
    .within_offset = offsetof(struct receive_args, within),
    .problem = problem,
    .fits = fits,
    .start = start,
    .poll = poll,
    .stop = stop,
    .tell = tell,
};
