/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_RAW_STEPS_H
#define HAR_RAW_STEPS_H

/* What the verbs that write frames have in common. */
#include "harness/engine/actor.h"

/* Connects the actor if need be; true once frames may be sent. waits_for_settings: not before the
 * server's SETTINGS have come, unless the preface is suppressed, so that none will. */
bool har_raw_is_ready(struct har_actor *actor, bool waits_for_settings);

#endif
