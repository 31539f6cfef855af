/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_STORY_WINDOWS_H
#define HAR_STORY_WINDOWS_H

#include "harness/engine/play.h"
#include "harness/story/story.h"

/* The windows of a story: those of metered actors first, each thinned to its share of points. */
void har_story_windows(struct har_story *story, struct har_play *play);

#endif
