/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_CHAT_H
#define SRV_CHAT_H

/*
 * What the chat service shares: its settings and its rooms. No transport type is known here, and the time is
 * passed in.
 *
 * Threads: one at a time.
 */
#include "reference-server/chat/dedup.h"
#include "reference-server/chat/ids.h"
#include "reference-server/chat/limits.h"
#include "reference-server/chat/room.h"
#include "reference-server/misbehave.h"

enum {
    SRV_SECRET = SRV_DEDUP_KEY + 8, /* bytes */
};

enum srv_drop_policy {
    SRV_DROP_NEWEST,
    SRV_DROP_OLDEST,
};

struct srv_chat_config {
    size_t buffer; /* messages that wait for one subscriber, at least 1 */
    enum srv_drop_policy drop_policy;
    int32_t default_rate_hz; /* at least 1 */
    uint64_t ping_interval_ns;
    uint8_t secret
        [SRV_SECRET]; /* random: ids begin with a part of it, the dedup window is keyed with it */
    size_t history;   /* messages that a room keeps; 0: none */
    struct srv_limits limits;
    struct srv_misbehave misbehave;
};

struct srv_wrong_subscriber;
struct leftover; /* reference-server/chat/wrong_pace.c */

struct srv_chat {
    struct srv_chat_config config;
    struct srv_rooms rooms;
    struct srv_ids ids;
    struct srv_dedup dedup;
    struct srv_chat_stats stats;
    struct srv_memory memory;
    struct srv_limit_texts limit_texts;
    struct srv_wrong_subscriber *subscribers; /* all of them, for the wrong servers */
    bool is_draining;                         /* for a wrong server */
    uint64_t subscriptions_ended;             /* for wrong servers */
    uint64_t dropped;                         /* by all of them; for a wrong server */
    struct leftover *leftovers;               /* memory that a wrong server forgot */
    struct srv_frame *late;                   /* the rest: for wrong servers */
    uint64_t sent, second;
    unsigned second_count;
    uint64_t bulk_ns, bulk_connection; /* when a big message came last, and for which connection */
    uint64_t busy_ns; /* when a room had more than its share last; for a wrong server */
};

/* *chat stays where it is, and lives until the last message that it had is freed. */
void srv_chat_init(struct srv_chat *chat, const struct srv_chat_config *config);

/* Every stream must have been closed before. */
void srv_chat_release(struct srv_chat *chat);

#endif
