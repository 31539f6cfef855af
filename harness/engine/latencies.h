/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_LATENCIES_H
#define HAR_LATENCIES_H

/* What a play measured, for the report. */
#include "harness/engine/suite.h"

/* Both latencies of every phase, and how late we ourselves were; what was there before is gone. */
void har_latencies_collect(struct har_result *result, struct har_play *play);

#endif
