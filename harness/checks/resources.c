/* SPDX-License-Identifier: Apache-2.0 */
/* Checks on what the target's process holds: rss_growth, fd, threads. */
#include <math.h>
#include <string.h>

#include "harness/checks/checks.h"

#define NOT_OBSERVED " not observed: the target is neither spawned nor given by --pid"

/* ---- memory ---- */

struct rss_args {
    struct har_check_common common;
    const char *mark;
    struct har_expr rounds, below;
};
static const struct har_field rss_fields[] = {
    HAR_CHECK_COMMON,
    {"rss_growth", HAR_FIELD_STRING, offsetof(struct rss_args, mark), .is_required = true,
     .help = "the name of a mark that is set once a round"},
    {"rounds", HAR_FIELD_EXPR, offsetof(struct rss_args, rounds),
     .help = "of so many rounds in a row ...; default 4"},
    {"below_mib", HAR_FIELD_EXPR, offsetof(struct rss_args, below), .is_required = true,
     .help = "... memory grew by less than this, at some place after the first round"},
};

/* A runtime with a collector grows until it collects: so the question is whether growth ever stops.
 * A leak never does. */
static void run_rss(const struct har_check *check)
{
    const struct rss_args *args = check->node->args;
    struct har_play *play = check->play;
    size_t rounds = (size_t)fmax(1, har_play_value(play, &args->rounds, 4));
    double below = har_play_value(play, &args->below, 0);
    double samples[HAR_MARKS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < play->mark_count; i++) {
        if (strcmp(play->marks[i].name, args->mark) == 0 && play->marks[i].has_resources) {
            samples[count++] = (double)play->marks[i].resources.rss_bytes / (1024.0 * 1024.0);
        }
    }
    if (play->config.pid == 0 || count == 0) {
        har_check_note(check, "memory was" NOT_OBSERVED);
        return;
    }
    if (count < rounds + 2) {
        har_play_mistake(
            play, check->node->path,
            "growth in %zu rounds needs at least %zu marks of that name, there are %zu", rounds,
            rounds + 2, count);
        return;
    }
    double least = INFINITY;
    for (size_t i = 1; i + rounds < count; i++) {
        least = fmin(least, samples[i + rounds] - samples[i]);
    }
    size_t before = play->failure_count;
    if (least >= below) {
        har_check_fail(
            check,
            "memory went from %.1f to %.1f MiB in %zu rounds and never stopped growing: at "
            "least %.1f MiB in any %zu rounds, %g allowed",
            samples[0], samples[count - 1], count - 1, least, rounds, below);
    }
    for (size_t i = before; i < play->failure_count; i++) {
        play->failures[i].is_trend = true; /* a heap that is filled for the first time grows, too */
    }
}

const struct har_check_type har_check_rss_growth = {
    .name = "rss_growth",
    .help = "the target's memory stops growing; not checked where it cannot be observed",
    .example = "{\"rss_growth\": \"round\", \"rounds\": 4, \"below_mib\": 2}",
    .rule = "RES-01",
    HAR_CHECK_ARGS(struct rss_args, rss_fields),
    .run = run_rss,
};

struct peak_args {
    struct har_check_common common;
    const char *mark;
    struct har_expr below;
};
static const struct har_field peak_fields[] = {
    HAR_CHECK_COMMON,
    {"rss_peak", HAR_FIELD_STRING, offsetof(struct peak_args, mark), .is_required = true,
     .help = "the name of a mark that is set at least twice"},
    {"below_mib", HAR_FIELD_EXPR, offsetof(struct peak_args, below), .is_required = true,
     .help = "from its first mark to any later one memory was never so much more"},
};

