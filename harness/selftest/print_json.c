/* SPDX-License-Identifier: Apache-2.0 */
/* The matrix for programs. */
#include "harness/selftest/print.h"
#include "lib/base/json_out.h"

static void add_case(struct sl_json_out *json, const struct har_case *item)
{
    enum har_outcome outcome = item->is_done ? item->outcome : HAR_INCONCLUSIVE;
    sl_json_out_begin_object(json);
    sl_json_out_key_str(json, "scenario", item->scenario->id);
    if (item->mutant_name != NULL) {
        sl_json_out_key_str(json, "mutant", item->mutant_name);
    }
    sl_json_out_key_str(json, "frontend", item->frontend);
    sl_json_out_key_str(json, "verdict", har_outcome_name(outcome));
    sl_json_out_key_str(json, "rule", item->rule);
    if (item->kind == HAR_CASE_CLAIMED || item->kind == HAR_CASE_DRAWN) {
        sl_json_out_key_bool(json, "caught", item->is_done && item->is_telling);
    } else if (item->kind == HAR_CASE_IDLE) {
        sl_json_out_key_bool(json, "vacuous", item->is_done && !item->is_good);
    }
    if (item->is_known) {
        sl_json_out_key_bool(json, "known", true);
    }
    sl_json_out_key_str(json, "reason", item->reason);
    sl_json_out_key(json, "seconds");
    sl_json_out_double(json, (double)(int64_t)(item->seconds * 100) / 100);
    sl_json_out_end_object(json);
}

static void add_kind(struct sl_json_out *json, const char *key, const struct har_cases *cases,
                     enum har_case_kind kind)
{
    sl_json_out_key(json, key);
    sl_json_out_begin_array(json);
    for (size_t i = 0; i < cases->count; i++) {
        if (cases->items[i].kind == kind) {
            add_case(json, &cases->items[i]);
        }
    }
    sl_json_out_end_array(json);
}

static void add_uncaught(struct sl_json_out *json, const struct har_mutants *mutants)
{
    sl_json_out_key(json, "uncaught");
    sl_json_out_begin_array(json);
    for (size_t i = 0; i < mutants->count; i++) {
        if (mutants->items[i].is_expected && !mutants->items[i].is_caught) {
            sl_json_out_str(json, mutants->items[i].name);
        }
    }
    sl_json_out_end_array(json);
}

void har_selftest_json(const struct har_matrix *matrix, struct sl_buf *out)
{
    struct har_selftest_totals totals = har_cases_count(matrix->cases, matrix->mutants);
    struct sl_json_out json;
    sl_json_out_init(&json, out);
    sl_json_out_begin_object(&json);
    sl_json_out_key_str(&json, "schema", "sluice.selftest/1");
    sl_json_out_key_u64(&json, "seed", matrix->wish->seed);
    sl_json_out_key_u64(&json, "sample", matrix->wish->one_in == 0 ? 1 : matrix->wish->one_in);
    sl_json_out_key_u64(&json, "jobs", matrix->jobs);
    sl_json_out_key_u64(&json, "seconds", (uint64_t)matrix->seconds);
    sl_json_out_key_u64(&json, "cpu_seconds", (uint64_t)matrix->cpu_seconds);
    sl_json_out_key_u64(&json, "expected", totals.expected);
    sl_json_out_key_u64(&json, "caught", totals.caught);
    sl_json_out_key_u64(&json, "survived", totals.survived);
    sl_json_out_key_u64(&json, "vacuous", totals.vacuous);
    sl_json_out_key_u64(&json, "inconclusive", totals.inconclusive);
    sl_json_out_key_u64(&json, "clean_failed", totals.clean_failed);
    add_kind(&json, "results", matrix->cases, HAR_CASE_CLAIMED);
    add_kind(&json, "clean", matrix->cases, HAR_CASE_CLEAN);
    add_kind(&json, "drawn", matrix->cases, HAR_CASE_DRAWN);
    add_kind(&json, "idle", matrix->cases, HAR_CASE_IDLE);
    add_uncaught(&json, matrix->mutants);
    sl_json_out_end_object(&json);
    (void)sl_buf_add_u8(out, '\n');
}
