/* SPDX-License-Identifier: Apache-2.0 */
/* Checks on streams and on predicates: status, open, never, eventually. */
#include <string.h>

#include "harness/checks/checks.h"
#include "harness/engine/actor.h"
#include "lib/wire/grpc_status.h"

/* ---- status ---- */

struct status_args {
    struct har_check_common common;
    struct har_strings names;
    bool may_be_open;
};
static const struct har_field status_fields[] = {
    HAR_CHECK_COMMON,
    {"status", HAR_FIELD_STRINGS, offsetof(struct status_args, names), .is_required = true,
     .help = "the statuses that are right"},
    {"or_open", HAR_FIELD_BOOL, offsetof(struct status_args, may_be_open),
     .help = "true: a stream that is open is right too"},
};

static void run_status(const struct har_check *check)
{
    const struct status_args *args = check->node->args;
    HAR_FOR_ACTORS (check->play, check->common->of_mask, actor) {
        const char *name = sl_grpc_status_name(actor->end_code);
        bool is_right = false;
        for (size_t i = 0; i < args->names.count && name != NULL; i++) {
            is_right |= strcmp(args->names.items[i], name) == 0;
        }
        if (actor->state == HAR_STREAM_OPEN && args->may_be_open) {
            continue;
        }
        if (actor->state != HAR_STREAM_ENDED) {
            har_check_fail(check, "the server did not end the stream of %s[%u]", actor->spec->name,
                           actor->index);
        } else if (!is_right) {
            char wanted[200];
            har_strings_show(&args->names, "OK", wanted, sizeof(wanted));
            har_check_fail(check, "the server ended the stream of %s[%u] with %.200s; wanted: %s",
                           actor->spec->name, actor->index, actor->end_text, wanted);
        }
    }
}

const struct har_check_type har_check_status = {
    .name = "status",
    .help = "the server ended each stream, with one of these statuses",
    .example = "{\"status\": [\"DEADLINE_EXCEEDED\", \"CANCELLED\"], \"of\": \"sub\"}",
    .rule = "RES-02",
    HAR_CHECK_ARGS(struct status_args, status_fields),
    .run = run_status,
};

/* ---- open ---- */

struct open_args {
    struct har_check_common common;
    bool is_open;
};
static const struct har_field open_fields[] = {
    HAR_CHECK_COMMON,
    {"open", HAR_FIELD_BOOL, offsetof(struct open_args, is_open), .is_required = true,
     .help = "true"},
};

static void run_open(const struct har_check *check)
{
    HAR_FOR_ACTORS (check->play, check->common->of_mask, actor) {
        if (actor->state != HAR_STREAM_OPEN) {
            har_check_fail(check, "the stream of %s[%u] is not open at the end", actor->spec->name,
                           actor->index);
        }
    }
}

const struct har_check_type har_check_open = {
    .name = "open",
    .help = "the streams are open at the end",
    .example = "{\"open\": true, \"of\": \"sub,slow\"}",
    .rule = "SUB-16",
    HAR_CHECK_ARGS(struct open_args, open_fields),
    .run = run_open,
};

/* ---- never and eventually ---- */

struct pred_args {
    struct har_check_common common;
    struct har_expr pred;
};
static const struct har_field never_fields[] = {
    HAR_CHECK_COMMON,
    {"never", HAR_FIELD_EXPR, offsetof(struct pred_args, pred), .is_required = true,
     .help = "the predicate"},
};
static const struct har_field eventually_fields[] = {
    HAR_CHECK_COMMON,
    {"eventually", HAR_FIELD_EXPR, offsetof(struct pred_args, pred), .is_required = true,
     .help = "the predicate"},
};

static void watch(const struct har_check *check, bool *seen)
{
    const struct pred_args *args = check->node->args;
    if (!*seen && har_phase_matches(check->play, &check->common->phase, check->play->phase)) {
        *seen = har_play_value(check->play, &args->pred, 0) != 0;
    }
}

static bool was_seen(const struct har_check *check)
{
    return check->play->monitors[check->node - check->play->scenario->checks];
}

static const char *pred_text(const struct har_check *check)
{
    const struct pred_args *args = check->node->args;
    return args->pred.text == NULL ? "it" : args->pred.text;
}

static void tell_pred(const struct har_check *check, const char *verb)
{
    const char *why = check->common->why;
    har_check_fail(check, "%s %s%s%s", pred_text(check), verb, why == NULL ? "" : "; ",
                   why == NULL ? "" : why);
}

static void run_never(const struct har_check *check)
{
    if (was_seen(check)) {
        tell_pred(check, "came true");
    }
}

static void run_eventually(const struct har_check *check)
{
    if (!was_seen(check)) {
        tell_pred(check, "never came true");
    }
}

const struct har_check_type har_check_never = {
    .name = "never",
    .help = "a predicate was false after everything that happened (in the phases named)",
    .example = "{\"never\": \"received(slow) > H\", \"rule\": \"SUB-05\", \"phase\": \"burs"
               "t\"}",
    .rule = NULL,
    HAR_CHECK_ARGS(struct pred_args, never_fields),
    .run = run_never,
    .watch = watch,
};
const struct har_check_type har_check_eventually = {
    .name = "eventually",
    .help = "a predicate was true at some time (in the phases named)",
    .example = "{\"eventually\": \"goaways(sub) >= 1\", \"rule\": \"OPS-03\"}",
    .rule = NULL,
    HAR_CHECK_ARGS(struct pred_args, eventually_fields),
    .run = run_eventually,
    .watch = watch,
};
