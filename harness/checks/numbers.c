/* SPDX-License-Identifier: Apache-2.0 */
/* Checks on counts, rates and times: count, rate_max, rate_min, pings, acks. */
#include <math.h>
#include <string.h>

#include "harness/checks/checks.h"
#include "harness/engine/actor.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

/* ---- count ---- */

enum what { WHAT_RECEIVED, WHAT_SENT, WHAT_ACCEPTED, WHAT_ACKS, WHAT_PINGS };
static const char *const whats[] = {"received", "sent", "accepted", "acks", "pings", NULL};

struct count_args {
    struct har_check_common common;
    int what;
    struct har_range between;
    bool is_total;
};
static const struct har_field count_fields[] = {
    HAR_CHECK_COMMON,
    {"count", HAR_FIELD_CHOICE, offsetof(struct count_args, what), .choices = whats,
     .is_required = true, .help = "what is counted"},
    {"between", HAR_FIELD_RANGE, offsetof(struct count_args, between), .is_required = true,
     .help = "what is right"},
    {"total", HAR_FIELD_BOOL, offsetof(struct count_args, is_total),
     .help = "of all instances together; else each"},
};

static double count_of(const struct har_check *check, const struct har_actor *actor, int what)
{
    double count = 0;
    if (what == WHAT_RECEIVED) {
        for (uint32_t i = 0; i < actor->received_count; i++) {
            count +=
                har_phase_matches(check->play, &check->common->phase, actor->received[i].phase);
        }
        return count;
    }
    if (what == WHAT_PINGS) {
        return (double)actor->pings;
    }
    for (uint32_t i = 0; i < actor->sent_count; i++) {
        const struct har_sent *sent = &actor->sent[i];
        bool is_counted =
            what == WHAT_SENT || (what == WHAT_ACKS ? sent->replied_ns != 0 : sent->is_accepted);
        count += is_counted && har_phase_matches(check->play, &check->common->phase, sent->phase);
    }
    return count;
}

static void judge_count(const struct har_check *check, const char *whose, double count)
{
    const struct count_args *args = check->node->args;
    double low = har_play_value(check->play, &args->between.low, 0);
    double high = har_play_value(check->play, &args->between.high, 0);
    if (low == high && count != low) {
        har_check_fail(check, "%s: %g %s; wanted: exactly %g", whose, count, whats[args->what],
                       low);
    } else if (count < low || count > high) {
        har_check_fail(check, "%s: %g %s; wanted: %g to %g", whose, count, whats[args->what], low,
                       high);
    }
}

static void run_count(const struct har_check *check)
{
    const struct count_args *args = check->node->args;
    double total = 0;
    HAR_FOR_ACTORS (check->play, check->common->of_mask, actor) {
        double count = count_of(check, actor, args->what);
        total += count;
        if (!args->is_total) {
            judge_count(check, actor->spec->name, count);
        }
    }
    if (args->is_total) {
        judge_count(check, check->common->of, total);
    }
}

const struct har_check_type har_check_count = {
    .name = "count",
    .help = "a number lies between two bounds",
    .example = "{\"count\": \"received\", \"between\": [\"B\", \"B + H\"], \"of\": \"slow\", \""
               "phase\": \"burst\"}",
    .rule = NULL,
    HAR_CHECK_ARGS(struct count_args, count_fields),
    .run = run_count,
};

/* ---- rates ---- */

/* A receiver sees a message up to this much late without any pause of the machine. */
#define RECEIPT_GRAIN_NS (20 * SL_MS)

/* Loaded machines were seen to bunch what a correct server sent in so many seconds. */
#define BUNCH_S 0.2

struct rate_args {
    struct har_check_common common;
    struct har_expr hz, extra, over;
};
static const struct har_field rate_max_fields[] = {
    HAR_CHECK_COMMON,
    {"rate_max", HAR_FIELD_EXPR, offsetof(struct rate_args, hz), .is_required = true,
     .help = "messages a second"},
    {"extra", HAR_FIELD_EXPR, offsetof(struct rate_args, extra),
     .help = "messages beyond rate * window; default 2"},
};
static const struct har_field rate_min_fields[] = {
    HAR_CHECK_COMMON,
    {"rate_min", HAR_FIELD_EXPR, offsetof(struct rate_args, hz), .is_required = true,
     .help = "messages a second, from the first to the last of them"},
    {"over", HAR_FIELD_DURATION, offsetof(struct rate_args, over),
     .help = "the receipts must span at least so long, or there is nothing to judge; default 1.5s"},
};

