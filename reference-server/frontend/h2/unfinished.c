/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/unfinished.h"

#include <utlist.h>

#include "reference-server/chat/refusal.h"

static size_t cost(const struct srv_frame *frame)
{
    return frame == NULL ? 0 : srv_frame_cost(frame);
}

/* Brings the sums up to date. True when the call holds more than before. */
static bool weigh(struct srv_h2_call *call)
{
    struct srv_h2_conn *conn = call->conn;
    size_t had = call->unfinished;
    call->unfinished = cost(call->in.frame) + cost(call->request) + call->held.len;
    conn->unfinished += call->unfinished - had; /* which may wrap, and then wraps back */
    conn->h2->unfinished += call->unfinished - had;
    if (call->unfinished < had) {
        conn->h2->heap.freed_bytes += had - call->unfinished;
    }
    return call->unfinished > had;
}

static struct srv_h2_conn *greatest(struct srv_h2_conn *most)
{
    struct srv_h2_conn *conn = NULL;
    DL_FOREACH (most->h2->conns, conn) {
        most = conn->unfinished > most->unfinished ? conn : most;
    }
    return most;
}

/* Ends calls of conn, the oldest first, until no more than aim is held or those that are left hold less than all did on
 * average. At least one that holds something is ended, if there is one. */
static void end_great(struct srv_h2_conn *conn, size_t aim)
{
    struct srv_h2_call *call = NULL;
    size_t count = 0;
    DL_FOREACH (conn->calls, call) {
        count += call->unfinished > 0 ? 1 : 0;
    }
    size_t share = count == 0 ? 0 : conn->unfinished / count;
    DL_FOREACH (conn->calls, call) {
        if (call->unfinished > 0 && call->unfinished >= share) {
            struct srv_answer refusal =
                srv_limit_reached(conn->h2->services->chat, SRV_LIMIT_MEMORY);
            srv_h2_call_end(call, refusal.status, refusal.text);
            if (conn->h2->unfinished <= aim) {
                break;
            }
        }
    }
}

void srv_h2_unfinished_note(struct srv_h2_call *call)
{
    struct srv_h2 *h2 = call->conn->h2;
    size_t max = h2->services->chat->config.limits.memory;
    if (!weigh(call) || max == 0 || h2->unfinished <= max) {
        return;
    }
    /* To three quarters, so that not every byte that comes has to look for a place again. */
    size_t aim = max - max / 4;
    while (h2->unfinished > aim) {
        end_great(greatest(call->conn), aim);
    }
}

void srv_h2_unfinished_drop(struct srv_h2_call *call)
{
    srv_h2_message_in_release(&call->in);
    srv_frame_unref(call->request);
    call->request = NULL;
    sl_buf_release(&call->held);
    (void)weigh(call);
}
