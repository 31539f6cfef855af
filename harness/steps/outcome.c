/* SPDX-License-Identifier: Apache-2.0 */
/* outcome: what the server did to frames that a scenario wrote must be one of an accept-set. */
#include <stdio.h>

#include "harness/binding/bound.h"
#include "harness/raw/outcome_set.h"
#include "harness/steps/raw.h"
#include "harness/steps/verbs.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/wire/grpc_status.h"

/* Something came that is not right: for so long what follows may still make it so (a reset before a
 * GOAWAY). And so long nothing must come for it to be `ignored`. */
#define SETTLE_NS (150 * SL_MS)
/* So long a connection may stay behind its GOAWAY; then we close it, and the canary has a new one. */
#define LINGER_NS (300 * SL_MS)
#define WITHIN_MS 5000

static const char *const yes_no[] = {"yes", "no", NULL};

struct outcome_args {
    struct har_strings in;
    struct har_expr within;
    const char *rule, *why, *echo;
    int canary;
};
#define AT(member) offsetof(struct outcome_args, member)
static const struct har_field fields[] = {
    {"in", HAR_FIELD_STRINGS, AT(in), .is_required = true,
     .help =
         "what is right: `served` (grpc-status 0), `status NAME`, `status error` (any but OK), "
         "`http "
         "NUMBER`, `http error` (400 or more, without a grpc-status), `stream ERROR` (RST_STREAM, "
         "or a GOAWAY of that error), `connection ERROR` (GOAWAY, or the end of the "
         "connection without one), `goaway ERROR`, `closed`, `unreadable` (an answer that is no "
         "HTTP/2), `ignored`; `*` is any name or error, "
         "but not a GOAWAY of NO_ERROR on a connection that goes on, nor RST_STREAM(NO_ERROR) "
         "without a status of an error"},
    {"within", HAR_FIELD_DURATION, AT(within), .help = "a hang is what takes longer; default 5s"},
    {"canary", HAR_FIELD_CHOICE, AT(canary), .choices = yes_no,
     .help = "a unary call on the same connection where that is still up, on a new one where it "
             "has ended or a GOAWAY came; \"no\": none"},
    {"rule", HAR_FIELD_STRING, AT(rule), .help = "broken by any other outcome, and by a hang"},
    {"echo", HAR_FIELD_STRING, AT(echo),
     .help =
         "the x-request-id that the response must have, of a server that sends back that of the "
         "request (`request_id`); its first 63 bytes count"},
    {"why", HAR_FIELD_STRING, AT(why), .help = "printed with the failure"},
};
#undef AT

static const char *problem(const void *of)
{
    const struct outcome_args *args = of;
    for (size_t i = 0; i < args->in.count; i++) {
        if (!har_outcome_is_valid(args->in.items[i])) {
            return "an outcome is served, closed, unreadable, ignored, status or http with a name, "
                   "a number or \"error\", or stream, connection or goaway with an error of RFC "
                   "9113";
        }
    }
    return args->in.count == 0 ? "no outcome is right" : NULL;
}

enum stage {
    STAGE_WAITING,
    STAGE_CANARY,
    STAGE_ENDING, /* of the connection; then the canary is on a new one */
    STAGE_DONE,
};
struct watch {
    struct har_step *step;
    enum stage stage;
    uint64_t seen_ns;   /* when something came first; 0: nothing yet */
    uint64_t acks;      /* of PINGs, before ours */
    uint64_t acked_ns;  /* ours was acknowledged; 0: not yet */
    uint64_t canary_ns; /* when it was sent */
    uint64_t ending_ns; /* when the connection was first known to be over */
    bool is_pinged;
    bool is_anew;   /* the canary is on a new connection */
    bool may_close; /* an end of the connection is among what is right */
};
struct state {
    struct watch *of; /* per actor of the play */
};

static const struct outcome_args *args_of(const struct har_step *step)
{
    return step->node->args;
}

