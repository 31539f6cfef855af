/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/engine/play.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "harness/aftermath/slots.h"
#include "harness/checks/check.h"
#include "harness/engine/declared.h"
#include "harness/engine/target.h"
#include "harness/engine/via.h"
#include "harness/scenario/methods.h"
#include "harness/steps/step.h"
#include "harness/story/chronicle.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

static const char *const outcome_names[] = {"pass", "fail", "inconclusive", "skip"};

const char *har_outcome_name(enum har_outcome outcome)
{
    return outcome_names[outcome];
}

/* FNV-1a over what makes a play unlike any other. */
static uint32_t stamp_of(const struct har_play_config *config)
{
    uint32_t hash = 2166136261U;
    for (const char *c = config->scenario->id; *c != '\0'; c++) {
        hash = (hash ^ (uint8_t)*c) * 16777619U;
    }
    hash = (hash ^ config->turn) * 16777619U;
    for (unsigned i = 0; i < 4; i++) {
        hash = (hash ^ (config->run >> (8 * i) & 0xff)) * 16777619U;
    }
    return hash;
}

/* ---- turns ---- */

static void on_idle(uv_idle_t *idle)
{
    (void)idle; /* keeps the loop from sleeping before the check */
}

void har_play_touch(struct har_play *play)
{
    if (!play->is_dirty && play->handles_open == 3) {
        play->is_dirty = true;
        (void)uv_idle_start(&play->idle, on_idle);
    }
}

void har_play_wake(struct har_play *play, uint64_t when_ns)
{
    if (when_ns < play->wake_ns) {
        play->wake_ns = when_ns;
    }
}

