/* SPDX-License-Identifier: Apache-2.0 */
/* Which calls cannot be written down in the language of scenarios, whatever their order was. */
#include <ctype.h>

#include "inspector/export/scenario.h"

static bool is_template(const json_t *value)
{
    const char *key = NULL;
    json_t *member = NULL;
    size_t at = 0;
    if (json_is_string(value)) {
        const char *text = json_string_value(value);
        return strstr(text, "{room}") != NULL || strstr(text, "{i}") != NULL ||
               strstr(text, "{n}") != NULL;
    }
    json_array_foreach (value, at, member) {
        if (is_template(member)) {
            return true;
        }
    }
    json_object_foreach ((json_t *)(uintptr_t)value, key, member) {
        if (is_template(member)) {
            return true;
        }
    }
    return false;
}

static bool is_value(const json_t *value)
{
    if (json_is_object(value)) {
        return json_is_string(json_object_get(value, "base64"));
    }
    const char *c = json_string_value(value);
    for (; c != NULL && *c != '\0'; c++) {
        if (*c < 0x20 || *c > 0x7e) {
            return false;
        }
    }
    return c != NULL;
}

static bool is_metadata(const json_t *metadata)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach ((json_t *)(uintptr_t)metadata, key, value) {
        for (const char *c = key; *c != '\0'; c++) {
            if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) &&
                strchr("-_.", *c) == NULL) {
                return false;
            }
        }
        size_t at = 0;
        json_t *one = NULL;
        json_array_foreach (value, at, one) {
            if (!is_value(one)) {
                return false;
            }
        }
        if (!json_is_array(value) && !is_value(value)) {
            return false;
        }
    }
    return true;
}

static bool is_method(const char *method)
{
    for (const char *c = method; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && strchr("/._", *c) == NULL) {
            return false;
        }
    }
    return method[0] == '/';
}

static void refuse(struct ins_plan_call *call, const char *problem)
{
    call->problem = call->problem == NULL ? problem : call->problem;
}

void ins_plan_judge(struct ins_plan *plan)
{
    for (size_t i = 0; i < plan->call_count; i++) {
        struct ins_plan_call *call = &plan->calls[i];
        if (call->problem != NULL) {
            continue;
        }
        if (!is_method(call->method)) {
            refuse(call, "its method is no name");
        } else if (!is_metadata(call->metadata)) {
            refuse(call, "its metadata is not printable");
        } else if (is_template(call->metadata)) {
            refuse(call, "its metadata has what stands for something else in a scenario: {room}");
        }
    }
    for (size_t i = 0; i < plan->event_count; i++) {
        const struct ins_plan_event *event = &plan->events[i];
        if (event->json != NULL && is_template(event->json)) {
            refuse(&plan->calls[event->call],
                   "a message has what stands for something else in a scenario: {room}, {i}, {n}");
        }
    }
}
