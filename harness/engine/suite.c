/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/engine/suite.h"

#include <stdio.h>

#include "harness/aftermath/aftermath.h"
#include "harness/aftermath/slots.h"
#include "harness/binding/needs.h"
#include "harness/clients/external.h"
#include "harness/engine/evidence.h"
#include "harness/engine/judge.h"
#include "harness/engine/own_target.h"
#include "harness/target/interrupts.h"
#include "harness/target/learn.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum {
    CANARIES_MAX = 3, /* while there are too few processors; else the first one decides, and where
                         nothing was ever seen */
};
/* What is looked at for that: about the time that a canary has. */
#define CANARY_LOOK_NS (5 * SL_SECOND)

struct item {
    struct run *run;
    struct har_result *result;
    struct har_play *play;      /* while it plays */
    struct har_proof *proof;    /* what is kept of the play until its verdict is told */
    struct har_own_target *own; /* the server that it has to itself; NULL: none */
    unsigned turn;              /* plays begun of this scenario's repeats and re-runs */
    bool has_begun, is_running;
    struct har_trail trail; /* what its plays have left behind */
    bool is_sole;           /* played again with nobody beside it, for what it left */
    bool is_own_asked;      /* whether its own server must still answer in the end */
};

struct run {
    struct har_suite *suite;
    struct item *items;
    size_t count;
    struct har_hiccup *hiccup;
    uint32_t number;  /* of the run, random */
    unsigned running; /* in the foreground */
    bool is_alone_running;
    struct item *waiting; /* for the canary */
    unsigned unanswered;  /* canaries in a row */
    bool is_target_gone, is_restarting;
    bool has_seen; /* some play saw an answer since the target was started, or started again */
    char gone_text[HAR_REASON_MAX];
    const char *core_note; /* why plays do without the C core's client; NULL: they do not */
    bool has_started, is_stopping, is_interrupted;
    struct har_interrupts interrupts;
    struct har_aftermath *aftermath;
    struct har_slots_run slots;
    struct har_learn learn;
    struct har_calibrate *calibrate; /* while it goes on */
};

static void go_on(struct run *run);

static void tell(struct item *item)
{
    struct har_suite *suite = item->run->suite;
    item->result->is_done = true;
    har_proof_settle(item->proof, suite, item->result);
    item->proof = NULL;
    if (suite->config.told != NULL) {
        suite->config.told(suite->config.owner, item->result);
    }
}

static void settle(struct item *item, enum har_outcome outcome, const char *reason)
{
    item->has_begun = true;
    item->result->outcome = outcome;
    (void)snprintf(item->result->reason, sizeof(item->result->reason), "%s", reason);
    tell(item);
}

/* ---- the end of one play ---- */

/* when: what was before it, "" or "after the scenario ". */
static void add_gone(struct item *item, const char *when, const char *text)
{
    char whole[HAR_REASON_MAX];
    (void)snprintf(whole, sizeof(whole), "%sthe server does not answer: %.380s", when, text);
    har_result_break(item->result, "RES-02", whole);
}

static void on_restarted(void *owner, enum sl_status status, const char *text)
{
    struct run *run = owner;
    run->is_restarting = false;
    if (status == SL_OK) {
        har_aftermath_watch(run->aftermath, har_target_pid(run->suite->config.target));
    } else {
        run->is_target_gone = true;
        (void)snprintf(run->gone_text, sizeof(run->gone_text),
                       "the server cannot be started again: %.300s", text);
    }
    go_on(run);
}

/* What the play left in the target's process is known. */
static void on_aftermath(void *owner, enum har_aftermath_verdict verdict)
{
    struct item *item = owner;
    if (verdict == HAR_AFTERMATH_AGAIN) {
        item->has_begun = false;
        item->is_sole = true;
        har_proof_drop(item->proof);
        item->proof = NULL; /* its turn may never come */
    } else {
        har_result_left(item->result, &item->trail, verdict == HAR_AFTERMATH_BROKEN);
        tell(item);
    }
    go_on(item->run);
}

