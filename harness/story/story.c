/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/story/story.h"

#include "harness/engine/play.h"
#include "harness/story/blast.h"
#include "harness/story/rows.h"
#include "harness/story/spans.h"
#include "harness/story/windows.h"
#include "lib/base/alloc.h"

const char *const har_story_scope_names[HAR_SCOPES] = {
    [HAR_SCOPE_STREAM] = "same stream",         [HAR_SCOPE_PUBLISHER] = "publisher",
    [HAR_SCOPE_CONNECTION] = "same connection", [HAR_SCOPE_ROOM] = "same room",
    [HAR_SCOPE_SERVER] = "same server",
};

static void add_phases(struct har_story *story, const struct har_play *play)
{
    size_t count = play->scenario->phase_count;
    story->phases = har_arena_alloc(&story->arena, (count + 1) * sizeof(story->phases[0]));
    for (size_t i = 0; i < count; i++) {
        if (play->phase_begin_ns[i] != 0) {
            uint64_t until_ns = play->phase_end_ns[i] == 0 ? play->end_ns : play->phase_end_ns[i];
            story->phases[story->phase_count++] = (struct har_story_phase){
                .name = play->scenario->phases[i],
                .at_ns = har_story_time(play, play->phase_begin_ns[i]),
                .until_ns = har_story_time(play, until_ns),
            };
        }
    }
}

static void add_marks(struct har_story *story, const struct har_play *play)
{
    story->marks = har_arena_alloc(&story->arena, (play->mark_count + 1) * sizeof(story->marks[0]));
    for (size_t i = 0; i < play->mark_count; i++) {
        const struct har_mark *mark = &play->marks[i];
        story->marks[story->mark_count++] = (struct har_story_mark){
            .name = mark->name,
            .at_ns = har_story_time(play, mark->at_ns),
            .has_resources = mark->has_resources,
            .rss_bytes = mark->resources.rss_bytes,
            .fds = mark->resources.fds,
        };
    }
}

static struct har_story *new_head(const struct har_play *play)
{
    struct har_story *story = sl_alloc(sizeof(*story));
    story->duration_ns = har_story_time(play, play->end_ns);
    add_phases(story, play);
    add_marks(story, play);
    return story;
}

struct har_story *har_story_new(struct har_play *play)
{
    size_t before = sl_alloc_used();
    struct har_story *story = new_head(play);
    struct har_traffic *traffic = har_traffic_new(play);
    har_story_steps(story, play);
    har_story_rows(story, play, traffic);
    har_story_faults(story, play, traffic);
    har_story_windows(story, play);
    har_traffic_free(traffic);
    story->bytes = sl_alloc_used() - before;
    return story;
}

/* Its head alone, which says how much there was. */
static struct har_story *head_of(const struct har_story *story, const struct har_play *play)
{
    size_t before = sl_alloc_used();
    struct har_story *head = new_head(play);
    head->steps_left_out = story->step_count + story->steps_left_out;
    head->actors_left_out = story->actor_count + story->actors_left_out;
    head->faults_left_out = story->fault_count + story->faults_left_out;
    head->windows_left_out = story->window_count + story->windows_left_out;
    head->bucket_ns = story->bucket_ns;
    head->bytes = sl_alloc_used() - before;
    return head;
}

void har_story_keep(struct har_story **story, struct har_play *play, size_t *held)
{
    *held -= *story == NULL ? 0 : (*story)->bytes;
    har_story_free(*story);
    *story = har_story_new(play);
    size_t max = play->failure_count > 0 ? HAR_STORIES_MAX : HAR_STORIES_GOOD_MAX;
    if (*held + (*story)->bytes > max) {
        struct har_story *head = head_of(*story, play);
        har_story_free(*story);
        *story = head;
    }
    *held += (*story)->bytes;
}

void har_story_free(struct har_story *story)
{
    if (story != NULL) {
        har_arena_release(&story->arena);
        sl_free(story);
    }
}
