/* SPDX-License-Identifier: Apache-2.0 */
/* What the names of expressions are worth in a play, and templates. */
#include <math.h>
#include <stdio.h>

#include "harness/checks/samples.h"
#include "harness/clients/external.h"
#include "harness/engine/actor.h"
#include "harness/engine/calibrate.h"
#include "harness/engine/declared.h"
#include "harness/engine/play.h"
#include "harness/engine/target.h"
#include "harness/engine/via.h"
#include "harness/scenario/names.h"
#include "harness/target/child.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum {
    LET_DEPTH_MAX = 32,
    LET_STEPS_MAX =
        4096, /* in one value: a name may use another twice, and that one a third twice ... */
};
#define SLACK_MAX 3.0
/* Calls that take less leave every limit as it is. */
#define NEAR_NS (10 * SL_MS)
/* To connect, to subscribe, to be probed; and then of each answer: credit takes two for a message. */
#define TRIPS_AT_LEAST  8.0
#define TRIPS_AN_ANSWER 2.0
/* Until it is calibrated: no stack was seen to keep more of a stream in its own hands. grpc-go counts
 * bytes (64 KiB), grpc-java too (32 KiB), streams of Node.js count messages (16). */
#define HIDDEN_BYTES      (128.0 * 1024)
#define HIDDEN_MESSAGES   32.0
#define RTT_GUESS_MS      1.0
#define CAPACITY_GUESS_HZ 1000.0
/* KA where the profile declares no keepalive. */
#define KEEPALIVE_MS 2000.0
/* DG where it declares no grace of a drain. */
#define DRAIN_GRACE_MS 5000.0
/* A server that gets no processor is late, however correct it is: so much longer it is waited for. */
#define PATIENCE_NS (8 * SL_SECOND)
/* A play in which the target says nothing at all ends then: a run against one that went mute ends within 30 s. */
#define MUTE_NS (15 * SL_SECOND)
/* How often a process is looked at. */
#define LOOK_NS (10 * SL_MS)

static bool resolve(void *owner, struct sl_span name, struct sl_span argument, double *ret_value);

uint64_t har_play_hiccup_ns(const struct har_play *play, uint64_t from_ns)
{
    uint64_t longest = har_hiccup_max(play->config.hiccup, from_ns, sl_clock_mono_ns());
    return longest < SL_MS ? SL_MS : longest;
}

double har_play_slack(const struct har_play *play, uint64_t from_ns)
{
    double slack = (double)har_play_hiccup_ns(play, from_ns) / (10.0 * (double)SL_MS);
    return fmin(fmax(slack, 1), SLACK_MAX);
}

/* What the round trips of a distant target add to a limit, at most in proportion to it. */
static uint64_t trips_ns(const struct har_play *play, uint64_t answers, uint64_t limit_ns)
{
    double rtt_ns = (double)play->config.rtt_ns;
    if (play->config.rtt_ns < NEAR_NS) {
        return 0;
    }
    double earned_ns = (TRIPS_AT_LEAST + TRIPS_AN_ANSWER * (double)answers) * rtt_ns;
    double most_ns = (double)limit_ns * rtt_ns / (double)NEAR_NS + TRIPS_AT_LEAST * rtt_ns;
    return (uint64_t)fmin(earned_ns, most_ns);
}

uint64_t har_play_allowed_ns(const struct har_play *play, uint64_t from_ns, uint64_t from_evidence,
                             uint64_t limit_ns)
{
    uint64_t scaled_ns = (uint64_t)((double)limit_ns * har_play_slack(play, from_ns));
    uint64_t most_ns = limit_ns + 100 * har_play_hiccup_ns(play, from_ns);
    uint64_t allowed_ns = scaled_ns < most_ns ? scaled_ns : most_ns;
    uint64_t now_ns = sl_clock_mono_ns();
    if (now_ns - from_ns >= allowed_ns &&
        har_hiccup_is_crowded(play->config.hiccup, from_ns, now_ns)) {
        uint64_t patient_ns = limit_ns + (limit_ns * 9 < PATIENCE_NS ? limit_ns * 9 : PATIENCE_NS);
        allowed_ns = patient_ns > allowed_ns ? patient_ns : allowed_ns;
    }
    return allowed_ns + trips_ns(play, play->evidence - from_evidence, limit_ns);
}

