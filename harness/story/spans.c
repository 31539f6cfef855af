/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/story/spans.h"

#include <stdio.h>
#include <stdlib.h>

#include "harness/steps/step.h"
#include "harness/story/chronicle.h"
#include "harness/story/rows.h"
#include "lib/base/alloc.h"
#include "lib/wire/grpc_status.h"

enum {
    SPANS_MIN = 3, /* of one actor, however many there are */
    TEXT_MAX = 100,
    TOLD_ROWS = 20, /* of more actors the steps have no text */
};

const char *har_story_step_text(struct har_story *story, const struct har_node *node, size_t max)
{
    json_t *args = json_copy(node->json);
    if (json_is_object(args)) {
        (void)json_object_del(args, "why");
        (void)json_object_del(args, "rule");
    }
    char *text = json_dumps(args, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    json_decref(args);
    bool is_empty = text == NULL || strcmp(text, "{}") == 0;
    const char *kept = is_empty ? "" : har_story_text(story, text, max);
    free(text); /* jansson's */
    return kept;
}

/* ---- a list that keeps its longest ---- */

struct entry {
    struct har_story_span span;        /* its text is made when it is kept */
    const struct har_noted_span *step; /* or */
    const struct har_noted_stream *stream;
};
struct list {
    struct entry *entries;
    size_t count, capacity;
};

static void add(struct list *list, struct entry entry)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity * 2 + 32;
        list->entries = sl_realloc(list->entries, list->capacity * sizeof(list->entries[0]));
    }
    uint64_t at_ns = entry.span.at_ns;
    entry.span.until_ns = entry.span.until_ns < at_ns ? at_ns : entry.span.until_ns;
    list->entries[list->count++] = entry;
}

static uint64_t length(const struct entry *entry)
{
    return entry->span.until_ns - entry->span.at_ns;
}

static int longest_first(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;
    if (length(a) != length(b)) {
        return length(a) < length(b) ? 1 : -1;
    }
    return (a->span.at_ns > b->span.at_ns) - (a->span.at_ns < b->span.at_ns);
}

static int earliest_first(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;
    if (a->span.at_ns != b->span.at_ns) {
        return a->span.at_ns > b->span.at_ns ? 1 : -1;
    }
    return longest_first(left, right);
}

static const char *text_of_stream(const struct har_noted_stream *stream)
{
    if (stream->ended_ns == 0) {
        return "open to the end";
    }
    const char *status = sl_grpc_status_name(stream->code);
    return !stream->is_by_server ? "left by the client" : status == NULL ? "unknown" : status;
}

/* Into the story: at most max of them, by time. Answers how many were left out. */
static size_t keep(struct har_story *story, struct list *list, size_t max, size_t text_max,
                   struct har_story_span **ret_spans, size_t *ret_count)
{
    size_t left_out = list->count > max ? list->count - max : 0;
    size_t count = list->count - left_out;
    *ret_spans = har_arena_alloc(&story->arena, (count + 1) * sizeof((*ret_spans)[0]));
    *ret_count = count;
    if (count > 0) {
        qsort(list->entries, list->count, sizeof(list->entries[0]), longest_first);
        qsort(list->entries, count, sizeof(list->entries[0]), earliest_first);
    }
    for (size_t i = 0; i < count; i++) {
        const struct entry *entry = &list->entries[i];
        (*ret_spans)[i] = entry->span;
        (*ret_spans)[i].text = entry->stream != NULL ? text_of_stream(entry->stream)
                               : text_max == 0
                                   ? ""
                                   : har_story_step_text(story, entry->step->node, text_max);
    }
    sl_free(list->entries);
    return left_out;
}

/* ---- steps and streams ---- */

static void add_steps(struct list *list, const struct har_play *play, uint64_t group)
{
    const struct har_chronicle *chronicle = play->chronicle;
    for (size_t i = 0; chronicle != NULL && i < chronicle->span_count; i++) {
        const struct har_noted_span *noted = &chronicle->spans[i];
        uint64_t until_ns = noted->until_ns == 0 ? play->end_ns : noted->until_ns;
        struct har_story_span span = {
            .what = noted->node->type->name,
            .phase = noted->phase < 0 ? NULL : play->scenario->phases[noted->phase],
            .at_ns = har_story_time(play, noted->at_ns),
            .until_ns = har_story_time(play, until_ns),
        };
        if (group == 0 ? noted->node->who == 0 : (noted->node->who & group) != 0) {
            add(list, (struct entry){.span = span, .step = noted});
        }
    }
}

static void add_streams(struct list *list, const struct har_traffic *traffic,
                        const struct har_actor *actor)
{
    const struct har_play *play = actor->play;
    size_t count = 0;
    const size_t *streams = har_traffic_streams(traffic, actor, &count);
    for (size_t i = 0; i < count; i++) {
        const struct har_noted_stream *noted = &play->chronicle->streams[streams[i]];
        uint64_t until_ns = noted->ended_ns == 0 ? play->end_ns : noted->ended_ns;
        struct har_story_span span = {
            .what = "stream",
            .at_ns = har_story_time(play, noted->opened_ns),
            .until_ns = har_story_time(play, until_ns),
        };
        add(list, (struct entry){.span = span, .stream = noted});
    }
}

void har_story_actor_spans(struct har_story *story, struct har_story_actor *row,
                           const struct har_traffic *traffic, const struct har_actor *actor,
                           size_t rows)
{
    struct list list = {0};
    size_t max = HAR_STORY_SPANS_MAX / (rows + 1);
    max = max > HAR_STORY_ROW_SPANS_MAX ? HAR_STORY_ROW_SPANS_MAX
          : max < SPANS_MIN             ? SPANS_MIN
                                        : max;
    add_streams(&list, traffic, actor);
    add_steps(&list, actor->play, UINT64_C(1) << actor->group);
    row->spans_left_out =
        keep(story, &list, max, rows > TOLD_ROWS ? 0 : TEXT_MAX, &row->spans, &row->span_count);
}

void har_story_steps(struct har_story *story, const struct har_play *play)
{
    struct list list = {0};
    add_steps(&list, play, 0);
    story->steps_left_out =
        keep(story, &list, HAR_STORY_STEPS_MAX, TEXT_MAX, &story->steps, &story->step_count);
    story->steps_left_out += play->chronicle == NULL ? 0 : play->chronicle->spans_left_out;
}
