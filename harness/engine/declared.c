/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/engine/declared.h"

#include "lib/base/alloc.h"

static struct sl_span trimmed(struct sl_span text)
{
    while (text.len > 0 && text.data[0] == ' ') {
        text = sl_span_from(text, 1);
    }
    while (text.len > 0 && text.data[text.len - 1] == ' ') {
        text = sl_span_first(text, text.len - 1);
    }
    return text;
}

void har_declared_note(struct har_play *play, const struct sl_headers *headers)
{
    const struct sl_header *field = sl_headers_find(headers, "chat-capabilities");
    struct sl_span rest = field == NULL ? sl_span(NULL, 0) : field->value;
    struct sl_span item;
    while (sl_span_next_item(&rest, &item)) {
        struct sl_span word = trimmed(item);
        play->says_fill |= sl_span_is(word, "fill");
        play->says_dedup |= sl_span_is(word, "dedup");
    }
}

void har_declared_note_report(struct har_past *past, const struct sl_headers *trailers)
{
    const struct sl_header *field =
        trailers == NULL ? NULL : sl_headers_find(trailers, "chat-dropped");
    past->has_report = field != NULL;
    past->reported = 0;
    for (size_t i = 0; field != NULL && i < field->value.len; i++) {
        unsigned digit = (unsigned)field->value.data[i] - '0';
        if (digit > 9 || past->reported > UINT64_MAX / 100) {
            past->reported = UINT64_MAX;
            return;
        }
        past->reported = past->reported * 10 + digit;
    }
    if (field != NULL && field->value.len == 0) {
        past->reported = UINT64_MAX;
    }
}

bool har_fills(const struct har_play *play)
{
    return play->says_fill || har_profile_has(play->config.profile, "fill");
}

bool har_dedups(const struct har_play *play)
{
    return play->says_dedup || har_profile_has(play->config.profile, "dedup");
}

/* The room and id that a message was given by the scenario; id NULL when it is one of our own, which are unique. */
struct identity {
    const struct har_text *id;
    char *room;
};

static struct identity identity_of(const struct har_actor *sender, uint32_t sequence)
{
    const struct har_send_args *how = sender->sent[sequence].how;
    struct identity identity = {0};
    if (how == NULL || !how->message.message_id.is_set || how->message.message_id.bytes.len == 0) {
        return identity;
    }
    identity.id = &how->message.message_id;
    identity.room = har_play_expand(
        sender->play, how->message.room == NULL ? sender->room : how->message.room, sender->index);
    return identity;
}

static bool is_same(const struct identity *one, const struct identity *other)
{
    return other->id != NULL && sl_span_equal(one->id->bytes, other->id->bytes) &&
           strcmp(one->room, other->room) == 0;
}

bool har_is_repeated(const struct har_actor *sender, uint32_t sequence)
{
    struct har_play *play = sender->play;
    struct identity own = identity_of(sender, sequence);
    bool is_found = false;
    if (!har_dedups(play) || own.id == NULL) {
        sl_free(own.room);
        return false;
    }
    for (size_t i = 0; i < play->actor_count && !is_found; i++) {
        const struct har_actor *other = &play->actors[i];
        for (uint32_t j = 0; j < other->sent_count && !is_found; j++) {
            bool is_before = other->sent[j].sent_ns < sender->sent[sequence].sent_ns;
            if (!is_before || other->spec->kind != HAR_PUBLISHER) {
                continue;
            }
            struct identity its = identity_of(other, j);
            is_found = is_same(&own, &its);
            sl_free(its.room);
        }
    }
    sl_free(own.room);
    return is_found;
}
