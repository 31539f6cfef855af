/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "harness/report/advice.h"
#include "harness/report/report.h"
#include "harness/report/stacks.h"
#include "harness/report/story_json.h"
#include "lib/base/json_out.h"

static void add_blame(struct sl_json_out *json, const struct har_result *result,
                      const struct har_failure *failure)
{
    struct sl_buf blame;
    sl_buf_init(&blame, HAR_BLAME_MAX);
    har_advice_blame(result, failure, &blame);
    sl_json_out_key_str(json, "blame", sl_buf_str(&blame));
    sl_buf_release(&blame);
}

static void add_failures(struct sl_json_out *json, const struct har_result *result)
{
    sl_json_out_key(json, "failures");
    sl_json_out_begin_array(json);
    for (size_t i = 0; i < result->failure_count; i++) {
        const struct har_failure *failure = &result->failures[i];
        sl_json_out_begin_object(json);
        sl_json_out_key_str(json, "rule", failure->rule);
        sl_json_out_key_str(json, "text", failure->text);
        sl_json_out_key_str(json, "at", failure->path);
        add_blame(json, result, failure);
        sl_json_out_key_str(json, "why", har_advice_why(result, failure));
        sl_json_out_key_str(json, "look", har_advice_look(failure));
        sl_json_out_end_object(json);
    }
    sl_json_out_end_array(json);
}

static void add_rerun(struct sl_json_out *json, const struct har_report *report,
                      const struct har_scenario *scenario)
{
    struct sl_buf line;
    sl_buf_init(&line, HAR_RERUN_MAX);
    har_report_rerun(report, scenario, &line);
    sl_json_out_key_str(json, "rerun", sl_buf_str(&line));
    sl_buf_release(&line);
}

static void add_percentile(struct sl_json_out *json, const char *key, uint64_t ns)
{
    sl_json_out_key(json, key);
    sl_json_out_ms(json, ns);
}

/* {"phase":{"response":{"count","p50","p90","p99","p999","max"}}}; the list has a phase's metrics in a row. */
static void add_latencies(struct sl_json_out *json, const struct har_result *result)
{
    const char *phase = NULL;
    sl_json_out_key(json, "latency_ms");
    sl_json_out_begin_object(json);
    for (size_t i = 0; i < result->latency_count; i++) {
        const struct har_latency *latency = &result->latencies[i];
        if (latency->phase != phase) {
            if (phase != NULL) {
                sl_json_out_end_object(json);
            }
            phase = latency->phase;
            sl_json_out_key_span(json, sl_span_str(phase));
            sl_json_out_begin_object(json);
        }
        sl_json_out_key(json, har_metric_names[latency->metric]);
        sl_json_out_begin_object(json);
        sl_json_out_key_u64(json, "count", latency->count);
        add_percentile(json, "p50", latency->p50_ns);
        add_percentile(json, "p90", latency->p90_ns);
        add_percentile(json, "p99", latency->p99_ns);
        if (latency->count >= HAR_LATENCY_P999_MIN) {
            add_percentile(json, "p999", latency->p999_ns);
        }
        add_percentile(json, "max", latency->max_ns);
        sl_json_out_end_object(json);
    }
    if (phase != NULL) {
        sl_json_out_end_object(json);
    }
    sl_json_out_end_object(json);
}

static void add_seen(struct sl_json_out *json, const struct har_result *result)
{
    sl_json_out_key(json, "seen");
    sl_json_out_begin_array(json);
    for (size_t i = 0; i < result->seen.count; i++) {
        const struct har_seen *seen = &result->seen.items[i];
        sl_json_out_begin_object(json);
        sl_json_out_key_str(json, "at", seen->at);
        sl_json_out_key_str(json, "actor", seen->actor);
        sl_json_out_key_str(json, "outcome", seen->what);
        sl_json_out_key_u64(json, "count", seen->count);
        sl_json_out_end_object(json);
    }
    sl_json_out_end_array(json);
    if (result->seen.left_out > 0) {
        sl_json_out_key_u64(json, "seen_left_out", result->seen.left_out);
    }
}

void har_report_result(struct sl_json_out *json, const struct har_report *report,
                       const struct har_result *result)
{
    const struct har_scenario *scenario = result->scenario;
    sl_json_out_begin_object(json);
    sl_json_out_key_str(json, "id", scenario->id);
    sl_json_out_key_str(json, "title", scenario->title);
    sl_json_out_key(json, "rules");
    sl_json_out_begin_array(json);
    for (size_t i = 0; i < scenario->rules.count; i++) {
        sl_json_out_str(json, scenario->rules.items[i]);
    }
    sl_json_out_end_array(json);
    sl_json_out_key_str(json, "verdict", har_outcome_name(result->outcome));
    sl_json_out_key_str(json, "level", har_level_name(scenario->level));
    sl_json_out_key_str(json, "reason", result->reason);
    sl_json_out_key(json, "duration_ms");
    sl_json_out_ms(json, result->duration_ns);
    sl_json_out_key_u64(json, "plays", result->plays);
    add_latencies(json, result);
    if (result->is_known) {
        sl_json_out_key_bool(json, "known", true);
    }
    if (result->has_unexpected_pass) {
        sl_json_out_key_bool(json, "unexpected_pass", true);
    }
    if (result->is_mistaken) {
        sl_json_out_key_bool(json, "mistake", true);
    }
    if (result->outcome == HAR_FAIL) {
        sl_json_out_key_str(json, "why", scenario->why);
    }
    add_failures(json, result);
    add_seen(json, result);
    sl_json_out_key(json, "stacks");
    har_report_stacks_json(result, json);
    sl_json_out_key(json, "notes");
    sl_json_out_begin_array(json);
    for (size_t i = 0; i < result->note_count; i++) {
        sl_json_out_str(json, result->notes[i]);
    }
    sl_json_out_end_array(json);
    sl_json_out_key_str(json, "evidence", result->evidence[0] == '\0' ? NULL : result->evidence);
    add_rerun(json, report, scenario);
    sl_json_out_key(json, "story");
    har_story_json(result->story, json);
    sl_json_out_end_object(json);
}