/* Not one frame came on any connection: whoever answers at all sends SETTINGS. */
static bool is_mute(const struct har_play *play)
{
    uint64_t frames = play->evidence;
    for (const struct har_link *link = play->links; link != NULL; link = link->next) {
        for (size_t type = 0; type <= HAR_WIRE_TYPES; type++) {
            frames += link->wire.frames[type];
        }
    }
    return frames == 0 && play->links != NULL && play->proxy == NULL;
}

bool har_play_is_out_of_time(const struct har_play *play)
{
    uint64_t now_ns = sl_clock_mono_ns();
    if (now_ns - play->begin_ns >= MUTE_NS && is_mute(play)) {
        return true;
    }
    return now_ns >= play->deadline_ns &&
           now_ns - play->begin_ns >=
               har_play_allowed_ns(play, play->begin_ns, 0, play->deadline_ns - play->begin_ns);
}

/* What was received of those messages that were sent since a phase was entered last. */
static double count_fresh(const struct har_actor *actor)
{
    struct har_play *play = actor->play;
    double count = 0;
    for (uint32_t i = actor->received_count; i > 0; i--) {
        const struct har_received *received = &actor->received[i - 1];
        if (received->at_ns < play->entered_ns) {
            break;
        }
        const struct har_actor *sender = har_play_actor(play, received->publisher);
        count += sender != NULL && sender->sent[received->sequence].sent_ns >= play->entered_ns;
    }
    return count;
}

static double count_one(const struct har_actor *actor, enum har_counter counter, unsigned round)
{
    switch ((int)counter) {
    case HAR_COUNT_RECEIVED:
    case HAR_COUNT_LEAST:
        return actor->received_count;
    case HAR_COUNT_FRESH:
        return count_fresh(actor);
    case HAR_COUNT_SENT:
        return actor->sent_count;
    case HAR_COUNT_ACCEPTED:
        return (double)actor->accepted;
    case HAR_COUNT_REPLIED:
        return (double)actor->replied;
    case HAR_COUNT_ACKED:
        return (double)actor->acked;
    case HAR_COUNT_PINGS:
        return (double)actor->pings;
    case HAR_COUNT_OPEN:
        return actor->state == HAR_STREAM_OPEN;
    case HAR_COUNT_ENDED:
        return actor->state == HAR_STREAM_ENDED;
    case HAR_COUNT_CLIENT_MESSAGES:
        return (double)har_external_seen(actor).messages;
    case HAR_COUNT_CLIENT_REPEATS:
        return (double)har_external_seen(actor).repeats;
    case HAR_COUNT_RUNNING:
        return har_external_is_running(actor->external);
    case HAR_COUNT_DATA_BYTES:
        if (actor->spec->kind == HAR_RAW) {
            return actor->link == NULL ? 0 : (double)actor->link->wire.data_bytes;
        }
        return actor->stream == NULL ? 0 : (double)har_stream_data_bytes(actor->stream);
    default:
        return har_link_count(actor->link, counter, round);
    }
}

/* What is known of a child from outside: its subscriptions, and its connection as the kernel sees it. */
static double count_child(const struct har_actor *actor, enum har_counter counter)
{
    if (actor->child == NULL) {
        return 0;
    }
    struct har_child_seen seen = har_child_seen(actor->child);
    if (counter == HAR_COUNT_ENDED) {
        return seen.ended;
    }
    if (counter == HAR_COUNT_CONNECTED) {
        return har_child_is_connected(actor->child);
    }
    unsigned begun = seen.headers > seen.messages ? seen.headers : seen.messages;
    return counter == HAR_COUNT_OPEN && begun > seen.ended ? begun - seen.ended : 0;
}