static void on_canary(void *owner, enum sl_status status, const char *text)
{
    struct run *run = owner;
    struct item *item = run->waiting;
    uint64_t now_ns = sl_clock_mono_ns();
    if (status != SL_OK && run->has_seen && ++run->unanswered < CANARIES_MAX &&
        har_hiccup_is_crowded(run->hiccup, now_ns - CANARY_LOOK_NS, now_ns)) {
        har_target_canary(run->suite->config.target, on_canary, run);
        return;
    }
    run->unanswered = 0;
    run->waiting = NULL;
    if (status == SL_OK) {
        bool has_failed = item->result->outcome != HAR_PASS && item->result->outcome != HAR_SKIP;
        har_aftermath_look(run->aftermath, &item->trail, has_failed, on_aftermath, item);
        go_on(run);
        return;
    }
    add_gone(item, "after the scenario ", text);
    tell(item);
    bool is_mute = !run->has_seen && status != SL_CLOSED; /* another one would be too */
    if (har_target_is_spawned(run->suite->config.target) && !is_mute) {
        run->is_restarting = true;
        run->has_seen = false;
        har_target_start(run->suite->config.target, on_restarted, run);
        return;
    }
    run->is_target_gone = true;
    (void)snprintf(run->gone_text, sizeof(run->gone_text),
                   "not run: the server does not answer since '%.200s'",
                   item->result->scenario->id);
    go_on(run);
}

static void begin(struct item *item);

/* The play is gone, and its own server if it had one. */
static void settle_down(struct item *item)
{
    struct run *run = item->run;
    item->is_running = false;
    if (!item->result->scenario->is_background) {
        run->running--;
        run->is_alone_running = false;
    }
    go_on(run); /* which asks the canary */
}

static void on_own_ended(void *owner, enum sl_status status, const char *text)
{
    struct item *item = owner;
    item->own = NULL;
    if (status != SL_OK && !item->result->is_done) {
        add_gone(item, "after the scenario ", text);
    }
    settle_down(item);
}

static void on_freed(void *owner, struct har_play *play)
{
    struct item *item = owner;
    (void)play;
    if (item->own == NULL) {
        settle_down(item);
    } else {
        har_own_target_end(item->own, item->is_own_asked, on_own_ended, item);
    }
}

static void play_again(struct item *item)
{
    if (item->result->is_done) { /* interrupted meanwhile */
        settle_down(item);
        return;
    }
    item->is_running = false;
    har_proof_drop(item->proof);
    begin(item);
}

static void on_own_ended_again(void *owner, enum sl_status status, const char *text)
{
    struct item *item = owner;
    (void)status;
    (void)text;
    item->own = NULL;
    play_again(item);
}

static void on_played_again(void *owner, struct har_play *play)
{
    struct item *item = owner;
    (void)play;
    if (item->own == NULL) {
        play_again(item);
    } else {
        har_own_target_end(item->own, false, on_own_ended_again, item);
    }
}

static void on_played(void *owner, struct har_play *play)
{
    struct item *item = owner;
    struct run *run = item->run;
    bool is_noisy =
        har_failures_are_noise(play->failures, play->failure_count,
                               har_hiccup_is_noisy(run->hiccup, play->begin_ns, play->end_ns));
    bool is_trend = har_failures_are_trend(play->failures, play->failure_count);
    item->is_own_asked = !play->answer.is_down && !run->suite->config.has_no_canary;
    item->play = NULL;
    bool is_core = har_obstacle_is_core(play);
    run->core_note = is_core ? play->obstacles.core : run->core_note;
    run->has_seen |= item->own == NULL && play->evidence > 0;
    har_result_collect(item->result, play, &run->suite->story_bytes);
    if ((is_noisy || is_trend || is_core) && item->result->plays <= HAR_RERUNS_MAX) {
        har_play_free(play, on_played_again, item);
        return;
    }
    har_judge(item->result, play, run->hiccup, is_noisy);
    har_proof_play(item->proof, item->result, play);
    har_play_free(play, on_freed, item);
}

/* ---- the beginning of one ---- */

