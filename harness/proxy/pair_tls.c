/* SPDX-License-Identifier: Apache-2.0 */
/* TLS between the proxy and the server. */
#include "harness/evidence/trace.h"
#include "harness/proxy/pair_state.h"
#include "harness/transport/tls.h"
#include "lib/base/clock.h"

enum {
    PLAIN_SIZE = 64 * 1024,
    RECORDS_MAX = 2 * HAR_LANE_DELAYED_MAX, /* of what a lane gives at once */
};

static _Thread_local uint8_t plain_buffer[PLAIN_SIZE];

/* What TLS itself has to say: handshake, alerts. While a write waits, it goes with the next one. */
static void send_records(struct har_side *side)
{
    struct sl_buf records;
    if (side->is_writing) {
        return;
    }
    sl_buf_init(&records, RECORDS_MAX);
    if (har_tls_session_output(side->tls, &records) == SL_OK && records.len > 0) {
        har_pair_io_write(side, sl_buf_span(&records));
    }
    sl_buf_release(&records);
}

void har_pair_tls_begin(struct har_pair *pair)
{
    struct har_side *side = &pair->sides[HAR_PAIR_SERVER];
    side->tls = har_tls_session_new(pair->config.tls, pair->config.name);
    if (side->trace != NULL) {
        har_tls_session_keep_keys(side->tls);
    }
    (void)!har_pair_tls_receive(side, sl_span(NULL, 0));
}

enum sl_status har_pair_tls_receive(struct har_side *side, struct sl_span bytes)
{
    struct har_pair *pair = side->pair;
    har_tls_session_receive(side->tls, bytes);
    if (!side->is_up) {
        enum sl_status status = har_tls_session_handshake(side->tls, NULL);
        har_trace_keys(side->trace, har_tls_session_keys(side->tls));
        send_records(side);
        if (status != SL_OK) {
            return status == SL_AGAIN ? SL_OK : status;
        }
        side->is_up = true;
    }
    for (;;) {
        size_t len = 0;
        enum sl_status status =
            har_tls_session_read(side->tls, plain_buffer, PLAIN_SIZE, &len, NULL);
        if (status != SL_OK) {
            send_records(side);
            return status == SL_AGAIN ? SL_OK : status;
        }
        if (!pair->is_cut && !pair->is_closing) {
            har_framing_feed(pair->framing, SL_DIR_RESPONSE, sl_span(plain_buffer, len),
                             sl_clock_mono_ns());
        }
    }
}

enum sl_status har_pair_tls_wrap(struct har_side *side, struct sl_span bytes,
                                 struct sl_buf *records)
{
    sl_buf_init(records, RECORDS_MAX);
    enum sl_status status = har_tls_session_write(side->tls, bytes, NULL);
    return status == SL_OK ? har_tls_session_output(side->tls, records) : status;
}

void har_pair_tls_finish(struct har_side *side)
{
    har_tls_session_finish(side->tls);
    send_records(side);
}
