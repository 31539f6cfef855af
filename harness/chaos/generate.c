/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/chaos/generate.h"

#include "lib/base/rng.h"

enum {
    FAULTS_OF_GROUP_MAX = 3,
    BURST_AT_ONCE = 10,
    STYLES_EVERY = 3,
    OUTAGE_CYCLES_MAX = 2, /* a drain may take its whole grace */
    LEAK_CYCLES = 6,
    LEAK_CYCLE_MS = 400,
    LARGE_SIZE = 16384,
    DEEP_SIZE = 4000, /* the stack holds a few of these only, and they are no load by themselves */
    DEEP_MORE = 180,  /* messages beyond the buffer: what the stack holds, and what is missed */
    GRAIN_MS = 50,
};

/* What a round is made to show. */
enum style {
    PLAIN,
    DEEP, /* readers stall for more than their buffer holds */
    LEAK, /* clients come and go in many short cycles */
};

struct generator {
    const struct har_chaos_options *options;
    struct har_chaos_coverage *coverage;
    struct har_chaos_schedule *schedule;
    struct sl_rng rng;
    enum style style;
    unsigned actors;  /* victims so far */
    unsigned at_once; /* messages of bursts so far */
};

static unsigned below(struct generator *generator, unsigned bound)
{
    return (unsigned)sl_rng_below(&generator->rng, bound);
}

static unsigned between(struct generator *generator, unsigned low, unsigned high)
{
    return low + below(generator, high - low + 1);
}

static bool one_in(struct generator *generator, unsigned n)
{
    return below(generator, n) == 0;
}

static enum style style_of(const struct har_chaos_options *options, unsigned round)
{
    if (round % STYLES_EVERY == 1 && options->has_buffer &&
        (options->kinds >> HAR_CHAOS_READER_STALL & 1) != 0) {
        return DEEP;
    }
    return round % STYLES_EVERY == 2 && options->is_observed ? LEAK : PLAIN;
}

static bool is_allowed(const struct har_chaos_options *options, unsigned kind)
{
    return (options->kinds >> kind & 1) != 0;
}

static unsigned *pair(struct har_chaos_coverage *coverage, unsigned a, unsigned b)
{
    return a < b ? &coverage->pairs[a][b] : &coverage->pairs[b][a];
}

/* With the faults before it. */
static void count_fault(const struct har_chaos_schedule *schedule, size_t fault,
                        struct har_chaos_coverage *coverage)
{
    unsigned kind = schedule->faults[fault].kind;
    for (size_t i = 0; i < fault; i++) {
        (*pair(coverage, kind, schedule->faults[i].kind))++;
    }
    coverage->kinds[kind]++;
}

void har_chaos_cover(const struct har_chaos_schedule *schedule, struct har_chaos_coverage *coverage)
{
    for (size_t i = 0; i < schedule->fault_count; i++) {
        count_fault(schedule, i, coverage);
    }
    coverage->rounds = schedule->round + 1;
}

/* ---- which kinds ---- */

/* Clients that leave and come back through the proxy. */
static bool is_proxied_leaver(unsigned flags)
{
    return (flags & HAR_CHAOS_LEAVES) != 0 && (flags & HAR_CHAOS_PROXY) != 0;
}

/* Whether a kind shows what the round is made for; it has one of these at least. */
static bool is_of_style(enum style style, unsigned kind)
{
    return style == PLAIN || (style == DEEP && kind == HAR_CHAOS_READER_STALL) ||
           (style == LEAK && (har_chaos_kinds[kind].flags & HAR_CHAOS_LEAVES) != 0);
}

/* What cannot be together: the server goes away once in a cycle, and what is refused must be those that are meant; how
 * much comes while readers stall deeply is counted, so nobody else sends then. */
static bool is_excluded(const struct generator *generator, unsigned kind)
{
    const struct har_chaos_schedule *schedule = generator->schedule;
    bool has_process = false;
    bool has_leaver = false;
    for (size_t i = 0; i < schedule->fault_count; i++) {
        has_process |= har_chaos_kinds[schedule->faults[i].kind].victims == 0;
    }
    for (size_t g = 0; g < schedule->group_count; g++) {
        has_leaver |= is_proxied_leaver(har_chaos_group_flags(schedule, g));
    }
    bool is_counted = generator->style == DEEP;
    return (har_chaos_kinds[kind].victims == 0 && (has_process || is_counted)) ||
           (kind == HAR_CHAOS_BURST && is_counted) ||
           (kind == HAR_CHAOS_REFUSE && (has_leaver || har_chaos_has_kind(schedule, kind)));
}

