/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_LIMITS_H
#define SRV_LIMITS_H

/*
 * What the clients of the chat service may take of it, all together and each, and how they are told that it is
 * enough: RESOURCE_EXHAUSTED with a text that names the option and its value.
 */
#include "reference-server/chat/stats.h"

/* Defaults of the options. They are far from what a service of one process needs, and near enough to keep it alive. */
enum {
    SRV_MAX_ROOMS = 100000,
    SRV_MAX_ROOM_SUBSCRIBERS = 100000,
    SRV_MAX_SUBSCRIPTIONS = 200000,
    SRV_SUBSCRIBER_MEMORY = 16 * 1024 * 1024,
    SRV_MEMORY = 256 * 1024 * 1024,
    SRV_LIMIT_TEXT_MAX = 128,
};

/* Each of them 0: no limit. */
struct srv_limits {
    size_t max_rooms;            /* with a subscriber or a history */
    size_t max_room_subscribers; /* of one room */
    size_t max_subscriptions;
    size_t subscriber_memory; /* bytes of the messages in one subscription's buffer */
    size_t memory;            /* bytes of all messages, each once */
    uint64_t stall_ns; /* that one message may be in the transport's hands; kept by the front end */
};

/* What each limit's refusal says. */
struct srv_limit_texts {
    char text[SRV_LIMIT_COUNT][SRV_LIMIT_TEXT_MAX];
};

void srv_limit_texts_init(struct srv_limit_texts *texts, const struct srv_limits *limits);

#endif
