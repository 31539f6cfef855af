/* SPDX-License-Identifier: Apache-2.0 */
/* Checks on latencies: p, and its short form latency. */
#include "harness/checks/checks.h"
#include "harness/checks/samples.h"

#include <math.h>

#include "lib/base/clock.h"

/* Within this of its bound, a percentile may be the fault of a pause. */
#define NEAR_FACTOR 4
#define NEAR_MS     200

/* Where a server found too few processors its queue grew, for half of the time at most, and no longer than limits wait
 * longer then. */
#define CROWD_NS (16 * SL_SECOND)

/* Our own lateness beyond this part of what was measured: the load generator was the bottleneck. */
#define SLIP_PART 10

enum operator{ OP_AT_MOST, OP_BELOW, OP_AT_LEAST, OP_ABOVE };
static const char *const operators[] = {"<=", "<", ">=", ">", NULL};

struct bound {
    enum har_metric metric;
    double q;
    int op;
    double ms;
};

static bool holds(const struct bound *bound, double ms)
{
    switch (bound->op) {
    case OP_BELOW:
        return ms < bound->ms;
    case OP_AT_LEAST:
        return ms >= bound->ms;
    case OP_ABOVE:
        return ms > bound->ms;
    case OP_AT_MOST:
    default:
        return ms <= bound->ms;
    }
}

/* Latency counts from the intended time, so that our own lateness can only raise it: a check that holds needs
 * no excuse, one that does not hold is nobody's failure when the lateness was a good part of it. */
static void doubt_generator(const struct har_check *check, enum har_metric metric, double ms,
                            size_t first_failure)
{
    struct har_play *play = check->play;
    bool counts_from_intended = metric != HAR_METRIC_SERVICE && metric != HAR_METRIC_PING &&
                                metric != HAR_METRIC_SKEW && metric != HAR_METRIC_SLIP;
    if (!counts_from_intended) {
        return;
    }
    uint64_t senders =
        metric == HAR_METRIC_DELIVERY ? check->common->from_mask : check->common->of_mask;
    struct har_samples slips =
        har_samples_collect(play, senders, HAR_METRIC_SLIP, &check->common->phase);
    double slip_ms = (double)har_samples_percentile(&slips, 99) / (double)SL_MS;
    har_samples_release(&slips);
    if (slip_ms * SLIP_PART > ms) {
        char reason[120];
        (void)snprintf(reason, sizeof(reason),
                       "the load generator was the bottleneck: it sent up to %.1f ms late (p99)",
                       slip_ms);
        har_play_doubt(play, first_failure, reason);
    }
}

/* A busy machine makes things late, never early, and not by far more than it paused. */
static bool may_be_noise(const struct har_play *play, const struct bound *bound, double ms)
{
    struct har_hiccup *meter = play->config.hiccup;
    uint64_t now_ns = sl_clock_mono_ns();
    bool is_upper = bound->op == OP_AT_MOST || bound->op == OP_BELOW;
    if (!is_upper || ms < bound->ms) {
        return false;
    }
    uint64_t excess_ns = (uint64_t)((ms - bound->ms) * (double)SL_MS);
    double crowded = har_hiccup_crowded(meter, play->begin_ns, now_ns);
    double crowded_ns = fmin(crowded * (double)(now_ns - play->begin_ns), (double)CROWD_NS);
    bool is_near = ms <= NEAR_FACTOR * bound->ms + NEAR_MS + crowded_ns / 2 / (double)SL_MS;
    return is_near && har_hiccup_explains(har_hiccup_total(meter, play->begin_ns, now_ns),
                                          (uint64_t)crowded_ns, excess_ns);
}

static void judge(const struct har_check *check, const struct bound *bound)
{
    struct har_play *play = check->play;
    struct har_samples samples =
        har_samples_collect(play, check->common->of_mask, bound->metric, &check->common->phase);
    double ms = (double)har_samples_percentile(&samples, bound->q) / (double)SL_MS;
    const char *name = har_metric_names[bound->metric];
    size_t first_failure = play->failure_count;
    if (samples.count == 0) {
        har_check_fail(check, "no %s was measured", name);
    } else if (!holds(bound, ms)) {
        har_check_fail_if(check, may_be_noise(play, bound, ms),
                          "p%g of %s over %zu samples is %.1f ms, not %s %.1f ms", bound->q, name,
                          samples.count, ms, operators[bound->op], bound->ms);
        doubt_generator(check, bound->metric, ms, first_failure);
    }
    har_samples_release(&samples);
}

