/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/chaos/run.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/chaos/live.h"
#include "harness/chaos/play.h"
#include "harness/chaos/write.h"
#include "harness/engine/evidence.h"
#include "harness/report/write_file.h"
#include "harness/scenario/parse.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum {
    PATH_BYTES = 512,
    TEXT_BYTES = 16384,
};

/* ---- what is kept ---- */

static struct har_result *keep(struct har_chaos_run *run, struct har_chaos_outcome *outcome)
{
    struct har_suite *suite = run->suite;
    if (suite->result_count == run->scenario_capacity) {
        run->scenario_capacity = run->scenario_capacity == 0 ? 64 : run->scenario_capacity * 2;
        suite->results =
            sl_realloc(suite->results, run->scenario_capacity * sizeof(suite->results[0]));
        run->scenarios =
            sl_realloc(run->scenarios, run->scenario_capacity * sizeof(run->scenarios[0]));
    }
    struct har_result *result = &suite->results[suite->result_count];
    *result = outcome->result;
    run->scenarios[suite->result_count++] = outcome->scenario;
    run->scenario_count = suite->result_count;
    *outcome = (struct har_chaos_outcome){0};
    return result;
}

static void note_hiccups(struct har_chaos_run *run, const struct har_chaos_outcome *outcome)
{
    struct har_suite *suite = run->suite;
    if (outcome->hiccup_max_ns > suite->hiccup_max_ns) {
        suite->hiccup_max_ns = outcome->hiccup_max_ns;
    }
    if (outcome->hiccup_p99_ns > suite->hiccup_p99_ns) {
        suite->hiccup_p99_ns = outcome->hiccup_p99_ns;
    }
}

/* ---- plays ---- */

static void path_of(const struct har_chaos_run *run, const struct har_chaos_schedule *schedule,
                    char path[PATH_BYTES])
{
    char id[HAR_CHAOS_ID_MAX];
    har_chaos_id(schedule, id);
    (void)snprintf(path, PATH_BYTES, "%.400s/%s.json", run->config.folder, id);
}

static void play(struct har_chaos_run *run, const struct har_chaos_schedule *schedule,
                 const struct har_chaos_texts *texts, const char *evidence,
                 struct har_chaos_outcome *outcome)
{
    char id[HAR_CHAOS_ID_MAX];
    char path[PATH_BYTES];
    har_chaos_id(schedule, id);
    path_of(run, schedule, path);
    char *text = har_chaos_write(schedule, texts);
    run->playing = schedule;
    har_chaos_play(&run->config.suite, text, path, id, evidence, outcome);
    sl_free(text);
    note_hiccups(run, outcome);
    if (outcome->scenario == NULL) { /* a bug of ours */
        (void)fprintf(stderr, "sluice-harness chaos: %s is not a scenario: %s\n", id,
                      outcome->problem);
        run->has_mistake = true;
    } else if (outcome->could_not_start && !run->is_interrupted) {
        run->suite->could_not_start = true;
        (void)snprintf(run->suite->start_text, sizeof(run->suite->start_text), "%s",
                       outcome->start_text);
    }
}

static bool is_over(const struct har_chaos_run *run)
{
    return run->is_interrupted || run->has_mistake || run->suite->could_not_start;
}

/* Whether it failed, by the rule that was broken first. */
static bool fails_so(const struct har_chaos_outcome *outcome, const char *rule)
{
    const struct har_result *result = &outcome->result;
    if (outcome->scenario == NULL || result->outcome != HAR_FAIL) {
        return false;
    }
    for (size_t i = 0; i < result->failure_count; i++) {
        if (strcmp(result->failures[i].rule, rule) == 0) {
            return true;
        }
    }
    return false;
}

static bool fails(void *owner, const struct har_chaos_schedule *candidate)
{
    struct har_chaos_run *run = owner;
    struct har_chaos_outcome outcome;
    play(run, candidate, NULL, NULL, &outcome);
    bool has_failed = fails_so(&outcome, run->shrinking->rule);
    har_chaos_outcome_release(&outcome);
    return has_failed;
}

static bool has_time(void *owner)
{
    const struct har_chaos_run *run = owner;
    return !is_over(run) && sl_clock_mono_ns() < run->deadline_ns;
}

/* ---- a failure ---- */