/* The receipts of an actor that belong to the check's phases. */
static uint64_t *receipts(const struct har_check *check, const struct har_actor *actor,
                          size_t *ret_count)
{
    uint64_t *times = sl_calloc(actor->received_count + 1, sizeof(uint64_t));
    *ret_count = 0;
    for (uint32_t i = 0; i < actor->received_count; i++) {
        const struct har_received *received = &actor->received[i];
        const struct har_actor *sender = har_play_actor(check->play, received->publisher);
        int phase = sender == NULL ? received->phase : sender->sent[received->sequence].phase;
        if (har_phase_matches(check->play, &check->common->phase, phase)) {
            times[(*ret_count)++] = received->at_ns;
        }
    }
    return times;
}

/* Over all windows at once: messages i to j make a window, and j - i + 1 <= hz * (t_j - t_i) + extra.
 * That is, (j - hz * t_j) rises above the least of (i - hz * t_i) by no more than extra - 1. */
static void judge_rate_max(const struct har_check *check, const struct har_actor *actor, double hz,
                           double extra)
{
    size_t count = 0;
    uint64_t *times = receipts(check, actor, &count);
    uint64_t pause_ns = har_play_hiccup_ns(check->play, check->play->begin_ns) + RECEIPT_GRAIN_NS;
    double allowed = extra + hz * (double)pause_ns / 1e9;
    double least = INFINITY;
    size_t least_at = 0;
    double worst = 0;
    size_t from = 0;
    size_t to = 0;
    for (size_t i = 0; i < count; i++) {
        double level = (double)i - hz * (double)(times[i] - times[0]) / 1e9;
        if (level < least) {
            least = level;
            least_at = i;
        }
        if (level - least + 1 > worst) {
            worst = level - least + 1;
            from = least_at;
            to = i;
        }
    }
    if (worst > allowed) {
        har_check_fail_if(check, worst <= allowed + hz * BUNCH_S,
                          "%s[%u] received %zu messages in %.0f ms; at %g a second at most %.1f",
                          actor->spec->name, actor->index, to - from + 1,
                          (double)(times[to] - times[from]) / (double)SL_MS, hz,
                          hz * (double)(times[to] - times[from]) / 1e9 + allowed);
    }
    sl_free(times);
}

static void run_rate_max(const struct har_check *check)
{
    const struct rate_args *args = check->node->args;
    double hz = har_play_value(check->play, &args->hz, 0);
    double extra = har_play_value(check->play, &args->extra, 2);
    HAR_FOR_ACTORS (check->play, check->common->of_mask, actor) {
        judge_rate_max(check, actor, hz, extra);
    }
}

const struct har_check_type har_check_rate_max = {
    .name = "rate_max",
    .help =
        "in no window of any length more than rate * window + extra messages came; what one pause "
        "of the machine could bunch is excused",
    .example = "{\"rate_max\": 50, \"extra\": 2, \"of\": \"sub\"}",
    .rule = "SUB-02",
    HAR_CHECK_ARGS(struct rate_args, rate_max_fields),
    .run = run_rate_max,
};

/* While the machine paused nobody could send. */
static double pauses_ms(const struct har_check *check, uint64_t from_ns, uint64_t to_ns)
{
    uint64_t total_ns = har_hiccup_total(check->play->config.hiccup, from_ns, to_ns);
    return (double)total_ns / (double)SL_MS;
}

/* Where there were too few processors for so much of the time, how slow a server was says nothing. */
#define CROWDED_ALL 0.8

static void run_rate_min(const struct har_check *check)
{
    const struct rate_args *args = check->node->args;
    double hz = har_play_value(check->play, &args->hz, 0);
    double over_ms = har_play_value(check->play, &args->over, 1500);
    HAR_FOR_ACTORS (check->play, check->common->of_mask, actor) {
        size_t count = 0;
        uint64_t *times = receipts(check, actor, &count);
        double span_ms = count < 2 ? 0 : (double)(times[count - 1] - times[0]) / (double)SL_MS;
        double paused_ms = count < 2 ? 0 : pauses_ms(check, times[0], times[count - 1]);
        double reached =
            span_ms <= paused_ms ? 0 : (double)(count - 1) * 1000.0 / (span_ms - paused_ms);
        if (count < 2) {
            har_check_fail(check, "%s[%u] received %zu messages: no rate", actor->spec->name,
                           actor->index, count);
        } else if (span_ms >= over_ms && reached < hz) {
            bool is_crowded = har_hiccup_crowded(check->play->config.hiccup, times[0],
                                                 times[count - 1]) >= CROWDED_ALL;
            har_check_fail_if(check, reached >= 0.75 * hz || is_crowded,
                              "%s[%u] received %.1f messages a second over %.1f s, not %g",
                              actor->spec->name, actor->index, reached, span_ms / 1000, hz);
        }
        sl_free(times);
    }
}

