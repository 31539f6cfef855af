/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_CHAOS_WRITE_H
#define HAR_CHAOS_WRITE_H

/*
 * A schedule as a scenario file, which `sluice-harness run` plays like any other.
 *
 * It checks what the contract promises whatever happens to others: witnesses get everything, while the faults are on; victims
 * miss only what SUB-05 lets them miss, get nothing twice, out of order, old or invented, and are served like
 * everybody else when the faults are over; the publisher is not held up; what was left is freed.
 */
#include "harness/chaos/schedule.h"

/* Texts of the file; NULL: the usual ones. */
struct har_chaos_texts {
    const char *title, *why;
};

/* The file as text. Yours to sl_free. */
char *har_chaos_write(const struct har_chaos_schedule *schedule,
                      const struct har_chaos_texts *texts);

#endif
