/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/story/blast.h"

#include "harness/engine/actor.h"
#include "harness/story/blast_text.h"
#include "harness/story/chronicle.h"
#include "harness/story/faults.h"
#include "harness/story/rows.h"
#include "harness/story/spans.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/wire/grpc_status.h"

enum {
    VICTIMS_MAX = 256, /* of one fault, that scopes are measured from */
    DELAYS_MIN = 5,    /* for a percentile to mean something */
    LATE_FACTOR = 3,
};
#define LATE_NS (50 * SL_MS)
/* So long after what lasted is over, streams may still end because of it. */
#define AFTERMATH_NS SL_SECOND
/* Faults of a kind that are so close together are seen as one. */
#define NEAR_NS (5 * SL_MS)

/* A fault of the story while it is judged. */
struct blast {
    const struct har_noted_fault *fault;
    uint64_t before_ns, after_ns; /* begin of before, end of after */
    const struct har_actor *victims[VICTIMS_MAX];
    uint32_t connections[VICTIMS_MAX]; /* theirs then */
    size_t victim_count;               /* of those kept */
    size_t victims_all;
    struct har_blast_scope scopes[HAR_SCOPES];
};

/* ---- when and where ---- */

static void set_times(struct blast *blast, const struct har_noted_faults *faults, size_t index,
                      const struct har_play *play)
{
    const struct har_noted_fault *fault = &faults->items[index];
    blast->before_ns = play->begin_ns;
    blast->after_ns = fault->until_ns == 0 ? play->end_ns : fault->until_ns;
    for (size_t i = 0; i < faults->count; i++) {
        const struct har_noted_fault *other = &faults->items[i];
        if (strcmp(other->what, fault->what) != 0) {
            continue;
        }
        if (other->at_ns + NEAR_NS < fault->at_ns) {
            blast->before_ns = other->at_ns;
        } else if (other->at_ns > fault->at_ns + NEAR_NS && fault->until_ns == 0) {
            blast->after_ns = other->at_ns;
            return;
        }
    }
}

static uint32_t connection_at(const struct har_actor *actor, uint64_t at_ns)
{
    const struct har_chronicle *chronicle = actor->play->chronicle;
    bool is_known = chronicle != NULL && actor->link != NULL;
    return is_known ? har_chronicle_conn_at(chronicle, actor->link, at_ns) : 0;
}

static void find_victims(struct blast *blast, const struct har_play *play)
{
    for (size_t i = 0; i < play->actor_count; i++) {
        const struct har_actor *actor = &play->actors[i];
        if (!har_noted_fault_hits(blast->fault, actor)) {
            continue;
        }
        if (blast->victim_count < VICTIMS_MAX) {
            blast->connections[blast->victim_count] = connection_at(actor, blast->fault->at_ns);
            blast->victims[blast->victim_count++] = actor;
        }
        blast->victims_all++;
    }
}

static bool publishes(const struct har_actor *actor)
{
    return actor->spec->kind == HAR_PUBLISHER || actor->spec->kind == HAR_CHAT;
}

static enum har_story_scope scope_of(const struct blast *blast, const struct har_actor *actor)
{
    bool shares_room = blast->victim_count == 0; /* the server, or nobody we know */
    bool shares_connection = false;
    if (har_noted_fault_hits(blast->fault, actor)) {
        return HAR_SCOPE_STREAM;
    }
    uint32_t connection = connection_at(actor, blast->fault->at_ns);
    for (size_t i = 0; i < blast->victim_count; i++) {
        shares_room |= strcmp(blast->victims[i]->room, actor->room) == 0;
        shares_connection |= connection != 0 && blast->connections[i] == connection;
    }
    return shares_room && publishes(actor)          ? HAR_SCOPE_PUBLISHER
           : shares_connection                      ? HAR_SCOPE_CONNECTION
           : shares_room && blast->victim_count > 0 ? HAR_SCOPE_ROOM
                                                    : HAR_SCOPE_SERVER;
}

/* ---- one actor ---- */

/* The status of an end that it did not ask for; NULL: there was none. */
static const char *unasked_end(const struct blast *blast, const struct har_traffic *traffic,
                               const struct har_actor *actor)
{
    size_t count = 0;
    const size_t *streams = har_traffic_streams(traffic, actor, &count);
    uint64_t last_ns = blast->after_ns + (blast->fault->until_ns == 0 ? 0 : AFTERMATH_NS);
    for (size_t i = 0; i < count; i++) {
        const struct har_noted_stream *stream = &actor->play->chronicle->streams[streams[i]];
        bool is_then = stream->ended_ns >= blast->fault->at_ns && stream->ended_ns <= last_ns &&
                       stream->is_by_server;
        bool is_deadline =
            stream->code == SL_GRPC_DEADLINE_EXCEEDED && actor->spec->deadline_ms.is_set;
        bool is_right = stream->code == SL_GRPC_OK && actor->spec->kind != HAR_SUBSCRIBER;
        bool was_there = stream->ready_ns != 0 || actor->spec->kind != HAR_SUBSCRIBER;
        if (is_then && !is_deadline && !is_right && was_there) {
            const char *name = sl_grpc_status_name(stream->code);
            return name == NULL ? "an unknown status" : name;
        }
    }
    return NULL;
}

/* By the scenario's own doing it reads less than comes. */
static bool is_slow(const struct blast *blast, const struct har_noted_faults *faults,
                    const struct har_actor *actor)
{
    bool is_slow = actor->spec->max_rate_hz.is_set;
    for (size_t i = 0; i < faults->count && !is_slow; i++) {
        const struct har_noted_fault *other = &faults->items[i];
        bool overlaps = other->until_ns > blast->fault->at_ns && other->at_ns < blast->after_ns;
        is_slow = other != blast->fault && other->until_ns != 0 && overlaps &&
                  har_noted_fault_hits(other, actor);
    }
    return is_slow;
}