/* What all plays of the run have in common. */
static struct har_play_config base_config(struct run *run, struct har_target *target)
{
    const struct har_suite_config *config = &run->suite->config;
    return (struct har_play_config){
        .loop = config->loop,
        .profile = config->profile,
        .binding = config->binding,
        .conn = *har_target_conn(target),
        .metadata = config->metadata,
        .metadata_count = config->metadata_count,
        .pool = config->pool,
        .schema_note = run->learn.text,
        .seed = config->seed,
        .run = run->number,
        .hiccup = run->hiccup,
        .calibration = &run->suite->calibration,
        .target = target,
        .client = config->client,
        .pid = har_target_pid(target),
        .rtt_ns = har_target_rtt_ns(target),
        .core_note = run->core_note,
        .slots = config->has_no_canary ? NULL : &run->slots,
        .is_strict = config->is_strict,
    };
}

static void begin_on(struct item *item, struct har_target *target)
{
    struct run *run = item->run;
    struct har_play_config play = base_config(run, target);
    play.conn.trace = har_proof_trace(item->proof);
    play.scenario = item->result->scenario;
    play.turn = (unsigned)(item - run->items) * HAR_PLAYS_MAX + item->turn++;
    play.done = on_played;
    play.owner = item;
    item->play = har_play_new(&play);
}

static void on_own_started(void *owner, enum sl_status status, const char *text)
{
    struct item *item = owner;
    if (status == SL_OK) {
        begin_on(item, har_own_target(item->own));
        return;
    }
    add_gone(item, "started for this scenario alone, ", text);
    har_own_target_end(item->own, false, on_own_ended, item);
}

static void begin(struct item *item)
{
    struct har_target *target = item->run->suite->config.target;
    item->has_begun = item->is_running = item->result->has_begun = true;
    item->proof = har_proof_new(item->run->suite->evidence);
    if (har_harm_of(item->result->scenario) != HAR_HARM_NONE && har_target_is_spawned(target)) {
        item->own = har_own_target_begin(target, on_own_started, item);
        har_proof_watch(item->proof, har_own_target(item->own));
    } else {
        har_proof_watch(item->proof, target);
        har_aftermath_before(item->run->aftermath, item->result->scenario, &item->trail);
        begin_on(item, target);
    }
}

/* What ends a scenario before it begins. */
static bool is_settled(struct item *item)
{
    struct run *run = item->run;
    const struct har_suite_config *config = &run->suite->config;
    const struct har_scenario *scenario = item->result->scenario;
    char reason[HAR_REASON_MAX];
    if (!har_needs_are_met(scenario, config->profile, config->client, reason)) {
        settle(item, HAR_SKIP, reason);
        return true;
    }
    if (!har_binding_fits(config->binding, scenario, reason)) {
        settle(item, HAR_SKIP, reason);
        return true;
    }
    const char *problem = har_target_problem(scenario, config->target);
    if (problem != NULL) {
        settle(item, HAR_SKIP, problem);
        return true;
    }
    if (run->is_target_gone) {
        settle(item, HAR_FAIL, run->gone_text);
        struct har_failure *failure = &item->result->failures[item->result->failure_count++];
        *failure = (struct har_failure){.rule = "RES-02"};
        (void)snprintf(failure->text, sizeof(failure->text), "%s", run->gone_text);
        return true;
    }
    if (!item->is_sole && config->budget_ns != 0 &&
        sl_clock_mono_ns() - run->suite->begin_ns >= config->budget_ns) {
        settle(item, HAR_INCONCLUSIVE, "not begun: the budget of time ran out");
        return true;
    }
    return false;
}

/* ---- order ---- */

static void on_stopped(void *owner, enum sl_status status, const char *text)
{
    struct run *run = owner;
    (void)status;
    (void)text;
    uv_stop(run->suite->config.loop);
}

/* The target did not come up. */
static void give_up(struct run *run, enum sl_status status, const char *text)
{
    struct har_suite *suite = run->suite;
    suite->could_not_start = true;
    suite->has_start_advice = status == SL_UNSUPPORTED;
    (void)snprintf(suite->start_text, sizeof(suite->start_text), "%s", text);
    run->is_stopping = true;
    har_target_stop(suite->config.target, on_stopped, run);
}

/* One that stops the server of the others, as it has none to itself, waits until nobody else plays. */
static bool disturbs(const struct run *run, const struct har_scenario *scenario)
{
    bool is_any_running = false;
    for (size_t i = 0; i < run->count; i++) {
        is_any_running |= run->items[i].is_running;
    }
    return is_any_running && !har_target_is_spawned(run->suite->config.target) &&
           har_harm_of(scenario) != HAR_HARM_NONE;
}

