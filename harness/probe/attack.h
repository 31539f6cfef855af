/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_PROBE_ATTACK_H
#define HAR_PROBE_ATTACK_H

/*
 * One class on its connections: what is sent and when, and what the server does about it.
 *
 *   CONNECTING -> SENDING -> WAITING (for a limit after the last unit) -> SAME (a call on the connection) -> OVER
 *
 * The first ten units go one by one and later ones in batches, each when the one before is acknowledged where the class
 * has that: so the number of units before a limit is exact when it is small, and right to a batch when it is not.
 * Nothing acknowledged, or nothing read, for a second is a limit as well.
 */
#include "harness/probe/probe.h"

struct har_probe_attack;
struct har_probe_attack_config {
    uv_loop_t *loop;
    struct har_conn_config conn; /* where; handler and owner are not used */
    const char *method;          /* kept; and so on */
    struct sl_span request;
    const struct sl_header *metadata;
    size_t metadata_count;
    unsigned percent;
    uint64_t patience_ns;
    struct har_probe_result *result; /* kept: of is set, and what was sent and seen is written */
    void (*done)(void *owner);
    void *owner;
};
struct har_probe_attack *har_probe_attack_new(const struct har_probe_attack_config *config);
/* Resets what is still connected. Fine from done(), and for NULL. */
void har_probe_attack_free(struct har_probe_attack *attack);

#endif
