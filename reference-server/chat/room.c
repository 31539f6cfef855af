/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/room.h"

#include <ctype.h>
/* Wherever the table is looked into its owner is at hand as `rooms`. */
#define HASH_FUNCTION(id, len, hash) ((hash) = hash_of(rooms, (id), (len)))
#include <uthash.h>
#include <utlist.h>

#include "lib/base/alloc.h"
#include "reference-server/chat/history.h"
#include "reference-server/chat/siphash.h"
#include "reference-server/chat/wrong_text.h"
#include "reference-server/misbehave.h"

enum {
    LEFT_BEHIND_MAX = 4096, /* frames that a wrong server keeps for the next member */
};

struct srv_room {
    UT_hash_handle hh;
    struct srv_member *members;
    size_t member_count;
    struct srv_history history;
    bool is_idle; /* one of those without a member */
    uint64_t idle_since_ns;
    struct srv_room *prev; /* among these */
    struct srv_room *next;
    struct srv_ring left_behind; /* empty in a right server */
    size_t id_len;
    uint8_t id[];
};

static unsigned hash_of(const struct srv_rooms *rooms, const void *id, size_t len)
{
    return (unsigned)srv_siphash(rooms->key, sl_span(id, len)).low;
}

void srv_rooms_init(struct srv_rooms *rooms, const struct srv_misbehave *misbehave,
                    struct srv_memory *memory)
{
    *rooms = (struct srv_rooms){.misbehave = misbehave,
                                .memory = memory,
                                .history_max = SIZE_MAX,
                                .max_rooms = SIZE_MAX,
                                .max_members = SIZE_MAX};
}

static void free_room(struct srv_rooms *rooms, struct srv_room *room)
{
    HASH_DEL(rooms->table, room);
    sl_tally_sub(&rooms->count, 1);
    rooms->history_bytes -= room->history.bytes;
    srv_history_release(&room->history);
    srv_ring_release(&room->left_behind);
    sl_free(room);
}

/* Nobody needs room any more. */
static void forget_room(struct srv_rooms *rooms, struct srv_room *room)
{
    if (!rooms->misbehave->leak_room_names) {
        free_room(rooms, room);
        return;
    }
    rooms->history_bytes -= room->history.bytes;
    srv_history_release(&room->history);
}

void srv_rooms_release(struct srv_rooms *rooms)
{
    struct srv_room *room = NULL;
    struct srv_room *next = NULL;
    HASH_ITER (hh, rooms->table, room, next) {
        free_room(rooms, room);
    }
}

static struct srv_room *find(const struct srv_rooms *rooms, struct sl_span id)
{
    struct srv_room *room = NULL;
    HASH_FIND(hh, rooms->table, id.data, id.len, room);
    return room;
}

/* room has no member from now on. */
static void begin_idle(struct srv_rooms *rooms, struct srv_room *room)
{
    room->is_idle = true;
    room->idle_since_ns = rooms->now_ns;
    DL_APPEND(rooms->idle, room);
    rooms->idle_count++;
}

static void end_idle(struct srv_rooms *rooms, struct srv_room *room)
{
    if (room->is_idle) {
        room->is_idle = false;
        DL_DELETE(rooms->idle, room);
        rooms->idle_count--;
    }
}

static bool is_over(const struct srv_rooms *rooms)
{
    return rooms->idle->idle_since_ns + SRV_ROOMS_KEEP_NS < rooms->now_ns ||
           rooms->idle_count > SRV_ROOMS_IDLE_MAX || rooms->history_bytes > rooms->history_max;
}

static void free_first_idle(struct srv_rooms *rooms)
{
    struct srv_room *room = rooms->idle;
    end_idle(rooms, room);
    forget_room(rooms, room);
}

static void expire(struct srv_rooms *rooms)
{
    while (rooms->idle != NULL && is_over(rooms)) {
        free_first_idle(rooms);
    }
}

static bool is_full(const struct srv_rooms *rooms)
{
    return sl_tally_get(&rooms->count) >= rooms->max_rooms;
}

static struct srv_room *add(struct srv_rooms *rooms, struct sl_span id)
{
    struct srv_room *room = sl_alloc(sizeof(*room) + id.len);
    srv_ring_init(&room->left_behind, LEFT_BEHIND_MAX);
    srv_history_init(&room->history, rooms->history);
    room->id_len = id.len;
    memcpy(room->id, id.data, id.len);
    HASH_ADD_KEYPTR(hh, rooms->table, room->id, room->id_len, room);
    sl_tally_add(&rooms->count, 1);
    return room;
}

/* NULL: there is none, and no space for one. */
static struct srv_room *find_or_add(struct srv_rooms *rooms, struct sl_span id)
{
    struct srv_room *room = find(rooms, id);
    if (room == NULL && is_full(rooms) && rooms->idle != NULL) {
        free_first_idle(rooms);
    }
    return room == NULL && !is_full(rooms) ? add(rooms, id) : room;
}

bool srv_rooms_has_space(const struct srv_rooms *rooms, struct sl_span room_id,
                         enum srv_limit *ret_limit)
{
    const struct srv_room *room = find(rooms, room_id);
    *ret_limit = room == NULL ? SRV_LIMIT_ROOMS : SRV_LIMIT_ROOM_SUBSCRIBERS;
    return room == NULL ? !is_full(rooms) || rooms->idle != NULL
                        : room->member_count < rooms->max_members;
}