static void start(struct har_step *step)
{
    struct state *state = step->state;
    const struct outcome_args *args = args_of(step);
    state->of = sl_calloc(step->play->actor_count, sizeof(struct watch));
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        struct watch *watch = &state->of[actor->number - 1];
        watch->step = step;
        for (size_t i = 0; i < args->in.count; i++) {
            watch->may_close |= har_outcome_may_close(args->in.items[i]);
        }
    }
}

static void stop(struct har_step *step)
{
    struct state *state = step->state;
    sl_free(state->of);
}

static void fail(struct har_step *step, const struct har_actor *actor, const char *what)
{
    const struct outcome_args *args = args_of(step);
    char right[300] = "";
    for (size_t i = 0; i < args->in.count; i++) {
        size_t len = strlen(right);
        char word[80];
        har_outcome_read(args->in.items[i], word, sizeof(word));
        (void)snprintf(right + len, sizeof(right) - len, "%s%s", i == 0 ? "" : ", ", word);
    }
    har_play_fail(step->play, step->node, args->rule, "%s[%u]: %.160s; right: %s%s%.100s",
                  actor->spec->name, actor->index, what, right, args->why == NULL ? "" : "; ",
                  args->why == NULL ? "" : args->why);
}

/* ---- the canary ---- */

static const char *which(const struct watch *watch)
{
    return watch->is_anew ? "a new" : "the same";
}

/* The connection is over: the next call is on a new one, once it has ended. A connection without a
 * preface would be the same mistake once more. */
static void end(struct har_actor *actor, struct watch *watch)
{
    bool is_bare = (actor->spec->suppress_mask & HAR_SUPPRESS_PREFACE) != 0;
    watch->stage = is_bare || actor->link->is_closed_by_us ? STAGE_DONE : STAGE_ENDING;
    watch->ending_ns = sl_clock_mono_ns();
    har_play_wake(watch->step->play, watch->ending_ns); /* nothing else may come to look again */
}

static void on_canary(struct har_call *call, const struct har_stream_result *result)
{
    struct watch *watch = call->owner;
    struct har_actor *actor = call->actor;
    bool is_cut = result->source == SL_FROM_CONNECTION_CLOSED || result->source == SL_FROM_GOAWAY;
    bool is_good = har_bound_is_served(call, result);
    watch->stage = STAGE_DONE;
    if (is_good) {
        actor->link->served_at = har_wire_written(&actor->link->wire);
    }
    if (!is_good && !watch->is_anew && is_cut && watch->may_close) {
        end(actor, watch);
    } else if (!is_good) {
        const char *name = sl_grpc_status_name(result->code);
        char text[160];
        (void)snprintf(text, sizeof(text), "the next call on %s connection ended with %s: %s",
                       which(watch), name == NULL ? "an unknown status" : name, result->message);
        fail(watch->step, actor, text);
    }
}

static void send_canary(struct har_actor *actor, struct watch *watch)
{
    struct sl_buf payload;
    sl_buf_init(&payload, HAR_BINDING_REQUEST_MAX);
    const char *method = har_bound_method(actor->play, HAR_ROLE_UNARY);
    har_bound_canary(actor->play, &payload);
    watch->stage = STAGE_CANARY;
    watch->canary_ns = sl_clock_mono_ns();
    (void)har_actor_call(actor, method, sl_buf_span(&payload), on_canary, watch);
    sl_buf_release(&payload);
}

/* What came, for the report; word: the one of the accept-set that it is, or NULL. */
static void note(struct har_step *step, const struct har_actor *actor, const char *word,
                 const struct har_wire_outcome *seen)
{
    char text[HAR_SEEN_TEXT_MAX];
    har_outcome_say(word, seen, text, sizeof(text));
    har_seen_note(&step->play->seen, step->node->path, actor->spec->name, text);
}

