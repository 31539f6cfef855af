/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/story/rows.h"

#include <stdio.h>

#include "harness/engine/actor.h"
#include "harness/scenario/actor_fields.h"
#include "harness/story/chronicle.h"
#include "harness/story/spans.h"
#include "lib/base/clock.h"
#include "lib/wire/grpc_status.h"

enum {
    BUCKETS_MIN = 12,
};
/* No bucket is shorter: the clock of what happens is not finer. */
#define BUCKET_MIN_NS SL_MS

const char *har_story_text(struct har_story *story, const char *text, size_t max)
{
    size_t len = strnlen(text, max);
    char *copy = har_arena_alloc(&story->arena, len + 1);
    memcpy(copy, text, len);
    return copy;
}

uint64_t har_story_time(const struct har_play *play, uint64_t at_ns)
{
    return at_ns > play->begin_ns ? at_ns - play->begin_ns : 0;
}

static size_t group_size(const struct har_play *play, unsigned group)
{
    return play->group_begin[group + 1] - play->group_begin[group];
}

const char *har_story_actor_name(struct har_story *story, const struct har_actor *actor)
{
    char name[160];
    bool is_one_of_many = group_size(actor->play, actor->group) > 1;
    (void)snprintf(name, sizeof(name), is_one_of_many ? "%.120s[%u]" : "%.120s", actor->spec->name,
                   actor->index);
    return har_story_text(story, name, sizeof(name));
}

/* ---- series ---- */

static void count(struct har_story *story, struct har_story_actor *row, enum har_story_flow flow,
                  uint64_t at_ns, uint32_t times)
{
    if (times == 0) {
        return;
    }
    size_t bucket = (size_t)(at_ns / story->bucket_ns);
    if (row->flows[flow] == NULL) {
        row->flows[flow] =
            har_arena_alloc(&story->arena, story->bucket_count * sizeof(row->flows[flow][0]));
    }
    row->flows[flow][bucket < story->bucket_count ? bucket : story->bucket_count - 1] += times;
    row->totals[flow] += times;
}

static void count_traffic(struct har_story *story, struct har_story_actor *row,
                          const struct har_actor *actor)
{
    const struct har_play *play = actor->play;
    for (uint32_t i = 0; i < actor->sent_count; i++) {
        const struct har_sent *sent = &actor->sent[i];
        if (sent->sent_ns != 0) {
            count(story, row, HAR_STORY_SENT, har_story_time(play, sent->sent_ns), 1);
        }
        if (sent->replied_ns != 0) {
            count(story, row, HAR_STORY_RECEIVED, har_story_time(play, sent->replied_ns), 1);
        }
    }
    for (uint32_t i = 0; i < actor->received_count; i++) {
        count(story, row, HAR_STORY_RECEIVED, har_story_time(play, actor->received[i].at_ns), 1);
    }
}

/* What was to come and did not, by when it was sent. */
static void count_lost(struct har_story *story, struct har_story_actor *row,
                       const struct har_traffic *traffic, const struct har_actor *actor)
{
    const struct har_play *play = actor->play;
    if (actor->spec->kind != HAR_SUBSCRIBER) {
        return;
    }
    struct har_ledger ledger;
    har_ledger_init(&ledger, traffic, actor, true);
    struct har_account all = har_ledger_read(&ledger, 0, UINT64_MAX);
    for (size_t i = 0; i < story->bucket_count && all.got < all.wanted; i++) {
        uint64_t at_ns = i * story->bucket_ns;
        uint64_t begin_ns = play->begin_ns + at_ns;
        struct har_account reading =
            har_ledger_read(&ledger, begin_ns, begin_ns + story->bucket_ns);
        count(story, row, HAR_STORY_LOST, at_ns, (uint32_t)(reading.wanted - reading.got));
    }
    har_ledger_release(&ledger);
}

/* ---- rows ---- */

static void make_row(struct har_story *story, struct har_story_actor *row,
                     const struct har_traffic *traffic, const struct har_actor *actor)
{
    const struct har_actor_spec *spec = actor->spec;
    row->name = har_story_actor_name(story, actor);
    row->kind = har_kind_names[spec->kind];
    row->room = actor->room == NULL ? NULL : har_story_text(story, actor->room, HAR_STORY_TEXT_MAX);
    row->connection = actor->link == NULL ? 0 : actor->link->number;
    bool is_core =
        actor->link == NULL ? spec->transport == HAR_TRANSPORT_GRPC : actor->link->is_core;
    row->transport = is_core ? "grpc" : "h2";
    if (actor->state == HAR_STREAM_ENDED) {
        const char *status = sl_grpc_status_name(actor->end_code);
        row->has_end = true;
        row->end_ns = har_story_time(actor->play, actor->ended_ns);
        row->end_status = status == NULL ? "unknown" : status;
        row->end_text = har_story_text(story, actor->end_text, HAR_STORY_TEXT_MAX);
    }
    count_traffic(story, row, actor);
    count_lost(story, row, traffic, actor);
}

/* How many of a group get a row. */
static size_t share(const struct har_play *play, unsigned group)
{
    size_t size = group_size(play, group);
    if (play->actor_count <= HAR_STORY_ROWS_MAX) {
        return size;
    }
    size_t groups = play->scenario->actor_count;
    size_t more = (HAR_STORY_ROWS_MAX - groups) * size / play->actor_count;
    return 1 + more < size ? 1 + more : size;
}

void har_story_rows(struct har_story *story, struct har_play *play,
                    const struct har_traffic *traffic)
{
    size_t rows = 0;
    for (unsigned g = 0; g < play->scenario->actor_count; g++) {
        rows += play->actor_count == 0 ? 0 : share(play, g);
    }
    size_t buckets = HAR_STORY_CELLS_MAX / 2 / (rows + 1);
    buckets = buckets > HAR_STORY_BUCKETS_MAX ? HAR_STORY_BUCKETS_MAX
              : buckets < BUCKETS_MIN         ? BUCKETS_MIN
                                              : buckets;
    story->bucket_ns = story->duration_ns / buckets + 1;
    story->bucket_ns = story->bucket_ns < BUCKET_MIN_NS ? BUCKET_MIN_NS : story->bucket_ns;
    story->bucket_count = (size_t)(story->duration_ns / story->bucket_ns) + 1;
    story->actors = har_arena_alloc(&story->arena, (rows + 1) * sizeof(story->actors[0]));
    for (size_t i = 0; i < play->actor_count; i++) {
        const struct har_actor *actor = &play->actors[i];
        if (actor->index < share(play, actor->group)) {
            struct har_story_actor *row = &story->actors[story->actor_count++];
            make_row(story, row, traffic, actor);
            har_story_actor_spans(story, row, traffic, actor, rows);
        }
    }
    story->actors_left_out = play->actor_count - story->actor_count;
}
