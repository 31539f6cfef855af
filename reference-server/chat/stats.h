/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_CHAT_STATS_H
#define SRV_CHAT_STATS_H

/*
 * What the chat core counts, for the metrics. Counters only grow; gauges say what is so now.
 *
 * Threads: under the lock of the chat core, which is the front end's; message_bytes alone may be read at any time.
 */
#include <stdatomic.h>
#include <stdint.h>

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

#define SRV_DROP_NAME(name, label)  SRV_DROP_FOR_##name,
#define SRV_LIMIT_NAME(name, label) SRV_LIMIT_##name,

enum srv_drop { SRV_DROPS(SRV_DROP_NAME) SRV_DROP_COUNT };

enum srv_limit { SRV_LIMITS(SRV_LIMIT_NAME) SRV_LIMIT_COUNT };

struct srv_chat_stats {
    /* Gauges. */
    uint64_t rooms;              /* with a member or a history */
    uint64_t idle_rooms;         /* of these, without a member */
    uint64_t subscriptions;      /* SubscribeToRoom streams */
    uint64_t chats;              /* ChatRoom streams */
    uint64_t history_bytes;      /* of all rooms */
    atomic_size_t message_bytes; /* of all messages that somebody still waits for or that a history
                                    keeps, each once */
    /* Counters. */
    uint64_t accepted;   /* messages that were broadcast: SendMessage and ChatRoom */
    uint64_t rejected;   /* SEND-02 and SEND-10 */
    uint64_t duplicates; /* SEND-09 */
    uint64_t sent;       /* messages given to the transport for a subscriber */
    uint64_t sent_bytes;
    uint64_t dropped[SRV_DROP_COUNT]; /* messages, for each subscriber that lost one */
    uint64_t buffer_full;             /* times that a subscriber began to lose messages */
    uint64_t acks;                    /* of ChatRoom */
    uint64_t pings;
    uint64_t refused[SRV_LIMIT_COUNT]; /* calls */
};

#endif
