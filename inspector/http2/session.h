/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_SESSION_H
#define INS_SESSION_H

/*
 * Between TCP and the views: finds the HTTP/2 connections, gives each an observer, numbers connections
 * and calls, looks up methods, and passes events to the statistics and to one view.
 *
 * Limits: INS_SESSION_HOLD bytes held back in all for connections that are not decided yet.
 */
#include "inspector/net/tcp.h"
#include "inspector/select.h"
#include "inspector/view/stats.h"
#include "inspector/view/view.h"

enum {
    INS_SESSION_HOLD = 8 * 1024 * 1024,
};

struct ins_session;

/* Borrows pool (may be NULL), select, stats and view until it is freed. */
struct ins_session *ins_session_new(const struct sl_pool *pool, const struct ins_select *select,
                                    struct ins_stats *stats, struct ins_view *view);
/* After ins_tcp_finish: every connection has ended. */
void ins_session_free(struct ins_session *session);

/* For ins_tcp_new, with the session as owner. */
const struct ins_tcp_handler *ins_session_tcp_handler(void);

#endif
