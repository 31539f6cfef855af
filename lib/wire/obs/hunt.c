/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After bytes are missing: where frames go on.
 *
 * Inside a frame whose length is known the next frame's place is known too. Otherwise the direction
 * hunts: bytes are gathered until a place is found from which frame headers follow each other, each
 * valid to the letter. The start of a fed piece (a segment) needs one valid header, because senders
 * begin frames there; any other place needs a second one, or a frame that ends with the bytes.
 */
#include "lib/wire/obs/data.h"
#include "lib/wire/obs/flow.h"
#include "lib/wire/obs/state.h"

enum {
    HUNT_BUFFER = 256 * 1024,
    HUNT_FRAME_MAX = 64 * 1024, /* a longer frame needs more to be believed */
    SURE_FRAMES = 3,            /* that follow each other */
};

enum verdict { IS_NO_FRAME, IS_FRAME, IS_UNDECIDED };

void sl_obs_skipped(struct sl_observer *observer, enum sl_dir dir, uint64_t count)
{
    if (count == 0) {
        return;
    }
    observer->totals.skipped_bytes[dir] += count;
    observer->dir[dir].gap_epoch++;
    if (observer->handler.skipped != NULL) {
        observer->handler.skipped(observer->config.owner, dir, count, &observer->at);
    }
}

/* Flags that RFC 9113 6 defines for the type; 0 for all others. */
static uint8_t known_flags(uint8_t type)
{
    switch (type) {
    case SL_H2_DATA:
        return SL_H2_FLAG_END_STREAM | SL_H2_FLAG_PADDED;
    case SL_H2_HEADERS:
        return SL_H2_FLAG_END_STREAM | SL_H2_FLAG_END_HEADERS | SL_H2_FLAG_PADDED |
               SL_H2_FLAG_PRIORITY;
    case SL_H2_SETTINGS:
    case SL_H2_PING:
        return SL_H2_FLAG_ACK;
    case SL_H2_CONTINUATION:
        return SL_H2_FLAG_END_HEADERS;
    default:
        return 0;
    }
}

/* A long frame is believed only as DATA of a stream that is open. */
static bool is_believable(const struct sl_observer *observer, enum sl_dir dir,
                          const struct sl_h2_frame_header *header)
{
    bool is_type_expected =
        header->type <= SL_H2_CONTINUATION && header->type != SL_H2_PUSH_PROMISE;
    if (!is_type_expected || header->has_reserved_bit ||
        sl_obs_is_malformed(header, observer->dir[dir].max_frame) ||
        (header->flags & ~known_flags(header->type)) != 0 ||
        (header->stream != 0 && header->stream % 2 == 0)) {
        return false;
    }
    if (header->length <= HUNT_FRAME_MAX) {
        return true;
    }
    const struct sl_stream *stream = sl_obs_stream_look_up(&observer->streams, header->stream);
    return header->type == SL_H2_DATA && stream != NULL && !stream->is_closed;
}

/* Whether frames begin at the start of bytes. */
static enum verdict judge(const struct sl_observer *observer, enum sl_dir dir, struct sl_span bytes,
                          bool is_segment_start)
{
    size_t at = 0;
    for (unsigned frames = 0; frames < SURE_FRAMES; frames++) {
        struct sl_h2_frame_header header;
        if (at == bytes.len && frames > 0) {
            return IS_FRAME;
        }
        struct sl_span rest = sl_span_from(bytes, at);
        if (sl_h2_frame_header_read(rest, &header) != SL_OK) {
            return frames > 1 || (frames > 0 && is_segment_start) ? IS_FRAME : IS_UNDECIDED;
        }
        if (!is_believable(observer, dir, &header)) {
            return IS_NO_FRAME;
        }
        at += SL_H2_FRAME_HEADER_SIZE + header.length;
    }
    return IS_FRAME;
}

/* A preface in the middle: the beginning of a connection after all. */
static bool is_preface(struct sl_span bytes)
{
    return bytes.len >= SL_H2_PREFACE_SIZE &&
           memcmp(bytes.data, SL_H2_PREFACE, SL_H2_PREFACE_SIZE) == 0;
}

void sl_obs_hunt_begin(struct sl_observer *observer, enum sl_dir dir)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    if (d->phase == SL_OBS_DEAD) {
        return;
    }
    sl_obs_skipped(observer, dir, d->phase == SL_OBS_HUNT ? d->payload.len : d->head_len);
    d->phase = SL_OBS_HUNT;
    d->head_len = 0;
    d->segment = 0;
    d->is_at_segment = false;
    sl_buf_clear(&d->payload);
}

/* Frames go on at offset at of what was gathered: reads them. */
static void go_on(struct sl_observer *observer, enum sl_dir dir, size_t at)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    struct sl_buf gathered = d->payload;
    sl_buf_init(&d->payload, 0);
    d->phase = SL_OBS_HEADER;
    d->has_frame = true;
    struct sl_span bytes = sl_span_from(sl_buf_span(&gathered), at);
    if (is_preface(bytes)) {
        observer->totals.framed_bytes[dir] += SL_H2_PREFACE_SIZE;
        bytes = sl_span_from(bytes, SL_H2_PREFACE_SIZE);
    }
    sl_obs_frames_feed(observer, dir, bytes);
    sl_buf_release(&gathered);
}

