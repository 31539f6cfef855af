/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_STORY_ROWS_H
#define HAR_STORY_ROWS_H

/* The rows of a story: one actor each, with what it did, sent and received over time. */
#include "harness/engine/play.h"
#include "harness/story/story.h"
#include "harness/story/traffic.h"

/* Fills actors, actors_left_out, bucket_ns and bucket_count. Of more than HAR_STORY_ROWS_MAX actors each group keeps
 * its share, and at least one. */
void har_story_rows(struct har_story *story, struct har_play *play,
                    const struct har_traffic *traffic);

/* "sub", or "sub[3]" where the group has several; in the story's arena. */
const char *har_story_actor_name(struct har_story *story, const struct har_actor *actor);
/* In the arena, at most max bytes. */
const char *har_story_text(struct har_story *story, const char *text, size_t max);
/* From the beginning of the play; 0 for what was before it. */
uint64_t har_story_time(const struct har_play *play, uint64_t at_ns);

#endif
