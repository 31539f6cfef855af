/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_BLAST_H
#define HAR_BLAST_H

/*
 * The blast radius of faults: who was affected, by scope, with what they got before and after.
 *
 * After: while the fault lasted; of a moment, until the next of its kind or the end of the play. Before: from the one
 * before it, or the beginning, to the fault. An actor is affected where, after, messages that were to come did not, or answers,
 * where a call had an error or a stream an end that nobody asked for, or where the 99th percentile of its times is more
 * than three times that of before and 50 ms longer, pauses of the machine left out. Who reads slowly by the scenario's
 * own doing, or had nothing to get, is not judged.
 */
#include "harness/engine/play.h"
#include "harness/story/story.h"
#include "harness/story/traffic.h"

enum {
    HAR_BLAST_ACTORS_MAX = 1000, /* that are judged; the others are counted */
};

/* Fills faults and faults_left_out of the story. */
void har_story_faults(struct har_story *story, struct har_play *play,
                      const struct har_traffic *traffic);

#endif
