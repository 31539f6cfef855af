/* SPDX-License-Identifier: Apache-2.0 */
/* sluice.compare/1: everything that the model knows. */
#include "harness/compare/print.h"
#include "lib/base/json_out.h"

static const char *const side_keys[] = {"a", "b"};

/* Negative and absent: null. */
static void add_number(struct sl_json_out *json, const char *key, double value)
{
    sl_json_out_key(json, key);
    if (value < 0) {
        sl_json_out_null(json);
    } else {
        sl_json_out_double(json, value);
    }
}

static void add_run(struct sl_json_out *json, const struct har_compare_run *run)
{
    sl_json_out_begin_object(json);
    sl_json_out_key_str(json, "file", run->file);
    sl_json_out_key_str(json, "label", run->label);
    sl_json_out_key_str(json, "target", run->target);
    sl_json_out_key_str(json, "profile", run->profile);
    sl_json_out_key_str(json, "binding", run->binding);
    sl_json_out_key_u64(json, "seed", run->seed);
    sl_json_out_key_str(json, "error", run->error);
    sl_json_out_key_u64(json, "results", run->count);
    add_number(json, "duration_ms", run->duration_ms);
    sl_json_out_key(json, "hiccup_ms");
    sl_json_out_begin_object(json);
    add_number(json, "p99", run->hiccup_p99_ms);
    add_number(json, "max", run->hiccup_max_ms);
    sl_json_out_end_object(json);
    sl_json_out_end_object(json);
}

static void add_tally(struct sl_json_out *json, const struct har_compare_tally *tally)
{
    if (tally->runs == 0) {
        sl_json_out_null(json);
        return;
    }
    sl_json_out_begin_object(json);
    sl_json_out_key_str(json, "verdict", har_outcome_name(tally->outcome));
    sl_json_out_key_u64(json, "results", tally->runs);
    for (enum har_outcome outcome = HAR_PASS; outcome <= HAR_SKIP; outcome++) {
        sl_json_out_key_u64(json, har_outcome_name(outcome), tally->outcomes[outcome]);
    }
    sl_json_out_key_u64(json, "known", tally->known);
    add_number(json, "duration_ms", tally->duration_ms);
    sl_json_out_key(json, "rules");
    sl_json_out_begin_array(json);
    for (size_t i = 0; i < tally->rule_count; i++) {
        sl_json_out_str(json, tally->rules[i]);
    }
    sl_json_out_end_array(json);
    sl_json_out_key_u64(json, "rules_left_out", tally->rules_left_out);
    sl_json_out_key_str(json, "reason", tally->told->reason);
    sl_json_out_key_str(json, "rerun", tally->told->rerun);
    sl_json_out_key_str(json, "evidence", tally->told->evidence);
    sl_json_out_end_object(json);
}

/* "received":[10,9] */
static void add_two(struct sl_json_out *json, const char *key, const double values[])
{
    sl_json_out_key(json, key);
    sl_json_out_begin_array(json);
    for (int side = 0; side < HAR_COMPARE_SIDES; side++) {
        if (values[side] < 0) {
            sl_json_out_null(json);
        } else {
            sl_json_out_double(json, values[side]);
        }
    }
    sl_json_out_end_array(json);
}

static void add_fault(struct sl_json_out *json, const struct har_compare_fault *fault)
{
    sl_json_out_begin_object(json);
    sl_json_out_key_str(json, "what", fault->what);
    sl_json_out_key_str(json, "actor", fault->actor[0] == '\0' ? NULL : fault->actor);
    const double times[] = {(double)fault->times[HAR_COMPARE_A],
                            (double)fault->times[HAR_COMPARE_B]};
    add_two(json, "times", times);
    sl_json_out_key(json, "affected");
    sl_json_out_begin_object(json);
    for (int scope = 0; scope < HAR_COMPARE_SCOPES; scope++) {
        const double counts[] = {(double)fault->affected[HAR_COMPARE_A][scope],
                                 (double)fault->affected[HAR_COMPARE_B][scope]};
        add_two(json, har_compare_scopes[scope], counts);
    }
    sl_json_out_end_object(json);
    sl_json_out_end_object(json);
}