/* Nobody begins beside it. */
static bool wants_quiet(const struct item *item)
{
    const struct har_scenario *scenario = item->result->scenario;
    return (scenario->is_alone || item->is_sole) && !scenario->is_background;
}

static bool may_begin(const struct run *run, const struct item *item)
{
    const struct har_scenario *scenario = item->result->scenario;
    if (disturbs(run, scenario) || har_aftermath_is_doubting(run->aftermath)) {
        return false;
    }
    if (run->running == 0) {
        return true;
    }
    return run->running < run->suite->config.jobs && !wants_quiet(item) && !run->is_alone_running;
}

static void go_on(struct run *run)
{
    if (run->waiting != NULL || run->is_stopping || run->is_restarting || run->calibrate != NULL) {
        return;
    }
    bool is_any_running = false;
    for (size_t i = 0; i < run->count; i++) {
        struct item *item = &run->items[i];
        struct har_result *result = item->result;
        bool is_over =
            item->has_begun && !item->is_running && !result->is_done && !item->trail.is_looking;
        if (is_over && run->is_target_gone) { /* one canary has waited for all */
            add_gone(item, "after the scenario ", "it has not since another one ended");
            tell(item);
        } else if (is_over && run->suite->config.has_no_canary) {
            tell(item);
        } else if (is_over) {
            run->waiting = item;
            har_target_canary(run->suite->config.target, on_canary, run);
            return;
        }
        if (!item->has_begun && !result->scenario->is_background && !may_begin(run, item)) {
            is_any_running = true; /* its turn comes */
            break;
        }
        if (!item->has_begun && !is_settled(item)) {
            run->running += !result->scenario->is_background;
            run->is_alone_running |= wants_quiet(item);
            begin(item);
        }
        is_any_running |= item->is_running || item->trail.is_looking;
    }
    for (size_t i = 0; i < run->count; i++) {
        is_any_running |= run->items[i].is_running || !run->items[i].has_begun;
    }
    if (!is_any_running) {
        run->is_stopping = true;
        har_target_stop(run->suite->config.target, on_stopped, run);
    }
}

/* Ends the plays, the target and the run; what has no verdict yet gets none. */
static void on_interrupt(uv_signal_t *handle, int number)
{
    struct run *run = handle->data;
    (void)number;
    if (run->is_interrupted || run->is_stopping) { /* no grace for the target any more */
        har_process_kill_all();
        return;
    }
    run->is_interrupted = true;
    if (!run->has_started) {
        give_up(run, SL_UNSUPPORTED, "interrupted before its first answer");
        return;
    }
    run->waiting = NULL;
    run->is_restarting = false;
    for (size_t i = 0; i < run->count; i++) {
        struct item *item = &run->items[i];
        if (item->play != NULL && !item->result->is_done) {
            item->result->outcome = HAR_INCONCLUSIVE;
            har_proof_play(item->proof, item->result, item->play);
        }
        har_aftermath_drop(run->aftermath, &item->trail);
        if (!item->result->is_done) {
            settle(item, HAR_INCONCLUSIVE, "not finished: the run was interrupted");
        }
        if (item->play != NULL) {
            har_play_free(item->play, on_freed, item);
            item->play = NULL;
        } else if (item->own != NULL) {
            har_own_target_end(item->own, false, on_own_ended, item);
        }
    }
    har_learn_stop(&run->learn);
    har_calibrate_stop(run->calibrate);
    go_on(run);
}

static void begin_all(struct run *run)
{
    for (size_t i = 0; i < run->count; i++) { /* those that wait begin first */
        struct item *item = &run->items[i];
        if (item->result->scenario->is_background && !item->has_begun && !is_settled(item)) {
            begin(item);
        }
    }
    go_on(run);
}

static void on_calibrated(void *owner)
{
    struct run *run = owner;
    har_calibrate_free(run->calibrate);
    run->calibrate = NULL;
    begin_all(run);
}

