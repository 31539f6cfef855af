/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/clock.h"
#include "reference-server/chat/refusal.h"
#include "reference-server/frontend/grpc/internal.h"

static uint64_t limit_of(const struct srv_call *call)
{
    return call->grpc->chat->config.limits.stall_ns;
}

void srv_stall_watch(struct srv_call *call)
{
    uint64_t limit_ns = limit_of(call);
    if (limit_ns == 0) {
        return;
    }
    call->send_began_ns = sl_clock_mono_ns();
    /* A timer that is set fires too early then, and is set anew: cheaper than to set it for each message. */
    if (call->timer.place == 0 || call->timer.due_ns > call->send_began_ns + limit_ns) {
        srv_grpc_set_timer(call->grpc, &call->timer, call->send_began_ns + limit_ns);
    }
}

bool srv_stall_ends(struct srv_call *call)
{
    struct srv_grpc *grpc = call->grpc;
    uint64_t limit_ns = limit_of(call);
    if (limit_ns == 0 || !call->is_sending) {
        return false;
    }
    if (sl_clock_mono_ns() < call->send_began_ns + limit_ns) {
        srv_grpc_set_timer(grpc, &call->timer, call->send_began_ns + limit_ns);
        return true;
    }
    struct srv_answer refusal = srv_limit_reached(grpc->chat, SRV_LIMIT_STALL);
    call->is_ending = true;
    call->is_stalled = true;
    call->has_status = true;
    call->record.status = refusal.status;
    (void)grpc_call_cancel_with_status(call->call, (grpc_status_code)refusal.status, refusal.text,
                                       NULL);
    return true;
}
