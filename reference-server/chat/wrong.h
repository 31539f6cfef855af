/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_WRONG_H
#define SRV_WRONG_H

/*
 * What the wrong servers do to a subscription, kept apart so that the right one reads straight through.
 * With no switch set every function here answers "as it should be".
 *
 * Ownership: embedded in a subscriber; lives as long as it.
 */
#include "reference-server/chat/chat.h"
#include "reference-server/chat/limiter.h"
#include "reference-server/chat/message.h"
#include "reference-server/chat/ring.h"
#include "reference-server/chat/stream.h"

struct srv_wrong_subscriber {
    const struct srv_misbehave *misbehave;
    struct srv_chat *chat;
    struct srv_stream *stream;
    const struct srv_member *member;
    struct srv_limiter *limiter;
    uint64_t connection;
    uint64_t second;       /* in which it counts */
    unsigned second_count; /* messages that came in it */
    uint64_t slice;        /* of a tenth of a second, in which it counts too */
    unsigned slice_count;
    uint64_t taken_second;  /* in which it sent last */
    uint64_t taken;         /* messages sent in it */
    unsigned stalls;        /* times that the transport was blocked */
    uint64_t overloaded_ns; /* when it had more than its share last */
    uint64_t received;      /* messages that were published to it */
    uint64_t sent;
    size_t waiting;     /* messages */
    size_t was_waiting; /* at most, since none was */
    uint64_t first_ns;  /* when the first message came */
    uint64_t buffer;
    uint64_t beat_ns;      /* of the watchdog */
    int64_t newest_stamp;  /* created_at */
    struct srv_ring other; /* a second queue; empty in a right server */
    uint64_t place;        /* members of the room that joined before */
    uint64_t hold_until_ns;
    bool is_bulk;    /* big messages have come to it */
    bool is_sending; /* the transport holds a message */
    bool is_behind;  /* the transport is busy and a backlog waits */
    bool is_asleep;  /* until the next message comes */
    bool is_leaked;
    bool is_over;  /* leaked until now */
    void *ballast; /* what a leaked subscription keeps besides its messages */
    struct srv_wrong_subscriber *prev;
    struct srv_wrong_subscriber *next;
};

/* How many messages the buffer holds. */
size_t srv_wrong_buffer(const struct srv_chat_config *config);

/* The rate clock for a subscription of this room that asked for max_rate_hz, before it joins. */
void srv_wrong_limiter(const struct srv_chat *chat, struct sl_span room_id, int32_t max_rate_hz,
                       struct srv_limiter *limiter);

/* A message is being put into the subscription's ring: what that costs too much. */
void srv_wrong_delay(struct srv_wrong_subscriber *wrong, uint64_t now_ns);
/* So many bytes of message are being put into a queue of the subscription. */
void srv_wrong_arrival(struct srv_wrong_subscriber *wrong, size_t bytes, uint64_t now_ns);
/* The queue that the message goes to: ring, or another one. */
struct srv_ring *srv_wrong_queue(struct srv_wrong_subscriber *wrong, struct srv_ring *ring);
/* Until when others keep this subscription waiting; 0: not at all. */
uint64_t srv_wrong_busy_until(const struct srv_wrong_subscriber *wrong, uint64_t now_ns);

/* Where the subscription stands in its room, and what finding that out costs; before it joins. */
void srv_wrong_place(struct srv_wrong_subscriber *wrong, const struct srv_chat *chat,
                     struct sl_span room_id);

/* The subscription of stream, as member, is about to join its room. */
void srv_wrong_join(struct srv_wrong_subscriber *wrong, struct srv_stream *stream,
                    const struct srv_member *member, struct srv_chat *chat);

/* It leaves; what waits in ring may go to the next one of the room. */
void srv_wrong_leave(struct srv_wrong_subscriber *wrong, struct srv_member *member,
                     struct srv_ring *ring);

/* How often a published message is put into the ring. */
unsigned srv_wrong_copies(struct srv_wrong_subscriber *wrong, bool is_throttled, uint64_t now_ns);

/* What is put into a queue is a copy of the message. */
bool srv_wrong_copies_own(const struct srv_wrong_subscriber *wrong);

/* A message was dropped. */
void srv_wrong_note_drop(struct srv_wrong_subscriber *wrong);
/* How many drops are reported. */
uint64_t srv_wrong_report(const struct srv_wrong_subscriber *wrong, uint64_t dropped);

/* The message goes before the last one that waits. */
bool srv_wrong_overtakes(const struct srv_wrong_subscriber *wrong, const struct srv_ring *ring);

/* A message that nobody sent and that comes next, yours; or NULL. */
struct srv_frame *srv_wrong_invention(struct srv_wrong_subscriber *wrong);

/* True when the subscription ends now, as *ret_pulled says. */
bool srv_wrong_ends(const struct srv_wrong_subscriber *wrong, uint64_t dropped,
                    struct srv_pulled *ret_pulled);

/* True when the watchdog ends the subscription, as *ret_pulled says. */
bool srv_wrong_bites(struct srv_wrong_subscriber *wrong, uint64_t now_ns,
                     struct srv_pulled *ret_pulled);
/* When to ask again, who would ask at until_ns. */
uint64_t srv_wrong_wait(const struct srv_wrong_subscriber *wrong, uint64_t until_ns,
                        uint64_t now_ns);
/* A drain may have begun: what waits is then dropped. */
void srv_wrong_forget(const struct srv_wrong_subscriber *wrong, struct srv_ring *ring);
/* True when the message's stamp makes it stale. */
bool srv_wrong_is_stale(struct srv_wrong_subscriber *wrong, const struct srv_frame *frame);

/* The message is thrown away, though it was accepted. */
bool srv_wrong_sheds(struct srv_wrong_subscriber *wrong, uint64_t now_ns);

/* The client asked for max_rate_hz: what that alone does to its clock. */
void srv_wrong_asked_rate(const struct srv_misbehave *misbehave, int32_t max_rate_hz,
                          struct srv_limiter *limiter);

/* A message was taken from the clock at now_ns. */
void srv_wrong_taken(struct srv_wrong_subscriber *wrong, uint64_t now_ns);

/* The buffer was full. */
void srv_wrong_dropped(struct srv_wrong_subscriber *wrong);

/* When the message that is due at due_ns is looked at again. */
uint64_t srv_wrong_timer(const struct srv_wrong_subscriber *wrong, uint64_t due_ns);

/* The transport took a message after it had been blocked. */
void srv_wrong_unblocked(struct srv_wrong_subscriber *wrong);

/* What the stalls of all subscriptions left behind. */
void srv_wrong_release_leftovers(struct srv_chat *chat);

/* Notes whether the subscription is behind; the ones that it held up go on when it no longer is. */
void srv_wrong_note(struct srv_wrong_subscriber *wrong, bool is_sending, size_t waiting);

/* True while another subscription that is behind holds this one up. */
bool srv_wrong_is_blocked(const struct srv_wrong_subscriber *wrong);

/* True when a closed subscription is to stay as it is; it then has its ballast. */
bool srv_wrong_leaks(struct srv_wrong_subscriber *wrong, struct srv_ring *ring);

/* Frees what was leaked for a while only. */
void srv_wrong_sweep(struct srv_chat *chat);

/* Closes what was leaked: the process ends. */
void srv_wrong_release(struct srv_chat *chat);

#endif