static void add_findings(struct sl_json_out *json, const struct har_result *result)
{
    for (size_t i = 0; i < result->finding_count; i++) {
        const struct har_seen_finding *seen = &result->findings[i];
        const char level[2] = {seen->level, '\0'};
        sl_json_out_begin_object(json);
        sl_json_out_key_str(json, "rule", seen->rule);
        sl_json_out_key_str(json, "level", level);
        sl_json_out_key_str(json, "side", seen->is_server ? "server" : "client");
        sl_json_out_key_u64(json, "count", seen->count);
        sl_json_out_key_str(json, "scenario", result->scenario->id);
        sl_json_out_key_str(json, "text", seen->text);
        sl_json_out_end_object(json);
    }
}

void har_report_calibration(struct sl_json_out *json, const struct har_calibration *calibration)
{
    bool has_unstable = false;
    sl_json_out_begin_object(json);
    for (int i = 0; i < HAR_MEASURES; i++) {
        const struct har_measured *measured = &calibration->measures[i];
        if (measured->is_known) {
            sl_json_out_key(json, har_measure_name((enum har_measure)i));
            sl_json_out_double(json, measured->value);
            has_unstable |= measured->cv > HAR_CALIBRATE_CV_MAX;
        }
    }
    if (has_unstable) {
        sl_json_out_key(json, "unstable");
        sl_json_out_begin_array(json);
        for (int i = 0; i < HAR_MEASURES; i++) {
            const struct har_measured *measured = &calibration->measures[i];
            if (measured->is_known && measured->cv > HAR_CALIBRATE_CV_MAX) {
                sl_json_out_str(json, har_measure_name((enum har_measure)i));
            }
        }
        sl_json_out_end_array(json);
    }
    for (unsigned i = 0; i < HAR_CALIBRATED; i++) {
        if (calibration->notes[i][0] != '\0') {
            char key[40];
            (void)snprintf(key, sizeof(key), "%s_note", har_calibrated_names[i]);
            sl_json_out_key_str(json, key, calibration->notes[i]);
        }
    }
    sl_json_out_end_object(json);
}

void har_report_json(const struct har_report *report, struct sl_buf *out)
{
    const struct har_suite *suite = report->suite;
    struct har_totals totals = har_totals_count(suite);
    struct sl_json_out json;
    sl_json_out_init(&json, out);
    sl_json_out_begin_object(&json);
    sl_json_out_key_str(&json, "schema", "sluice.report/1");
    sl_json_out_key_str(&json, "target", report->target);
    sl_json_out_key_str(&json, "profile", suite->config.profile->name);
    if (report->binding != NULL) {
        sl_json_out_key_str(&json, "binding", report->binding);
    }
    sl_json_out_key_u64(&json, "seed", suite->config.seed);
    sl_json_out_key(&json, "duration_ms");
    sl_json_out_ms(&json, suite->end_ns - suite->begin_ns);
    sl_json_out_key(&json, "totals");
    sl_json_out_begin_object(&json);
    sl_json_out_key_u64(&json, "pass", totals.pass);
    sl_json_out_key_u64(&json, "fail", totals.fail);
    sl_json_out_key_u64(&json, "inconclusive", totals.inconclusive);
    sl_json_out_key_u64(&json, "skip", totals.skip);
    sl_json_out_key_u64(&json, "known", totals.known); /* of fail */
    sl_json_out_end_object(&json);
    sl_json_out_key(&json, "calibration");
    har_report_calibration(&json, &suite->calibration);
    sl_json_out_key(&json, "hiccup_ms");
    sl_json_out_begin_object(&json);
    sl_json_out_key(&json, "p99");
    sl_json_out_ms(&json, suite->hiccup_p99_ns);
    sl_json_out_key(&json, "max");
    sl_json_out_ms(&json, suite->hiccup_max_ns);
    sl_json_out_end_object(&json);
    if (suite->not_looked_at[0] != '\0') {
        sl_json_out_key_str(&json, "not_looked_at", suite->not_looked_at);
    }
    if (suite->could_not_start) {
        sl_json_out_key_str(&json, "error", suite->start_text);
    }
    sl_json_out_key(&json, "results");
    sl_json_out_begin_array(&json);
    for (size_t i = 0; i < suite->result_count && !suite->could_not_start; i++) {
        har_report_result(&json, report, &suite->results[i]);
    }
    sl_json_out_end_array(&json);
    sl_json_out_key(&json, "findings");
    sl_json_out_begin_array(&json);
    for (size_t i = 0; i < suite->result_count; i++) {
        add_findings(&json, &suite->results[i]);
    }
    sl_json_out_end_array(&json);
    if (report->add_json != NULL) {
        report->add_json(report->owner, &json);
    }
    sl_json_out_end_object(&json);
    (void)sl_buf_add_u8(out, '\n');
}
