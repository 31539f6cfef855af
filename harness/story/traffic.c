/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/story/traffic.h"

#include <stdlib.h>
#include <uthash.h>

#include "harness/engine/actor.h"
#include "harness/story/chronicle.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

/* Messages that were sent so shortly before the end of the play, or before their reader left, may be under way. */
#define GRACE_NS (50 * SL_MS)

struct times {
    uint64_t *ns; /* ascending */
    size_t count, capacity;
};

struct room {
    char *name;
    struct times accepted, unanswered;
    UT_hash_handle hh;
};

struct har_traffic {
    struct har_play *play;
    struct room *rooms;
    size_t *streams; /* indices of the chronicle's, by actor and then opening */
    size_t stream_count;
};

static void add_time(struct times *times, uint64_t ns)
{
    if (times->count == times->capacity) {
        times->capacity = times->capacity * 2 + 64;
        times->ns = sl_realloc(times->ns, times->capacity * sizeof(times->ns[0]));
    }
    times->ns[times->count++] = ns;
}

static int ascending(const void *left, const void *right)
{
    const uint64_t *a = left;
    const uint64_t *b = right;
    return (*a > *b) - (*a < *b);
}

static int by_sending(const void *left, const void *right)
{
    const struct har_delay *a = left;
    const struct har_delay *b = right;
    return (a->sent_ns > b->sent_ns) - (a->sent_ns < b->sent_ns);
}

