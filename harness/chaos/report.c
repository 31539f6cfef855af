/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/chaos/report.h"

void har_chaos_print(const struct har_chaos_run *run, FILE *file)
{
    if (run->suite->could_not_start) {
        return;
    }
    struct har_chaos_covered covered = har_chaos_covered(&run->config.options, &run->coverage);
    (void)fprintf(file,
                  "\n%u rounds of chaos%s: %u passed, %zu failed, %u inconclusive; %u of %u kinds "
                  "of faults and %u of %u pairs of them came\n",
                  run->played, run->is_interrupted ? ", interrupted" : "", run->passed,
                  run->failure_count, run->inconclusive, covered.kinds, covered.kinds_possible,
                  covered.pairs, covered.pairs_possible);
    if (run->passed > run->passes_kept) {
        (void)fprintf(file, "of the rounds that passed the first %u are in the reports\n",
                      run->passes_kept);
    }
}

static void add_schedule(const struct har_chaos_schedule *schedule, struct sl_json_out *json)
{
    static const char *const who[HAR_CHAOS_WHO] = {"subscriber", "chat", "publisher"};
    const struct har_chaos_load *load = &schedule->load;
    sl_json_out_begin_object(json);
    sl_json_out_key_u64(json, "cycles", schedule->cycles);
    sl_json_out_key_u64(json, "cycle_ms", schedule->cycle_ms);
    sl_json_out_key(json, "load");
    sl_json_out_begin_object(json);
    sl_json_out_key_u64(json, "publishers", load->publishers);
    sl_json_out_key_u64(json, "rate_hz", load->rate_hz);
    sl_json_out_key_u64(json, "size", load->size);
    sl_json_out_key_u64(json, "subscribers", load->live + load->core);
    sl_json_out_key_u64(json, "chats", load->talkers);
    sl_json_out_end_object(json);
    sl_json_out_key(json, "faults");
    sl_json_out_begin_array(json);
    for (size_t i = 0; i < schedule->fault_count; i++) {
        const struct har_chaos_fault *fault = &schedule->faults[i];
        const struct har_chaos_kind_info *kind = &har_chaos_kinds[fault->kind];
        sl_json_out_begin_object(json);
        sl_json_out_key_str(json, "kind", kind->name);
        if (kind->victims != 0) {
            const struct har_chaos_group *group = &schedule->groups[fault->group];
            sl_json_out_key_u64(json, "group", fault->group);
            sl_json_out_key_str(json, "victims", who[group->who]);
            sl_json_out_key_u64(json, "count", group->count);
        }
        sl_json_out_key_u64(json, "at_ms", fault->at_ms);
        sl_json_out_key_u64(json, "for_ms", fault->for_ms);
        sl_json_out_key_u64(json, "amount", fault->amount);
        sl_json_out_end_object(json);
    }
    sl_json_out_end_array(json);
    sl_json_out_end_object(json);
}

static void add_failure(const struct har_chaos_failure *failure, struct sl_json_out *json)
{
    sl_json_out_begin_object(json);
    sl_json_out_key_u64(json, "round", failure->found.round);
    sl_json_out_key_str(json, "rule", failure->rule);
    sl_json_out_key_bool(json, "shrunk", failure->is_shrunk);
    sl_json_out_key_bool(json, "complete", failure->is_complete);
    sl_json_out_key_u64(json, "tries", failure->tries);
    sl_json_out_key_u64(json, "played_again", failure->plays);
    sl_json_out_key_u64(json, "failed_again", failure->again);
    sl_json_out_key_str(json, "file", failure->path[0] == '\0' ? NULL : failure->path);
    sl_json_out_key(json, "found");
    add_schedule(&failure->found, json);
    sl_json_out_key(json, "schedule");
    add_schedule(&failure->shrunk, json);
    sl_json_out_end_object(json);
}

void har_chaos_json(const struct har_chaos_run *run, struct sl_json_out *json)
{
    struct har_chaos_covered covered = har_chaos_covered(&run->config.options, &run->coverage);
    sl_json_out_key(json, "chaos");
    sl_json_out_begin_object(json);
    sl_json_out_key_u64(json, "rounds", run->played);
    sl_json_out_key_u64(json, "passed", run->passed);
    sl_json_out_key_u64(json, "passes_left_out", run->passed - run->passes_kept);
    sl_json_out_key_u64(json, "kinds", covered.kinds);
    sl_json_out_key_u64(json, "kinds_possible", covered.kinds_possible);
    sl_json_out_key_u64(json, "pairs", covered.pairs);
    sl_json_out_key_u64(json, "pairs_possible", covered.pairs_possible);
    sl_json_out_key(json, "faults");
    sl_json_out_begin_object(json);
    for (unsigned i = 0; i < HAR_CHAOS_KINDS; i++) {
        sl_json_out_key_u64(json, har_chaos_kinds[i].name, run->coverage.kinds[i]);
    }
    sl_json_out_end_object(json);
    sl_json_out_key(json, "failures");
    sl_json_out_begin_array(json);
    for (size_t i = 0; i < run->failure_count; i++) {
        add_failure(&run->failures[i], json);
    }
    sl_json_out_end_array(json);
    sl_json_out_end_object(json);
}