/* Looks at what was gathered. Answers how many bytes from its start are no frames. */
static size_t search(const struct sl_observer *observer, enum sl_dir dir, enum verdict *ret_verdict)
{
    const struct sl_obs_dir *d = &observer->dir[dir];
    size_t at = 0;
    *ret_verdict = IS_UNDECIDED;
    for (; at < d->payload.len; at++) {
        struct sl_span rest = sl_span_from(sl_buf_span(&d->payload), at);
        *ret_verdict = is_preface(rest) ? IS_FRAME
                                        : judge(observer, dir, rest,
                                                at == 0 ? d->is_at_segment : at == d->segment);
        if (*ret_verdict != IS_NO_FRAME) {
            break;
        }
    }
    /* Rather where a sender began than what could be a frame too long to tell. */
    bool is_at_segment = at == 0 && d->is_at_segment;
    if (*ret_verdict == IS_UNDECIDED && !is_at_segment && at < d->segment &&
        judge(observer, dir, sl_span_from(sl_buf_span(&d->payload), d->segment), true) ==
            IS_FRAME) {
        *ret_verdict = IS_FRAME;
        at = d->segment;
    }
    return at;
}

void sl_obs_hunt_feed(struct sl_observer *observer, enum sl_dir dir, struct sl_span bytes)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    while (bytes.len > 0 && d->phase == SL_OBS_HUNT) {
        d->payload.max = HUNT_BUFFER;
        struct sl_span piece = sl_span_first(bytes, HUNT_BUFFER - d->payload.len);
        d->segment = d->payload.len;
        d->is_at_segment = d->is_at_segment || d->segment == 0;
        (void)sl_buf_add_span(&d->payload, piece);
        bytes = sl_span_from(bytes, piece.len);
        enum verdict verdict;
        size_t skip = search(observer, dir, &verdict);
        if (verdict == IS_UNDECIDED && d->payload.len == HUNT_BUFFER && skip == 0) {
            skip = 1; /* The next frame is out of reach: not here. */
        }
        sl_obs_skipped(observer, dir, skip);
        if (verdict == IS_FRAME) {
            go_on(observer, dir, skip);
        } else {
            d->is_at_segment = skip == 0 ? d->is_at_segment : skip == d->segment;
            sl_buf_consume(&d->payload, skip);
        }
    }
    if (bytes.len > 0) {
        sl_obs_frames_feed(observer, dir, bytes);
    }
}

/* What the lost frame said may have ended the call. */
static void lose_end(struct sl_observer *observer, enum sl_dir dir, uint32_t id)
{
    struct sl_stream *stream = sl_obs_stream_find(&observer->streams, id);
    if (stream != NULL && stream->call != NULL) {
        stream->call->call.has_gap = true;
        stream->call->call.may_have_ended = true;
        stream->call->call.may_have_answered |= dir == SL_DIR_RESPONSE;
    }
}

/* A question of the sender of dir may have gone unseen: the answer that comes may be to that. */
static void lose_question(struct sl_obs_dir *d)
{
    d->are_pings_lost = true;
    d->are_settings_lost = true;
}

/* Bytes of a frame whose end is known are missing: the frame is lost, the next one is not. */
static void lose_frame(struct sl_observer *observer, enum sl_dir dir)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    if (d->is_holed) {
        return;
    }
    d->is_holed = true;
    observer->totals.frames_skipped++;
    if (d->header.type == SL_H2_WINDOW_UPDATE || d->header.type == SL_H2_SETTINGS) {
        sl_obs_flow_distrust(observer, sl_obs_other(dir));
    }
    if (d->header.type == SL_H2_PING || d->header.type == SL_H2_SETTINGS) {
        lose_question(d);
    }
    if (d->header.type == SL_H2_RST_STREAM || d->header.type == SL_H2_HEADERS) {
        lose_end(observer, dir, d->header.stream);
    }
}

/* Every call may have lost something of this direction; each takes note when it is next touched. */
static void lose_place(struct sl_observer *observer, enum sl_dir dir)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    if (d->is_in_block) {
        sl_obs_block_abandon(observer, dir);
    }
    sl_obs_hpack_distrust(d);
    sl_obs_flow_distrust(observer, sl_obs_other(dir));
    lose_question(d);
    d->gap_epoch++;
    sl_obs_hunt_begin(observer, dir);
}

void sl_obs_gap(struct sl_observer *observer, enum sl_dir dir, uint64_t count)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    observer->totals.gaps[dir]++;
    observer->totals.missing_bytes[dir] += count;
    sl_rules_gap(observer, dir);
    bool is_inside =
        count > 0 && count <= d->left && (d->phase == SL_OBS_DATA || d->phase == SL_OBS_PAYLOAD);
    if (!is_inside) {
        if (d->phase == SL_OBS_DATA || d->phase == SL_OBS_PAYLOAD) {
            lose_frame(observer, dir);
        }
        lose_place(observer, dir);
    } else if (d->phase == SL_OBS_DATA) {
        lose_frame(observer, dir);
        sl_obs_data_skip(observer, dir, count);
        if (d->left == 0) {
            sl_obs_data_end(observer, dir);
        }
    } else {
        lose_frame(observer, dir);
        d->left -= count;
        if (d->left == 0) {
            sl_obs_frame_whole(observer, dir, sl_span(NULL, 0));
        }
    }
}
