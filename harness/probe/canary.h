/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_PROBE_CANARY_H
#define HAR_PROBE_CANARY_H

/*
 * Calls that are right, each on a new connection, one after the other: is everybody else still served, and how fast?
 *
 * Answered is any grpc-status but UNAVAILABLE; lost is one without an answer in 4 s, whatever is tried anew within 5 s.
 */
#include "harness/probe/probe.h"
#include "harness/target/ready.h"

struct har_probe_canary;
typedef void har_probe_canary_fn(void *owner);

struct har_probe_canary_config {
    uv_loop_t *loop;
    struct har_ready_config call;  /* connection, method, request, metadata */
    uint32_t count;                /* 0: until har_probe_canary_end */
    struct har_probe_tally *tally; /* kept, and counted up */
    har_probe_canary_fn *done;
    void *owner;
};
struct har_probe_canary *har_probe_canary_new(const struct har_probe_canary_config *config);
/* No more are begun; done() comes when the one on its way is answered, or lost. */
void har_probe_canary_end(struct har_probe_canary *canary);
/* Fine from done(), and for NULL. */
void har_probe_canary_free(struct har_probe_canary *canary);
/* Whether the last one was answered with OK. */
bool har_probe_canary_was_ok(const struct har_probe_canary *canary);

#endif