static bool resolve_counter(struct har_play *play, struct sl_span name, struct sl_span argument,
                            double *ret_value)
{
    char selector[128];
    uint64_t mask = 0;
    enum har_counter counter = har_counter_find(name);
    (void)snprintf(selector, sizeof(selector), "%.*s", SL_SPAN_ARG(argument));
    if (counter == HAR_COUNTERS || !har_select_actors(play->scenario, selector, &mask)) {
        return false;
    }
    if (har_counter_is_of_proxy(counter)) {
        *ret_value = har_via_count(play, counter);
        return true;
    }
    double total = 0;
    double least = INFINITY;
    bool has_child = false;
    unsigned round = ++play->counts;
    HAR_FOR_ACTORS (play, mask, actor) {
        has_child |= actor->spec->kind == HAR_CHILD;
        double count = actor->spec->kind == HAR_CHILD ? count_child(actor, counter)
                                                      : count_one(actor, counter, round);
        total += count;
        least = fmin(least, count);
    }
    if (has_child) {
        har_play_wake(play, sl_clock_mono_ns() + LOOK_NS);
    }
    bool is_least = counter == HAR_COUNT_LEAST || counter == HAR_COUNT_FRESH;
    *ret_value = is_least ? least : total;
    return true;
}

static bool resolve_let(struct har_play *play, struct sl_span name, double *ret_value)
{
    for (size_t i = 0; i < play->scenario->let_count; i++) {
        const struct har_let *let = &play->scenario->lets[i];
        if (!sl_span_is(name, let->name)) {
            continue;
        }
        *ret_value = let->value.number;
        if (let->value.text == NULL) {
            return true;
        }
        if (play->expr_depth >= LET_DEPTH_MAX || play->expr_steps++ >= LET_STEPS_MAX) {
            return false;
        }
        play->expr_depth++;
        enum sl_status status = har_expr_eval(let->value.text, resolve, play, ret_value, NULL);
        play->expr_depth--;
        return status == SL_OK;
    }
    return false;
}

/* A measured value; false when it was not measured. One that is not to be relied on makes what fails in this
 * play doubtful. */
static bool measured(struct har_play *play, enum har_calibrated asked, enum har_measure measure,
                     double *ret_value)
{
    const struct har_calibration *calibration = play->config.calibration;
    if (calibration == NULL || (play->scenario->calibrate_mask & HAR_BIT(asked)) == 0) {
        return false;
    }
    const struct har_measured *found = &calibration->measures[measure];
    if (!har_calibration_is_steady(calibration, measure)) {
        (void)snprintf(play->doubt, sizeof(play->doubt), "the calibration of %s %s",
                       har_calibrated_names[asked],
                       found->is_known ? "was unstable" : "did not succeed");
    }
    *ret_value = found->value;
    play->is_unmeasured |= !found->is_known;
    return found->is_known;
}

/* Messages of L bytes that the stack below the server's application may hold. */
static bool resolve_hidden(struct har_play *play, double *ret_value)
{
    double size = 0;
    double ignored = 0;
    if (!resolve_let(play, sl_span_str("L"), &size)) {
        size = HAR_STAMP_SIZE;
    }
    if (measured(play, HAR_CAL_HIDDEN, HAR_HIDDEN_BYTES, &ignored)) {
        *ret_value = har_calibration_hidden(play->config.calibration, size);
        return true;
    }
    *ret_value = ceil(HIDDEN_BYTES / (size + 5)) + HIDDEN_MESSAGES;
    return true;
}

