/* SPDX-License-Identifier: Apache-2.0 */
/* The steps that wait: await, hold, quiesce; and require, which does not. */
#include <stdio.h>

#include "harness/scenario/predicate.h"
#include "harness/steps/verbs.h"
#include "lib/base/clock.h"

/* ---- await: a predicate becomes true; hold: it stays true ---- */

struct wait_args {
    struct har_expr pred;
    struct har_expr within; /* await */
    struct har_expr time;   /* hold */
    const char *rule, *why;
};
#define AT(member) offsetof(struct wait_args, member)
static const struct har_field await_fields[] = {
    {"await", HAR_FIELD_EXPR, AT(pred), .is_required = true, .help = "the predicate"},
    {"within", HAR_FIELD_DURATION, AT(within), .help = "default 10s"},
    {"rule", HAR_FIELD_STRING, AT(rule), .help = "broken when it does not become true"},
    {"why", HAR_FIELD_STRING, AT(why), .help = "printed with the failure"},
};
static const struct har_field hold_fields[] = {
    {"hold", HAR_FIELD_EXPR, AT(pred), .is_required = true, .help = "the predicate"},
    {"for", HAR_FIELD_DURATION, AT(time), .is_required = true, .help = "how long"},
    {"rule", HAR_FIELD_STRING, AT(rule), .help = "broken when it does not stay true"},
    {"why", HAR_FIELD_STRING, AT(why), .help = "printed with the failure"},
};
#undef AT

enum {
    SHOWN_MAX = 8, /* values of one predicate that are told */
    NAME_BYTES = 128,
    TEXT_BYTES = 1024,
};

/* "; received(sub) is 7, B is 100": what the predicate was made of, each once. */
static void add_values(struct har_play *play, const char *predicate, struct sl_buf *out)
{
    struct sl_span seen[SHOWN_MAX];
    struct sl_span name;
    size_t count = 0;
    while (count < SHOWN_MAX && har_predicate_next(&predicate, &name)) {
        char text[NAME_BYTES];
        double value = 0;
        bool is_new = true;
        for (size_t i = 0; i < count; i++) {
            is_new &= !sl_span_equal(seen[i], name);
        }
        (void)snprintf(text, sizeof(text), "%.*s", (int)name.len, (const char *)name.data);
        if (is_new && name.len < sizeof(text) && har_play_peek(play, text, &value)) {
            (void)sl_buf_addf(out, "%s%s is %.10g", count == 0 ? "; " : ", ", text, value);
            seen[count++] = name;
        }
    }
}

static void tell_predicate(const struct har_step *step, const char *verb, char *text, size_t size)
{
    const struct wait_args *args = step->node->args;
    const char *predicate = args->pred.text == NULL ? "" : args->pred.text;
    struct sl_buf out;
    sl_buf_init(&out, TEXT_BYTES);
    (void)sl_buf_addf(&out, "it did not %s that ", verb);
    har_predicate_words(&out, predicate);
    add_values(step->play, predicate, &out);
    if (args->why != NULL) {
        (void)sl_buf_addf(&out, "; %s", args->why);
    }
    (void)snprintf(text, size, "%s", sl_buf_str(&out));
    sl_buf_release(&out);
}

static void tell_wait(const struct har_step *step, char *text, size_t size)
{
    tell_predicate(step, "come true", text, size);
}

static void tell_hold(const struct har_step *step, char *text, size_t size)
{
    tell_predicate(step, "stay true", text, size);
}

static const char *rule_of(const struct har_step *step)
{
    const struct wait_args *args = step->node->args;
    return args->rule;
}

static void poll_await(struct har_step *step)
{
    const struct wait_args *args = step->node->args;
    struct har_play *play = step->play;
    step->is_done = har_play_value(play, &args->pred, 0) != 0;
    uint64_t now_ns = sl_clock_mono_ns();
    uint64_t limit_ns = har_play_ns(play, &args->within, HAR_STEP_DEADLINE_MS);
    double passed_ms = (double)(now_ns - step->begin_ns) / (double)SL_MS;
    if (!step->is_done && args->rule != NULL && !play->is_over &&
        now_ns - step->begin_ns >=
            har_play_allowed_ns(play, step->begin_ns, step->begin_evidence, limit_ns)) {
        char text[HAR_REASON_MAX];
        tell_wait(step, text, sizeof(text));
        char whole[HAR_REASON_MAX + 40];
        (void)snprintf(whole, sizeof(whole), "%.440s, after %.0f ms", text, passed_ms);
        har_play_fail_late(play, step->node, args->rule, now_ns - step->begin_ns, whole);
    }
}

const struct har_step_type har_step_await = {
    .name = "await",
    .help = "waits until a predicate is true, such as \"received(sub) >= 100\"",
    .example = "{\"await\": \"least_received(sub) >= 100\", \"within\": \"5s\", \"rule\": "
               "\"SEND-03\", \"why\": \"a burst must not be lost\"}",
    HAR_STEP_ARGS(struct wait_args, await_fields),
    .rule = "",
    .rule_of = rule_of,
    .within_offset = offsetof(struct wait_args, within),
    .poll = poll_await,
    .tell = tell_wait,
};

