/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/chat.h"

#include "reference-server/chat/wrong.h"

enum {
    HISTORY_PART = 8, /* of the memory for messages, at most */
};

/* Wrong servers have limits of their own. */
static void lift_limits(struct srv_limits *limits, const struct srv_misbehave *misbehave)
{
    if (misbehave->unbounded_queue || misbehave->unbounded_copies || misbehave->unbounded_acks ||
        misbehave->leak_room_names) {
        *limits = (struct srv_limits){0};
    }
}

static size_t or_none(size_t limit)
{
    return limit == 0 ? SIZE_MAX : limit;
}

static void init_rooms(struct srv_chat *chat)
{
    const struct srv_chat_config *config = &chat->config;
    struct srv_rooms *rooms = &chat->rooms;
    srv_rooms_init(rooms, &config->misbehave, &chat->memory);
    memcpy(rooms->key, config->secret, sizeof(rooms->key));
    /* That one waits until nobody else holds the message. */
    rooms->history = config->misbehave.publisher_waits_for_subscriber ? 0 : config->history;
    rooms->max_rooms = or_none(config->limits.max_rooms);
    rooms->max_members = or_none(config->limits.max_room_subscribers);
    size_t part = or_none(config->limits.memory) / HISTORY_PART;
    rooms->history_max = part < SRV_ROOMS_HISTORY_BYTES ? part : SRV_ROOMS_HISTORY_BYTES;
}

void srv_chat_init(struct srv_chat *chat, const struct srv_chat_config *config)
{
    *chat = (struct srv_chat){.config = *config};
    if (config->misbehave.drop_oldest) {
        chat->config.drop_policy = SRV_DROP_OLDEST;
    }
    lift_limits(&chat->config.limits, &config->misbehave);
    srv_limit_texts_init(&chat->limit_texts, &chat->config.limits);
    chat->memory =
        (struct srv_memory){.used = &chat->stats.message_bytes, .max = chat->config.limits.memory};
    init_rooms(chat);
    srv_dedup_init(&chat->dedup, config->secret);
    memcpy(&chat->ids.random, config->secret + SRV_DEDUP_KEY, sizeof(chat->ids.random));
}

void srv_chat_release(struct srv_chat *chat)
{
    srv_wrong_release(chat);
    srv_frame_unref(chat->late);
    srv_rooms_release(&chat->rooms);
    srv_dedup_release(&chat->dedup);
}