static bool is_known_rule(const struct har_chaos_run *run, const char *rule)
{
    for (size_t i = 0; i < run->failure_count; i++) {
        if (run->failures[i].is_shrunk && strcmp(run->failures[i].rule, rule) == 0) {
            return true;
        }
    }
    return false;
}

/* Which faults are needed, and why that is believed. */
static void explain(const struct har_chaos_failure *failure, const char *what, struct sl_buf *title,
                    struct sl_buf *why)
{
    const struct har_chaos_schedule *shrunk = &failure->shrunk;
    (void)sl_buf_addf(title, "Chaos, seed %llu, round %u: %s is broken by ",
                      (unsigned long long)shrunk->seed, shrunk->round, failure->rule);
    if (shrunk->fault_count == 0) {
        (void)sl_buf_add_str(title, "the load alone");
    } else {
        har_chaos_tell(shrunk, title);
    }
    (void)sl_buf_addf(why, "%s. ", what);
    if (!failure->is_shrunk) {
        (void)sl_buf_addf(why, "Not shrunk: it failed in %u of %u more plays.", failure->again,
                          failure->plays);
        return;
    }
    if (shrunk->fault_count == 0) {
        (void)sl_buf_addf(why, "None of the %zu faults of the round is needed.",
                          failure->found.fault_count);
        return;
    }
    (void)sl_buf_addf(why, "Of the %zu faults of the round %s needed:", failure->found.fault_count,
                      shrunk->fault_count == 1 ? "one is" : "these are");
    for (size_t i = 0; i < shrunk->fault_count; i++) {
        const struct har_chaos_kind_info *kind = &har_chaos_kinds[shrunk->faults[i].kind];
        (void)sl_buf_addf(why, "%s %s (%s)", i == 0 ? "" : ",", kind->name, kind->what);
    }
    (void)sl_buf_add_str(why, failure->is_complete
                                  ? "; without any of them the server passed."
                                  : "; the time for shrinking ended before less was tried.");
}

/* The file, with its reason; the last play of it is what the round came to. */
static void settle(struct har_chaos_run *run, struct har_chaos_failure *failure,
                   struct har_chaos_outcome *outcome)
{
    struct sl_buf title;
    struct sl_buf why;
    struct har_chaos_outcome again;
    char seen[HAR_REASON_MAX];
    sl_buf_init(&title, TEXT_BYTES);
    sl_buf_init(&why, TEXT_BYTES);
    (void)snprintf(seen, sizeof(seen), "%s", outcome->result.reason);
    failure->again = failure->is_shrunk ? 0 : failure->again;
    failure->plays = failure->is_shrunk ? 0 : failure->plays;
    explain(failure, seen, &title, &why);
    const struct har_chaos_texts texts = {sl_buf_str(&title), sl_buf_str(&why)};
    for (unsigned i = 0; i < HAR_CHAOS_CONFIRM && failure->is_shrunk && !is_over(run); i++) {
        /* The evidence is that of the first one that fails: each play takes away what the one before left. */
        const char *evidence = failure->again == 0 ? run->config.suite.evidence : NULL;
        outcome->result.evidence[0] = failure->again == 0 ? '\0' : outcome->result.evidence[0];
        play(run, &failure->shrunk, &texts, evidence, &again);
        failure->plays++;
        bool has_failed = fails_so(&again, failure->rule);
        failure->again += has_failed;
        if (has_failed && failure->again == 1) {
            struct har_chaos_outcome before = *outcome;
            *outcome = again;
            again = before;
        }
        har_chaos_outcome_release(&again);
    }
    char *text = har_chaos_write(&failure->shrunk, &texts);
    struct sl_error error = {0};
    har_evidence_add(run->suite->evidence, &outcome->result, "scenario.json", sl_span_str(text));
    outcome->result.left.has_scenario = true;
    path_of(run, &failure->shrunk, failure->path);
    if (har_write_file(failure->path, sl_span_str(text), &error) != SL_OK) {
        (void)fprintf(stderr, "sluice-harness chaos: %s\n", error.text);
        failure->path[0] = '\0';
        run->has_mistake = true;
    }
    sl_free(text);
    sl_buf_release(&title);
    sl_buf_release(&why);
}

