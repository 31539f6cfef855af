/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_STORY_SPANS_H
#define HAR_STORY_SPANS_H

/* What actors, and the scenario itself, did when. Of too many spans the longest stay. */
#include "harness/engine/play.h"
#include "harness/story/story.h"
#include "harness/story/traffic.h"

/* Steps and streams of one actor; rows: among how many the story's spans are shared. */
void har_story_actor_spans(struct har_story *story, struct har_story_actor *row,
                           const struct har_traffic *traffic, const struct har_actor *actor,
                           size_t rows);
/* Steps of no actor. */
void har_story_steps(struct har_story *story, const struct har_play *play);

/* What a step was asked for, as compact JSON without its notes, at most max bytes; in the arena. */
const char *har_story_step_text(struct har_story *story, const struct har_node *node, size_t max);

#endif
