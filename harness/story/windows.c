/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/story/windows.h"

#include "harness/engine/actor.h"
#include "harness/story/chronicle.h"
#include "harness/story/rows.h"

static void make_window(struct har_story *story, struct har_play *play, struct har_window_log *log,
                        size_t points)
{
    struct har_story_window *window = &story->windows[story->window_count++];
    size_t before = log->count;
    log->count = har_window_thin(log->points, log->count, points);
    *window = (struct har_story_window){
        .actor = har_story_actor_name(story, har_play_actor(play, log->actor)),
        .connection = log->connection,
        .stream = log->stream,
        .at_ns = har_arena_alloc(&story->arena, (log->count + 1) * sizeof(window->at_ns[0])),
        .bytes = har_arena_alloc(&story->arena, (log->count + 1) * sizeof(window->bytes[0])),
        .count = log->count,
        .left_out = log->left_out + before - log->count,
    };
    for (size_t i = 0; i < log->count; i++) {
        window->at_ns[i] = har_story_time(play, log->points[i].at_ns);
        window->bytes[i] = log->points[i].bytes;
    }
}

void har_story_windows(struct har_story *story, struct har_play *play)
{
    struct har_chronicle *chronicle = play->chronicle;
    size_t count = chronicle == NULL ? 0 : chronicle->window_count;
    size_t kept = count < HAR_STORY_WINDOWS_MAX ? count : HAR_STORY_WINDOWS_MAX;
    size_t points = HAR_STORY_ALL_POINTS_MAX / (kept + 1);
    points = points < HAR_STORY_POINTS_MAX ? points : HAR_STORY_POINTS_MAX;
    story->windows = har_arena_alloc(&story->arena, (kept + 1) * sizeof(story->windows[0]));
    for (int is_metered = 1; is_metered >= 0; is_metered--) {
        for (size_t i = 0; i < count && story->window_count < kept; i++) {
            struct har_window_log *log = chronicle->windows[i];
            const struct har_actor *actor = har_play_actor(play, log->actor);
            if (actor->spec->is_manual == (is_metered != 0)) {
                make_window(story, play, log, points);
            }
        }
    }
    story->windows_left_out = count - kept + (count == 0 ? 0 : chronicle->windows_left_out);
}
