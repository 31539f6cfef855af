/* SPDX-License-Identifier: Apache-2.0 */
/* FLOW rules: the ledger. */
#include "lib/wire/obs/flow.h"
#include "lib/base/rd.h"
#include "lib/wire/obs/state.h"

enum {
    WALK_MAX =
        1
        << 20, /* streams of a connection that are looked at for SETTINGS: a peer that floods them pays nothing */
};

static void report_overrun(struct sl_observer *observer, enum sl_dir sender,
                           const struct sl_overrun *overrun)
{
    const struct sl_stream *stream = sl_obs_stream_look_up(&observer->streams, overrun->stream);
    if (observer->flow[sender].is_untrusted) {
        return; /* what has come since shows that credit is missing */
    }
    struct sl_rule_place place = {
        .side = sender,
        .stream = overrun->stream,
        .at = &overrun->at,
        .call = stream == NULL || stream->call == NULL ? NULL : &stream->call->call,
        .frame = {.dir = sender,
                  .type = SL_H2_DATA,
                  .number = overrun->number,
                  .packet = overrun->at.packet},
    };
    sl_rules_report(observer, SL_RULE_FLOW_01, &place,
                    "the %s sent %u bytes of DATA on stream %u when the %s window was %lld",
                    sl_rules_side_name(sender), overrun->length, overrun->stream,
                    overrun->is_connection ? "connection" : "stream", (long long)overrun->window);
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
    bool is_over_stream =
        stream_window < 0 && !stream->is_credit_lost && !stream->rules.has_reported_window[sender];
    bool is_over_connection = flow->connection < 0 && !rules->has_reported_connection[sender];
    if (!is_over_stream && !is_over_connection) {
        return;
    }
    *overrun = (struct sl_overrun){
        .is_connection = !is_over_stream,
        .stream = header->stream,
        .window = (is_over_stream ? stream_window : flow->connection) + header->length,
        .length = header->length,
        .number = observer->dir[sender].frames,
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
    const struct sl_stream *stream = sl_obs_stream_look_up(&observer->streams, overrun->stream);
    int64_t window = overrun->is_connection ? observer->flow[sender].connection
                                            : sl_obs_window(observer, sender, stream);
    return sl_rules_are_near(&overrun->at, &observer->at) && window >= 0;
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

/* The INITIAL_WINDOW_SIZE that counts where the frame in progress of dir arrives: SETTINGS and it come in order. */
static int64_t initial_behind(const struct sl_observer *observer, enum sl_dir dir)
{
    const struct sl_obs_in_flight *sent = &observer->dir[dir].settings;
    for (uint32_t i = sent->count; i > 0; i--) {
        if (sent->all[i - 1].has_value) {
            return (int64_t)sent->all[i - 1].value;
        }
    }
    return observer->flow[sl_obs_other(dir)].initial;
}

/* FLOW-22: credit of 0, or more than a window can hold. */
static void judge_credit(struct sl_observer *observer, enum sl_dir dir,
                         const struct sl_h2_frame_header *header, struct sl_span payload)
{
    if (header->type != SL_H2_WINDOW_UPDATE || header->length != 4 ||
        sl_rules_doubt(observer, dir)) {
        return;
    }
    struct sl_rd rd;
    sl_rd_init(&rd, payload);
    int64_t increment = (int64_t)(sl_rd_be32(&rd) & SL_H2_MAX_WINDOW);
    const struct sl_flow *flow = &observer->flow[sl_obs_other(dir)];
    const struct sl_stream *stream =
        header->stream == 0 ? NULL : sl_obs_stream_look_up(&observer->streams, header->stream);
    struct sl_rule_place place = {
        .side = dir,
        .stream = header->stream,
        .at = &observer->at,
        .call = stream == NULL || stream->call == NULL ? NULL : &stream->call->call,
    };
    const char *sender = sl_rules_side_name(dir);
    if (increment == 0) {
        sl_rules_report(observer, SL_RULE_FLOW_22, &place, "the %s sent a WINDOW_UPDATE of 0",
                        sender);
        return;
    }
    int64_t window = flow->connection;
    if (header->stream != 0) {
        if (stream == NULL || stream->call == NULL) {
            return;
        }
        window = initial_behind(observer, dir) + stream->credit[sl_obs_other(dir)];
    }
    /* Of the other side, DATA that went unseen has made the window smaller. */
    if (!flow->is_untrusted && !sl_rules_doubt(observer, sl_obs_other(dir)) &&
        window + increment > SL_H2_MAX_WINDOW) {
        sl_rules_report(observer, SL_RULE_FLOW_22, &place,
                        "the %s sent a WINDOW_UPDATE of %lld for a window of %lld: more than "
                        "2^31-1 together",
                        sender, (long long)increment, (long long)window);
    }
}

/* FLOW-20: a larger SETTINGS_INITIAL_WINDOW_SIZE enlarges the window of each open stream. */
static void judge_initial(struct sl_observer *observer, enum sl_dir dir,
                          const struct sl_h2_setting_pair *pair)
{
    struct sl_rules *rules = &observer->rules;
    enum sl_dir sender = sl_obs_other(dir);
    size_t count = observer->streams.open.count;
    if (pair->id != SL_H2_SETTINGS_INITIAL_WINDOW_SIZE || pair->value > SL_H2_MAX_WINDOW ||
        observer->flow[sender].is_untrusted || sl_rules_doubt(observer, dir) ||
        sl_rules_doubt(observer, sender) || (int64_t)pair->value <= initial_behind(observer, dir) ||
        count > WALK_MAX - rules->walked) {
        return;
    }
    rules->walked += (uint32_t)count;
    for (const struct sl_stream *s = observer->streams.open.oldest; s != NULL; s = s->newer) {
        int64_t window = initial_behind(observer, dir) + s->credit[sender];
        int64_t raised = (int64_t)pair->value + s->credit[sender];
        if (s->call != NULL && window <= SL_H2_MAX_WINDOW && raised > SL_H2_MAX_WINDOW) {
            struct sl_rule_place place = {.side = dir, .stream = s->id, .at = &observer->at};
            sl_rules_report(
                observer, SL_RULE_FLOW_20, &place,
                "the %s sent SETTINGS_INITIAL_WINDOW_SIZE %u, which takes the window of "
                "stream %u to %lld: more than 2^31-1",
                sl_rules_side_name(dir), pair->value, s->id, (long long)raised);
            return;
        }
    }
}

const struct sl_rule_group sl_rules_flow = {
    .setting = judge_initial,
    .whole = judge_credit,
    .data = data,
    .fed = fed,
    .gap = gap,
    .closed = closed,
};
