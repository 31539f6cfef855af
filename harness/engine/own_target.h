/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_OWN_TARGET_H
#define HAR_OWN_TARGET_H

/*
 * A scenario that stops, kills or drains the server gets one of its own, started by the same command on another port
 * and ended after it. So the server of the other scenarios never goes away, whatever such a scenario does.
 *
 * Life: one loop, one thread; callbacks come from the loop.
 */
#include "harness/engine/target.h"
#include "harness/scenario/model.h"

/* What a scenario does to the server's process. */
enum har_harm {
    HAR_HARM_NONE,
    HAR_HARM_PAUSE, /* SIGSTOP and SIGCONT */
    HAR_HARM_END,   /* any other signal, or a restart */
};
enum har_harm har_harm_of(const struct har_scenario *scenario);
/* NULL, or why the scenario cannot be played against this target: who started it, and where it listens. */
const char *har_target_problem(const struct har_scenario *scenario,
                               const struct har_target *target);

struct har_own_target;

/* ready(): it serves, or why not; once, unless har_own_target_end comes before. */
struct har_own_target *har_own_target_begin(const struct har_target *like, har_target_fn *ready,
                                            void *owner);
struct har_target *har_own_target(struct har_own_target *own);
/* Asks whether it still serves (where is_asked), ends it and frees it; then done() says what was answered. A second
 * call does nothing. */
void har_own_target_end(struct har_own_target *own, bool is_asked, har_target_fn *done,
                        void *owner);

#endif