/* How many of them are before ns. */
static size_t before(const struct times *times, uint64_t ns)
{
    size_t low = 0;
    size_t high = times->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (times->ns[middle] < ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* ---- rooms ---- */

static struct room *find_room(struct har_traffic *traffic, const char *name)
{
    struct room *room = NULL;
    HASH_FIND_STR(traffic->rooms, name, room);
    if (room == NULL) {
        room = sl_alloc(sizeof(*room));
        room->name = sl_strdup(name);
        HASH_ADD_KEYPTR(hh, traffic->rooms, room->name, strlen(room->name), room);
    }
    return room;
}

/* What the server makes of it is not for us to say: cut on purpose, or under an id of the scenario's own. */
static bool is_odd(const struct har_sent *sent)
{
    bool has_own_id = sent->how != NULL && sent->how->message.message_id.is_set;
    return sent->sent_ns == 0 || sent->is_partial || has_own_id;
}

static bool publishes(const struct har_actor *actor)
{
    return actor->spec->kind == HAR_PUBLISHER || actor->spec->kind == HAR_CHAT;
}

static void add_messages(struct har_traffic *traffic, const struct har_actor *actor)
{
    struct room *usual = NULL;
    for (uint32_t i = 0; i < actor->sent_count; i++) {
        const struct har_sent *sent = &actor->sent[i];
        if (is_odd(sent) || (!sent->is_accepted && sent->replied_ns != 0)) {
            continue;
        }
        struct room *room = usual;
        if (usual == NULL || (sent->how != NULL && sent->how->message.room != NULL)) {
            char *owned = NULL;
            room = find_room(traffic, har_actor_room_of(actor, i, &owned));
            sl_free(owned);
            bool is_usual = sent->how == NULL || sent->how->message.room == NULL;
            usual = is_usual ? room : usual;
        }
        add_time(sent->is_accepted ? &room->accepted : &room->unanswered, sent->sent_ns);
    }
}

static void sort_times(struct times *times)
{
    if (times->count > 1) {
        qsort(times->ns, times->count, sizeof(times->ns[0]), ascending);
    }
}

/* ---- streams ---- */

static int by_actor(const void *left, const void *right, void *context)
{
    const struct har_chronicle *chronicle = context;
    const size_t *a = left;
    const size_t *b = right;
    uint16_t one = chronicle->streams[*a].actor;
    uint16_t two = chronicle->streams[*b].actor;
    return one != two ? (one > two) - (one < two) : (*a > *b) - (*a < *b);
}

static void order_streams(struct har_traffic *traffic)
{
    struct har_chronicle *chronicle = traffic->play->chronicle;
    traffic->stream_count = chronicle == NULL ? 0 : chronicle->stream_count;
    traffic->streams = sl_calloc(traffic->stream_count + 1, sizeof(traffic->streams[0]));
    for (size_t i = 0; i < traffic->stream_count; i++) {
        traffic->streams[i] = i;
    }
    if (traffic->stream_count > 1) {
        qsort_r(traffic->streams, traffic->stream_count, sizeof(traffic->streams[0]), by_actor,
                chronicle);
    }
}

const size_t *har_traffic_streams(const struct har_traffic *traffic, const struct har_actor *actor,
                                  size_t *ret_count)
{
    const struct har_chronicle *chronicle = traffic->play->chronicle;
    size_t low = 0;
    size_t high = traffic->stream_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (chronicle->streams[traffic->streams[middle]].actor < actor->number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    size_t end = low;
    while (end < traffic->stream_count &&
           chronicle->streams[traffic->streams[end]].actor == actor->number) {
        end++;
    }
    *ret_count = end - low;
    return traffic->streams + low;
}

struct har_traffic *har_traffic_new(struct har_play *play)
{
    struct har_traffic *traffic = sl_alloc(sizeof(*traffic));
    traffic->play = play;
    for (size_t i = 0; i < play->actor_count; i++) {
        if (publishes(&play->actors[i])) {
            add_messages(traffic, &play->actors[i]);
        }
    }
    struct room *room = NULL;
    struct room *next = NULL;
    HASH_ITER (hh, traffic->rooms, room, next) {
        sort_times(&room->accepted);
        sort_times(&room->unanswered);
    }
    order_streams(traffic);
    return traffic;
}

void har_traffic_free(struct har_traffic *traffic)
{
    struct room *room = NULL;
    struct room *next = NULL;
    if (traffic == NULL) {
        return;
    }
    HASH_ITER (hh, traffic->rooms, room, next) {
        HASH_DEL(traffic->rooms, room);
        sl_free(room->accepted.ns);
        sl_free(room->unanswered.ns);
        sl_free(room->name);
        sl_free(room);
    }
    sl_free(traffic->streams);
    sl_free(traffic);
}

/* ---- one actor ---- */

static void add_received(struct har_ledger *ledger)
{
    const struct har_actor *actor = ledger->actor;
    for (uint32_t i = 0; i < actor->received_count; i++) {
        const struct har_received *received = &actor->received[i];
        const struct har_actor *sender = har_play_actor(actor->play, received->publisher);
        if (sender == NULL || received->sequence >= sender->sent_count) {
            continue; /* of another service: nobody here sent it */
        }
        const struct har_sent *sent = &sender->sent[received->sequence];
        if (!is_odd(sent)) {
            bool is_after = received->at_ns > sent->sent_ns;
            ledger->delays[ledger->count++] = (struct har_delay){
                .sent_ns = sent->sent_ns,
                .delay_ns = is_after ? received->at_ns - sent->sent_ns : 0,
            };
        }
    }
}

static void add_answered(struct har_ledger *ledger)
{
    const struct har_actor *actor = ledger->actor;
    for (uint32_t i = 0; i < actor->sent_count; i++) {
        const struct har_sent *sent = &actor->sent[i];
        if (sent->sent_ns != 0 && sent->replied_ns != 0) {
            ledger->delays[ledger->count++] = (struct har_delay){
                .sent_ns = sent->sent_ns, .delay_ns = sent->replied_ns - sent->sent_ns};
        }
    }
}

void har_ledger_init(struct har_ledger *ledger, const struct har_traffic *traffic,
                     const struct har_actor *actor, bool is_reader)
{
    *ledger = (struct har_ledger){.traffic = traffic, .actor = actor, .is_reader = is_reader};
    size_t most = is_reader ? actor->received_count : actor->sent_count;
    ledger->delays = sl_calloc(most + 1, sizeof(ledger->delays[0]));
    ledger->scratch = sl_calloc(most + 1, sizeof(ledger->scratch[0]));
    if (is_reader) {
        add_received(ledger);
    } else {
        add_answered(ledger);
    }
    if (ledger->count > 1) {
        qsort(ledger->delays, ledger->count, sizeof(ledger->delays[0]), by_sending);
    }
}

void har_ledger_release(struct har_ledger *ledger)
{
    sl_free(ledger->delays);
    sl_free(ledger->scratch);
}

static size_t delays_before(const struct har_ledger *ledger, uint64_t ns)
{
    size_t low = 0;
    size_t high = ledger->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ledger->delays[middle].sent_ns < ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Adds the delays of [from_ns, to_ns) to the scratch. */
static void take_delays(const struct har_ledger *ledger, uint64_t from_ns, uint64_t to_ns,
                        struct har_account *reading)
{
    for (size_t i = delays_before(ledger, from_ns); i < delays_before(ledger, to_ns); i++) {
        ledger->scratch[reading->delays++] = ledger->delays[i].delay_ns;
        reading->got++;
    }
}

static void sum_up(const struct har_ledger *ledger, struct har_account *reading)
{
    if (reading->delays > 0) {
        qsort(ledger->scratch, reading->delays, sizeof(ledger->scratch[0]), ascending);
        reading->p99_ns = ledger->scratch[(reading->delays - 1) * 99 / 100];
        reading->max_ns = ledger->scratch[reading->delays - 1];
    }
}

static uint64_t least(uint64_t one, uint64_t two)
{
    return one < two ? one : two;
}

/* Until when the reader had to get what was published, on stream number i of its streams. */
static uint64_t wanted_until(const struct har_ledger *ledger, const size_t *streams, size_t count,
                             size_t i)
{
    const struct har_play *play = ledger->traffic->play;
    const struct har_noted_stream *all = play->chronicle->streams;
    const struct har_noted_stream *stream = &all[streams[i]];
    uint64_t next_ns = i + 1 < count ? all[streams[i + 1]].opened_ns : play->end_ns - GRACE_NS;
    if (stream->ended_ns == 0 || stream->is_by_server) {
        return least(next_ns, play->end_ns - GRACE_NS);
    }
    return least(next_ns, stream->ended_ns - GRACE_NS);
}

static void read_room(const struct har_ledger *ledger, uint64_t from_ns, uint64_t to_ns,
                      struct har_account *reading)
{
    const struct har_traffic *traffic = ledger->traffic;
    struct room *room = NULL;
    size_t count = 0;
    const size_t *streams = har_traffic_streams(traffic, ledger->actor, &count);
    HASH_FIND_STR(traffic->rooms, ledger->actor->room, room);
    for (size_t i = 0; i < count && room != NULL; i++) {
        uint64_t ready_ns = traffic->play->chronicle->streams[streams[i]].ready_ns;
        uint64_t begin_ns = ready_ns > from_ns ? ready_ns : from_ns;
        uint64_t end_ns = least(to_ns, wanted_until(ledger, streams, count, i));
        if (ready_ns == 0 || begin_ns >= end_ns) {
            continue;
        }
        reading->wanted += before(&room->accepted, end_ns) - before(&room->accepted, begin_ns);
        reading->unanswered +=
            before(&room->unanswered, end_ns) - before(&room->unanswered, begin_ns);
        take_delays(ledger, begin_ns, end_ns, reading);
    }
}

static void read_answers(const struct har_ledger *ledger, uint64_t from_ns, uint64_t to_ns,
                         struct har_account *reading)
{
    const struct har_actor *actor = ledger->actor;
    uint64_t end_ns = least(to_ns, ledger->traffic->play->end_ns - GRACE_NS);
    for (uint32_t i = 0; i < actor->sent_count; i++) {
        const struct har_sent *sent = &actor->sent[i];
        bool is_due = sent->sent_ns >= from_ns && sent->sent_ns < end_ns && !sent->is_partial &&
                      !sent->is_abandoned;
        bool may_fail = sent->how != NULL && sent->how->status.count > 0;
        reading->wanted += is_due;
        reading->errors += is_due && sent->replied_ns != 0 && sent->code != 0 && !may_fail;
    }
    take_delays(ledger, from_ns, end_ns, reading);
}

struct har_account har_ledger_read(const struct har_ledger *ledger, uint64_t from_ns,
                                   uint64_t to_ns)
{
    struct har_account reading = {0};
    if (ledger->is_reader) {
        read_room(ledger, from_ns, to_ns, &reading);
    } else {
        read_answers(ledger, from_ns, to_ns, &reading);
    }
    /* A resumed stream may bring a message again. */
    reading.got = least(reading.got, reading.wanted);
    sum_up(ledger, &reading);
    return reading;
}
