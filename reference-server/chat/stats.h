/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_CHAT_STATS_H
#define SRV_CHAT_STATS_H

/*
 * What the chat core counts of itself, for the metrics. It only counts: who shows it, and how, is not its business.
 * Counters only grow; gauges say what is so now. Rooms count themselves (room.h).
 *
 * A copy is one message for one subscription. Each ends in one way, so that in a right server at any moment
 *
 *     copies = sent + dropped + discarded + those that wait in the buffers
 *
 * Threads: changed under the lock of the chat core, which is the front end's; read at any time.
 */
#include <stdatomic.h>

#include "lib/base/tally.h"

/* X(NAME, label): what became of a message that a client sent. */
#define SRV_OUTCOMES(X)                                         \
    X(BROADCAST, "broadcast")       /* to whoever listens */    \
    X(REPEATED, "repeated")         /* SEND-09: not sent on */  \
    X(REJECTED, "rejected")         /* SEND-02 and SEND-10 */   \
    X(ACKNOWLEDGED, "acknowledged") /* CHAT-04: no more than */ \
    X(MALFORMED, "malformed")       /* it is no ChatMessage */

/* X(NAME, label): why a message was dropped for a subscriber. */
#define SRV_DROPS(X)                                                                             \
    X(BUFFER, "buffer")                       /* --buffer messages were waiting */               \
    X(SUBSCRIBER_MEMORY, "subscriber-memory") /* its messages would hold more bytes than that */ \
    X(MEMORY, "memory")                       /* all messages together would */

/* X(NAME, label): what a call was refused or ended for, with RESOURCE_EXHAUSTED. The label is the name of the option. */
#define SRV_LIMITS(X)                               \
    X(ROOMS, "max-rooms")                           \
    X(ROOM_SUBSCRIBERS, "max-subscribers-per-room") \
    X(SUBSCRIPTIONS, "max-subscriptions")           \
    X(MEMORY, "memory")                             \
    X(STALL, "stall-limit")

#define SRV_OUTCOME_NAME(name, label) SRV_OUTCOME_##name,
#define SRV_DROP_NAME(name, label)    SRV_DROP_FOR_##name,
#define SRV_LIMIT_NAME(name, label)   SRV_LIMIT_##name,

enum srv_outcome { SRV_OUTCOMES(SRV_OUTCOME_NAME) SRV_OUTCOME_COUNT };

enum srv_drop { SRV_DROPS(SRV_DROP_NAME) SRV_DROP_COUNT };

enum srv_limit { SRV_LIMITS(SRV_LIMIT_NAME) SRV_LIMIT_COUNT };

struct srv_chat_stats {
    /* Gauges. */
    struct sl_tally subscriptions;  /* SubscribeToRoom streams */
    struct sl_tally chats;          /* ChatRoom streams */
    struct sl_tally buffered_bytes; /* of the copies that wait; a shared message counts for each */
    atomic_size_t message_bytes; /* of all messages that somebody still waits for or that a history
                                       keeps, each once */
    /* Counters. */
    struct sl_tally received[SRV_OUTCOME_COUNT]; /* messages: SendMessage and ChatRoom */
    struct sl_tally copies;                      /* those of a room's history included */
    struct sl_tally sent;                        /* copies given to the transport */
    struct sl_tally sent_bytes;
    struct sl_tally dropped[SRV_DROP_COUNT]; /* copies, for each subscriber that lost one */
    struct sl_tally discarded;               /* copies that waited when their subscription ended */
    /* Times that a buffer took the last message it has room for, or began to lose those whose bytes are too many. */
    struct sl_tally buffer_full;
    struct sl_tally acks; /* of ChatRoom, given to the transport */
    struct sl_tally pings;
    struct sl_tally refused[SRV_LIMIT_COUNT]; /* calls */
};

#endif
