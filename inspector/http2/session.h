/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_SESSION_H
#define INS_SESSION_H

/*
 * Between the ends of the layers and the views: numbers connections and calls, looks up methods, and
 * passes events to the statistics and to one view.
 *
 * An end (HTTP/2, gRPC-Web over HTTP/1.1) opens a conversation when it has found one, and lets its events
 * go to ins_session_handler(), with the conversation as owner.
 *
 * Limits: INS_SESSION_OPEN calls open at once; the oldest is given up, and counted.
 */
#include "inspector/select.h"
#include "inspector/stream/stream.h"
#include "inspector/view/stats.h"
#include "inspector/view/view.h"

enum {
    INS_SESSION_OPEN = 4096, /* with some 8 KiB each at the most usual */
};

struct ins_session;
struct ins_conversation;

/* Borrows pool (may be NULL), select, stats and view until it is freed. */
struct ins_session *ins_session_new(const struct sl_pool *pool, const struct ins_select *select,
                                    struct ins_stats *stats, struct ins_view *view);
/* After every conversation was closed. */
void ins_session_free(struct ins_session *session);

/* The client of place must be known. Gives the connection its number. */
struct ins_conversation *ins_session_open(struct ins_session *session,
                                          const struct ins_layer_place *place);
/* Whose events come with the conversation as owner; its answers also tell how far the server is, where TCP
 * does not. Borrowed until ins_session_close is over. */
void ins_session_watch(struct ins_conversation *conversation, struct sl_observer *observer);
/* The ends of a guess are what they seemed. */
void ins_session_confirm(struct ins_conversation *conversation);
/* They are each other: what comes is of another observer, after the end of all calls of this one, whose totals
 * are counted. */
void ins_session_turn(struct ins_conversation *conversation,
                      const struct sl_observer_totals *totals);
/* Between two feeds of observers: where more than INS_SESSION_OPEN calls are open, gives up the oldest, of
 * whichever conversation. */
void ins_session_make_room(struct ins_session *session, const struct sl_at *at);
/* After the end of all its calls; counts the connection and frees the conversation. */
void ins_session_close(struct ins_conversation *conversation,
                       const struct sl_observer_totals *totals);

/* How much of messages and frames is to be kept, given what the view wants: sets the keep_ fields. All
 * conversations share one budget for messages that are not whole yet. */
void ins_session_keeps(struct ins_session *session, struct sl_observer_config *config);

/* Borrowed until the session is freed. Its owner is a struct ins_conversation. It takes findings where the view does. */
const struct sl_observer_handler *ins_session_handler(const struct ins_session *session);

#endif
