/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_VERBS_H
#define HAR_VERBS_H

/* All step types; table.c lists them. */
#include "harness/steps/step.h"

#define HAR_STEP_ARGS(args_type, field_table)                                               \
    .fields = (field_table), .field_count = sizeof(field_table) / sizeof((field_table)[0]), \
    .args_size = sizeof(args_type)

/* clang-format off */
#define HAR_STEPS(X) \
    X(subscribe) X(chat) X(open) X(send) X(flood) X(receive) X(call) X(credit) X(stall) X(resume) X(half_close) \
    X(cancel) X(close) X(truncate) X(phase) X(parallel) X(track) X(repeat) X(await) X(require) \
    X(hold) X(quiesce) X(barrier) X(mark) X(h2_ping) X(connect) X(pause) X(read) X(raw_frames) X(settings) X(window_update) X(goaway) \
    X(rst) X(stream_id) X(outcome) X(spawn) X(signal) X(restart) X(wait_ready) X(wait_exit) X(fault) X(h2fault) X(clear)
/* clang-format on */

#define X(name) extern const struct har_step_type har_step_##name;
HAR_STEPS(X)
#undef X

#endif