void srv_rooms_join(struct srv_rooms *rooms, struct srv_member *member, struct sl_span room_id,
                    uint64_t now_ns)
{
    rooms->now_ns = now_ns;
    struct srv_room *room = find_or_add(rooms, room_id);
    if (room == NULL) {
        return; /* a wrong server, which joins late */
    }
    end_idle(rooms, room);
    expire(rooms);
    member->room = room;
    room->member_count++;
    DL_APPEND(room->members, member);
    for (struct srv_frame *old = srv_ring_pop(&room->left_behind); old != NULL;
         old = srv_ring_pop(&room->left_behind)) {
        member->deliver(member, old, now_ns);
        srv_frame_unref(old);
    }
}

void srv_rooms_leave(struct srv_rooms *rooms, struct srv_member *member)
{
    struct srv_room *room = member->room;
    if (room == NULL) {
        return;
    }
    if (rooms->misbehave->leave_skips_neighbour) {
        (member->next == NULL ? room->members : member->next)->is_skipped = true;
    }
    DL_DELETE(room->members, member);
    room->member_count--;
    member->room = NULL;
    if (room->members != NULL) {
        return;
    }
    if (room->history.messages.count > 0) {
        begin_idle(rooms, room);
    } else if (room->left_behind.count == 0) {
        forget_room(rooms, room);
    }
}

static void publish_to(struct srv_room *room, struct srv_frame *frame, uint64_t now_ns)
{
    struct srv_member *member = NULL;
    DL_FOREACH (room->members, member) {
        bool is_skipped = member->is_skipped;
        member->is_skipped = false;
        if (!is_skipped) {
            member->deliver(member, frame, now_ns);
        }
    }
}

static bool is_same_but_case(const struct srv_room *room, struct sl_span id)
{
    if (room->id_len != id.len) {
        return false;
    }
    for (size_t i = 0; i < id.len; i++) {
        if (tolower(room->id[i]) != tolower(id.data[i])) {
            return false;
        }
    }
    return true;
}

/* Wrong servers: a message also reaches rooms whose id is only like its own. */
static bool is_leaked_to(const struct srv_rooms *rooms, const struct srv_room *room,
                         struct sl_span id)
{
    if (rooms->misbehave->room_prefix_leak && room->id_len < id.len &&
        memcmp(room->id, id.data, room->id_len) == 0) {
        return true;
    }
    if (rooms->misbehave->empty_room_hears_all && room->id_len == 0) {
        return true;
    }
    if (rooms->misbehave->unicode_normalised && srv_wrong_is_same_composed(srv_room_id(room), id)) {
        return true;
    }
    return rooms->misbehave->room_case_folded && is_same_but_case(room, id);
}

static void publish_like(struct srv_rooms *rooms, struct sl_span id, struct srv_frame *frame,
                         uint64_t now_ns)
{
    const struct srv_room *own = find(rooms, id);
    struct srv_room *room = NULL;
    struct srv_room *next = NULL;
    HASH_ITER (hh, rooms->table, room, next) {
        if (room != own && is_leaked_to(rooms, room, id)) {
            publish_to(room, frame, now_ns);
        }
    }
}

/* frame was published to room, which may be gone after this. */
static void remember(struct srv_rooms *rooms, struct srv_room *room, struct srv_frame *frame)
{
    bool is_idle = room->members == NULL;
    if (is_idle) {
        end_idle(rooms, room);
        begin_idle(rooms, room);
    }
    size_t *bytes = &rooms->history_bytes;
    *bytes -= room->history.bytes;
    if (srv_memory_admit(rooms->memory, frame, rooms->now_ns)) {
        srv_history_add(&room->history, frame);
    } else {
        srv_history_release(&room->history); /* SUB-12 allows no hole */
    }
    *bytes += room->history.bytes;
    expire(rooms);
    while (!is_idle && *bytes > rooms->history_max && room->history.messages.count > 0) {
        *bytes -= room->history.bytes;
        srv_history_forget(&room->history);
        *bytes += room->history.bytes;
    }
}

void srv_rooms_publish(struct srv_rooms *rooms, struct sl_span room_id, struct srv_frame *frame,
                       uint64_t now_ns)
{
    if (room_id.len == 0 || room_id.len > SRV_ROOMS_ID_MAX) {
        return; /* nobody can subscribe to it */
    }
    bool has_history = rooms->history > 0;
    struct srv_room *room = has_history || rooms->misbehave->sees_old_messages
                                ? find_or_add(rooms, room_id)
                                : find(rooms, room_id);
    rooms->now_ns = now_ns;
    if (rooms->misbehave->room_prefix_leak || rooms->misbehave->room_case_folded ||
        rooms->misbehave->empty_room_hears_all || rooms->misbehave->unicode_normalised) {
        publish_like(rooms, room_id, frame, now_ns);
    }
    if (room == NULL) {
        return;
    }
    publish_to(room, frame, now_ns);
    if (rooms->misbehave->sees_old_messages) {
        srv_frame_unref(srv_ring_pop(&room->left_behind));
        srv_ring_push(&room->left_behind, srv_frame_ref(frame));
    }
    if (has_history) {
        remember(rooms, room, frame);
    }
}

const struct srv_history *srv_rooms_history(const struct srv_rooms *rooms, struct sl_span room_id)
{
    const struct srv_room *room = find(rooms, room_id);
    return room == NULL ? NULL : &room->history;
}

struct sl_span srv_room_id(const struct srv_room *room)
{
    return sl_span(room->id, room->id_len);
}

void srv_rooms_bequeath(struct srv_member *member, struct srv_frame *frame)
{
    if (member->room == NULL || srv_ring_is_full(&member->room->left_behind)) {
        srv_frame_unref(frame);
        return;
    }
    srv_ring_push(&member->room->left_behind, frame);
}
