/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to requests that the service does not hear of, and the end of requests of which nobody needs the rest. */
#include "lib/base/clock.h"
#include "reference-server/frontend/h2/internal.h"

/* How long a client that gets an answer without a gRPC status may take to end its stream. It may know less of HTTP/2
 * than that it need not go on, and is told of errors that it makes meanwhile; what it sends is dropped, a window at most. */
#define PATIENCE_NS SL_SECOND

/* The rest of the request is not needed. */
static void cut_input(struct srv_h2_call *call)
{
    (void)nghttp2_submit_rst_stream(call->conn->session, NGHTTP2_FLAG_NONE, call->id,
                                    NGHTTP2_NO_ERROR);
    srv_h2_conn_dirty(call->conn);
}

static void patience_over(struct srv_timer *timer)
{
    cut_input(SRV_H2_OF(timer, srv_h2_call, timer));
}

void srv_h2_refused_sent_end(struct srv_h2_call *call)
{
    struct srv_h2 *h2 = call->conn->h2;
    call->is_over = true;
    if (call->is_input_over) {
        return;
    }
    if (call->is_patient) {
        call->timer.fire = patience_over;
        srv_h2_set_timer(h2, &call->timer, h2->now_ns + PATIENCE_NS);
    } else {
        cut_input(call);
    }
}

void srv_h2_refused_answer(struct srv_h2_call *call, const struct srv_h2_refusal *refusal)
{
    struct srv_h2_fields fields;
    if (refusal->how == SRV_H2_MALFORMED) {
        (void)nghttp2_submit_rst_stream(call->conn->session, NGHTTP2_FLAG_NONE, call->id,
                                        NGHTTP2_PROTOCOL_ERROR);
    } else {
        srv_h2_reply_refusal(&fields, refusal);
        (void)nghttp2_submit_response(call->conn->session, call->id, fields.nv, fields.count, NULL);
        srv_h2_fields_release(&fields);
    }
    call->record.status = refusal->status;
    call->is_patient = refusal->how == SRV_H2_HTTP;
    srv_h2_call_set_ending(call);
}
