/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: RFC 9113 5.2, 6.9. A stream's window is the receiver's INITIAL_WINDOW_SIZE and the
 * stream's own credit, so that SETTINGS change all windows without a walk over the streams. */
#include "lib/wire/obs/flow.h"
#include "lib/wire/obs/state.h"

void sl_obs_flow_init(struct sl_flow *flow)
{
    flow->connection = SL_H2_DEFAULT_WINDOW;
    flow->initial = SL_H2_DEFAULT_WINDOW;
    flow->largest = SL_H2_DEFAULT_WINDOW;
}

int64_t sl_obs_window(const struct sl_observer *observer, enum sl_dir sender,
                      const struct sl_stream *stream)
{
    return observer->flow[sender].largest + (stream == NULL ? 0 : stream->credit[sender]);
}

static uint64_t since(uint64_t then_ns, uint64_t now_ns)
{
    return now_ns > then_ns ? now_ns - then_ns : 0;
}

uint64_t sl_obs_connection_stalled_ns(const struct sl_observer *observer)
{
    const struct sl_flow *flow = &observer->flow[SL_DIR_RESPONSE];
    return flow->stalled_ns +
           (flow->is_stalled ? since(flow->stalled_since_ns, observer->at.time_ns) : 0);
}

/* The connection as a whole: one stall, shared by all calls that are open in it. */
static void check_connection(struct sl_observer *observer)
{
    struct sl_flow *flow = &observer->flow[SL_DIR_RESPONSE];
    bool is_stalled = flow->connection <= 0 && observer->at.has_time && !flow->is_untrusted;
    if (is_stalled && !flow->is_stalled) {
        flow->stalled_since_ns = observer->at.time_ns;
    } else if (!is_stalled && flow->is_stalled) {
        flow->stalled_ns += since(flow->stalled_since_ns, observer->at.time_ns);
    }
    flow->is_stalled = is_stalled;
}

void sl_obs_flow_check(struct sl_observer *observer, struct sl_obs_call *call)
{
    const struct sl_flow *flow = &observer->flow[SL_DIR_RESPONSE];
    /* Before its response headers a server is not seen to have anything to send. */
    bool is_stalled = sl_obs_window(observer, SL_DIR_RESPONSE, call->stream) <= 0 &&
                      call->call.response.has_headers && !call->call.response.is_ended &&
                      observer->at.has_time && !flow->is_untrusted && !call->stream->is_lingering;
    if (is_stalled && !call->is_stalled) {
        call->stalled_since_ns = observer->at.time_ns;
    } else if (!is_stalled && call->is_stalled) {
        call->call.stalled_stream_ns += since(call->stalled_since_ns, observer->at.time_ns);
    }
    call->is_stalled = is_stalled;
}

void sl_obs_flow_data(struct sl_observer *observer, enum sl_dir sender, struct sl_stream *stream,
                      uint32_t length)
{
    observer->flow[sender].connection -= length;
    if (stream != NULL) {
        stream->credit[sender] -= length;
    }
    if (sender == SL_DIR_RESPONSE) {
        check_connection(observer);
        if (stream != NULL && stream->call != NULL) {
            sl_obs_flow_check(observer, stream->call);
        }
    }
}

void sl_obs_flow_update(struct sl_observer *observer, enum sl_dir sender, uint32_t id,
                        uint32_t increment)
{
    if (id == 0) {
        observer->flow[sender].connection += increment;
        if (observer->flow[sender].connection > 0) {
            observer->rules.has_reported_connection[sender] = false;
        }
        check_connection(observer);
        return;
    }
    struct sl_stream *stream = sl_obs_stream_find(&observer->streams, id);
    if (stream != NULL) {
        stream->credit[sender] += increment;
        if (stream->call != NULL && sender == SL_DIR_RESPONSE) {
            sl_obs_flow_check(observer, stream->call);
        }
    }
}

void sl_obs_flow_initial(struct sl_observer *observer, enum sl_dir sender)
{
    struct sl_flow *flow = &observer->flow[sender];
    const struct sl_obs_dir *receiver = &observer->dir[sl_obs_other(sender)];
    int64_t before = flow->largest;
    flow->largest = flow->initial;
    for (size_t i = 0; i < receiver->settings_count; i++) {
        const struct sl_obs_sent *sent = &receiver->settings[i];
        if (sent->has_value && (int64_t)sent->value > flow->largest) {
            flow->largest = (int64_t)sent->value;
        }
    }
    /* Stalls begin or end on every open stream. A peer that floods SETTINGS pays for the walk with
     * the bytes it sends; past that a stall is noticed with the stream's next frame. */
    if (flow->largest == before || sender != SL_DIR_RESPONSE ||
        observer->streams.open.count > observer->scan_budget) {
        return;
    }
    observer->scan_budget -= observer->streams.open.count;
    for (struct sl_stream *s = observer->streams.open.oldest; s != NULL; s = s->newer) {
        if (s->call != NULL) {
            sl_obs_flow_check(observer, s->call);
        }
    }
}

void sl_obs_flow_distrust(struct sl_observer *observer, enum sl_dir sender)
{
    observer->flow[sender].is_untrusted = true;
    check_connection(observer);
}