static bool is_late(const struct blast *blast, const struct har_play *play,
                    const struct har_blast_actor *seen)
{
    if (seen->before.delays < DELAYS_MIN || seen->after.delays < DELAYS_MIN) {
        return false;
    }
    uint64_t pause_ns =
        play->config.hiccup == NULL
            ? 0
            : har_hiccup_max(play->config.hiccup, blast->fault->at_ns, blast->after_ns);
    uint64_t usual_ns = seen->before.p99_ns;
    uint64_t most_ns =
        LATE_FACTOR * usual_ns > usual_ns + LATE_NS ? LATE_FACTOR * usual_ns : usual_ns + LATE_NS;
    return seen->after.p99_ns > most_ns + 2 * pause_ns;
}

static void judge(struct blast *blast, const struct har_noted_faults *faults,
                  const struct har_ledger *ledger, struct har_story *story)
{
    const struct har_actor *actor = ledger->actor;
    enum har_story_scope scope = scope_of(blast, actor);
    struct har_blast_actor seen = {
        .is_reader = ledger->is_reader,
        .before = har_ledger_read(ledger, blast->before_ns, blast->fault->at_ns),
        .after = har_ledger_read(ledger, blast->fault->at_ns, blast->after_ns),
        .end = unasked_end(blast, ledger->traffic, actor),
        .is_slow = scope != HAR_SCOPE_STREAM && is_slow(blast, faults, actor),
    };
    bool is_silent = seen.after.unanswered > 0 && seen.after.got == 0 && seen.before.got > 0;
    bool has_traffic = seen.after.wanted > 0 || is_silent;
    seen.is_judged = seen.end != NULL || (has_traffic && !seen.is_slow);
    seen.is_affected =
        seen.is_judged && (seen.end != NULL || is_silent || seen.after.got < seen.after.wanted ||
                           seen.after.errors > 0 || is_late(blast, actor->play, &seen));
    har_blast_note(&blast->scopes[scope], story, actor, &seen);
}

/* ---- all ---- */

static bool may_judge(const struct har_play *play, const struct har_actor *actor)
{
    size_t share = HAR_BLAST_ACTORS_MAX / (play->scenario->actor_count + 1);
    return play->actor_count <= HAR_BLAST_ACTORS_MAX || actor->index < share;
}

static void judge_all(struct blast *blasts, size_t count, const struct har_noted_faults *faults,
                      const struct har_traffic *traffic, struct har_story *story,
                      const struct har_play *play)
{
    for (size_t i = 0; i < play->actor_count && count > 0; i++) {
        const struct har_actor *actor = &play->actors[i];
        if (actor->spec->kind == HAR_PROCESS) {
            continue;
        }
        if (!may_judge(play, actor)) {
            for (size_t k = 0; k < count; k++) {
                blasts[k].scopes[scope_of(&blasts[k], actor)].of++;
            }
            continue;
        }
        struct har_ledger ledger;
        har_ledger_init(&ledger, traffic, actor, actor->spec->kind == HAR_SUBSCRIBER);
        for (size_t k = 0; k < count; k++) {
            judge(&blasts[k], faults, &ledger, story);
        }
        har_ledger_release(&ledger);
    }
}

static void tell(struct har_story *story, struct blast *blast, const struct har_play *play)
{
    const struct har_noted_fault *fault = blast->fault;
    const struct har_actor *first = blast->victim_count == 0 ? NULL : blast->victims[0];
    struct har_story_fault *told = &story->faults[story->fault_count++];
    *told = (struct har_story_fault){
        .what = fault->what,
        .at_ns = har_story_time(play, fault->at_ns),
        .has_until = fault->until_ns != 0,
        .until_ns = har_story_time(play, fault->until_ns),
        .actor = first == NULL ? NULL : har_story_actor_name(story, first),
        .connection = first == NULL ? 0 : blast->connections[0],
        .count = blast->victims_all,
        .text = fault->is_metered ? "its credit is what the scenario grants"
                : fault->node == NULL
                    ? ""
                    : har_story_step_text(story, fault->node, HAR_STORY_TEXT_MAX / 2),
    };
    for (int scope = 0; scope < HAR_SCOPES; scope++) {
        bool is_whole = scope == HAR_SCOPE_STREAM && blast->victim_count == 0;
        har_blast_tell(story, &blast->scopes[scope], &told->affected[scope],
                       is_whole ? "no stream in particular" : "nobody else");
    }
}

void har_story_faults(struct har_story *story, struct har_play *play,
                      const struct har_traffic *traffic)
{
    struct har_noted_faults faults;
    har_noted_faults_init(&faults, play);
    size_t count = faults.count < HAR_STORY_FAULTS_MAX ? faults.count : HAR_STORY_FAULTS_MAX;
    struct blast *blasts = sl_calloc(count + 1, sizeof(blasts[0]));
    for (size_t i = 0; i < count; i++) { /* of too many every so manieth */
        size_t index = i * faults.count / count;
        blasts[i].fault = &faults.items[index];
        set_times(&blasts[i], &faults, index, play);
        find_victims(&blasts[i], play);
    }
    judge_all(blasts, count, &faults, traffic, story, play);
    story->faults = har_arena_alloc(&story->arena, (count + 1) * sizeof(story->faults[0]));
    for (size_t i = 0; i < count; i++) {
        tell(story, &blasts[i], play);
    }
    story->faults_left_out = faults.count - count + faults.left_out;
    sl_free(blasts);
    har_noted_faults_release(&faults);
}
