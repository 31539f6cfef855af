/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/baseline/joined.h"

#include <stdio.h>
#include <string.h>

#include "harness/baseline/baseline.h"
#include "lib/base/buf.h"

enum {
    SEEN_TEXT_MAX = 200, /* of one actor */
};

/* A failure counts for more than a pass, so that no repeat hides one. */
static int weight_of(enum har_outcome outcome)
{
    static const int weights[] = {
        [HAR_SKIP] = 0, [HAR_PASS] = 1, [HAR_INCONCLUSIVE] = 2, [HAR_FAIL] = 3};
    return weights[outcome];
}

/* "grpc-status 0 x3, then GOAWAY(NO_ERROR)": the outcomes of one actor, in the order of the scenario. */
static void add_seen(json_t *seen, const char *actor, const char *what, unsigned count)
{
    const char *before = json_string_value(json_object_get(seen, actor));
    char text[SEEN_TEXT_MAX];
    char times[24] = "";
    if (count > 1) {
        (void)snprintf(times, sizeof(times), " x%u", count);
    }
    if (before == NULL && json_object_size(seen) == HAR_BASELINE_SEEN_MAX) {
        return;
    }
    (void)snprintf(text, sizeof(text), "%.120s%s%.60s%s", before == NULL ? "" : before,
                   before == NULL ? "" : ", then ", what, times);
    (void)json_object_set_new(seen, actor, json_string(text));
}

/* What a result of the report says was seen; runs of one outcome of an actor are one. */
static void read_seen(json_t *list, json_t *seen)
{
    const char *last_actor = "";
    const char *last_what = "";
    unsigned count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *item = json_array_get(list, i);
        const char *actor = json_string_value(json_object_get(item, "actor"));
        const char *what = json_string_value(json_object_get(item, "outcome"));
        if (actor == NULL || what == NULL) {
            continue;
        }
        if (count > 0 && (strcmp(actor, last_actor) != 0 || strcmp(what, last_what) != 0)) {
            add_seen(seen, last_actor, last_what, count);
            count = 0;
        }
        last_actor = actor;
        last_what = what;
        json_int_t times = json_integer_value(json_object_get(item, "count"));
        count += times < 1 || times > 1000000 ? 1 : (unsigned)times;
    }
    if (count > 0) {
        add_seen(seen, last_actor, last_what, count);
    }
}

struct har_joined har_join(const struct har_compare_run *run, size_t *at)
{
    const struct har_compare_result *chosen = &run->results[*at];
    const char *id = chosen->id;
    for (; *at < run->count && strcmp(run->results[*at].id, id) == 0; (*at)++) {
        const struct har_compare_result *result = &run->results[*at];
        if (weight_of(result->outcome) > weight_of(chosen->outcome)) {
            chosen = result;
        }
    }
    json_t *json = json_array_get(json_object_get(run->root, "results"), chosen->index);
    struct har_joined joined = {
        .id = id,
        .reason = chosen->reason,
        .outcome = chosen->outcome,
        .seen = json_object(),
    };
    if (chosen->outcome == HAR_FAIL) {
        json_t *failure = json_array_get(chosen->failures, 0);
        const char *rule = json_string_value(json_object_get(failure, "rule"));
        joined.rule = rule == NULL || rule[0] == '\0' ? NULL : rule;
    }
    read_seen(json_object_get(json, "seen"), joined.seen);
    return joined;
}
