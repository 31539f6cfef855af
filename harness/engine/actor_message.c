/* SPDX-License-Identifier: Apache-2.0 */
/* The messages that actors send: what is kept of each, and its fields. */
#include "harness/engine/actor.h"
#include "lib/base/alloc.h"
#include "lib/base/rng.h"

#define CREATED_AT \
    INT64_C(1700000000000) /* of message 0 of each publisher; one millisecond apart */

enum {
    ID_MAX = 65536, /* bytes of a message_id */
};

uint32_t har_actor_note_sent(struct har_actor *actor, const struct har_send_args *how,
                             uint64_t intended_ns)
{
    if (actor->sent_count == actor->sent_capacity) {
        actor->sent_capacity = actor->sent_capacity == 0 ? 64 : actor->sent_capacity * 2;
        actor->sent = sl_realloc(actor->sent, actor->sent_capacity * sizeof(actor->sent[0]));
    }
    struct har_sent *sent = &actor->sent[actor->sent_count];
    *sent = (struct har_sent){
        .intended_ns = intended_ns, .how = how, .first = actor->stream_first, .phase = -1};
    if (how != NULL && how->size.is_set) {
        sent->size = (uint32_t)har_play_value_in(actor->play, &how->size, 0, 0, HAR_TEXT_MAX);
    }
    if (how != NULL && how->id_bytes.is_set) {
        sent->id_size = (uint32_t)har_play_value_in(actor->play, &how->id_bytes, 0, 0, ID_MAX);
    }
    return actor->sent_count++;
}

/* Noise that no compression shrinks by much, and that the same message always has. */
static void add_noise(const struct har_actor *actor, uint32_t sequence, size_t len,
                      struct sl_buf *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct sl_rng rng;
    sl_rng_init(&rng, actor->play->config.seed, (uint64_t)actor->number << 32 | sequence);
    uint8_t *at = sl_buf_reserve(out, len);
    for (size_t i = 0; i < len && at != NULL;) {
        uint64_t bits = sl_rng_next(&rng);
        for (unsigned j = 0; j < 10 && i < len; j++, i++, bits >>= 6) {
            at[i] = (uint8_t)alphabet[bits & 63];
        }
    }
    sl_buf_commit(out, at == NULL ? 0 : len);
}

static void add_text(const struct har_actor *actor, uint32_t sequence, struct sl_buf *out)
{
    const struct har_sent *sent = &actor->sent[sequence];
    const struct har_message_args *message = sent->how == NULL ? NULL : &sent->how->message;
    if (message == NULL || message->stamp == 0) {
        struct har_stamp stamp = {actor->play->stamp, actor->number, sequence, sent->intended_ns};
        har_stamp_write(out, &stamp);
    }
    if (message != NULL && message->text.is_set) {
        (void)sl_buf_add_span(out, message->text.bytes);
    } else if (sent->size > HAR_STAMP_SIZE) {
        add_noise(actor, sequence, sent->size - HAR_STAMP_SIZE, out);
    }
}

/* The room that a message names. */
static const char *named_room(const struct har_actor *actor, uint32_t sequence, char **ret_owned)
{
    const struct har_send_args *how = actor->sent[sequence].how;
    *ret_owned = how == NULL || how->message.room == NULL
                     ? NULL
                     : har_play_expand(actor->play, how->message.room, actor->index);
    return *ret_owned == NULL ? actor->room : *ret_owned;
}

const char *har_actor_room_of(const struct har_actor *actor, uint32_t sequence, char **ret_owned)
{
    const char *room = named_room(actor, sequence, ret_owned);
    if (room[0] == '\0' && actor->spec->kind == HAR_CHAT) {
        sl_free(*ret_owned);
        room = named_room(actor, actor->sent[sequence].first, ret_owned);
    }
    return room;
}

bool har_actor_has_text(const struct har_actor *actor, uint32_t sequence)
{
    const struct har_sent *sent = &actor->sent[sequence];
    const struct har_message_args *message = sent->how == NULL ? NULL : &sent->how->message;
    if (message == NULL || message->stamp == 0) {
        return true;
    }
    return message->text.is_set ? message->text.bytes.len > 0 : sent->size > HAR_STAMP_SIZE;
}

static void write_fields(const struct har_actor *actor, uint32_t sequence, const char *room,
                         struct sl_buf *scratch, struct har_message *ret_message)
{
    const struct har_sent *sent = &actor->sent[sequence];
    const struct har_message_args *how = sent->how == NULL ? NULL : &sent->how->message;
    sl_buf_clear(scratch);
    /* All parts first, the spans after: the buffer may move while it grows. */
    size_t ends[4];
    if (how != NULL && how->message_id.is_set) {
        (void)sl_buf_add_span(scratch, how->message_id.bytes);
    } else {
        (void)sl_buf_addf(scratch, "p%04x-%08x", actor->number, sequence);
        if (sent->id_size > scratch->len) {
            add_noise(actor, sequence, sent->id_size - scratch->len, scratch);
        }
    }
    ends[0] = scratch->len;
    (void)sl_buf_add_str(scratch, room);
    ends[1] = scratch->len;
    if (how != NULL && how->user_id.is_set) {
        (void)sl_buf_add_span(scratch, how->user_id.bytes);
    } else {
        (void)sl_buf_addf(scratch, "user-%04x", actor->number);
    }
    ends[2] = scratch->len;
    add_text(actor, sequence, scratch);
    ends[3] = scratch->len;
    const uint8_t *data = scratch->data;
    *ret_message = (struct har_message){
        .message_id = sl_span(data, ends[0]),
        .room_id = sl_span(data + ends[0], ends[1] - ends[0]),
        .user_id = sl_span(data + ends[1], ends[2] - ends[1]),
        .text = sl_span(data + ends[2], ends[3] - ends[2]),
        .created_at = CREATED_AT + sequence,
    };
    if (how != NULL && how->created_at.is_set) {
        ret_message->created_at = how->created_at.value;
    }
}

void har_actor_message(const struct har_actor *actor, uint32_t sequence, struct sl_buf *scratch,
                       struct har_message *ret_message)
{
    char *owned = NULL;
    write_fields(actor, sequence, named_room(actor, sequence, &owned), scratch, ret_message);
    sl_free(owned);
}

void har_actor_copy(const struct har_actor *actor, uint32_t sequence, struct sl_buf *scratch,
                    struct har_message *ret_message)
{
    char *owned = NULL;
    write_fields(actor, sequence, har_actor_room_of(actor, sequence, &owned), scratch, ret_message);
    sl_free(owned);
}