static void add_story(struct sl_json_out *json, const struct har_compare_story *story)
{
    sl_json_out_begin_object(json);
    sl_json_out_key_bool(json, "differs", story->differs);
    sl_json_out_key(json, "kinds");
    sl_json_out_begin_array(json);
    for (size_t i = 0; i < story->kind_count; i++) {
        const struct har_compare_kind *kind = &story->kinds[i];
        const double actors[] = {(double)kind->actors[0], (double)kind->actors[1]};
        sl_json_out_begin_object(json);
        sl_json_out_key_str(json, "kind", kind->kind);
        add_two(json, "actors", actors);
        add_two(json, "sent", kind->sent);
        add_two(json, "received", kind->received);
        add_two(json, "lost", kind->lost);
        sl_json_out_end_object(json);
    }
    sl_json_out_end_array(json);
    sl_json_out_key(json, "marks");
    sl_json_out_begin_array(json);
    for (size_t i = 0; i < story->mark_count; i++) {
        sl_json_out_begin_object(json);
        sl_json_out_key_str(json, "name", story->marks[i].name);
        add_two(json, "rss_bytes", story->marks[i].rss_bytes);
        sl_json_out_end_object(json);
    }
    sl_json_out_end_array(json);
    sl_json_out_key(json, "faults");
    sl_json_out_begin_array(json);
    for (size_t i = 0; i < story->fault_count; i++) {
        add_fault(json, &story->faults[i]);
    }
    sl_json_out_end_array(json);
    sl_json_out_key_u64(json, "left_out", story->left_out);
    sl_json_out_end_object(json);
}

static void add_pair(struct sl_json_out *json, const struct har_compare_pair *pair)
{
    sl_json_out_begin_object(json);
    sl_json_out_key_str(json, "id", pair->id);
    sl_json_out_key_str(json, "title", pair->title);
    sl_json_out_key_str(json, "level", pair->level);
    sl_json_out_key_str(json, "group", har_compare_group_names[pair->group]);
    sl_json_out_key_bool(json, "worse", pair->is_worse);
    sl_json_out_key_str(json, "what", pair->what);
    add_number(json, "chance", pair->chance);
    for (int side = 0; side < HAR_COMPARE_SIDES; side++) {
        sl_json_out_key(json, side_keys[side]);
        add_tally(json, &pair->sides[side]);
    }
    sl_json_out_key(json, "story");
    if (pair->story == NULL) {
        sl_json_out_null(json);
    } else {
        add_story(json, pair->story);
    }
    sl_json_out_end_object(json);
}

static void add_value(struct sl_json_out *json, const char *key,
                      const struct har_compare_value *value)
{
    sl_json_out_key(json, key);
    if (value->runs == 0) {
        sl_json_out_null(json);
        return;
    }
    sl_json_out_begin_object(json);
    add_number(json, "ms", value->ms);
    add_number(json, "low", value->low);
    add_number(json, "high", value->high);
    sl_json_out_end_object(json);
}

static void add_latency(struct sl_json_out *json, const struct har_compare_latency *latency)
{
    sl_json_out_begin_object(json);
    sl_json_out_key_str(json, "id", latency->pair->id);
    sl_json_out_key_str(json, "phase", latency->phase);
    sl_json_out_key_str(json, "metric", latency->metric);
    sl_json_out_key_bool(json, "real", latency->best == HAR_COMPARE_REAL);
    add_two(json, "count", latency->counts);
    for (int q = 0; q < HAR_COMPARE_QUANTILES; q++) {
        const struct har_compare_value *a = &latency->values[HAR_COMPARE_A][q];
        const struct har_compare_value *b = &latency->values[HAR_COMPARE_B][q];
        if (a->runs + b->runs == 0) {
            continue;
        }
        sl_json_out_key(json, har_compare_quantile_names[q]);
        sl_json_out_begin_object(json);
        add_value(json, "a", a);
        add_value(json, "b", b);
        add_number(json, "ratio", a->runs > 0 && b->runs > 0 && a->ms > 0 ? b->ms / a->ms : -1);
        sl_json_out_key_str(json, "noise",
                            latency->noise[q] == HAR_COMPARE_REAL
                                ? NULL
                                : har_compare_noise_names[latency->noise[q]]);
        sl_json_out_end_object(json);
    }
    sl_json_out_end_object(json);
}

