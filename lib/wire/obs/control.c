/* SPDX-License-Identifier: Apache-2.0 */
/* Frames that carry neither headers nor data. A frame of wrong size is told as malformed and has no
 * effect here. */
#include "lib/base/alloc.h"
#include "lib/base/rd.h"
#include "lib/wire/obs/flow.h"
#include "lib/wire/obs/state.h"

enum {
    FIRST_CAPACITY = 2, /* of what is in flight; it doubles */
};

/* One is acknowledged: those behind it move up. */
static struct sl_obs_sent take(struct sl_obs_in_flight *sent, uint32_t at)
{
    struct sl_obs_sent taken = sent->all[at];
    sent->count--;
    memmove(sent->all + at, sent->all + at + 1, (sent->count - at) * sizeof sent->all[0]);
    return taken;
}

/* The caller bounds how many there are. */
static void add(struct sl_obs_in_flight *sent, const struct sl_obs_sent *added)
{
    if (sent->count == sent->capacity) {
        sent->capacity = sent->capacity == 0 ? FIRST_CAPACITY : sent->capacity * 2;
        sent->all = sl_realloc(sent->all, sent->capacity * sizeof sent->all[0]);
    }
    sent->all[sent->count++] = *added;
}

/* The sender of dir has shown that it has the other side's frames up to mark. */
static void prove(struct sl_observer *observer, enum sl_dir dir, uint64_t mark)
{
    if (mark > observer->dir[dir].proven) {
        observer->dir[dir].proven = mark;
    }
}

/* RFC 9113 6.5.3: the sender of dir has applied the other side's oldest SETTINGS. */
static void settings_ack(struct sl_observer *observer, enum sl_dir dir)
{
    struct sl_obs_dir *sender = &observer->dir[sl_obs_other(dir)];
    if (sender->settings.count == 0) {
        return; /* an ack of nothing, or of what was not followed */
    }
    struct sl_obs_sent acked = take(&sender->settings, 0);
    /* Else it may be the ack of older ones, which were not seen. */
    if (!sender->are_settings_lost) {
        prove(observer, dir, acked.mark);
    }
    sl_obs_stalls_answer(observer, dir, &acked.at);
    if (acked.has_value) {
        observer->flow[dir].initial = (int64_t)acked.value;
    }
    sl_obs_flow_initial(observer, dir);
}

/* What the SETTINGS say, for when they are acknowledged. Limits that grow count at once. */
static struct sl_obs_sent take_settings(struct sl_observer *observer, enum sl_dir dir,
                                        struct sl_span payload)
{
    struct sl_obs_dir *bound = &observer->dir[sl_obs_other(dir)];
    struct sl_obs_sent sent = {.mark = observer->dir[dir].frames, .at = observer->at};
    struct sl_h2_setting_pair pair;
    while (sl_h2_setting_next(&payload, &pair)) {
        if (pair.id == SL_H2_SETTINGS_INITIAL_WINDOW_SIZE && pair.value <= SL_H2_MAX_WINDOW) {
            sent.value = pair.value;
            sent.has_value = true;
        } else if (pair.id == SL_H2_SETTINGS_MAX_FRAME_SIZE &&
                   pair.value <= SL_H2_MAX_FRAME_LIMIT && pair.value > bound->max_frame) {
            bound->max_frame = pair.value;
        } else if (pair.id == SL_H2_SETTINGS_HEADER_TABLE_SIZE && pair.value > bound->hpack_table) {
            bound->hpack_table = pair.value;
            if (bound->hpack != NULL) {
                sl_hpack_decoder_set_table_size(bound->hpack, pair.value);
            }
        }
    }
    return sent;
}

/* SETTINGS of the sender of dir bind the other side. */
static void settings(struct sl_observer *observer, enum sl_dir dir, struct sl_span payload)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    struct sl_obs_sent sent = take_settings(observer, dir, payload);
    if (d->settings.count == SL_OBS_SETTINGS_IN_FLIGHT) {
        /* More than an honest peer has on its way: which ack is whose is no longer known. */
        sl_obs_flow_distrust(observer, sl_obs_other(dir));
        return;
    }
    add(&d->settings, &sent);
    sl_obs_flow_initial(observer, sl_obs_other(dir));
}