/* The one that came least, alone and with those that are there; style: of these only. */
static unsigned choose_kind(struct generator *generator, enum style style)
{
    const struct har_chaos_schedule *schedule = generator->schedule;
    unsigned best = HAR_CHAOS_KINDS;
    uint64_t best_score = UINT64_MAX;
    for (unsigned kind = 0; kind < HAR_CHAOS_KINDS; kind++) {
        uint64_t score = below(generator, 64);
        if (!is_allowed(generator->options, kind) || is_excluded(generator, kind) ||
            !is_of_style(style, kind)) {
            continue;
        }
        score += 32 * (uint64_t)generator->coverage->kinds[kind];
        for (size_t i = 0; i < schedule->fault_count; i++) {
            score += 64 * (uint64_t)*pair(generator->coverage, kind, schedule->faults[i].kind);
        }
        if (score < best_score) {
            best_score = score;
            best = kind;
        }
    }
    return best;
}

/* ---- whom ---- */

static bool is_kept_apart(const struct har_chaos_schedule *schedule, unsigned flags, unsigned kind)
{
    flags |= har_chaos_kinds[kind].flags;
    bool has_refusal = kind == HAR_CHAOS_REFUSE || har_chaos_has_kind(schedule, HAR_CHAOS_REFUSE);
    return has_refusal && is_proxied_leaver(flags);
}

static bool may_join(const struct generator *generator, size_t group, unsigned kind)
{
    const struct har_chaos_schedule *schedule = generator->schedule;
    unsigned count = 0;
    for (size_t i = 0; i < schedule->fault_count; i++) {
        count += schedule->faults[i].group == group &&
                 har_chaos_kinds[schedule->faults[i].kind].victims != 0;
    }
    unsigned flags = har_chaos_group_flags(schedule, group);
    bool ends_twice = (flags & har_chaos_kinds[kind].flags & HAR_CHAOS_ENDS) != 0;
    bool is_alone = generator->style == DEEP && group == 0; /* those who stall */
    return !is_alone && har_chaos_fits(kind, &schedule->groups[group]) &&
           count < FAULTS_OF_GROUP_MAX && !ends_twice && !is_kept_apart(schedule, flags, kind);
}

/* Publishers have no stream by which the proxy could tell them apart: one group of them goes through it. */
static bool has_proxied_publisher(const struct har_chaos_schedule *schedule)
{
    for (size_t g = 0; g < schedule->group_count; g++) {
        if (schedule->groups[g].who == HAR_CHAOS_PUBLISHER &&
            (har_chaos_group_flags(schedule, g) & HAR_CHAOS_PROXY) != 0) {
            return true;
        }
    }
    return false;
}

static unsigned choose_who(struct generator *generator, unsigned kind)
{
    const struct har_chaos_kind_info *info = &har_chaos_kinds[kind];
    unsigned victims = info->victims;
    if ((info->flags & HAR_CHAOS_PROXY) != 0 && has_proxied_publisher(generator->schedule)) {
        victims &= ~(1U << HAR_CHAOS_PUBLISHER);
    }
    if (generator->style == DEEP) {
        victims &= generator->schedule->fault_count == 0 ? 1U << HAR_CHAOS_SUBSCRIBER
                                                         : ~(1U << HAR_CHAOS_PUBLISHER);
    }
    for (;;) { /* subscribers twice as often: there is most to see in them */
        static const unsigned order[] = {HAR_CHAOS_SUBSCRIBER, HAR_CHAOS_SUBSCRIBER, HAR_CHAOS_CHAT,
                                         HAR_CHAOS_PUBLISHER};
        unsigned who = order[below(generator, 4)];
        if ((victims >> who & 1) != 0) {
            return who;
        }
    }
}

