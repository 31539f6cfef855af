/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/chat.h"

#include "reference-server/chat/wrong.h"

void srv_chat_init(struct srv_chat *chat, const struct srv_chat_config *config)
{
    *chat = (struct srv_chat){.config = *config};
    if (config->misbehave.drop_oldest) {
        chat->config.drop_policy = SRV_DROP_OLDEST;
    }
    srv_rooms_init(&chat->rooms, &chat->config.misbehave);
    srv_dedup_init(&chat->dedup, config->secret);
    memcpy(&chat->ids.random, config->secret + SRV_DEDUP_KEY, sizeof(chat->ids.random));
    /* That one waits until nobody else holds the message. */
    chat->rooms.history = config->misbehave.publisher_waits_for_subscriber ? 0 : config->history;
}

void srv_chat_release(struct srv_chat *chat)
{
    srv_wrong_release(chat);
    srv_frame_unref(chat->late);
    srv_rooms_release(&chat->rooms);
    srv_dedup_release(&chat->dedup);
}
