/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "harness/checks/checks.h"
#include "harness/engine/actor.h"
#include "lib/base/cli.h"

static const struct har_check_type *const types[] = {
#define X(name) &har_check_##name,
    HAR_CHECKS(X)
#undef X
};
enum {
    TYPE_COUNT = sizeof(types) / sizeof(types[0]),
};

const struct har_check_type *har_check_find(const char *name)
{
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (strcmp(types[i]->name, name) == 0) {
            return types[i];
        }
    }
    return NULL;
}

const char *har_check_nearest(const char *name)
{
    const char *names[TYPE_COUNT];
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        names[i] = types[i]->name;
    }
    return sl_cli_nearest(name, names, TYPE_COUNT);
}

const struct har_check_type *const *har_check_types(size_t *ret_count)
{
    *ret_count = TYPE_COUNT;
    return types;
}

/* ---- telling ---- */

static void tell(const struct har_check *check, bool is_timing, const char *text)
{
    struct har_play *play = check->play;
    size_t before = play->failure_count;
    const char *rule = check->common == NULL ? NULL : check->common->rule;
    if (rule == NULL && check->node != NULL) {
        rule = check->rule != NULL ? check->rule : check->node->type->rule;
    }
    if (is_timing) {
        har_play_fail_timing(play, NULL, rule, "%s", text);
    } else {
        har_play_fail(play, NULL, rule, "%s", text);
    }
    if (play->failure_count > before && check->node != NULL) {
        struct har_failure *failure = &play->failures[before];
        failure->why = check->common->why;
        (void)snprintf(failure->path, sizeof(failure->path), "%s", check->node->path);
    }
}

void har_check_fail(const struct har_check *check, const char *format, ...)
{
    char text[HAR_REASON_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    tell(check, false, text);
}

void har_check_fail_if(const struct har_check *check, bool could_be_noise, const char *format, ...)
{
    char text[HAR_REASON_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    tell(check, could_be_noise, text);
}

void har_check_note(const struct har_check *check, const char *reason)
{
    struct har_play *play = check->play;
    size_t max = sizeof(play->notes) / sizeof(play->notes[0]);
    if (play->note_count < max) {
        play->notes[play->note_count++] = reason;
    }
}

/* ---- running ---- */

static struct har_check make(struct har_play *play, const struct har_check_node *node)
{
    return (struct har_check){.play = play, .node = node, .common = node->args};
}

void har_checks_prepare(struct har_play *play)
{
    for (size_t i = 0; i < play->scenario->check_count; i++) {
        const struct har_check_node *node = &play->scenario->checks[i];
        const struct har_check_common *common = node->args;
        if (node->type == &har_check_status) {
            play->may_end |= common->of_mask;
        }
    }
}

void har_checks_watch(struct har_play *play)
{
    for (size_t i = 0; i < play->scenario->check_count; i++) {
        const struct har_check_node *node = &play->scenario->checks[i];
        if (node->type->watch != NULL && !play->is_over) {
            struct har_check check = make(play, node);
            node->type->watch(&check, &play->monitors[i]);
        }
    }
}

/* What every scenario demands, whatever it says. */
static void run_always(struct har_play *play)
{
    struct har_check_common order = {.rule = "SUB-01"};
    struct har_check check = {.play = play, .common = &order};
    uint64_t mask = 0;
    for (size_t g = 0; g < play->scenario->actor_count; g++) {
        bool is_subscriber = play->scenario->actors[g].kind == HAR_SUBSCRIBER;
        mask |= is_subscriber ? UINT64_C(1) << g : 0;
    }
    har_check_order(&check, mask);
    har_check_duplicates(&check, mask);
    if (play->evidence == 0) {
        struct har_check_common common = {.rule = "RES-02"};
        struct har_check nothing = {.play = play, .common = &common};
        har_check_fail(&nothing, "the server answered nothing at all");
    }
    for (size_t i = 0; i < play->finding_count; i++) {
        const struct har_seen_finding *seen = &play->findings[i];
        bool is_failure = seen->level == 'M' || seen->level == 'R' ||
                          (seen->level == 'S' && play->config.is_strict);
        if (seen->is_server && is_failure && !har_play_is_told(play, seen->rule, seen->text)) {
            struct har_check_common common = {.rule = seen->rule};
            struct har_check wire = {.play = play, .common = &common};
            har_check_fail(&wire, "on the wire: %s (%llu times)", seen->text,
                           (unsigned long long)seen->count);
        }
    }
}

void har_checks_run(struct har_play *play)
{
    play->is_judging = true;
    for (size_t i = 0; i < play->scenario->check_count; i++) {
        struct har_check check = make(play, &play->scenario->checks[i]);
        play->judged_mask = check.common->of_mask;
        check.node->type->run(&check);
    }
    play->judged_mask = 0;
    play->doubt[0] = '\0';
    run_always(play);
    play->is_judging = false;
}