/* HAR_CHAOS_GROUPS_MAX when there is no place. */
static size_t new_group(struct generator *generator, unsigned kind)
{
    struct har_chaos_schedule *schedule = generator->schedule;
    unsigned left = generator->options->actors - generator->actors;
    if (schedule->group_count == HAR_CHAOS_GROUPS_MAX || left == 0) {
        return HAR_CHAOS_GROUPS_MAX;
    }
    struct har_chaos_group *group = &schedule->groups[schedule->group_count];
    *group = (struct har_chaos_group){.who = choose_who(generator, kind)};
    unsigned most = kind == HAR_CHAOS_UNREAD_ACKS       ? 1
                    : group->who == HAR_CHAOS_PUBLISHER ? 2
                    : kind == HAR_CHAOS_STREAM_FLOOD    ? 8
                                                        : 4;
    group->count = between(generator, 1, most < left ? most : left);
    bool is_deep = generator->style == DEEP && schedule->fault_count == 0;
    bool wants_grpc = one_in(generator, 3) && !is_deep;
    unsigned flags = har_chaos_kinds[kind].flags;
    group->is_grpc = wants_grpc && (flags & (HAR_CHAOS_PROXY | HAR_CHAOS_H2)) == 0;
    bool wants_shared =
        one_in(generator, 2) || (har_chaos_is_of_stream(kind) && one_in(generator, 2));
    group->is_shared =
        wants_shared && group->who != HAR_CHAOS_PUBLISHER && kind != HAR_CHAOS_TRUNCATE;
    group->is_first = one_in(generator, 3);
    group->has_neighbour =
        group->is_shared && group->who == HAR_CHAOS_SUBSCRIBER && har_chaos_is_of_stream(kind);
    generator->actors += group->count;
    return schedule->group_count++;
}

static size_t choose_group(struct generator *generator, unsigned kind)
{
    const struct har_chaos_schedule *schedule = generator->schedule;
    bool is_proxied = (har_chaos_kinds[kind].flags & HAR_CHAOS_PROXY) != 0;
    size_t begin = below(generator, (unsigned)schedule->group_count + 1);
    if (one_in(generator, 2)) { /* two faults on the same clients */
        for (size_t i = 0; i < schedule->group_count; i++) {
            size_t g = (begin + i) % schedule->group_count;
            bool is_publisher = schedule->groups[g].who == HAR_CHAOS_PUBLISHER;
            bool is_taken = is_publisher && is_proxied && has_proxied_publisher(schedule);
            if (may_join(generator, g, kind) && !is_taken &&
                !(schedule->groups[g].has_neighbour && !har_chaos_is_of_stream(kind))) {
                return g;
            }
        }
    }
    return new_group(generator, kind);
}

/* ---- how ---- */

static unsigned amount_of(struct generator *generator, unsigned kind, bool is_other)
{
    const struct har_chaos_load *load = &generator->schedule->load;
    unsigned buffer = generator->options->buffer;
    switch (kind) {
    case HAR_CHAOS_LATENCY:
        return between(generator, 1, 12) * 10; /* ms */
    case HAR_CHAOS_BANDWIDTH:
        return between(generator, 1, 8) * 8000; /* bytes a second */
    case HAR_CHAOS_SLICE: /* never so small that the slicing itself becomes the load */
        return 16 + load->size / 8 + below(generator, 512);
    case HAR_CHAOS_RESET:
    case HAR_CHAOS_CLOSE:
        return one_in(generator, 2) ? 0 : between(generator, 1, 10); /* messages before it */
    case HAR_CHAOS_CANCEL:
    case HAR_CHAOS_DISCONNECT:
    case HAR_CHAOS_STALLED_DISCONNECT:
        return between(generator, 1, 3); /* times */
    case HAR_CHAOS_STREAM_FLOOD:
        return between(generator, 3, 8);
    case HAR_CHAOS_BURST: {
        if (is_other) { /* paced, so that whoever reads misses nothing */
            return between(generator, buffer, 3 * buffer);
        }
        unsigned room = buffer / 2 > generator->at_once ? buffer / 2 - generator->at_once : 0;
        unsigned amount = room < BURST_AT_ONCE ? 1 : between(generator, BURST_AT_ONCE, room);
        generator->at_once += amount;
        return amount;
    }
    default:
        return 0;
    }
}

static void add_fault(struct generator *generator, unsigned kind)
{
    struct har_chaos_schedule *schedule = generator->schedule;
    const struct har_chaos_kind_info *info = &har_chaos_kinds[kind];
    size_t group = info->victims == 0 ? 0 : choose_group(generator, kind);
    if (group == HAR_CHAOS_GROUPS_MAX) {
        return;
    }
    struct har_chaos_fault *fault = &schedule->faults[schedule->fault_count];
    unsigned grains = schedule->cycle_ms / GRAIN_MS;
    *fault = (struct har_chaos_fault){.kind = kind, .group = (unsigned)group};
    fault->at_ms = below(generator, grains / 2 + 1) * GRAIN_MS;
    bool is_publisher = info->victims != 0 && schedule->groups[group].who == HAR_CHAOS_PUBLISHER;
    if ((info->flags & HAR_CHAOS_LASTS) != 0) {
        bool must_end = is_publisher || info->victims == 0;
        fault->for_ms = between(generator, 2, grains / 2 + 2) * GRAIN_MS;
        fault->for_ms = one_in(generator, 2) && !must_end ? 0 : fault->for_ms;
    }
    if (generator->style == DEEP && schedule->fault_count == 0) {
        fault->at_ms = fault->for_ms = 0;
    }
    fault->is_other = one_in(generator, 2);
    fault->amount = amount_of(generator, kind, fault->is_other);
    count_fault(schedule, schedule->fault_count++, generator->coverage);
}