/* What was there and is gone again by the next mark counts, too: it is what the kernel kills a process for. */
static void run_peak(const struct har_check *check)
{
    const struct peak_args *args = check->node->args;
    struct har_play *play = check->play;
    const struct har_mark *first = NULL;
    double peak = 0;
    size_t count = 0;
    for (size_t i = 0; i < play->mark_count; i++) {
        const struct har_mark *mark = &play->marks[i];
        if (strcmp(mark->name, args->mark) != 0 || !mark->has_resources) {
            continue;
        }
        if (first != NULL) {
            peak = fmax(peak, (double)mark->resources.peak_bytes);
        }
        first = first == NULL ? mark : first;
        count++;
    }
    if (count < 2) {
        har_check_note(check, "memory was" NOT_OBSERVED);
        return;
    }
    double before =
        (double)(first->is_peak_reset ? first->resources.rss_bytes : first->resources.peak_bytes);
    double below = har_play_value(play, &args->below, 0);
    double grown = (peak - before) / (1024.0 * 1024.0);
    if (grown >= below) {
        har_check_fail(check, "memory rose from %.1f MiB by %.1f MiB; less than %g is allowed",
                       before / (1024.0 * 1024.0), grown, below);
    }
}

const struct har_check_type har_check_rss_peak = {
    .name = "rss_peak",
    .help = "the target's memory stayed below a bound all the time; not checked where it cannot be "
            "observed",
    .example = "{\"rss_peak\": \"round\", \"below_mib\": 64}",
    .rule = "RES-01",
    HAR_CHECK_ARGS(struct peak_args, peak_fields),
    .run = run_peak,
};

/* ---- descriptors and threads ---- */

struct held_args {
    struct har_check_common common;
    const char *mark;
    struct har_expr growth;
};
static const struct har_field fd_fields[] = {
    HAR_CHECK_COMMON,
    {"fd", HAR_FIELD_STRING, offsetof(struct held_args, mark), .is_required = true,
     .help = "the name of a mark that is set at least twice"},
    {"growth", HAR_FIELD_EXPR, offsetof(struct held_args, growth),
     .help = "how many more there may be at the last one than at the first; default 0"},
};
static const struct har_field threads_fields[] = {
    HAR_CHECK_COMMON,
    {"threads", HAR_FIELD_STRING, offsetof(struct held_args, mark), .is_required = true,
     .help = "the name of a mark that is set at least twice"},
    {"growth", HAR_FIELD_EXPR, offsetof(struct held_args, growth),
     .help = "how many more there may be at the last one than at the first; default 0"},
};

static double held_at(const struct har_mark *mark, bool is_threads)
{
    return (double)(is_threads ? mark->resources.threads : mark->resources.fds);
}

static void run_held(const struct har_check *check, const char *what, bool is_threads)
{
    const struct held_args *args = check->node->args;
    struct har_play *play = check->play;
    const struct har_mark *first = NULL;
    const struct har_mark *last = NULL;
    for (size_t i = 0; i < play->mark_count; i++) {
        const struct har_mark *mark = &play->marks[i];
        if (strcmp(mark->name, args->mark) == 0 && mark->has_resources) {
            first = first == NULL ? mark : first;
            last = mark;
        }
    }
    if (first == last) {
        har_check_note(check,
                       is_threads ? "threads were" NOT_OBSERVED : "descriptors were" NOT_OBSERVED);
        return;
    }
    double growth = held_at(last, is_threads) - held_at(first, is_threads);
    double allowed = har_play_value(play, &args->growth, 0);
    size_t before = play->failure_count;
    if (growth > allowed) {
        har_check_fail(check,
                       "the target had %g %s at first and %g at the end; %g more are allowed",
                       held_at(first, is_threads), what, held_at(last, is_threads), allowed);
    }
    for (size_t i = before; i < play->failure_count; i++) {
        play->failures[i].is_trend = true; /* pools are filled once, and connections close late */
    }
}

static void run_fd(const struct har_check *check)
{
    run_held(check, "file descriptors", false);
}

static void run_threads(const struct har_check *check)
{
    run_held(check, "threads", true);
}

const struct har_check_type har_check_fd = {
    .name = "fd",
    .help = "the target's file descriptors came back; not checked where it cannot be observed",
    .example = "{\"fd\": \"round\", \"growth\": 2}",
    .rule = "RES-01",
    HAR_CHECK_ARGS(struct held_args, fd_fields),
    .run = run_fd,
};
const struct har_check_type har_check_threads = {
    .name = "threads",
    .help = "the target's threads came back; not checked where it cannot be observed",
    .example = "{\"threads\": \"round\"}",
    .rule = "RES-01",
    HAR_CHECK_ARGS(struct held_args, threads_fields),
    .run = run_threads,
};
