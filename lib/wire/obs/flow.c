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
    flow->wait.peak = SL_H2_DEFAULT_WINDOW;
}

int64_t sl_obs_window(const struct sl_observer *observer, enum sl_dir sender,
                      const struct sl_stream *stream)
{
    return observer->flow[sender].largest + (stream == NULL ? 0 : stream->credit[sender]);
}

void sl_obs_flow_data(struct sl_observer *observer, enum sl_dir sender, struct sl_stream *stream,
                      uint32_t length)
{
    struct sl_flow *flow = &observer->flow[sender];
    bool has_call = stream != NULL && stream->call != NULL;
    if (has_call) {
        sl_obs_stalls_data(observer, sender, stream);
    }
    if (stream != NULL) {
        stream->credit[sender] -= length;
        if (has_call && sl_obs_window(observer, sender, stream) <= 0) {
            sl_obs_stalls_stream(observer, sender, stream, SL_STALL_CREDIT);
        }
    }
    flow->connection -= length;
    if (flow->connection <= 0) {
        sl_obs_stalls_connection(observer, sender);
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
        sl_obs_stalls_connection(observer, sender);
        return;
    }
    struct sl_stream *stream = sl_obs_stream_find(&observer->streams, id);
    if (stream != NULL) {
        stream->credit[sender] += increment;
        if (stream->call != NULL) {
            sl_obs_stalls_stream(observer, sender, stream, SL_STALL_CREDIT);
        }
    }
}

void sl_obs_flow_initial(struct sl_observer *observer, enum sl_dir sender)
{
    struct sl_flow *flow = &observer->flow[sender];
    const struct sl_obs_dir *receiver = &observer->dir[sl_obs_other(sender)];
    int64_t before = flow->largest;
    flow->largest = flow->initial;
    for (size_t i = 0; i < receiver->settings.count; i++) {
        const struct sl_obs_sent *sent = &receiver->settings.all[i];
        if (sent->has_value && (int64_t)sent->value > flow->largest) {
            flow->largest = (int64_t)sent->value;
        }
    }
    /* Windows open or close on every open stream. A peer that floods SETTINGS pays for the walk with
     * the bytes it sends; past that it is noticed with the stream's next frame. */
    if (flow->largest == before || observer->streams.open.count > observer->scan_budget) {
        return;
    }
    observer->scan_budget -= observer->streams.open.count;
    for (struct sl_stream *s = observer->streams.open.oldest; s != NULL; s = s->newer) {
        if (s->call != NULL) {
            sl_obs_stalls_stream(observer, sender, s, SL_STALL_SETTINGS);
        }
    }
}

void sl_obs_flow_distrust(struct sl_observer *observer, enum sl_dir sender)
{
    observer->flow[sender].is_untrusted = true;
}
