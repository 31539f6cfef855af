/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/rules/rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/wire/obs/state.h"

static const struct sl_rule rules[] = {
#define X(group, number, level, clause, title, prevents, text, look) \
    {#group "-" #number, level, clause, title, prevents, text, look},
#include "lib/wire/rules/rules.def"
#undef X
};

static const struct sl_rule_group *const groups[] = {&sl_rules_call, &sl_rules_flow};

enum {
    GROUP_COUNT = sizeof groups / sizeof groups[0],
};

const struct sl_rule *sl_rule_at(size_t index)
{
    return index < SL_RULE_COUNT ? &rules[index] : NULL;
}

const struct sl_rule *sl_rule_find(const char *id)
{
    for (size_t i = 0; i < SL_RULE_COUNT; i++) {
        if (strcmp(rules[i].id, id) == 0) {
            return &rules[i];
        }
    }
    return NULL;
}

void sl_rules_frame(struct sl_observer *observer, enum sl_dir dir,
                    const struct sl_h2_frame_header *header, struct sl_stream *stream)
{
    for (size_t i = 0; i < GROUP_COUNT; i++) {
        if (groups[i]->frame != NULL) {
            groups[i]->frame(observer, dir, header, stream);
        }
    }
}

void sl_rules_data(struct sl_observer *observer, enum sl_dir dir,
                   const struct sl_h2_frame_header *header, struct sl_stream *stream)
{
    for (size_t i = 0; i < GROUP_COUNT; i++) {
        if (groups[i]->data != NULL) {
            groups[i]->data(observer, dir, header, stream);
        }
    }
}

void sl_rules_end_stream(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                         bool is_on_data)
{
    for (size_t i = 0; i < GROUP_COUNT; i++) {
        if (groups[i]->end_stream != NULL) {
            groups[i]->end_stream(observer, dir, stream, is_on_data);
        }
    }
}

void sl_rules_fed(struct sl_observer *observer, enum sl_dir dir)
{
    for (size_t i = 0; i < GROUP_COUNT; i++) {
        if (groups[i]->fed != NULL) {
            groups[i]->fed(observer, dir);
        }
    }
}

void sl_rules_gap(struct sl_observer *observer, enum sl_dir dir)
{
    for (size_t i = 0; i < GROUP_COUNT; i++) {
        if (groups[i]->gap != NULL) {
            groups[i]->gap(observer, dir);
        }
    }
}

void sl_rules_closed(struct sl_observer *observer, enum sl_dir dir)
{
    for (size_t i = 0; i < GROUP_COUNT; i++) {
        if (groups[i]->closed != NULL) {
            groups[i]->closed(observer, dir);
        }
    }
}

void sl_rules_report(struct sl_observer *observer, enum sl_rule_index rule,
                     const struct sl_rule_place *place, const char *format, ...)
{
    if (observer->handler.finding == NULL) {
        return;
    }
    struct sl_finding finding = {
        .rule = rules[rule].id,
        .level = place->level != 0 ? place->level : rules[rule].level,
        .side = place->side,
        .stream = place->stream,
        .at = *place->at,
        .clause = rules[rule].clause,
        .call = place->call,
    };
    va_list args;
    va_start(args, format);
    (void)vsnprintf(finding.text, sizeof finding.text, format, args);
    va_end(args);
    observer->handler.finding(observer->config.owner, &finding);
}