static void take(struct har_actor *actor, struct watch *watch, const char *word,
                 const struct har_wire_outcome *seen)
{
    const struct har_link *link = actor->link;
    bool is_over = link->has_ended || link->wire.frames[SL_H2_GOAWAY] > 0;
    actor->play->evidence++;
    note(watch->step, actor, word, seen);
    watch->stage = STAGE_DONE;
    if (args_of(watch->step)->canary != 0 || link->is_closed_by_us) {
        return;
    }
    if (is_over) {
        end(actor, watch);
    } else {
        send_canary(actor, watch);
    }
}

static void watch_ending(struct har_step *step, struct har_actor *actor, struct watch *watch)
{
    uint64_t until_ns = watch->ending_ns + LINGER_NS;
    if (!actor->link->has_ended && sl_clock_mono_ns() < until_ns) {
        har_play_wake(step->play, sl_clock_mono_ns() + SL_MS);
        return;
    }
    har_link_replace(actor->link);
    if (!actor->link->has_ended) {
        har_actor_close(actor, HAR_CLOSE_FIN);
    }
    watch->is_anew = true;
    send_canary(actor, watch);
}

/* ---- waiting ---- */

/* Asks for a sign that everything before it was read. */
static void ping_once(struct har_actor *actor, struct watch *watch, uint64_t now_ns)
{
    if (!watch->is_pinged && har_raw_is_ready(actor, true)) {
        watch->is_pinged = true;
        watch->acks = actor->link->wire.ping_acks;
        (void)har_conn_ping(actor->link->conn, now_ns);
    }
    if (watch->is_pinged && watch->acked_ns == 0 && actor->link->wire.ping_acks > watch->acks) {
        watch->acked_ns = now_ns;
    }
}

/* A server stream of the binding whose method says CANCELLED at its deadline. */
static bool is_deadline(const struct har_actor *actor, const char *right,
                        const struct har_wire_outcome *seen)
{
    const struct har_binding *binding = actor->play->config.binding;
    return binding != NULL && actor->raw_role == HAR_ROLE_SERVER_STREAM &&
           binding->methods[HAR_ROLE_SERVER_STREAM].may_cancel &&
           strcmp(right, "status DEADLINE_EXCEEDED") == 0 &&
           har_outcome_matches("status CANCELLED", seen);
}

/* The word of the accept-set that it is; NULL: none. */
static const char *accepted(const struct outcome_args *args, const struct har_actor *actor,
                            const struct har_wire_outcome *seen)
{
    for (size_t i = 0; i < args->in.count; i++) {
        if (har_outcome_matches(args->in.items[i], seen) ||
            is_deadline(actor, args->in.items[i], seen)) {
            return args->in.items[i];
        }
    }
    return NULL;
}

static bool may_be_ignored(const struct outcome_args *args)
{
    return har_strings_has(&args->in, "ignored");
}

static void hang(struct har_step *step, const struct har_actor *actor, uint64_t waited_ns)
{
    char text[200];
    (void)snprintf(text, sizeof(text), "hang: nothing came in %llu ms",
                   (unsigned long long)(waited_ns / SL_MS));
    uint64_t pause_ns = har_play_hiccup_ns(step->play, step->begin_ns);
    if (pause_ns * 20 >= waited_ns) {
        har_play_fail_timing(step->play, step->node, args_of(step)->rule, "%s", text);
    } else {
        fail(step, actor, text);
    }
}

static uint64_t limit_of(const struct har_step *step, uint64_t from_ns)
{
    return har_play_allowed_ns(step->play, from_ns, step->begin_evidence,
                               har_play_ns(step->play, &args_of(step)->within, WITHIN_MS));
}

static void watch_canary(struct har_step *step, const struct har_actor *actor,
                         const struct watch *watch)
{
    if (sl_clock_mono_ns() - watch->canary_ns >= limit_of(step, watch->canary_ns)) {
        char text[160];
        (void)snprintf(text, sizeof(text), "hang: the next call on %s connection is not answered",
                       which(watch));
        fail(step, actor, text);
    } else {
        har_play_wake(step->play, sl_clock_mono_ns() + 10 * SL_MS);
    }
}

