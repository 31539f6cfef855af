/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_STORY_JSON_H
#define HAR_STORY_JSON_H

#include "harness/story/story.h"
#include "lib/base/json_out.h"

/* The value of "story" in a result of sluice.report/1; null when there is none. */
void har_story_json(const struct har_story *story, struct sl_json_out *json);

#endif
