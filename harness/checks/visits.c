/* SPDX-License-Identifier: Apache-2.0 */
/* Checks on when clients under test come, as the fault proxy saw it: spread, backoff. */
#include <math.h>
#include <string.h>

#include "harness/checks/checks.h"
#include "harness/engine/actor.h"
#include "harness/proxy/proxy.h"
#include "lib/base/clock.h"

/* How many more than its share may fall into a bucket by chance, in standard deviations: of 16 clients whose delays
 * scatter as gRPC's do, once in ten thousand plays. */
#define CHANCE_SIGMAS 3.0

/* ---- what came between two marks ---- */

/* The time of the first mark of this name; fallback where name is NULL. A mark that was not set is a mistake. */
static uint64_t mark_ns(const struct har_check *check, const char *name, uint64_t fallback_ns)
{
    struct har_play *play = check->play;
    for (size_t i = 0; i < play->mark_count && name != NULL; i++) {
        if (strcmp(play->marks[i].name, name) == 0) {
            return play->marks[i].at_ns;
        }
    }
    if (name != NULL) {
        har_play_mistake(play, check->node->path, "no mark '%.60s' was set", name);
    }
    return fallback_ns;
}

struct between {
    const char *after, *before; /* marks; NULL: the whole play */
};

struct window {
    const struct har_visit *first;
    size_t count;
    uint64_t begin_ns, end_ns;
};

static struct window window_of(const struct har_check *check, const struct between *marks)
{
    const struct har_play *play = check->play;
    struct window window = {.begin_ns = mark_ns(check, marks->after, play->begin_ns),
                            .end_ns = mark_ns(check, marks->before, sl_clock_mono_ns())};
    const struct har_visits *visits = play->proxy == NULL ? NULL : har_proxy_visits(play->proxy);
    for (size_t i = 0; visits != NULL && i < visits->count; i++) {
        const struct har_visit *visit = &visits->items[i];
        if (visit->came_ns >= window.begin_ns && visit->came_ns <= window.end_ns) {
            window.first = window.count++ == 0 ? visit : window.first;
        }
    }
    return window;
}

/* ---- spread ---- */

struct spread_args {
    struct har_check_common common;
    struct {
        struct har_expr bucket, share, least;
        struct between marks;
    } spread;
};
#define AT(member) \
    offsetof(struct spread_args, spread.member) - offsetof(struct spread_args, spread)
static const struct har_field spread_inner[] = {
    {"bucket", HAR_FIELD_DURATION, AT(bucket), .help = "default 100ms, wherever it begins"},
    {"max_share", HAR_FIELD_EXPR, AT(share), .is_required = true,
     .help = "of the connections, in any bucket; what chance may add to it is allowed"},
    {"least", HAR_FIELD_EXPR, AT(least),
     .help = "fewer connections than these say nothing, and fail; default 8"},
    {"after", HAR_FIELD_STRING, AT(marks.after), .help = "a mark; default: the beginning"},
    {"before", HAR_FIELD_STRING, AT(marks.before), .help = "a mark; default: the end"},
};
#undef AT
static const struct har_field spread_fields[] = {
    HAR_CHECK_COMMON,
    {"spread", HAR_FIELD_OBJECT, offsetof(struct spread_args, spread), .fields = spread_inner,
     .field_count = sizeof(spread_inner) / sizeof(spread_inner[0]), .is_required = true,
     .help = "of which connections, and how many"},
};

static size_t fullest_bucket(const struct window *window, uint64_t bucket_ns)
{
    size_t most = 0;
    size_t begin = 0;
    for (size_t end = 0; end < window->count; end++) {
        while (window->first[end].came_ns - window->first[begin].came_ns >= bucket_ns) {
            begin++;
        }
        most = end - begin + 1 > most ? end - begin + 1 : most;
    }
    return most;
}

static void run_spread(const struct har_check *check)
{
    const struct spread_args *args = check->node->args;
    struct har_play *play = check->play;
    struct window window = window_of(check, &args->spread.marks);
    double share = har_play_value_in(play, &args->spread.share, 1, 0, 1);
    double least = har_play_value(play, &args->spread.least, 8);
    uint64_t bucket_ns = har_play_ns(play, &args->spread.bucket, 100);
    double count = (double)window.count;
    if (count < least) {
        har_check_fail(check, "only %zu connections came, %g are needed", window.count, least);
        return;
    }
    double bound = share * count + CHANCE_SIGMAS * sqrt(count * share * (1 - share));
    size_t most = fullest_bucket(&window, bucket_ns);
    /* A pause of the machine gathers those that came during it. */
    bool could_be_noise = har_play_hiccup_ns(play, window.begin_ns) * 2 >= bucket_ns;
    if ((double)most > bound) {
        har_check_fail_if(check, could_be_noise,
                          "%zu of %zu connections came within %llu ms; a share of %g allows %.0f",
                          most, window.count, (unsigned long long)(bucket_ns / SL_MS), share,
                          floor(bound));
    }
}

