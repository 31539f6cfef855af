/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_CALIBRATE_H
#define HAR_CALIBRATE_H

/*
 * What a target's stack and this machine are like, measured before anything is judged by it.
 *
 * Each stage is a small scenario of its own, played by the engine against the target; what is measured is read
 * from its records. A stage whose samples scatter by more than HAR_CALIBRATE_CV_MAX is played again; a value that
 * stays unsteady, or could not be measured at all, is known to be so: a failure of a scenario that used it is
 * inconclusive.
 *
 * Hidden capacity: what the stack below the server's application takes before the application feels that a
 * reader stalls. It has two parts, since some stacks count bytes (write quotas) and some messages (queues of
 * objects): `hidden_bytes` and `hidden_messages`; it is measured with a window of zero, so that a window of W
 * comes on top with floor(W / (L + 5)).
 *
 * Life: one loop, one thread; done() is called from the loop.
 */
#include "harness/engine/play.h"
#include "harness/scenario/names.h"

#define HAR_CALIBRATE_CV_MAX 0.25

enum har_measure {
    HAR_RTT,     /* ms, median of unary calls one after the other */
    HAR_RTT_P99, /* ms */
    HAR_HIDDEN_BYTES,
    HAR_HIDDEN_MESSAGES,
    HAR_BUFFER,      /* messages */
    HAR_IS_OLDEST,   /* drop policy: 1 oldest, 0 newest */
    HAR_DEFAULT_HZ,  /* rate of a subscription without one */
    HAR_INTERVAL_MS, /* from one TYPE_PING to the next */
    HAR_CAPACITY,    /* messages a second published and delivered without loss */
    HAR_KNEE,        /* calls in flight from which on more do not help */
    HAR_MEASURES,
};

struct har_measured {
    bool is_known;
    double value;
    double cv; /* standard deviation over mean of the samples; 0 where there is one */
};

struct har_calibration {
    unsigned asked; /* HAR_BIT of enum har_calibrated */
    struct har_measured measures[HAR_MEASURES];
    char notes[HAR_CALIBRATED][160]; /* why something could not be measured; "" */
    uint64_t duration_ns;
};

/* "rtt", as in the report. */
const char *har_measure_name(enum har_measure measure);
/* False when it is unsteady, or not known although it was asked for. */
bool har_calibration_is_steady(const struct har_calibration *calibration, enum har_measure measure);
/* Messages of size bytes that the stack takes, rounded up. Only when both parts are known. */
double har_calibration_hidden(const struct har_calibration *calibration, double size);

typedef void har_calibrate_fn(void *owner);

struct har_calibrate;
/* Measures what asked (bits) names; base holds loop, profile, conn, metadata, pool, seed, run, hiccup and pid.
 * calibration is written to until done() comes, where the returned object is to be freed. */
struct har_calibrate *har_calibrate_start(const struct har_play_config *base, unsigned asked,
                                          struct har_calibration *calibration,
                                          har_calibrate_fn *done, void *owner);
/* What is being measured, and which of how many stages that is, from 1. "" when nothing is. */
const char *har_calibrate_stage(const struct har_calibrate *calibrate, size_t *ret_number,
                                size_t *ret_count);
/* Nothing more is measured: done() comes soon. NULL is fine. */
void har_calibrate_stop(struct har_calibrate *calibrate);
void har_calibrate_free(struct har_calibrate *calibrate);

/* For people: what it means, a line each. */
void har_calibration_print(FILE *out, const struct har_calibration *calibration,
                           const struct har_profile *profile);

/* ---- the stages (calibrate_stages.c) ---- */

struct har_stage {
    unsigned measures; /* HAR_BIT of enum har_calibrated that it serves */
    /* The scenario; scale is 1, or more when too little was asked. */
    void (*write)(struct sl_buf *out, const struct har_profile *profile, unsigned scale);
    /* Out of a play that went well. False: once more, with four times the scale. */
    bool (*read)(struct har_play *play, struct har_calibration *calibration);
    enum har_measure judged; /* its CV decides whether the stage is played again */
};
extern const struct har_stage har_stages[];
extern const size_t har_stage_count;

#endif