/* ---- require ---- */

static const struct har_field require_fields[] = {
    {"require", HAR_FIELD_EXPR, offsetof(struct wait_args, pred), .is_required = true,
     .help = "the predicate"},
    {"why", HAR_FIELD_STRING, offsetof(struct wait_args, why), .is_required = true,
     .help = "the reason, where it is not true: what the server lacks, and may"},
};

static void poll_require(struct har_step *step)
{
    const struct wait_args *args = step->node->args;
    struct har_play *play = step->play;
    step->is_done = har_play_value(play, &args->pred, 0) != 0;
    if (!step->is_done && !play->is_over) {
        struct sl_buf values;
        sl_buf_init(&values, TEXT_BYTES);
        add_values(play, args->pred.text == NULL ? "" : args->pred.text, &values);
        (void)snprintf(play->obstacles.lacks, sizeof(play->obstacles.lacks), "%s%s", args->why,
                       sl_buf_str(&values));
        sl_buf_release(&values);
        har_play_fail(play, step->node, "RES-02", "%s", play->obstacles.lacks);
    }
}

static void tell_require(const struct har_step *step, char *text, size_t size)
{
    const struct wait_args *args = step->node->args;
    (void)snprintf(text, size, "%s", args->why);
}

const struct har_step_type har_step_require = {
    .name = "require",
    .help = "a predicate is true of the server; else the scenario is SKIP, with the reason",
    .example = "{\"require\": \"table_limit(raw) >= 4096\", \"why\": \"the server allows no "
               "dynamic table\"}",
    HAR_STEP_ARGS(struct wait_args, require_fields),
    .rule = "RES-02",
    .poll = poll_require,
    .tell = tell_require,
};

static void poll_hold(struct har_step *step)
{
    const struct wait_args *args = step->node->args;
    struct har_play *play = step->play;
    if (har_play_value(play, &args->pred, 0) == 0 && !play->is_over) {
        char text[HAR_REASON_MAX];
        tell_hold(step, text, sizeof(text));
        har_play_fail(play, step->node, args->rule, "%s", text);
        return;
    }
    uint64_t until_ns = step->begin_ns + har_play_ns(play, &args->time, 0);
    step->is_done = sl_clock_mono_ns() >= until_ns;
    if (!step->is_done) {
        har_play_wake(play, until_ns);
    }
}

const struct har_step_type har_step_hold = {
    .name = "hold",
    .help = "a predicate stays true for so long",
    .example = "{\"hold\": \"received(slow) == 0\", \"for\": \"1s\", \"rule\": \"SUB-05\"}",
    HAR_STEP_ARGS(struct wait_args, hold_fields),
    .rule = "",
    .rule_of = rule_of,
    .has_no_deadline = true,
    .poll = poll_hold,
    .tell = tell_hold,
};

/* ---- quiesce ---- */

struct quiesce_args {
    bool is_on;
    struct har_expr time, within;
};
static const struct har_field quiesce_fields[] = {
    {"quiesce", HAR_FIELD_BOOL, offsetof(struct quiesce_args, is_on), .is_required = true,
     .help = "true"},
    {"for", HAR_FIELD_DURATION, offsetof(struct quiesce_args, time),
     .help = "default max(100 ms, 5 S)"},
    {"within", HAR_FIELD_DURATION, offsetof(struct quiesce_args, within), .help = "default 10s"},
};

static void poll_quiesce(struct har_step *step)
{
    const struct quiesce_args *args = step->node->args;
    struct har_play *play = step->play;
    double pause_ms = 5.0 * (double)har_play_hiccup_ns(play, step->begin_ns) / (double)SL_MS;
    uint64_t quiet_ns = har_play_ns(play, &args->time, pause_ms > 100 ? pause_ms : 100);
    uint64_t since_ns = play->last_frame_ns > step->begin_ns ? play->last_frame_ns : step->begin_ns;
    uint64_t now_ns = sl_clock_mono_ns();
    step->is_done = now_ns >= since_ns + quiet_ns;
    if (!step->is_done) {
        har_play_wake(play, since_ns + quiet_ns);
    }
}

static void tell_quiesce(const struct har_step *step, char *text, size_t size)
{
    (void)step;
    (void)snprintf(text, size, "the server does not come to rest");
}

const struct har_step_type har_step_quiesce = {
    .name = "quiesce",
    .help = "waits until the server has sent no HEADERS, DATA or RST_STREAM for a while",
    .example = "{\"quiesce\": true, \"for\": \"max(200, 5*S)\"}",
    HAR_STEP_ARGS(struct quiesce_args, quiesce_fields),
    .rule = "",
    .within_offset = offsetof(struct quiesce_args, within),
    .poll = poll_quiesce,
    .tell = tell_quiesce,
};