static void arm_timer(struct har_play *play)
{
    uint64_t when_ns = play->wake_ns == UINT64_MAX ? 0 : play->wake_ns == 0 ? 1 : play->wake_ns;
    struct itimerspec spec = {.it_value = {.tv_sec = (time_t)(when_ns / SL_SECOND),
                                           .tv_nsec = (long)(when_ns % SL_SECOND)}};
    (void)timerfd_settime(play->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

static void over(struct har_play *play)
{
    play->is_over = true;
    play->end_ns = sl_clock_mono_ns();
    for (size_t i = 0; i < play->scenario->phase_count; i++) {
        if (play->phase_begin_ns[i] != 0 && play->phase_end_ns[i] == 0) {
            play->phase_end_ns[i] = play->end_ns;
        }
    }
}

static void out_of_time(struct har_play *play)
{
    char text[HAR_REASON_MAX];
    har_track_tell(play->root, text, sizeof(text));
    char whole[HAR_REASON_MAX + 80];
    uint64_t allowed_ns = sl_clock_mono_ns() - play->begin_ns;
    (void)snprintf(whole, sizeof(whole), "the scenario did not end in %.1f s; it stands at %.400s",
                   (double)allowed_ns / 1e9, text);
    size_t before = play->failure_count;
    const char *rule = har_track_rule(play->root);
    har_play_fail_late(play, NULL, rule, allowed_ns, whole);
    if (rule[0] == '\0' && play->failure_count > before) { /* whose fault it is, nobody has said */
        play->failures[before].rule[0] = '\0';
    }
}

/* The steps, then the checks, then what they have left on connections. */
static void play_on(struct har_play *play)
{
    har_track_turn(play->root);
    if (!play->is_over) {
        har_checks_watch(play);
    }
    if (!play->is_over && har_play_is_out_of_time(play)) {
        out_of_time(play);
    }
    if (!play->is_over && har_track_is_done(play->root)) {
        har_checks_run(play);
        play->slots = play->failure_count == 0 ? har_slots_new(play) : NULL;
        if (play->slots == NULL || har_slots_turn(play->slots)) {
            over(play);
        }
    }
}

static void turn(struct har_play *play)
{
    if (play->is_told) {
        return;
    }
    play->wake_ns = UINT64_MAX;
    if (play->slots == NULL) {
        play_on(play);
    } else if (har_slots_turn(play->slots)) {
        over(play);
    }
    if (play->is_over) {
        play->is_told = true;
        play->config.done(play->config.owner, play);
        return;
    }
    uint64_t now_ns = sl_clock_mono_ns();
    har_play_wake(play, now_ns < play->deadline_ns ? play->deadline_ns : now_ns + 10 * SL_MS);
    har_play_wake(play, now_ns + SL_SECOND); /* whether anything came at all */
    arm_timer(play);
}

static void on_check(uv_check_t *check)
{
    struct har_play *play = check->data;
    if (play->is_dirty) {
        play->is_dirty = false;
        (void)uv_idle_stop(&play->idle);
        turn(play);
    }
}

static void on_timer(uv_poll_t *timer, int status, int events)
{
    struct har_play *play = timer->data;
    uint64_t expirations = 0;
    (void)status;
    (void)events;
    if (read(play->timer_fd, &expirations, sizeof(expirations)) > 0) {
        har_play_touch(play);
    }
}

/* ---- life ---- */

static void make_actors(struct har_play *play)
{
    const struct har_scenario *scenario = play->scenario;
    size_t counts[HAR_ACTORS_MAX];
    for (size_t g = 0; g < scenario->actor_count; g++) {
        counts[g] =
            (size_t)har_play_value_in(play, &scenario->actors[g].n, 1, 1, HAR_INSTANCES_MAX);
        play->group_begin[g + 1] = play->group_begin[g] + counts[g];
    }
    size_t total = play->group_begin[scenario->actor_count];
    play->actors = sl_calloc(total + 1, sizeof(struct har_actor));
    for (size_t g = 0; g < scenario->actor_count; g++) {
        for (size_t i = 0; i < counts[g]; i++) {
            struct har_actor *actor = &play->actors[play->actor_count++];
            har_actor_init(actor, play, (unsigned)g, (unsigned)i);
            actor->number = (uint16_t)play->actor_count;
        }
    }
}

static void make_handles(struct har_play *play)
{
    play->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    (void)uv_poll_init(play->config.loop, &play->timer, play->timer_fd);
    (void)uv_idle_init(play->config.loop, &play->idle);
    (void)uv_check_init(play->config.loop, &play->check);
    play->timer.data = play->idle.data = play->check.data = play;
    play->handles_open = 3;
    (void)uv_poll_start(&play->timer, UV_READABLE, on_timer);
    (void)uv_check_start(&play->check, on_check);
}

static void on_misfit(void *owner, const char *path, const char *text)
{
    har_play_mistake(owner, path, "%s", text);
}

/* What only the schema can tell. */
static void check_schema(struct har_play *play)
{
    struct har_missing *missing = sl_alloc(sizeof(*missing));
    har_methods_missing(play->scenario, play->config.pool, missing);
    if (missing->count > 0) {
        har_play_mistake(play, missing->places[0], "no schema knows the method %.200s%.400s",
                         missing->paths[0],
                         play->config.schema_note == NULL ? "" : play->config.schema_note);
    }
    sl_free(missing);
    har_methods_check(play->scenario, play->config.pool, on_misfit, play);
}

struct har_play *har_play_new(const struct har_play_config *config)
{
    struct har_play *play = sl_alloc(sizeof(*play));
    play->config = *config;
    play->scenario = config->scenario;
    play->stamp = stamp_of(config);
    play->phase = -1;
    play->begin_ns = sl_clock_mono_ns();
    play->chronicle = har_chronicle_new();
    play->monitors = sl_calloc(config->scenario->check_count + 1, sizeof(bool));
    make_handles(play);
    make_actors(play);
    har_via_begin(play);
    double seconds =
        har_play_value_in(play, &play->scenario->seconds, 10, 0, HAR_DURATION_MAX_MS / 1e3);
    play->deadline_ns = play->begin_ns + (uint64_t)(seconds * 1e9);
    check_schema(play);
    har_checks_prepare(play);
    play->root = har_track_new(play, NULL, play->scenario->run, play->scenario->run_count, -1);
    har_play_touch(play);
    return play;
}

static void part_closed(void *part_of)
{
    struct har_play *play = part_of;
    if (--play->handles_open > 0) {
        return;
    }
    har_play_done_fn *freed = play->freed;
    void *owner = play->freed_owner;
    (void)close(play->timer_fd);
    freed(owner, play);
    sl_free(play);
}

static void on_closed(uv_handle_t *handle)
{
    part_closed(handle->data);
}

void har_play_free(struct har_play *play, har_play_done_fn *freed, void *owner)
{
    play->is_over = play->is_told = true;
    if (play->answer.is_asked) {
        har_target_forget(play->config.target);
    }
    play->freed = freed;
    play->freed_owner = owner;
    har_slots_free(play->slots);
    play->slots = NULL;
    har_track_free(play->root);
    for (size_t i = 0; i < play->actor_count; i++) {
        har_actor_release(&play->actors[i]);
    }
    if (play->prober != NULL) {
        har_actor_release(play->prober);
        sl_free(play->prober);
    }
    har_links_release(play);
    if (play->proxy != NULL) {
        play->handles_open++;
        har_proxy_free(play->proxy, part_closed, play);
        play->proxy = NULL;
    }
    sl_free(play->authority);
    sl_free(play->actors);
    sl_free(play->probes);
    har_judged_ids_free(play->request_ids);
    har_judged_ids_free(play->filled_ids);
    har_chronicle_free(play->chronicle);
    play->chronicle = NULL;
    sl_free(play->monitors);
    uv_close((uv_handle_t *)&play->timer, on_closed);
    uv_close((uv_handle_t *)&play->idle, on_closed);
    uv_close((uv_handle_t *)&play->check, on_closed);
}

/* ---- failures ---- */

/* Checks that look at the same thing find the same: it is told once, and leaves room for others. */
bool har_play_is_told(const struct har_play *play, const char *rule, const char *text)
{
    bool is_same = false;
    for (size_t i = 0; i < play->failure_count && !is_same; i++) {
        is_same =
            strcmp(play->failures[i].rule, rule) == 0 && strcmp(play->failures[i].text, text) == 0;
    }
    return is_same;
}

/* Whether there was a place for it. */
static bool note_failure(struct har_play *play, const struct har_node *node, const char *rule,
                         bool is_timing, const char *text)
{
    bool has_rule = rule != NULL && rule[0] != '\0';
    const char *broken = has_rule ? rule : play->scenario->rules.items[0];
    if (play->is_over || play->is_mistaken || play->failure_count == HAR_FAILURES_MAX ||
        har_play_is_told(play, broken, text)) {
        return false;
    }
    struct har_failure *failure = &play->failures[play->failure_count++];
    *failure = (struct har_failure){.is_timing = is_timing};
    (void)snprintf(failure->rule, sizeof(failure->rule), "%s", broken);
    (void)snprintf(failure->text, sizeof(failure->text), "%s", text);
    (void)snprintf(failure->path, sizeof(failure->path), "%s", node == NULL ? "" : node->path);
    /* What is seen on the spot (a message that nobody sent) needs no number to be wrong. */
    bool is_computed = node != NULL || play->is_judging;
    (void)snprintf(failure->doubt, sizeof(failure->doubt), "%s", is_computed ? play->doubt : "");
    return true;
}

static void add_failure(struct har_play *play, const struct har_node *node, const char *rule,
                        bool is_timing, const char *text)
{
    bool is_new = note_failure(play, node, rule, is_timing, text);
    if (is_new && !play->is_judging) { /* the checks after a run tell all that they find */
        over(play);
        har_play_touch(play);
    }
}

void har_play_fail(struct har_play *play, const struct har_node *node, const char *rule,
                   const char *format, ...)
{
    char text[HAR_REASON_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    add_failure(play, node, rule, false, text);
}

void har_play_fail_aside(struct har_play *play, const char *rule, const char *text)
{
    (void)note_failure(play, NULL, rule, false, text);
}

void har_play_fail_timing(struct har_play *play, const struct har_node *node, const char *rule,
                          const char *format, ...)
{
    char text[HAR_REASON_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    add_failure(play, node, rule, true, text);
}

void har_play_mistake(struct har_play *play, const char *path, const char *format, ...)
{
    char text[HAR_REASON_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (play->failure_count == HAR_FAILURES_MAX) {
        play->failure_count--; /* it must be told */
    }
    size_t before = play->failure_count;
    add_failure(play, NULL, "", false, text);
    if (play->failure_count > before) {
        struct har_failure *failure = &play->failures[before];
        failure->is_mistake = play->is_mistaken = true;
        failure->rule[0] = '\0';
        failure->doubt[0] = '\0';
        (void)snprintf(failure->path, sizeof(failure->path), "%s", path == NULL ? "$" : path);
    }
}

void har_play_give_up(struct har_play *play, const struct har_node *node, const char *reason,
                      const char *text)
{
    size_t before = play->failure_count;
    add_failure(play, node, "", false, text);
    har_play_doubt(play, before, reason);
}

void har_play_doubt(struct har_play *play, size_t first_failure, const char *reason)
{
    for (size_t i = first_failure; i < play->failure_count; i++) {
        struct har_failure *failure = &play->failures[i];
        (void)snprintf(failure->doubt, sizeof(failure->doubt), "%s", reason);
    }
}

void har_play_fail_late(struct har_play *play, const struct har_node *node, const char *rule,
                        uint64_t waited_ns, const char *text)
{
    uint64_t now_ns = sl_clock_mono_ns();
    uint64_t pause_ns = har_play_hiccup_ns(play, now_ns - waited_ns);
    uint64_t total_ns = har_hiccup_total(play->config.hiccup, now_ns - waited_ns, now_ns);
    bool is_timing = pause_ns * 20 >= waited_ns && har_hiccup_explains(total_ns, 0, waited_ns);
    add_failure(play, node, rule, is_timing, text);
}