void sl_observer_settled(struct sl_observer *observer, enum sl_dir dir, struct sl_span payload)
{
    struct sl_obs_sent sent = take_settings(observer, dir, payload);
    if (sent.has_value) {
        observer->flow[sl_obs_other(dir)].initial = (int64_t)sent.value;
        sl_obs_flow_initial(observer, sl_obs_other(dir));
    }
}

static void ping(struct sl_observer *observer, enum sl_dir dir, uint64_t opaque, bool is_ack)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    if (!is_ack) {
        if (d->pings.count == SL_OBS_PINGS_IN_FLIGHT) {
            (void)take(&d->pings, 0);
            d->are_pings_lost = true;
        }
        add(&d->pings,
            &(struct sl_obs_sent){.value = opaque, .mark = d->frames, .at = observer->at});
        return;
    }
    struct sl_obs_dir *sender = &observer->dir[sl_obs_other(dir)];
    for (uint32_t i = 0; i < sender->pings.count; i++) {
        if (sender->pings.all[i].value == opaque) {
            struct sl_obs_sent acked = take(&sender->pings, i);
            if (!sender
                     ->are_pings_lost) { /* else it may be the ack of an older one of these bytes */
                prove(observer, dir, acked.mark);
            }
            sl_obs_stalls_answer(observer, dir, &acked.at);
            return;
        }
    }
}

static void rst_stream(struct sl_observer *observer, enum sl_dir dir, uint32_t error)
{
    struct sl_stream *stream =
        sl_obs_stream_find(&observer->streams, observer->dir[dir].header.stream);
    if (stream == NULL || stream->is_reset[dir]) {
        return;
    }
    stream->is_reset[dir] = true;
    if (stream->call == NULL) {
        if (!stream->is_closed) {
            sl_obs_stream_close(&observer->streams, stream);
        }
        return;
    }
    struct sl_obs_call *call = stream->call;
    struct sl_call_side *side = sl_obs_side(call, dir);
    sl_obs_call_catch_up(observer, call, dir);
    if (!side->is_ended) {
        side->is_ended = true;
        side->end_at = observer->at;
    }
    if (!stream->is_lingering) {
        call->call.reset_error = error;
    }
    observer->frame_call = call;
    observer->ending = call;
    observer->ending_how =
        dir == SL_DIR_REQUEST ? SL_CALL_RESET_BY_CLIENT : SL_CALL_RESET_BY_SERVER;
}

/* RFC 9113 6.8: streams above the server's last one were not processed. */
static void goaway(struct sl_observer *observer, enum sl_dir dir, uint32_t last_stream)
{
    if (dir == SL_DIR_RESPONSE) {
        uint32_t last = last_stream & SL_H2_MAX_WINDOW;
        if (last < observer->goaway_last) {
            observer->goaway_last = last;
        }
        observer->is_goaway_due = true;
    }
}

void sl_obs_control(struct sl_observer *observer, enum sl_dir dir, struct sl_span payload)
{
    const struct sl_obs_dir *d = &observer->dir[dir];
    const struct sl_h2_frame_header *header = &d->header;
    bool is_ack = (header->flags & SL_H2_FLAG_ACK) != 0;
    struct sl_rd rd;
    sl_rd_init(&rd, payload);
    if (header->stream != 0) {
        struct sl_stream *stream = sl_obs_stream_find(&observer->streams, header->stream);
        observer->frame_call = stream == NULL ? NULL : stream->call;
    }
    if (d->is_bad) {
        return;
    }
    switch (header->type) {
    case SL_H2_SETTINGS:
        if (is_ack) {
            settings_ack(observer, dir);
        } else {
            settings(observer, dir, payload);
        }
        break;
    case SL_H2_PING:
        ping(observer, dir, sl_rd_be64(&rd), is_ack);
        break;
    case SL_H2_WINDOW_UPDATE:
        sl_obs_flow_update(observer, sl_obs_other(dir), header->stream,
                           sl_rd_be32(&rd) & SL_H2_MAX_WINDOW);
        break;
    case SL_H2_RST_STREAM:
        rst_stream(observer, dir, sl_rd_be32(&rd));
        break;
    case SL_H2_GOAWAY:
        goaway(observer, dir, sl_rd_be32(&rd));
        break;
    default: /* PRIORITY and unknown types change nothing */
        break;
    }
}
