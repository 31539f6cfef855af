/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/story/chronicle.h"

#include "harness/engine/actor.h"
#include "harness/steps/verbs.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum {
    FOLLOWED = 2,         /* actors of a group whose windows are noted */
    FOLLOWED_METERED = 8, /* where a scenario meters their credit */
};
#define NO_SPAN SIZE_MAX

/* Room for one more in *items (of size bytes each), unless there are max; then it is counted as left out. */
static bool has_room(void **items, size_t size, size_t count, size_t *capacity, size_t max,
                     size_t *left_out)
{
    if (count == max) {
        (*left_out)++;
        return false;
    }
    if (count == *capacity) {
        *capacity = *capacity * 2 + 16;
        *items = sl_realloc(*items, *capacity * size);
    }
    return true;
}
#define HAS_ROOM(list, count, capacity, max, left_out) \
    has_room((void **)&(list), sizeof((list)[0]), (count), &(capacity), (max), &(left_out))

struct har_chronicle *har_chronicle_new(void)
{
    return sl_alloc(sizeof(struct har_chronicle));
}

void har_chronicle_free(struct har_chronicle *chronicle)
{
    if (chronicle != NULL) {
        for (size_t i = 0; i < chronicle->window_count; i++) {
            sl_free(chronicle->windows[i]);
        }
        sl_free(chronicle->spans);
        sl_free(chronicle->streams);
        sl_free(chronicle->conns);
        sl_free(chronicle);
    }
}

/* ---- windows ---- */

static struct har_window_log *find_window(const struct har_chronicle *chronicle,
                                          uint32_t connection, uint32_t stream)
{
    for (size_t i = 0; i < chronicle->window_count; i++) {
        struct har_window_log *log = chronicle->windows[i];
        if (log->connection == connection && log->stream == stream) {
            return log;
        }
    }
    return NULL;
}

static struct har_window_log *new_window(struct har_chronicle *chronicle, uint16_t actor)
{
    if (chronicle->window_count == HAR_CHRONICLE_WINDOWS_MAX) {
        chronicle->windows_left_out++;
        return NULL;
    }
    struct har_window_log *log = sl_alloc(sizeof(*log));
    log->actor = actor;
    chronicle->windows[chronicle->window_count++] = log;
    return log;
}

/* The log of the actor's stream, or of its link's connection; made anew or gone on with. */
static struct har_window_log *window_of(struct har_actor *actor, bool is_of_connection)
{
    struct har_chronicle *chronicle = actor->play->chronicle;
    for (size_t i = 0; i < chronicle->window_count; i++) {
        struct har_window_log *log = chronicle->windows[i];
        const struct har_actor *other = har_play_actor(actor->play, log->actor);
        bool is_same = is_of_connection ? other->link == actor->link : other == actor;
        if (log->is_of_connection == is_of_connection && is_same) {
            return log;
        }
    }
    struct har_window_log *log = new_window(chronicle, actor->number);
    if (log != NULL) {
        log->is_of_connection = is_of_connection;
    }
    return log;
}

static void look(const struct har_link *link, struct har_window_log *log, uint64_t now_ns)
{
    if (log != NULL) {
        const struct sl_observer *observer = har_conn_observer(link->conn);
        har_window_log_add(log, now_ns, sl_observer_window(observer, SL_DIR_RESPONSE, log->stream));
    }
}

static bool is_followed(const struct har_actor *actor)
{
    return actor->index < (actor->spec->is_manual ? FOLLOWED_METERED : FOLLOWED);
}

/* The actor's stream is on the wire. */
static void follow(struct har_actor *actor, uint32_t stream)
{
    struct har_link *link = actor->link;
    uint64_t now_ns = sl_clock_mono_ns();
    for (int is_of_connection = 0; is_of_connection < 2; is_of_connection++) {
        struct har_window_log *log = window_of(actor, is_of_connection != 0);
        if (log != NULL) {
            log->connection = link->number;
            log->stream = is_of_connection != 0 ? 0 : stream;
            look(link, log, now_ns);
        }
    }
}

/* Streams that were opened and whose numbers are known by now. */
static void follow_new(struct har_link *link)
{
    struct har_play *play = link->play;
    link->unfollowed = 0;
    for (size_t i = 0; i < play->actor_count; i++) {
        struct har_actor *actor = &play->actors[i];
        if (actor->link != link || actor->stream == NULL || actor->state != HAR_STREAM_OPEN ||
            !is_followed(actor)) {
            continue;
        }
        uint32_t stream = har_stream_id(actor->stream);
        if (stream == 0) {
            link->unfollowed++;
        } else if (find_window(play->chronicle, link->number, stream) == NULL) {
            follow(actor, stream);
        }
    }
}