/* What the profile says, or else was measured. */
static bool resolve_declared(struct har_play *play, struct sl_span name, double *ret_value)
{
    static const struct {
        const char *name;
        enum har_calibrated asked;
        enum har_measure measure;
    } both[] = {
        {"buffer", HAR_CAL_BUFFER, HAR_BUFFER},
        {"default_rate_hz", HAR_CAL_DEFAULT_RATE, HAR_DEFAULT_HZ},
        {"ping_interval_ms", HAR_CAL_PING_INTERVAL, HAR_INTERVAL_MS},
    };
    if (har_profile_value(play->config.profile, name, ret_value)) {
        return true;
    }
    for (size_t i = 0; i < sizeof(both) / sizeof(both[0]); i++) {
        if (sl_span_is(name, both[i].name)) {
            return measured(play, both[i].asked, both[i].measure, ret_value);
        }
    }
    return false;
}

/* Names that only a measurement gives. Without one a scenario goes on with what every correct stack reaches. */
static bool resolve_measured(struct har_play *play, struct sl_span name, double *ret_value)
{
    bool is_known = false;
    double least = fmax(RTT_GUESS_MS, (double)play->config.rtt_ns / (double)SL_MS);
    if (sl_span_is(name, "rtt")) {
        is_known = measured(play, HAR_CAL_RTT, HAR_RTT, ret_value);
    } else if (sl_span_is(name, "rtt_p99")) {
        is_known = measured(play, HAR_CAL_RTT, HAR_RTT_P99, ret_value);
    } else if (sl_span_is(name, "capacity")) {
        is_known = measured(play, HAR_CAL_CAPACITY, HAR_CAPACITY, ret_value);
        least = CAPACITY_GUESS_HZ;
    } else {
        return false;
    }
    *ret_value = is_known ? *ret_value : least;
    return true;
}

static double declared_or(const struct har_play *play, const char *name, double fallback)
{
    double value = fallback;
    (void)har_profile_value(play->config.profile, sl_span_str(name), &value);
    return value;
}

/* Of the server's process. Nobody tells when the last of its group ends: who asks looks again soon. */
static bool resolve_process(struct har_play *play, struct sl_span name, double *ret_value)
{
    const struct har_target *target = play->config.target;
    if (sl_span_is(name, "process_alive")) {
        *ret_value = target != NULL && har_target_is_alive(target);
    } else if (sl_span_is(name, "exit_status")) {
        *ret_value = target == NULL ? -1 : har_target_exit_status(target);
    } else {
        return false;
    }
    har_play_wake(play, sl_clock_mono_ns() + LOOK_NS);
    return true;
}

static bool resolve(void *owner, struct sl_span name, struct sl_span argument, double *ret_value)
{
    struct har_play *play = owner;
    int phase = 0;
    enum har_metric metric;
    double q = 0;
    bool is_base = false;
    if (argument.data != NULL) {
        return resolve_counter(play, name, argument, ret_value);
    }
    if (resolve_let(play, name, ret_value)) {
        return true;
    }
    if (resolve_measured(play, name, ret_value)) {
        return true;
    }
    if (sl_span_is(name, "B")) {
        return resolve_declared(play, sl_span_str("buffer"), ret_value);
    }
    if (sl_span_is(name, "S")) {
        *ret_value = (double)har_play_hiccup_ns(play, play->begin_ns) / (double)SL_MS;
        return true;
    }
    if (sl_span_is(name, "k")) {
        *ret_value = har_play_slack(play, play->begin_ns);
        return true;
    }
    if (sl_span_is(name, "H")) {
        return resolve_hidden(play, ret_value);
    }
    if (sl_span_is(name, "is_oldest")) {
        const struct har_profile *profile = play->config.profile;
        *ret_value = profile->drop_policy == HAR_DROP_OLDEST;
        if (!profile->has_drop_policy) {
            (void)measured(play, HAR_CAL_DROP_POLICY, HAR_IS_OLDEST, ret_value);
        }
        return true;
    }
    if (sl_span_is(name, "KA")) {
        *ret_value = declared_or(play, "keepalive_time_ms", KEEPALIVE_MS);
        return true;
    }
    if (sl_span_is(name, "DG")) {
        *ret_value = declared_or(play, "drain_grace_ms", DRAIN_GRACE_MS);
        return true;
    }
    if (sl_span_is(name, "is_dedup")) {
        *ret_value = har_dedups(play);
        return true;
    }
    if (resolve_process(play, name, ret_value)) {
        return true;
    }
    if (sl_span_is(name, "is_fed")) {
        *ret_value = play->config.binding == NULL;
        return true;
    }
    if (sl_span_is(name, "is_observed")) {
        *ret_value = play->config.pid != 0;
        return true;
    }
    if (har_percentile_name(play->scenario, name, &phase, &metric, &q, &is_base)) {
        uint64_t mask = is_base && play->judged_mask != 0 ? play->judged_mask : UINT64_MAX;
        *ret_value = har_percentile(play, mask, metric, phase, q);
        return true;
    }
    return resolve_declared(play, name, ret_value);
}

