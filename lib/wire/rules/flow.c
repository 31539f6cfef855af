/* SPDX-License-Identifier: Apache-2.0 */
/* FLOW rules: the ledger. */
#include "lib/wire/obs/flow.h"
#include "lib/wire/obs/state.h"

enum {
    REORDER_PACKETS = 2,     /* a capture swaps neighbours ... */
    REORDER_NS = 200 * 1000, /* ... or packets this close in time */
};

static void report_overrun(struct sl_observer *observer, enum sl_dir sender,
                           const struct sl_overrun *overrun)
{
    const struct sl_stream *stream = sl_obs_stream_look_up(&observer->streams, overrun->stream);
    struct sl_rule_place place = {
        .side = sender,
        .stream = overrun->stream,
        .at = &overrun->at,
        .call = stream == NULL || stream->call == NULL ? NULL : &stream->call->call,
    };
    sl_rules_report(observer, SL_RULE_FLOW_01, &place,
                    "the %s sent %u bytes of DATA on stream %u when the %s window was %lld",
                    sender == SL_DIR_REQUEST ? "client" : "server", overrun->length,
                    overrun->stream, overrun->is_connection ? "connection" : "stream",
                    (long long)overrun->window);
}

/* FLOW-01: the ledger of sender after a DATA frame. */
static void data(struct sl_observer *observer, enum sl_dir sender,
                 const struct sl_h2_frame_header *header, struct sl_stream *stream)
{
    struct sl_rules *rules = &observer->rules;
    const struct sl_flow *flow = &observer->flow[sender];
    struct sl_overrun *overrun = &rules->overrun[sender];
    if (header->length == 0 || flow->is_untrusted || overrun->is_pending) {
        return;
    }
    int64_t stream_window = stream == NULL ? 0 : sl_obs_window(observer, sender, stream);
    bool is_over_stream = stream_window < 0 && !stream->rules.has_reported_window[sender];
    bool is_over_connection = flow->connection < 0 && !rules->has_reported_connection[sender];
    if (!is_over_stream && !is_over_connection) {
        return;
    }
    *overrun = (struct sl_overrun){
        .is_connection = !is_over_stream,
        .stream = header->stream,
        .window = (is_over_stream ? stream_window : flow->connection) + header->length,
        .length = header->length,
        .at = observer->at,
    };
    if (is_over_stream) {
        stream->rules.has_reported_window[sender] = true;
    } else {
        rules->has_reported_connection[sender] = true;
    }
    /* Live bytes are fed in the order in which they were sent; a capture must prove it first. */
    if (observer->at.packet == 0) {
        report_overrun(observer, sender, overrun);
    } else {
        overrun->is_pending = true;
    }
}

/* Whether the credit that has come since lies so close behind the DATA that the capture may have
 * swapped them. */
static bool may_be_reordered(const struct sl_observer *observer, enum sl_dir sender,
                             const struct sl_overrun *overrun)
{
    const struct sl_at *now = &observer->at;
    bool is_near =
        now->packet - overrun->at.packet <= REORDER_PACKETS ||
        (now->has_time && overrun->at.has_time && now->time_ns - overrun->at.time_ns <= REORDER_NS);
    const struct sl_stream *stream = sl_obs_stream_look_up(&observer->streams, overrun->stream);
    int64_t window = overrun->is_connection ? observer->flow[sender].connection
                                            : sl_obs_window(observer, sender, stream);
    return is_near && window >= 0;
}

/* The receiver's bytes have gone on without a hole, so no credit of before the DATA went unseen. */
static void fed(struct sl_observer *observer, enum sl_dir dir)
{
    enum sl_dir sender = sl_obs_other(dir);
    struct sl_overrun *overrun = &observer->rules.overrun[sender];
    if (!overrun->is_pending) {
        return;
    }
    overrun->is_pending = false;
    if (!may_be_reordered(observer, sender, overrun)) {
        report_overrun(observer, sender, overrun);
    }
}

static void gap(struct sl_observer *observer, enum sl_dir dir)
{
    observer->rules.overrun[sl_obs_other(dir)].is_pending = false;
}

static void closed(struct sl_observer *observer, enum sl_dir dir)
{
    enum sl_dir sender = sl_obs_other(dir);
    struct sl_overrun *overrun = &observer->rules.overrun[sender];
    /* A direction that was not captured at all gave no credit and proves nothing. */
    if (overrun->is_pending && observer->dir[dir].has_frame) {
        report_overrun(observer, sender, overrun);
    }
    overrun->is_pending = false;
}

const struct sl_rule_group sl_rules_flow = {
    .data = data,
    .fed = fed,
    .gap = gap,
    .closed = closed,
};