static void choose_load(struct generator *generator)
{
    static const unsigned sizes[] = {64, 256, 1000, 4000};
    const struct har_chaos_options *options = generator->options;
    struct har_chaos_schedule *schedule = generator->schedule;
    struct har_chaos_load *load = &schedule->load;
    schedule->cycles = between(generator, 1, 3);
    schedule->cycle_ms = between(generator, 8, 20) * GRAIN_MS;
    load->publishers = between(generator, 1, options->rate_hz < 3 ? 1 : 3);
    unsigned most = options->rate_hz / load->publishers;
    load->rate_hz = between(generator, most < 10 ? most : most / 3, most);
    load->size = sizes[below(generator, 4)];
    load->live = between(generator, 1, 2);
    load->core = 1;
    load->talkers = below(generator, 3);
    load->has_elsewhere = one_in(generator, 2);
    if (generator->style == LEAK) {
        schedule->cycles = LEAK_CYCLES;
        schedule->cycle_ms = LEAK_CYCLE_MS;
        load->rate_hz = most;
        load->size = LARGE_SIZE;
    } else if (generator->style == DEEP) {
        load->publishers = 1;
        load->rate_hz = options->rate_hz;
        load->size = DEEP_SIZE;
        unsigned grains = (options->buffer + DEEP_MORE) * 1000 / load->rate_hz / GRAIN_MS + 1;
        schedule->cycles = 1;
        schedule->cycle_ms = (grains * GRAIN_MS < HAR_CHAOS_CYCLE_MAX_MS) ? grains * GRAIN_MS
                                                                          : HAR_CHAOS_CYCLE_MAX_MS;
    }
    unsigned room = options->is_ready ? options->buffer : options->buffer / 2;
    load->has_limited = one_in(generator, 2) && har_chaos_holds_back(schedule) < room;
}

void har_chaos_generate(const struct har_chaos_options *options,
                        struct har_chaos_coverage *coverage, struct har_chaos_schedule *schedule)
{
    struct generator generator = {.options = options, .coverage = coverage, .schedule = schedule};
    *schedule = (struct har_chaos_schedule){.seed = options->seed,
                                            .round = coverage->rounds++,
                                            .has_buffer = options->has_buffer,
                                            .is_ready = options->is_ready};
    sl_rng_init(&generator.rng, options->seed, schedule->round);
    generator.style = style_of(options, schedule->round);
    choose_load(&generator);
    unsigned least = options->max_faults < 3 ? 1 : options->max_faults / 2;
    unsigned wanted = between(&generator, least, options->max_faults);
    for (unsigned i = 0; i < wanted; i++) {
        enum style style = schedule->fault_count == 0 ? generator.style : PLAIN;
        unsigned kind = choose_kind(&generator, style);
        kind = kind == HAR_CHAOS_KINDS ? choose_kind(&generator, PLAIN) : kind;
        if (kind != HAR_CHAOS_KINDS) {
            add_fault(&generator, kind);
        }
    }
    if (har_chaos_has(schedule, HAR_CHAOS_OUTAGE) && schedule->cycles > OUTAGE_CYCLES_MAX) {
        schedule->cycles = OUTAGE_CYCLES_MAX;
    }
}

static bool is_possible_pair(unsigned a, unsigned b)
{
    bool are_of_process = har_chaos_kinds[a].victims == 0 && har_chaos_kinds[b].victims == 0;
    return !are_of_process && !(a == b && a == HAR_CHAOS_REFUSE);
}

struct har_chaos_covered har_chaos_covered(const struct har_chaos_options *options,
                                           const struct har_chaos_coverage *coverage)
{
    struct har_chaos_covered covered = {0};
    for (unsigned a = 0; a < HAR_CHAOS_KINDS; a++) {
        bool is_in = is_allowed(options, a);
        covered.kinds_possible += is_in;
        covered.kinds += is_in && coverage->kinds[a] > 0;
        for (unsigned b = a; b < HAR_CHAOS_KINDS && is_in; b++) {
            bool is_pair = is_allowed(options, b) && is_possible_pair(a, b);
            covered.pairs_possible += is_pair;
            covered.pairs += is_pair && coverage->pairs[a][b] > 0;
        }
    }
    return covered;
}