/* The response sends back what the scenario says, if it does. */
static bool is_echo(const struct outcome_args *args, const struct har_actor *actor)
{
    const struct har_wire_stream *stream = har_wire_stream(&actor->link->wire, actor->raw_told);
    return args->echo == NULL || (stream != NULL && strcmp(stream->echo, args->echo) == 0);
}

static void look(struct har_step *step, struct har_actor *actor, struct watch *watch)
{
    const struct outcome_args *args = args_of(step);
    struct har_wire_outcome seen = har_outcome_of(actor);
    uint64_t now_ns = sl_clock_mono_ns();
    uint64_t settle_ns =
        har_play_allowed_ns(step->play, step->begin_ns, step->begin_evidence, SETTLE_NS);
    uint64_t since_ns = seen.is_anything ? watch->seen_ns : watch->acked_ns;
    if (seen.is_anything && watch->seen_ns == 0) {
        since_ns = watch->seen_ns = now_ns;
    }
    if (may_be_ignored(args)) {
        ping_once(actor, watch, now_ns);
    }
    bool is_late = now_ns - step->begin_ns >= limit_of(step, step->begin_ns);
    bool is_settled = since_ns != 0 && now_ns >= since_ns + settle_ns && !seen.is_ending;
    const char *word = accepted(args, actor, &seen);
    if (word != NULL && !is_echo(args, actor)) {
        note(step, actor, NULL, &seen);
        fail(step, actor, "the response has not the x-request-id that was sent");
    } else if (word != NULL) {
        take(actor, watch, word, &seen);
    } else if (seen.is_anything && (is_settled || is_late)) {
        char text[160];
        har_outcome_tell(&seen, text, sizeof(text));
        note(step, actor, NULL, &seen);
        fail(step, actor, text);
    } else if (!seen.is_anything && is_settled && may_be_ignored(args)) {
        take(actor, watch, "ignored", &seen);
    } else if (!seen.is_anything && is_late) {
        note(step, actor, NULL, &seen);
        hang(step, actor, now_ns - step->begin_ns);
    } else {
        har_play_wake(step->play, now_ns + SL_MS);
    }
}

static void poll(struct har_step *step)
{
    struct state *state = step->state;
    step->is_done = true;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        struct watch *watch = &state->of[actor->number - 1];
        if (watch->stage == STAGE_WAITING && actor->link != NULL && !step->play->is_over) {
            look(step, actor, watch);
        } else if (watch->stage == STAGE_CANARY && !step->play->is_over) {
            watch_canary(step, actor, watch);
        } else if (watch->stage == STAGE_ENDING && !step->play->is_over) {
            watch_ending(step, actor, watch);
        }
        step->is_done &= watch->stage == STAGE_DONE;
    }
}

static void tell(const struct har_step *step, char *text, size_t size)
{
    (void)step;
    (void)snprintf(text, size, "hang: the next call on the same connection is not answered");
}

static const char *rule_of(const struct har_step *step)
{
    const char *rule = args_of(step)->rule;
    return rule == NULL ? "" : rule;
}

const struct har_step_type har_step_outcome = {
    .name = "outcome",
    .help = "what came of the last stream that HEADERS or DATA named, or of its connection, is one "
            "of these; "
            "then the connection, or a new one where it has ended, still serves",
    .example = "{\"raw\": {\"outcome\": {\"in\": [\"status RESOURCE_EXHAUSTED\", \"stream"
               " *\"], \"within\": \"3s\", \"rule\": \"RES-02\"}}}",
    .kinds = HAR_BIT(HAR_RAW),
    .needs_h2 = true,
    HAR_STEP_ARGS(struct outcome_args, fields),
    .state_size = sizeof(struct state),
    .problem = problem,
    .rule_of = rule_of,
    .has_no_deadline = true,
    .start = start,
    .poll = poll,
    .stop = stop,
    .tell = tell,
};
