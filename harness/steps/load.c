/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/steps/load.h"

#include <math.h>

#include "lib/base/alloc.h"

static const struct har_field burst_fields[] = {
    {"n", HAR_FIELD_EXPR, offsetof(struct har_burst_args, n), .is_required = true,
     .help = "messages at once"},
    {"every_ms", HAR_FIELD_EXPR, offsetof(struct har_burst_args, every_ms), .is_required = true,
     .help = "from one burst to the next"},
};
#define AT(member) offsetof(struct har_load_args, member)
const struct har_field har_load_fields[HAR_LOAD_FIELDS] = {
    {"rate", HAR_FIELD_EXPR, AT(rate), .help = "messages a second, evenly"},
    {"poisson", HAR_FIELD_EXPR, AT(poisson),
     .help = "messages a second on average, as independent users send them"},
    {"step", HAR_FIELD_EXPRS, AT(step),
     .help = "rates, one after the other, each for an equal part of `for`"},
    {"ramp", HAR_FIELD_EXPRS, AT(ramp), .help = "[from, to]: the rate changes evenly over `for`"},
    {"replay", HAR_FIELD_EXPRS, AT(replay),
     .help = "recorded times in ms from the beginning, in order"},
    {"burst", HAR_FIELD_OBJECT, AT(burst), .fields = burst_fields, .field_count = 2,
     .help = "so many at once, again and again"},
};
#undef AT

const char *har_load_problem(const struct har_load_args *args, bool has_time)
{
    bool needs_time = args->step.count > 0 || args->ramp.count > 0;
    int shapes = args->rate.is_set + args->poisson.is_set + args->burst.n.is_set +
                 (args->step.count > 0) + (args->ramp.count > 0) + (args->replay.count > 0);
    if (shapes > 1) {
        return "'at' takes one of its keys";
    }
    if (needs_time && !has_time) {
        return "'step' and 'ramp' need 'for'";
    }
    if (args->ramp.count != 0 && args->ramp.count != 2) {
        return "'ramp' is [from, to]";
    }
    return NULL;
}

void har_load_release(struct har_load *load)
{
    sl_free(load->parts);
    *load = (struct har_load){0};
}

void har_load_begin(struct har_load_cursor *cursor, uint64_t seed, uint64_t stream)
{
    *cursor = (struct har_load_cursor){0};
    sl_rng_init(&cursor->rng, seed, stream);
}

/* The time of message number index when the rate goes from a to b in seconds: the number sent by t is
 * a*t + (b - a)*t*t / (2*seconds), solved for t. */
static double ramp_time(const struct har_load *load, double index)
{
    double a = load->parts[0];
    double slope = (load->parts[1] - a) / load->seconds;
    if (fabs(slope) < 1e-9) {
        return a <= 0 ? INFINITY : index / a;
    }
    double root = a * a + 2 * slope * index;
    return root < 0 ? INFINITY : (sqrt(root) - a) / slope;
}

/* One message after at_s, where each part has its own rate; what is left of a message is carried over. */
static double step_time(const struct har_load *load, double at_s)
{
    double part_s = load->seconds / (double)load->part_count;
    double missing = 1; /* of a message */
    for (size_t i = (size_t)(at_s / part_s); i < load->part_count; i++) {
        double end_s = part_s * (double)(i + 1);
        double possible = fmax(end_s - at_s, 0) * load->parts[i];
        if (possible >= missing) {
            return at_s + missing / load->parts[i];
        }
        missing -= possible;
        at_s = fmax(at_s, end_s);
    }
    return INFINITY;
}

static double next_time(const struct har_load *load, struct har_load_cursor *cursor)
{
    double index = cursor->index;
    switch (load->shape) {
    case HAR_LOAD_EVEN:
        return floor(index / load->group) * load->group / load->rate;
    case HAR_LOAD_POISSON:
        return cursor->at_s - log(1 - sl_rng_unit(&cursor->rng)) / load->rate;
    case HAR_LOAD_STEP:
        return index < 1 && load->parts[0] > 0 ? 0 : step_time(load, cursor->at_s);
    case HAR_LOAD_RAMP:
        return ramp_time(load, index);
    case HAR_LOAD_REPLAY:
        return cursor->index < load->part_count ? load->parts[cursor->index] : INFINITY;
    case HAR_LOAD_AT_ONCE:
    default:
        return 0;
    }
}

bool har_load_next(const struct har_load *load, struct har_load_cursor *cursor, uint64_t *ret_ns)
{
    double at_s = fmax(next_time(load, cursor), cursor->at_s);
    bool has_limit = load->seconds > 0 && load->shape != HAR_LOAD_AT_ONCE;
    if (!isfinite(at_s) || at_s > 1e9 || (has_limit && at_s >= load->seconds)) {
        return false;
    }
    cursor->at_s = at_s;
    cursor->index++;
    *ret_ns = (uint64_t)(at_s * 1e9);
    return true;
}
