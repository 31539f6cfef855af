/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_COMPARE_MODEL_H
#define HAR_COMPARE_MODEL_H

/*
 * Two runs side by side: what is different between A and B, and what of it counts.
 *
 * Results of one id (`--repeat`) are joined: a scenario failed on a side when one of its results did. Nothing is called
 * a change that chance or the machine explains: har_compare_noise says why not.
 *
 * Ownership: a model borrows the two runs; all else is its own until har_compare_release.
 */
#include "harness/compare/load.h"

enum {
    HAR_COMPARE_A,
    HAR_COMPARE_B,
    HAR_COMPARE_SIDES,
    HAR_COMPARE_RULES_MAX = 8,
    HAR_COMPARE_KINDS_MAX = 8,
    HAR_COMPARE_MARKS_MAX = 16,
    HAR_COMPARE_FAULTS_MAX = 16,
    HAR_COMPARE_SCOPES = 5,
    HAR_COMPARE_WARNINGS_MAX = 12,
    HAR_COMPARE_LATENCIES_MAX = 64 * 1024, /* in all */
    HAR_COMPARE_METRICS_MAX = 256,         /* of one scenario */
    HAR_COMPARE_STORIES_MAX = 10 * 1000,   /* in all */
};

/* In the order in which they are told. */
enum har_compare_group {
    HAR_COMPARE_NEWLY_FAILING, /* it passed in A */
    HAR_COMPARE_NEWLY_PASSING, /* it failed in A */
    HAR_COMPARE_DIFFERS,       /* any other difference */
    HAR_COMPARE_ONLY_A,
    HAR_COMPARE_ONLY_B,
    HAR_COMPARE_SAME,
    HAR_COMPARE_GROUPS,
};
extern const char *const har_compare_group_names[]; /* "newly_failing" */

/* The results of one scenario in one run. */
struct har_compare_tally {
    const struct har_compare_result *results; /* runs of them */
    size_t runs;
    size_t outcomes[HAR_SKIP + 1];
    size_t known;             /* of the failures */
    enum har_outcome outcome; /* joined: fail, else inconclusive, else pass, else skip */
    double duration_ms;       /* median */
    const struct har_compare_result
        *told; /* the first of the joined outcome; NULL when runs is 0 */
    const char *rules[HAR_COMPARE_RULES_MAX]; /* that failed, in the order of the file */
    size_t rule_count;
    size_t rules_left_out;
};

struct har_compare_pair {
    const char *id, *title, *level;
    struct har_compare_tally sides[HAR_COMPARE_SIDES];
    enum har_compare_group group;
    bool is_worse;    /* counts for the exit status */
    const char *what; /* "passed, now fails" */
    double
        chance; /* that one and the same server shows such a difference; negative where nothing is repeated */
    struct har_compare_story *story; /* NULL when no side has one */
};

/* ---- stories ---- */

struct har_compare_kind {
    const char *kind;
    size_t actors[HAR_COMPARE_SIDES];
    double sent[HAR_COMPARE_SIDES], received[HAR_COMPARE_SIDES], lost[HAR_COMPARE_SIDES];
};
struct har_compare_mark {
    const char *name;
    double rss_bytes[HAR_COMPARE_SIDES]; /* negative: not known */
};
/* What was done to an actor, each time it was. */
struct har_compare_fault {
    const char *what, *actor; /* actor "" for none */
    size_t times[HAR_COMPARE_SIDES];
    long affected[HAR_COMPARE_SIDES]
                 [HAR_COMPARE_SCOPES]; /* actors, the most of all times; negative: not told */
};
extern const char *const har_compare_scopes[HAR_COMPARE_SCOPES]; /* "same stream" */
struct har_compare_story {
    bool is_there[HAR_COMPARE_SIDES];
    size_t actors_left_out[HAR_COMPARE_SIDES];
    struct har_compare_kind kinds[HAR_COMPARE_KINDS_MAX];
    struct har_compare_mark marks[HAR_COMPARE_MARKS_MAX];
    struct har_compare_fault faults[HAR_COMPARE_FAULTS_MAX];
    size_t kind_count, mark_count, fault_count, left_out;
    bool differs; /* losses, who was affected beyond those it was done to, memory */
};

/* ---- latencies ---- */

