/* SPDX-License-Identifier: Apache-2.0 */
/* Findings by rule, and what was calibrated. */
#include <stdlib.h>
#include <string.h>

#include "harness/compare/model.h"
#include "lib/base/alloc.h"

static const char *text_of(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static int by_id(const void *key, const void *item)
{
    return strcmp(key, ((const struct har_compare_result *)item)->id);
}

/* Whether run has a result of this scenario that was played. */
static bool has_played(const struct har_compare_run *run, const char *id)
{
    const struct har_compare_result *found =
        bsearch(id, run->results, run->count, sizeof(run->results[0]), by_id);
    return found != NULL && found->outcome != HAR_SKIP;
}

static int by_rule(const void *a, const void *b)
{
    const struct har_compare_finding *left = a;
    const struct har_compare_finding *right = b;
    int order = strcmp(left->rule, right->rule);
    return order != 0 ? order : strcmp(left->side, right->side);
}

/* Those of one rule and side, which stand in a row, as one. */
static size_t join(struct har_compare_finding *findings, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || by_rule(&findings[kept - 1], &findings[i]) != 0) {
            findings[kept++] = findings[i];
            continue;
        }
        struct har_compare_finding *into = &findings[kept - 1];
        bool is_first_of_b =
            into->counts[HAR_COMPARE_B] + into->others[HAR_COMPARE_B] <= 0 &&
            findings[i].counts[HAR_COMPARE_B] + findings[i].others[HAR_COMPARE_B] > 0;
        into->text = is_first_of_b ? findings[i].text : into->text;
        for (int side = 0; side < HAR_COMPARE_SIDES; side++) {
            into->counts[side] += findings[i].counts[side];
            into->others[side] += findings[i].others[side];
        }
    }
    return kept;
}

static const char *change_of(const struct har_compare_finding *finding)
{
    bool has_a = finding->counts[HAR_COMPARE_A] > 0;
    bool has_b = finding->counts[HAR_COMPARE_B] > 0;
    return has_a && has_b ? "both" : has_b ? "new" : has_a ? "gone" : "elsewhere";
}

static int by_change(const void *a, const void *b)
{
    static const char *const order[] = {"new", "gone", "both", "elsewhere"};
    const struct har_compare_finding *left = a;
    const struct har_compare_finding *right = b;
    int l = 0;
    int r = 0;
    while (strcmp(order[l], left->change) != 0) {
        l++;
    }
    while (strcmp(order[r], right->change) != 0) {
        r++;
    }
    return l != r ? l - r : by_rule(a, b);
}

void har_compare_findings(struct har_compare *compare)
{
    size_t room = json_array_size(compare->runs[HAR_COMPARE_A]->findings) +
                  json_array_size(compare->runs[HAR_COMPARE_B]->findings);
    struct har_compare_finding *findings = sl_calloc(room + 1, sizeof(findings[0]));
    size_t count = 0;
    for (int side = 0; side < HAR_COMPARE_SIDES; side++) {
        json_t *list = compare->runs[side]->findings;
        for (size_t i = 0; i < json_array_size(list); i++) {
            json_t *json = json_array_get(list, i);
            struct har_compare_finding *finding = &findings[count++];
            *finding = (struct har_compare_finding){.rule = text_of(json, "rule"),
                                                    .level = text_of(json, "level"),
                                                    .side = text_of(json, "side"),
                                                    .text = text_of(json, "text")};
            double seen = json_number_value(json_object_get(json, "count"));
            bool is_common = has_played(compare->runs[1 - side], text_of(json, "scenario"));
            (is_common ? finding->counts : finding->others)[side] = seen;
        }
    }
    qsort(findings, count, sizeof(findings[0]), by_rule);
    compare->findings = findings;
    compare->finding_count = join(findings, count);
    for (size_t i = 0; i < compare->finding_count; i++) {
        findings[i].change = change_of(&findings[i]);
    }
    qsort(findings, compare->finding_count, sizeof(findings[0]), by_change);
}

static bool is_unstable(json_t *calibration, const char *name)
{
    json_t *list = json_object_get(calibration, "unstable");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *item = json_string_value(json_array_get(list, i));
        if (item != NULL && strcmp(item, name) == 0) {
            return true;
        }
    }
    return false;
}

static struct har_compare_buffer *buffer_of(struct har_compare *compare, const char *name)
{
    size_t i = 0;
    while (i < compare->buffer_count && strcmp(compare->buffers[i].name, name) != 0) {
        i++;
    }
    if (i == compare->buffer_count) {
        compare->buffer_count++;
        compare->buffers[i] = (struct har_compare_buffer){.name = name, .values = {-1, -1}};
    }
    return &compare->buffers[i];
}

/* A number by its name; why one is missing by the name of what was asked for ("hidden_note"). */
void har_compare_buffers(struct har_compare *compare)
{
    enum { BUFFERS_MAX = 64 };
    compare->buffers = sl_calloc(BUFFERS_MAX, sizeof(compare->buffers[0]));
    for (int side = 0; side < HAR_COMPARE_SIDES; side++) {
        json_t *calibration = compare->runs[side]->calibration;
        const char *key;
        json_t *value;
        json_object_foreach (calibration, key, value) {
            bool is_told = json_is_number(value) || json_is_string(value);
            if (!is_told || compare->buffer_count == BUFFERS_MAX) {
                continue;
            }
            struct har_compare_buffer *buffer = buffer_of(compare, key);
            buffer->notes[side] = json_string_value(value);
            if (json_is_number(value)) {
                buffer->values[side] = json_number_value(value);
                buffer->is_unstable[side] = is_unstable(calibration, key);
            }
        }
    }
}