const struct har_check_type har_check_rate_min = {
    .name = "rate_min",
    .help = "messages came at least so fast while some were waiting",
    .example = "{\"rate_min\": \"0.8 * 50\", \"over\": \"2s\", \"of\": \"sub\"}",
    .rule = "SUB-15",
    HAR_CHECK_ARGS(struct rate_args, rate_min_fields),
    .run = run_rate_min,
};

/* ---- acks and pings ---- */

struct acks_args {
    struct har_check_common common;
    int how;
};
static const char *const exact[] = {"exact", NULL};
static const struct har_field acks_fields[] = {
    HAR_CHECK_COMMON,
    {"acks", HAR_FIELD_CHOICE, offsetof(struct acks_args, how), .choices = exact,
     .is_required = true, .help = "\"exact\": one for each whole message, in order"},
};

static void run_acks(const struct har_check *check)
{
    HAR_FOR_ACTORS (check->play, check->common->of_mask, actor) {
        uint32_t whole = 0;
        for (uint32_t i = 0; i < actor->sent_count; i++) {
            whole += !actor->sent[i].is_partial && !actor->sent[i].is_abandoned;
        }
        if (actor->acked != whole) {
            har_check_fail(check, "%s[%u] sent %u messages and received %llu acknowledgements",
                           actor->spec->name, actor->index, whole,
                           (unsigned long long)actor->acked);
        }
    }
}

const struct har_check_type har_check_acks = {
    .name = "acks",
    .help = "every whole message was acknowledged, but of streams that the client left (that each "
            "ack is the "
            "right one is always checked)",
    .example = "{\"acks\": \"exact\", \"of\": \"chat\"}",
    .rule = "CHAT-01",
    HAR_CHECK_ARGS(struct acks_args, acks_fields),
    .run = run_acks,
};

struct pings_args {
    struct har_check_common common;
    struct har_expr interval;
};
static const struct har_field pings_fields[] = {
    HAR_CHECK_COMMON,
    {"pings", HAR_FIELD_DURATION, offsetof(struct pings_args, interval), .is_required = true,
     .help = "the interval; the first one an interval after the start"},
};
/* "At once" of the contract. */
#define PING_LATE_NS (1 * SL_SECOND)
/* More, where too few processors made a correct server late. */
#define CROWDED_LATE_NS (6 * SL_SECOND)

static void judge_pings(const struct har_check *check, const struct har_actor *actor,
                        uint64_t interval_ns)
{
    uint64_t end_ns = actor->state == HAR_STREAM_ENDED ? actor->ended_ns : sl_clock_mono_ns();
    uint64_t pause_ns = har_play_hiccup_ns(check->play, actor->opened_ns);
    uint64_t slack_ns = PING_LATE_NS + pause_ns;
    uint64_t age_ns = end_ns - actor->opened_ns;
    bool is_crowded = har_hiccup_is_crowded(check->play->config.hiccup, actor->opened_ns, end_ns);
    uint64_t late_ns = slack_ns + (is_crowded ? CROWDED_LATE_NS : 0);
    uint64_t due = age_ns > late_ns ? (age_ns - late_ns) / interval_ns : 0;
    uint64_t possible = (age_ns + slack_ns) / interval_ns;
    if (actor->pings < due || actor->pings > possible) {
        har_check_fail(check, "%s[%u] received %llu pings in %.1f s, %llu to %llu were due",
                       actor->spec->name, actor->index, (unsigned long long)actor->pings,
                       (double)age_ns / 1e9, (unsigned long long)due, (unsigned long long)possible);
        return;
    }
    for (uint64_t i = 0; i < actor->pings && i < HAR_PINGS_MAX; i++) {
        uint64_t after_ns = actor->ping_ns[i] - actor->opened_ns;
        uint64_t wanted_ns = (i + 1) * interval_ns;
        if (after_ns + slack_ns < wanted_ns || after_ns > wanted_ns + late_ns) {
            har_check_fail(check, "ping %llu of %s[%u] came after %.2f s, not %.2f s",
                           (unsigned long long)i + 1, actor->spec->name, actor->index,
                           (double)after_ns / 1e9, (double)wanted_ns / 1e9);
            return;
        }
    }
}

static void run_pings(const struct har_check *check)
{
    const struct pings_args *args = check->node->args;
    double ms = har_play_value(check->play, &args->interval, 0);
    HAR_FOR_ACTORS (check->play, check->common->of_mask, actor) {
        if (ms > 0) {
            judge_pings(check, actor, (uint64_t)(ms * (double)SL_MS));
        }
    }
}

const struct har_check_type har_check_pings = {
    .name = "pings",
    .help = "pings came as many as were due, each at its time",
    .example = "{\"pings\": \"ping_interval_ms\", \"of\": \"chat\"}",
    .rule = "CHAT-02",
    HAR_CHECK_ARGS(struct pings_args, pings_fields),
    .run = run_pings,
};