/* ---- p ---- */

struct p_object {
    int metric, op;
    struct har_expr q, vs;
};
struct p_args {
    struct har_check_common common;
    struct p_object p;
};
#define AT(member) offsetof(struct p_object, member)
static const struct har_field p_object_fields[] = {
    {"metric", HAR_FIELD_CHOICE, AT(metric), .choices = har_metric_names, .is_required = true,
     .help = "response, ack, delivery: from the intended time; service: from the actual one; ping: "
             "of HTTP/2; skew: first to last receipt; slip: our own lateness"},
    {"q", HAR_FIELD_EXPR, AT(q), .help = "percentile; default 99"},
    {"op", HAR_FIELD_CHOICE, AT(op), .choices = operators, .help = "default <="},
    {"vs", HAR_FIELD_DURATION, AT(vs), .is_required = true,
     .help = "such as \"max(2*base.ack.p99, base.ack.p99 + 2*S + 5)\": base.* is the same metric "
             "of the same actors in the phase base or healthy"},
};
#undef AT
static const struct har_field p_fields[] = {
    HAR_CHECK_COMMON,
    {"p", HAR_FIELD_OBJECT, offsetof(struct p_args, p), .fields = p_object_fields, .field_count = 4,
     .is_required = true, .help = "which, and its bound"},
};

static void run_p(const struct har_check *check)
{
    const struct p_args *args = check->node->args;
    struct bound bound = {.metric = (enum har_metric)args->p.metric,
                          .q = har_play_value(check->play, &args->p.q, 99),
                          .op = args->p.op,
                          .ms = har_play_value(check->play, &args->p.vs, 0)};
    judge(check, &bound);
}

const struct har_check_type har_check_p = {
    .name = "p",
    .help = "a percentile of a metric keeps a bound; inconclusive where the load generator was the "
            "bottleneck",
    .example = "{\"p\": {\"metric\": \"delivery\", \"q\": 95, \"op\": \"<=\", \"vs\": \"max(2*b"
               "ase.delivery.p95, base.delivery.p95 + 2*S + 5)\"}, \"of\": \"sub\", \""
               "phase\": \"burst\"}",
    .rule = "SEND-06",
    HAR_CHECK_ARGS(struct p_args, p_fields),
    .run = run_p,
};

/* ---- latency ---- */

struct latency_args {
    struct har_check_common common;
    int metric;
    struct har_expr q, at_most;
};
static const struct har_field latency_fields[] = {
    HAR_CHECK_COMMON,
    {"latency", HAR_FIELD_CHOICE, offsetof(struct latency_args, metric),
     .choices = har_metric_names, .is_required = true, .help = "as in p"},
    {"q", HAR_FIELD_EXPR, offsetof(struct latency_args, q), .help = "percentile; default 99"},
    {"at_most", HAR_FIELD_DURATION, offsetof(struct latency_args, at_most), .is_required = true,
     .help = "such as \"max(2*healthy.ack.p99, healthy.ack.p99 + 2*S + 5)\""},
};

static void run_latency(const struct har_check *check)
{
    const struct latency_args *args = check->node->args;
    struct bound bound = {.metric = (enum har_metric)args->metric,
                          .q = har_play_value(check->play, &args->q, 99),
                          .op = OP_AT_MOST,
                          .ms = har_play_value(check->play, &args->at_most, 0)};
    judge(check, &bound);
}

const struct har_check_type har_check_latency = {
    .name = "latency",
    .help = "a percentile of what was measured is at most so much",
    .example = "{\"latency\": \"ack\", \"q\": 99, \"at_most\": \"max(2*healthy.ack.p99, h"
               "ealthy.ack.p99 + 2*S + 5)\", \"of\": \"pub\", \"phase\": \"burst\"}",
    .rule = "SEND-06",
    HAR_CHECK_ARGS(struct latency_args, latency_fields),
    .run = run_latency,
};
