/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_LOAD_H
#define HAR_LOAD_H

/*
 * When messages are to be sent: the shapes of load, as offsets from the beginning of a step.
 *
 * The times are those that the scenario intends, whatever the server or this machine does; latency is
 * counted from them, so that a server which stops for a second is charged with all that it held up.
 */
#include "harness/scenario/fields.h"
#include "lib/base/rng.h"
#include "lib/base/status.h"

enum {
    HAR_LOAD_PARTS_MAX = 10000, /* steps, or recorded times */
};

struct har_burst_args {
    struct har_expr n, every_ms;
};
/* The key `at` of `send`; at most one of them. */
struct har_load_args {
    struct har_expr rate;    /* messages a second, evenly */
    struct har_expr poisson; /* messages a second, as independent users send them */
    struct har_exprs step;   /* rates, each for an equal part of the time */
    struct har_exprs ramp;   /* [from, to]: the rate changes evenly over the time */
    struct har_exprs replay; /* recorded times in ms */
    struct har_burst_args burst;
};
enum {
    HAR_LOAD_FIELDS = 6,
};
extern const struct har_field har_load_fields[HAR_LOAD_FIELDS];

enum har_load_shape {
    HAR_LOAD_AT_ONCE, /* no times: as fast as the loop allows */
    HAR_LOAD_EVEN,
    HAR_LOAD_POISSON,
    HAR_LOAD_STEP,
    HAR_LOAD_RAMP,
    HAR_LOAD_REPLAY,
};

/* A shape with its numbers. */
struct har_load {
    enum har_load_shape shape;
    double rate;    /* even, poisson: messages a second */
    double group;   /* even: messages at each time */
    double seconds; /* step, ramp: of the whole; else the time limit, 0: none */
    double *parts;  /* step: rates; ramp: two rates; replay: seconds. Owned */
    size_t part_count;
};
/* What is wrong with the keys together, or NULL. has_time: the key `for` is there. */
const char *har_load_problem(const struct har_load_args *args, bool has_time);
void har_load_release(struct har_load *load);

/* Where one sender stands in it. */
struct har_load_cursor {
    struct sl_rng rng;
    double at_s; /* of the last message */
    uint32_t index;
};

/* seed and stream: for poisson. */
void har_load_begin(struct har_load_cursor *cursor, uint64_t seed, uint64_t stream);
/* The offset of the next message in ns; false when the shape has ended. Offsets never go back. */
bool har_load_next(const struct har_load *load, struct har_load_cursor *cursor, uint64_t *ret_ns);

#endif
