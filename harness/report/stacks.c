/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/stacks.h"

#include "harness/baseline/tell.h"

void har_report_stacks(const struct har_result *result, struct sl_buf *out)
{
    if (result->outcome == HAR_FAIL && !result->is_mistaken) {
        const char *actor = result->failure_count == 0
                                ? NULL
                                : har_seen_actor(&result->seen, result->failures[0].path);
        har_baselines_line(result->baselines, result->scenario->id, actor, out);
    }
}

static void add_seen(struct sl_json_out *json, json_t *seen)
{
    const char *actor = NULL;
    json_t *what = NULL;
    sl_json_out_key(json, "seen");
    sl_json_out_begin_object(json);
    json_object_foreach (seen, actor, what) {
        sl_json_out_key_span(json, sl_span_str(actor));
        sl_json_out_str(json, json_string_value(what));
    }
    sl_json_out_end_object(json);
}

void har_report_stacks_json(const struct har_result *result, struct sl_json_out *json)
{
    const struct har_baselines *set = result->outcome == HAR_FAIL ? result->baselines : NULL;
    sl_json_out_begin_array(json);
    for (size_t i = 0; set != NULL && i < set->count; i++) {
        const struct har_baseline *baseline = &set->items[i];
        const struct har_baseline_result *theirs =
            har_baseline_find(baseline, result->scenario->id);
        if (theirs == NULL) {
            continue;
        }
        sl_json_out_begin_object(json);
        sl_json_out_key_str(json, "stack", baseline->stack);
        sl_json_out_key_str(json, "version", baseline->version);
        sl_json_out_key_str(json, "verdict", har_outcome_name((enum har_outcome)theirs->verdict));
        sl_json_out_key_str(json, "rule", theirs->rule);
        add_seen(json, theirs->seen);
        sl_json_out_key_str(json, "note", theirs->note);
        sl_json_out_end_object(json);
    }
    sl_json_out_end_array(json);
}