enum har_compare_noise {
    HAR_COMPARE_REAL,       /* repeated, and nothing below explains the difference */
    HAR_COMPARE_UNREPEATED, /* nothing below explains it; but a run on a busier machine looks the same */
    HAR_COMPARE_ABSENT,  /* not measured on both sides */
    HAR_COMPARE_COUNTS,  /* far more samples on one side: what did not come has no latency */
    HAR_COMPARE_OURS,    /* of the harness itself, not of a server */
    HAR_COMPARE_PAUSES,  /* no more than the machine's pauses, or our own lateness */
    HAR_COMPARE_SMALL,   /* under half as much again; a tenth where both sides repeat */
    HAR_COMPARE_REPEATS, /* the repeats of one side scatter as far */
    HAR_COMPARE_FEW,     /* too few samples beyond the quantile */
    HAR_COMPARE_NOISES,
};
extern const char *const har_compare_noise_names[]; /* "pauses" */
extern const char *const har_compare_noise_texts[]; /* for people */

enum har_compare_quantile {
    HAR_COMPARE_P50,
    HAR_COMPARE_P90,
    HAR_COMPARE_P99,
    HAR_COMPARE_P999,
    HAR_COMPARE_MAX,
    HAR_COMPARE_QUANTILES,
};
extern const char *const har_compare_quantile_names[];

/* Of one side: the median over its results, and between what they lie. */
struct har_compare_value {
    size_t runs; /* 0: not measured */
    double ms, low, high;
};

struct har_compare_latency {
    const struct har_compare_pair *pair;
    const char *phase, *metric;
    double counts[HAR_COMPARE_SIDES]; /* samples, all results together */
    double least[HAR_COMPARE_SIDES];  /* of the result that has fewest */
    struct har_compare_value values[HAR_COMPARE_SIDES][HAR_COMPARE_QUANTILES];
    enum har_compare_noise noise[HAR_COMPARE_QUANTILES];
    enum har_compare_noise best; /* real or unrepeated where a quantile is, else that of p99 */
    double change;               /* the largest of that kind, as |ln ratio|; 0 for none */
};

/* ---- findings and what was calibrated ---- */

/* One rule on one side of the connection. */
struct har_compare_finding {
    const char *rule, *level, *side;
    const char *text;                 /* an example, of B where it has one */
    double counts[HAR_COMPARE_SIDES]; /* in scenarios that both runs played */
    double others[HAR_COMPARE_SIDES]; /* in scenarios that the other did not play */
    const char *change; /* "new", "gone", "both", "elsewhere": only where the other did not play */
};

struct har_compare_buffer {
    const char *name;
    double values[HAR_COMPARE_SIDES]; /* negative: not known */
    bool is_unstable[HAR_COMPARE_SIDES];
    const char *notes[HAR_COMPARE_SIDES]; /* why it could not be measured; NULL */
};

struct har_compare_options {
    bool
        is_strict; /* also worse: passed in A and not judged in B; failures of the levels S and I */
};

struct har_compare {
    const struct har_compare_run *runs[HAR_COMPARE_SIDES];
    struct har_compare_options options;
    struct har_compare_pair *pairs; /* by group, what is worse first, then by id */
    size_t pair_count;
    size_t groups[HAR_COMPARE_GROUPS];
    size_t worse;
    struct har_compare_latency
        *latencies; /* real changes first, then unrepeated ones; the largest first */
    size_t latency_count;
    size_t latencies_left_out;
    size_t story_count, stories_left_out;
    size_t noises[HAR_COMPARE_NOISES]; /* latencies by their best */
    struct har_compare_finding *findings;
    size_t finding_count;
    struct har_compare_buffer *buffers;
    size_t buffer_count;
    char warnings[HAR_COMPARE_WARNINGS_MAX][240]; /* what makes the two hard to compare */
    size_t warning_count;
};

void har_compare_make(struct har_compare *compare, const struct har_compare_run *a,
                      const struct har_compare_run *b, const struct har_compare_options *options);
void har_compare_release(struct har_compare *compare);
/* 0, or 1 when something of B is worse. */
int har_compare_status(const struct har_compare *compare);
/* Whether the fails of a side count: its level, and what is known. */
bool har_compare_fails(const struct har_compare *compare, const struct har_compare_tally *tally);

/* ---- the parts of har_compare_make ---- */
void har_compare_match(struct har_compare *compare);
void har_compare_stories(struct har_compare *compare);
void har_compare_latencies(struct har_compare *compare);
void har_compare_findings(struct har_compare *compare);
void har_compare_buffers(struct har_compare *compare);

/* How likely it is that of bad failures in a + b plays that many or more fall on b by chance (Fisher's exact test, one side). */
double har_compare_chance(size_t a_runs, size_t a_bad, size_t b_runs, size_t b_bad);

#endif