const struct har_check_type har_check_spread = {
    .name = "spread",
    .help = "the connections of clients do not come all at once",
    .example = "{\"spread\": {\"max_share\": 0.25, \"after\": \"back\"}, \"of\": \"far\"}",
    .rule = "CLNT-03",
    HAR_CHECK_ARGS(struct spread_args, spread_fields),
    .run = run_spread,
};

/* ---- backoff ---- */

struct backoff_args {
    struct har_check_common common;
    struct {
        struct har_expr base, multiplier, jitter, max, extra;
        struct between marks;
    } backoff;
};
#define AT(member) \
    offsetof(struct backoff_args, backoff.member) - offsetof(struct backoff_args, backoff)
static const struct har_field backoff_inner[] = {
    {"base", HAR_FIELD_DURATION, AT(base), .help = "the first delay; default 1s, as gRPC has it"},
    {"multiplier", HAR_FIELD_EXPR, AT(multiplier), .help = "default 1.6"},
    {"jitter", HAR_FIELD_EXPR, AT(jitter), .help = "a delay may be this part shorter; default 0.2"},
    {"max", HAR_FIELD_DURATION, AT(max), .help = "of a delay before its jitter; default 120s"},
    {"extra", HAR_FIELD_EXPR, AT(extra), .help = "attempts of each client beyond; default 1"},
    {"after", HAR_FIELD_STRING, AT(marks.after), .help = "a mark; default: the beginning"},
    {"before", HAR_FIELD_STRING, AT(marks.before), .help = "a mark; default: the end"},
};
#undef AT
static const struct har_field backoff_fields[] = {
    HAR_CHECK_COMMON,
    {"backoff", HAR_FIELD_OBJECT, offsetof(struct backoff_args, backoff), .fields = backoff_inner,
     .field_count = sizeof(backoff_inner) / sizeof(backoff_inner[0]), .is_required = true,
     .help = "the backoff, and when"},
};

/* The attempts of one client in so many ms: one at once, then each after the shortest delay that it may have. */
static double attempts_in(const struct har_check *check, double span_ms)
{
    const struct backoff_args *args = check->node->args;
    struct har_play *play = check->play;
    double jitter = har_play_value_in(play, &args->backoff.jitter, 0.2, 0, 0.99);
    double delay = har_play_value_in(play, &args->backoff.base, 1000, 1, HAR_DURATION_MAX_MS);
    double multiplier = har_play_value_in(play, &args->backoff.multiplier, 1.6, 1, 1000);
    double max = har_play_value_in(play, &args->backoff.max, 120000, 1, HAR_DURATION_MAX_MS);
    double attempts = 1;
    double at_ms = fmin(delay, max) * (1 - jitter);
    while (at_ms <= span_ms && attempts < HAR_VISITS_MAX) {
        attempts++;
        delay = fmin(delay * multiplier, max);
        at_ms += delay * (1 - jitter);
    }
    return attempts;
}

static void run_backoff(const struct har_check *check)
{
    const struct backoff_args *args = check->node->args;
    struct har_play *play = check->play;
    struct window window = window_of(check, &args->backoff.marks);
    size_t clients = 0;
    HAR_FOR_ACTORS (play, check->common->of_mask, actor) {
        clients += actor->spec->is_via_proxy;
    }
    if (clients == 0) {
        har_play_mistake(play, check->node->path, "none of these actors goes via the proxy");
        return;
    }
    double span_ms = (double)(window.end_ns - window.begin_ns) / (double)SL_MS;
    double extra = har_play_value_in(play, &args->backoff.extra, 1, 0, 1000);
    double allowed = (double)clients * (attempts_in(check, span_ms) + extra);
    if (window.count < clients) {
        har_check_fail(check, "%zu clients made only %zu attempts in %.1f s", clients, window.count,
                       span_ms / 1e3);
    } else if ((double)window.count > allowed) {
        har_check_fail(check, "%zu attempts of %zu clients in %.1f s; their backoff allows %.0f",
                       window.count, clients, span_ms / 1e3, allowed);
    }
}

const struct har_check_type har_check_backoff = {
    .name = "backoff",
    .help = "clients try to connect no more often than their backoff allows, and at least once",
    .example = "{\"backoff\": {\"base\": \"1s\", \"after\": \"refused\", \"before\": \"back\"}, "
               "\"of\": \"far\"}",
    .rule = "CLNT-02",
    HAR_CHECK_ARGS(struct backoff_args, backoff_fields),
    .run = run_backoff,
};