static void shrink(struct har_chaos_run *run, struct har_chaos_failure *failure)
{
    struct har_chaos_shrink shrink = {.fails = fails, .has_time = has_time, .owner = run};
    run->shrinking = failure;
    run->deadline_ns = sl_clock_mono_ns() + run->config.shrink_ns;
    while (failure->plays < HAR_CHAOS_CONFIRM && failure->again == 0 && has_time(run)) {
        failure->plays++;
        failure->again += fails(run, &failure->found);
    }
    if (failure->again > 0) {
        har_chaos_shrink(&shrink, &failure->shrunk);
        failure->tries = shrink.tries;
        failure->is_complete = shrink.is_complete;
        failure->is_shrunk = true;
    }
    run->shrinking = NULL;
}

static void tell(const struct har_chaos_run *run, const struct har_result *result)
{
    har_chaos_live_erase(run->live);
    if (run->config.suite.told != NULL) {
        run->config.suite.told(run->config.suite.owner, result);
    }
}

static void add_note(struct har_result *result, const char *text)
{
    if (result->note_count < sizeof(result->notes) / sizeof(result->notes[0])) {
        char *note = result->notes[result->note_count++];
        if (snprintf(note, HAR_NOTE_MAX, "%s", text) >= HAR_NOTE_MAX) {
            memcpy(note + HAR_NOTE_MAX - sizeof("..."), "...", sizeof("..."));
        }
    }
}

static void add_notes(const struct har_chaos_failure *failure, struct har_result *result)
{
    struct sl_buf text;
    sl_buf_init(&text, TEXT_BYTES);
    result->note_count = 0;
    if (failure->is_shrunk) {
        (void)sl_buf_addf(&text,
                          "shrunk from %zu faults to %zu in %u plays; it failed in %u of %u more",
                          failure->found.fault_count, failure->shrunk.fault_count, failure->tries,
                          failure->again, failure->plays);
    } else {
        (void)sl_buf_addf(&text, "not shrunk: %s",
                          failure->plays == 0 ? "there was no time, or its rule is known"
                                              : "it did not fail again, so it takes luck");
    }
    add_note(result, sl_buf_str(&text));
    sl_buf_clear(&text);
    (void)sl_buf_add_str(&text, failure->is_complete ? "needed: " : "what is left: ");
    har_chaos_tell(&failure->shrunk, &text);
    add_note(result, sl_buf_str(&text));
    sl_buf_clear(&text);
    if (failure->path[0] != '\0') {
        (void)sl_buf_addf(&text, "play it again: sluice-harness run %s", failure->path);
        add_note(result, sl_buf_str(&text));
    }
    sl_buf_release(&text);
}

static void on_failure(struct har_chaos_run *run, const struct har_chaos_schedule *schedule,
                       struct har_chaos_outcome *outcome)
{
    struct har_chaos_failure *failure = &run->failures[run->failure_count];
    const struct har_result *result = &outcome->result;
    uint64_t begin_ns = sl_clock_mono_ns();
    *failure = (struct har_chaos_failure){.found = *schedule, .shrunk = *schedule};
    (void)snprintf(failure->rule, sizeof(failure->rule), "%s",
                   result->failure_count == 0 ? "" : result->failures[0].rule);
    if (!is_known_rule(run, failure->rule)) {
        shrink(run, failure);
    }
    if (!run->suite->could_not_start) {
        settle(run, failure, outcome);
    }
    run->failure_count++;
    run->shrinking_ns += sl_clock_mono_ns() - begin_ns;
    struct har_result *kept = keep(run, outcome);
    add_notes(failure, kept);
    tell(run, kept);
}

/* ---- rounds ---- */

static void judge(struct har_chaos_run *run, const struct har_chaos_schedule *schedule,
                  struct har_chaos_outcome *outcome)
{
    enum har_outcome verdict = outcome->result.outcome;
    if (outcome->scenario == NULL || outcome->could_not_start) {
        har_chaos_outcome_release(outcome);
        return;
    }
    run->played++;
    if (verdict == HAR_FAIL) {
        on_failure(run, schedule, outcome);
        return;
    }
    run->passed += verdict == HAR_PASS;
    run->inconclusive += verdict == HAR_INCONCLUSIVE;
    if (verdict == HAR_INCONCLUSIVE && run->inconclusive <= HAR_CHAOS_FAILURES_MAX) {
        tell(run, keep(run, outcome));
    } else if (run->passes_kept < HAR_CHAOS_PASSES_MAX) {
        run->passes_kept++;
        (void)keep(run, outcome);
    }
    har_chaos_outcome_release(outcome);
}