double har_play_value(struct har_play *play, const struct har_expr *expr, double fallback)
{
    if (!expr->is_set) {
        return fallback;
    }
    if (expr->text == NULL) {
        return expr->number;
    }
    double value = 0;
    struct sl_error error = {0};
    play->expr_steps = 0;
    play->is_unmeasured = false;
    enum sl_status status = har_expr_eval(expr->text, resolve, play, &value, &error);
    if (status == SL_OK && isfinite(value)) {
        return value;
    }
    const char *reason = status == SL_OK ? "it is not finite" : error.text;
    if (play->is_unmeasured) {
        char text[HAR_REASON_MAX];
        (void)snprintf(text, sizeof(text), "the expression \"%.200s\" has no value: %.150s",
                       expr->text, reason);
        har_play_give_up(play, NULL, play->doubt, text);
    } else {
        har_play_mistake(play, expr->path, "the expression \"%.200s\" has no value here: %.200s",
                         expr->text, reason);
    }
    return fallback;
}

bool har_play_peek(struct har_play *play, const char *text, double *ret_value)
{
    play->expr_steps = 0;
    bool was_unmeasured = play->is_unmeasured;
    enum sl_status status = har_expr_eval(text, resolve, play, ret_value, NULL);
    play->is_unmeasured = was_unmeasured;
    return status == SL_OK && isfinite(*ret_value);
}

double har_play_value_in(struct har_play *play, const struct har_expr *expr, double fallback,
                         double low, double high)
{
    double value = har_play_value(play, expr, fallback);
    if (value >= low && value <= high) {
        return value;
    }
    har_play_mistake(play, expr->path, "this is %.15g; %.15g to %.15g are possible", value, low,
                     high);
    return value < low ? low : high;
}

uint64_t har_play_ns(struct har_play *play, const struct har_expr *expr, double fallback_ms)
{
    return (uint64_t)(har_play_value_in(play, expr, fallback_ms, 0, HAR_DURATION_MAX_MS) *
                      (double)SL_MS);
}

char *har_play_expand(const struct har_play *play, const char *text, unsigned index)
{
    struct sl_buf out;
    sl_buf_init(&out, 64 * 1024);
    while (*text != '\0') {
        if (strncmp(text, "{room}", 6) == 0) {
            (void)sl_buf_addf(&out, "sluice-%08x", play->stamp);
            text += 6;
        } else if (strncmp(text, "{i}", 3) == 0) {
            (void)sl_buf_addf(&out, "%u", index);
            text += 3;
        } else {
            (void)sl_buf_add_u8(&out, (uint8_t)*text++);
        }
    }
    return (char *)sl_buf_take(&out, NULL);
}

bool har_phase_matches(const struct har_play *play, const struct har_strings *phases, int phase)
{
    for (size_t i = 0; i < phases->count; i++) {
        if (phase >= 0 && strcmp(play->scenario->phases[phase], phases->items[i]) == 0) {
            return true;
        }
    }
    return phases->count == 0;
}