static void add_finding(struct sl_json_out *json, const struct har_compare_finding *finding)
{
    sl_json_out_begin_object(json);
    sl_json_out_key_str(json, "rule", finding->rule);
    sl_json_out_key_str(json, "level", finding->level);
    sl_json_out_key_str(json, "side", finding->side);
    sl_json_out_key_str(json, "change", finding->change);
    add_two(json, "count", finding->counts);
    add_two(json, "count_elsewhere", finding->others);
    sl_json_out_key_str(json, "text", finding->text);
    sl_json_out_end_object(json);
}

static void add_buffer(struct sl_json_out *json, const struct har_compare_buffer *buffer)
{
    sl_json_out_begin_object(json);
    sl_json_out_key_str(json, "name", buffer->name);
    for (int side = 0; side < HAR_COMPARE_SIDES; side++) {
        sl_json_out_key(json, side_keys[side]);
        sl_json_out_begin_object(json);
        add_number(json, "value", buffer->values[side]);
        sl_json_out_key_bool(json, "unstable", buffer->is_unstable[side]);
        sl_json_out_key_str(json, "note", buffer->notes[side]);
        sl_json_out_end_object(json);
    }
    sl_json_out_end_object(json);
}

static void add_lists(struct sl_json_out *json, const struct har_compare *compare)
{
    sl_json_out_key(json, "scenarios");
    sl_json_out_begin_array(json);
    for (size_t i = 0; i < compare->pair_count; i++) {
        add_pair(json, &compare->pairs[i]);
    }
    sl_json_out_end_array(json);
    sl_json_out_key(json, "calibration");
    sl_json_out_begin_array(json);
    for (size_t i = 0; i < compare->buffer_count; i++) {
        add_buffer(json, &compare->buffers[i]);
    }
    sl_json_out_end_array(json);
    sl_json_out_key(json, "findings");
    sl_json_out_begin_array(json);
    for (size_t i = 0; i < compare->finding_count; i++) {
        add_finding(json, &compare->findings[i]);
    }
    sl_json_out_end_array(json);
    sl_json_out_key(json, "latencies");
    sl_json_out_begin_array(json);
    for (size_t i = 0; i < compare->latency_count; i++) {
        add_latency(json, &compare->latencies[i]);
    }
    sl_json_out_end_array(json);
    sl_json_out_key_u64(json, "latencies_left_out", compare->latencies_left_out);
    sl_json_out_key_u64(json, "stories_left_out", compare->stories_left_out);
}

void har_compare_json(const struct har_compare *compare, struct sl_buf *out)
{
    struct sl_json_out json;
    sl_json_out_init(&json, out);
    sl_json_out_begin_object(&json);
    sl_json_out_key_str(&json, "schema", "sluice.compare/1");
    for (int side = 0; side < HAR_COMPARE_SIDES; side++) {
        sl_json_out_key(&json, side_keys[side]);
        add_run(&json, compare->runs[side]);
    }
    sl_json_out_key(&json, "warnings");
    sl_json_out_begin_array(&json);
    for (size_t i = 0; i < compare->warning_count; i++) {
        sl_json_out_str(&json, compare->warnings[i]);
    }
    sl_json_out_end_array(&json);
    sl_json_out_key_u64(&json, "worse", compare->worse);
    sl_json_out_key(&json, "groups");
    sl_json_out_begin_object(&json);
    for (int group = 0; group < HAR_COMPARE_GROUPS; group++) {
        sl_json_out_key_u64(&json, har_compare_group_names[group], compare->groups[group]);
    }
    sl_json_out_end_object(&json);
    add_lists(&json, compare);
    sl_json_out_end_object(&json);
    (void)sl_buf_add_u8(out, '\n');
}