static bool may_begin(const struct har_chaos_run *run)
{
    const struct har_chaos_config *config = &run->config;
    uint64_t played_ns = sl_clock_mono_ns() - run->begin_ns - run->shrinking_ns;
    bool has_failed = run->failure_count > 0 && !config->keeps_going;
    return !is_over(run) && !has_failed && played_ns < config->for_ns &&
           (config->rounds == 0 || run->played < config->rounds) &&
           run->failure_count < HAR_CHAOS_FAILURES_MAX;
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct har_chaos_run *run = handle->data;
    (void)number;
    run->is_interrupted = true;
}

/* Beside those of each suite: what comes between two of them counts, too. */
static void watch_signals(struct har_chaos_run *run)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        uv_signal_t *handle = &run->signals[i];
        (void)uv_signal_init(run->config.suite.loop, handle);
        handle->data = run;
        run->handles_open++;
        struct sigaction now;
        if (sigaction(numbers[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN) { /* nohup */
            (void)uv_signal_start_oneshot(handle, on_signal, numbers[i]);
        }
        uv_unref((uv_handle_t *)handle);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct har_chaos_run *run = handle->data;
    run->handles_open--;
}

static void unwatch_signals(struct har_chaos_run *run)
{
    for (size_t i = 0; i < sizeof(run->signals) / sizeof(run->signals[0]); i++) {
        uv_close((uv_handle_t *)&run->signals[i], on_closed);
    }
    while (run->handles_open > 0) {
        (void)uv_run(run->config.suite.loop, UV_RUN_NOWAIT);
    }
}

/* Of rounds that nobody could judge only the first leave something behind. */
static const char *evidence_of_round(const struct har_chaos_run *run)
{
    return run->inconclusive < HAR_CHAOS_FAILURES_MAX ? run->config.suite.evidence : NULL;
}

void har_chaos_run(struct har_chaos_run *run, const struct har_chaos_config *config,
                   struct har_suite *suite)
{
    struct har_chaos_schedule schedule;
    struct har_chaos_live live;
    run->config = *config;
    run->suite = suite;
    run->begin_ns = sl_clock_mono_ns();
    *suite = (struct har_suite){.config = config->suite, .begin_ns = run->begin_ns};
    suite->evidence = har_evidence_new(config->suite.evidence);
    watch_signals(run);
    har_chaos_live_begin(&live, run, stdout);
    run->live = &live;
    for (unsigned i = 0; i < config->from; i++) { /* they decide what comes in the next one */
        har_chaos_generate(&config->options, &run->chosen, &schedule);
    }
    while (may_begin(run)) {
        struct har_chaos_outcome outcome;
        har_chaos_generate(&config->options, &run->chosen, &schedule);
        har_chaos_cover(&schedule, &run->coverage);
        play(run, &schedule, NULL, evidence_of_round(run), &outcome);
        judge(run, &schedule, &outcome);
        (void)uv_run(config->suite.loop, UV_RUN_NOWAIT); /* a signal */
    }
    har_chaos_live_end(&live);
    run->live = NULL;
    unwatch_signals(run);
    suite->end_ns = sl_clock_mono_ns();
    suite->config.scenarios = (const struct har_scenario *const *)run->scenarios;
    suite->config.count = suite->result_count;
    suite->config.repeat = 1;
}

unsigned har_chaos_round(const struct har_scenario *scenario)
{
    const char *last = strrchr(scenario->id, '-'); /* har_chaos_id made it */
    return last == NULL ? 0 : (unsigned)strtoul(last + 1, NULL, 10);
}

const char *har_chaos_file(const struct har_chaos_run *run, const struct har_scenario *scenario)
{
    for (size_t i = 0; i < run->failure_count; i++) {
        const struct har_chaos_failure *failure = &run->failures[i];
        if (failure->found.round == har_chaos_round(scenario) && failure->path[0] != '\0') {
            return failure->path;
        }
    }
    return NULL;
}

void har_chaos_run_release(struct har_chaos_run *run)
{
    for (size_t i = 0; i < run->scenario_count; i++) {
        har_scenario_free(run->scenarios[i]);
    }
    sl_free(run->scenarios);
    run->scenarios = NULL;
    run->scenario_count = 0;
}