void har_chronicle_frame(struct har_link *link, const struct sl_frame_event *event)
{
    struct har_chronicle *chronicle = link->play->chronicle;
    uint8_t type = event->header.type;
    uint32_t stream = event->header.stream;
    if (chronicle == NULL || link->play->is_over || link->number == 0) {
        return;
    }
    bool is_of_server = event->dir == SL_DIR_RESPONSE;
    if (link->unfollowed > 0 && is_of_server && stream != 0) {
        follow_new(link);
    }
    bool moves = type == SL_H2_SETTINGS || (type == SL_H2_DATA && is_of_server) ||
                 (type == SL_H2_WINDOW_UPDATE && !is_of_server);
    if (!moves || chronicle->window_count == 0) {
        return;
    }
    uint64_t now_ns = event->last.has_time ? event->last.time_ns : sl_clock_mono_ns();
    for (size_t i = 0; i < chronicle->window_count; i++) {
        struct har_window_log *log = chronicle->windows[i];
        bool is_told = type == SL_H2_SETTINGS || log->stream == stream ||
                       (log->is_of_connection && type == SL_H2_DATA);
        if (log->connection == link->number && is_told) {
            look(link, log, now_ns);
        }
    }
}

/* ---- steps ---- */

size_t har_chronicle_begin(struct har_play *play, const struct har_node *node, int phase)
{
    struct har_chronicle *chronicle = play->chronicle;
    bool is_told_elsewhere =
        node->type->children != HAR_CHILDREN_NONE /* phases */ || node->type == &har_step_mark;
    if (chronicle == NULL || is_told_elsewhere ||
        !HAS_ROOM(chronicle->spans, chronicle->span_count, chronicle->span_capacity,
                  HAR_CHRONICLE_SPANS_MAX, chronicle->spans_left_out)) {
        return NO_SPAN;
    }
    chronicle->spans[chronicle->span_count] =
        (struct har_noted_span){.node = node, .phase = phase, .at_ns = sl_clock_mono_ns()};
    return chronicle->span_count++;
}

/* The actor's subscription is known to be registered. */
static bool is_registered(const struct har_actor *actor)
{
    bool has_message = actor->messages > actor->messages_before || actor->probe_seen > 0;
    bool is_told = har_profile_has(actor->play->config.profile, "ready") && actor->has_headers;
    return actor->state == HAR_STREAM_OPEN && (has_message || is_told);
}

static struct har_noted_stream *stream_of(const struct har_actor *actor)
{
    return actor->noted == 0 ? NULL : &actor->play->chronicle->streams[actor->noted - 1];
}

void har_chronicle_end(struct har_play *play, size_t span, const struct har_node *node)
{
    struct har_chronicle *chronicle = play->chronicle;
    if (chronicle == NULL || play->is_over) {
        return;
    }
    uint64_t now_ns = sl_clock_mono_ns();
    if (span != NO_SPAN) {
        chronicle->spans[span].until_ns = now_ns;
    }
    if (chronicle->unready == 0) {
        return;
    }
    HAR_FOR_ACTORS (play, node->who == 0 ? UINT64_MAX : node->who, actor) {
        struct har_noted_stream *stream = stream_of(actor);
        if (stream != NULL && stream->ready_ns == 0 && is_registered(actor)) {
            stream->ready_ns = now_ns;
            chronicle->unready--;
        }
    }
}

/* ---- connections and streams ---- */

uint32_t har_chronicle_conn(struct har_link *link, bool is_via_proxy)
{
    struct har_chronicle *chronicle = link->play->chronicle;
    link->unfollowed = 0;
    if (chronicle == NULL) {
        return 0;
    }
    uint64_t visit = is_via_proxy ? ++chronicle->visits : 0;
    if (!HAS_ROOM(chronicle->conns, chronicle->conn_count, chronicle->conn_capacity,
                  HAR_CHRONICLE_CONNS_MAX, chronicle->conns_left_out)) {
        return 0;
    }
    chronicle->conns[chronicle->conn_count] =
        (struct har_noted_conn){.link = link, .at_ns = sl_clock_mono_ns(), .visit = visit};
    return (uint32_t)++chronicle->conn_count;
}

uint32_t har_chronicle_conn_at(const struct har_chronicle *chronicle, const struct har_link *link,
                               uint64_t at_ns)
{
    uint32_t number = 0;
    for (size_t i = 0; i < chronicle->conn_count && chronicle->conns[i].at_ns <= at_ns; i++) {
        number = chronicle->conns[i].link == link ? (uint32_t)i + 1 : number;
    }
    return number;
}

void har_chronicle_opened(struct har_actor *actor)
{
    struct har_chronicle *chronicle = actor->play->chronicle;
    if (chronicle == NULL) {
        return;
    }
    actor->noted = 0;
    actor->link->unfollowed += is_followed(actor);
    if (HAS_ROOM(chronicle->streams, chronicle->stream_count, chronicle->stream_capacity,
                 HAR_CHRONICLE_STREAMS_MAX, chronicle->streams_left_out)) {
        chronicle->streams[chronicle->stream_count++] = (struct har_noted_stream){
            .actor = actor->number, .generation = actor->generation, .opened_ns = actor->opened_ns};
        actor->noted = chronicle->stream_count;
        chronicle->unready++;
    }
}

void har_chronicle_closed(struct har_actor *actor)
{
    struct har_chronicle *chronicle = actor->play->chronicle;
    struct har_noted_stream *stream = chronicle == NULL ? NULL : stream_of(actor);
    if (stream == NULL || stream->ended_ns != 0) {
        return;
    }
    chronicle->unready -= stream->ready_ns == 0;
    stream->ended_ns = sl_clock_mono_ns();
    stream->is_by_server = actor->state == HAR_STREAM_ENDED;
    stream->code = stream->is_by_server ? actor->end_code : 0;
}