/* What the scenarios that the profile allows ask for. */
static unsigned calibrations(const struct run *run)
{
    unsigned asked = 0;
    for (size_t i = 0; i < run->count; i++) {
        const struct har_scenario *scenario = run->items[i].result->scenario;
        const struct har_suite_config *config = &run->suite->config;
        char reason[HAR_REASON_MAX];
        bool is_allowed = har_needs_are_met(scenario, config->profile, config->client, reason) &&
                          har_binding_fits(config->binding, scenario, reason);
        asked |= is_allowed ? scenario->calibrate_mask : 0;
    }
    return asked;
}

/* The schemas are there, as far as they can be. */
static void on_learnt(void *owner)
{
    struct run *run = owner;
    struct har_suite *suite = run->suite;
    unsigned asked = calibrations(run);
    if (asked == 0) {
        begin_all(run);
        return;
    }
    struct har_play_config base = base_config(run, suite->config.target);
    run->calibrate = har_calibrate_start(&base, asked, &suite->calibration, on_calibrated, run);
}

static void on_started(void *owner, enum sl_status status, const char *text)
{
    struct run *run = owner;
    struct har_suite *suite = run->suite;
    if (status != SL_OK) {
        give_up(run, status, text);
        return;
    }
    run->has_started = true;
    har_aftermath_watch(run->aftermath, har_target_pid(suite->config.target));
    har_target_note_refusal(text, suite->start_text);
    har_evidence_clean(suite->evidence, suite);
    suite->begin_ns = sl_clock_mono_ns();
    const struct har_reflect_config asked = {.conn = *har_target_conn(suite->config.target),
                                             .metadata = suite->config.metadata,
                                             .metadata_count = suite->config.metadata_count,
                                             .pool = suite->config.pool};
    if (!har_learn_start(&run->learn, suite->config.loop, &asked,
                         har_target_rtt_ns(suite->config.target))) {
        on_learnt(run);
    }
}

static void note_unseen(struct run *run)
{
    struct har_suite *suite = run->suite;
    const char *process = har_aftermath_note(run->aftermath);
    const char *slots = har_slots_note(&run->slots);
    (void)snprintf(suite->not_looked_at, sizeof(suite->not_looked_at), "%s%s%s",
                   process == NULL ? "" : process, process == NULL || slots == NULL ? "" : "; and ",
                   slots == NULL ? "" : slots);
}

void har_suite_run(struct har_suite *suite, const struct har_suite_config *config)
{
    *suite = (struct har_suite){.config = *config, .begin_ns = sl_clock_mono_ns()};
    suite->result_count = config->count * config->repeat;
    suite->evidence = har_evidence_new(config->evidence);
    suite->results = sl_calloc(suite->result_count + 1, sizeof(struct har_result));
    struct run run = {.suite = suite,
                      .count = suite->result_count,
                      .hiccup = har_hiccup_new(),
                      .number = (uint32_t)(sl_clock_wall_ns() / SL_US),
                      .learn = {.done = on_learnt, .owner = &run}};
    run.items = sl_calloc(run.count + 1, sizeof(struct item));
    for (size_t i = 0; i < run.count; i++) {
        suite->results[i].scenario = config->scenarios[i % config->count];
        run.items[i] = (struct item){.run = &run, .result = &suite->results[i]};
        har_learn_want(&run.learn, suite->results[i].scenario, config->profile, config->pool);
    }
    har_interrupts_begin(&run.interrupts, config->loop, on_interrupt, &run);
    run.aftermath = har_aftermath_new(config->loop);
    har_target_start(config->target, on_started, &run);
    (void)uv_run(config->loop, UV_RUN_DEFAULT);
    note_unseen(&run);
    har_aftermath_free(run.aftermath);
    har_interrupts_end(&run.interrupts);
    suite->end_ns = sl_clock_mono_ns();
    suite->hiccup_p99_ns = har_hiccup_quantile(run.hiccup, 0.99);
    suite->hiccup_max_ns = har_hiccup_quantile(run.hiccup, 1);
    har_hiccup_free(run.hiccup);
    sl_free(run.items);
}

void har_suite_release(struct har_suite *suite)
{
    for (size_t i = 0; i < suite->result_count; i++) {
        sl_free(suite->results[i].decisions);
        har_story_free(suite->results[i].story);
    }
    sl_free(suite->results);
    har_evidence_free(suite->evidence);
}
