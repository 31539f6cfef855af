/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes of one direction to frames. DATA is passed on as it comes; every other frame is read when it
 * is whole, in place where it lies in one piece. */
#include "lib/wire/obs/data.h"
#include "lib/wire/obs/flow.h"
#include "lib/wire/obs/state.h"

enum {
    KEEP_CAPACITY = 64 * 1024, /* memory that a direction holds on to between frames */
};

/* RFC 9113 6.1 to 6.10: fixed sizes, and which frames belong to a stream. */
bool sl_obs_is_malformed(const struct sl_h2_frame_header *header, uint32_t max_frame)
{
    bool has_stream = header->stream != 0;
    if (header->length > max_frame) {
        return true;
    }
    switch (header->type) {
    case SL_H2_DATA:
    case SL_H2_HEADERS:
    case SL_H2_CONTINUATION:
        return !has_stream;
    case SL_H2_PUSH_PROMISE:
        return !has_stream || header->length < 4;
    case SL_H2_PRIORITY:
        return !has_stream || header->length != 5;
    case SL_H2_RST_STREAM:
        return !has_stream || header->length != 4;
    case SL_H2_SETTINGS:
        return has_stream || header->length % 6 != 0 ||
               ((header->flags & SL_H2_FLAG_ACK) != 0 && header->length != 0);
    case SL_H2_PING:
        return has_stream || header->length != 8;
    case SL_H2_GOAWAY:
        return has_stream || header->length < 8;
    case SL_H2_WINDOW_UPDATE:
        return header->length != 4;
    default:
        return false;
    }
}

static void tell_frame(struct sl_observer *observer, enum sl_dir dir, struct sl_span payload)
{
    const struct sl_obs_dir *d = &observer->dir[dir];
    struct sl_frame_event event = {
        .dir = dir,
        .header = d->header,
        .number = d->frames,
        .first = d->first,
        .last = observer->at,
        .payload = sl_span_first(payload, observer->config.keep_frame_max),
        .headers = observer->frame_headers,
        .call = observer->frame_call == NULL ? NULL : &observer->frame_call->call,
        .message_count = d->messages,
        .is_malformed = d->is_bad,
    };
    observer->handler.frame(observer->config.owner, &event);
}

/* Calls above the server's last stream were not processed. */
static void end_above_goaway(struct sl_observer *observer)
{
    if (observer->streams.open.count > observer->scan_budget) {
        return; /* A flood of GOAWAY; the calls end with the connection. */
    }
    observer->scan_budget -= observer->streams.open.count;
    struct sl_stream *next = NULL;
    for (struct sl_stream *s = observer->streams.open.oldest; s != NULL; s = next) {
        next = s->newer;
        if (s->call != NULL && s->id > observer->goaway_last) {
            sl_obs_call_end(observer, s->call, SL_CALL_GOAWAY);
        }
    }
}

void sl_obs_frame_done(struct sl_observer *observer, enum sl_dir dir, struct sl_span payload)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    uint8_t type = d->header.type;
    observer->totals.frames_by_type[dir][type < SL_OBS_KNOWN_TYPES ? type : SL_OBS_KNOWN_TYPES]++;
    if (observer->handler.frame != NULL &&
        (observer->config.are_frames_told || type >= SL_OBS_KNOWN_TYPES)) {
        tell_frame(observer, dir, payload);
    }
    if (observer->frame_headers != NULL && observer->frame_call != NULL &&
        observer->frame_call != observer->ending) {
        sl_obs_keep_fields(observer, observer->frame_call);
    }
    if (observer->ending != NULL) {
        struct sl_obs_call *call = observer->ending;
        observer->ending = NULL;
        sl_obs_call_end(observer, call, observer->ending_how);
    }
    if (observer->is_goaway_due) {
        observer->is_goaway_due = false;
        end_above_goaway(observer);
    }
    sl_obs_calls_settle(observer);
    observer->frame_call = NULL;
    observer->frame_headers = NULL;
    d->messages = 0;
    d->phase = SL_OBS_HEADER;
}

void sl_obs_frame_whole(struct sl_observer *observer, enum sl_dir dir, struct sl_span payload)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    bool is_continuation = d->header.type == SL_H2_CONTINUATION;
    sl_rules_frame(
        observer, dir, &d->header,
        d->header.stream == 0 ? NULL : sl_obs_stream_find(&observer->streams, d->header.stream));
    if (!d->is_holed) {
        sl_rules_whole(observer, dir, &d->header, payload);
    }
    if (d->is_in_block && !is_continuation) {
        /* RFC 9113 6.10: nothing may come between HEADERS and its CONTINUATION. */
        d->is_bad = true;
        sl_obs_block_abandon(observer, dir);
    }
    if (d->header.type == SL_H2_HEADERS || d->header.type == SL_H2_PUSH_PROMISE ||
        is_continuation) {
        sl_obs_block_frame(observer, dir, payload);
    } else if (!d->is_holed) {
        sl_obs_control(observer, dir, payload);
    }
    sl_obs_frame_done(observer, dir, payload);
}

/* How much of the frame's payload is looked at. */
static size_t payload_max(const struct sl_observer *observer,
                          const struct sl_h2_frame_header *header)
{
    if (header->type == SL_H2_HEADERS || header->type == SL_H2_PUSH_PROMISE ||
        header->type == SL_H2_CONTINUATION) {
        return observer->config.block_max;
    }
    size_t keep = observer->config.keep_frame_max;
    return keep > SL_OBS_CONTROL_MAX ? keep : SL_OBS_CONTROL_MAX;
}

/* RFC 9113 3.4: a server begins with its SETTINGS. One that does not has sent before the first byte that
 * was captured, although the client's preface was: what it announced and granted is not known. */
static void judge_beginning(struct sl_observer *observer)
{
    struct sl_obs_dir *d = &observer->dir[SL_DIR_RESPONSE];
    if (d->header.type == SL_H2_SETTINGS && d->header.flags == 0) {
        return;
    }
    observer->dir[SL_DIR_REQUEST].max_frame = SL_H2_MAX_FRAME_LIMIT;
    sl_obs_hpack_distrust(d);
    sl_obs_flow_distrust(observer, SL_DIR_REQUEST);
    sl_obs_flow_distrust(observer, SL_DIR_RESPONSE);
}

/* The header of a frame is there. */
static void begin_frame(struct sl_observer *observer, enum sl_dir dir)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    d->frames++;
    if (d->frames == 1 && dir == SL_DIR_RESPONSE && !observer->config.is_midway) {
        judge_beginning(observer);
    }
    d->head_len = 0;
    d->left = d->header.length;
    d->is_bad = sl_obs_is_malformed(&d->header, d->max_frame);
    d->is_holed = false;
    d->has_frame = true;
    observer->totals.framed_bytes[dir] += SL_H2_FRAME_HEADER_SIZE;
    if (d->header.type == SL_H2_DATA) {
        d->phase = SL_OBS_DATA;
        sl_obs_data_begin(observer, dir);
        if (d->left == 0) {
            sl_obs_data_end(observer, dir);
        }
        return;
    }
    d->phase = SL_OBS_PAYLOAD;
    sl_buf_clear(&d->payload);
    if (d->left == 0) {
        sl_obs_frame_whole(observer, dir, sl_span(NULL, 0));
    }
}

/* Takes bytes of a frame header; answers how many. */
static size_t feed_header(struct sl_observer *observer, enum sl_dir dir, struct sl_span bytes)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    if (d->head_len == 0) {
        d->first = observer->at;
        if (sl_h2_frame_header_read(bytes, &d->header) == SL_OK) {
            begin_frame(observer, dir);
            return SL_H2_FRAME_HEADER_SIZE;
        }
    }
    size_t want = SL_H2_FRAME_HEADER_SIZE - d->head_len;
    size_t take = want < bytes.len ? want : bytes.len;
    memcpy(d->head + d->head_len, bytes.data, take);
    d->head_len += take;
    if (sl_h2_frame_header_read(sl_span(d->head, d->head_len), &d->header) == SL_OK) {
        begin_frame(observer, dir);
    }
    return take;
}

static size_t feed_payload(struct sl_observer *observer, enum sl_dir dir, struct sl_span bytes)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    struct sl_span piece = d->left < bytes.len ? sl_span_first(bytes, (size_t)d->left) : bytes;
    size_t max = payload_max(observer, &d->header);
    bool is_whole = piece.len == d->header.length && !d->is_holed;
    observer->totals.framed_bytes[dir] += piece.len;
    d->left -= piece.len;
    if (is_whole) {
        sl_obs_frame_whole(observer, dir, sl_span_first(piece, max));
        return piece.len;
    }
    d->payload.max = max;
    if (d->payload.len < max) {
        (void)sl_buf_add_span(&d->payload, sl_span_first(piece, max - d->payload.len));
    }
    if (d->left == 0) {
        sl_obs_frame_whole(observer, dir, sl_buf_span(&d->payload));
        if (d->payload.capacity > KEEP_CAPACITY) {
            sl_buf_release(&d->payload);
        }
    }
    return piece.len;
}

static size_t feed_data(struct sl_observer *observer, enum sl_dir dir, struct sl_span bytes)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    struct sl_span piece = d->left < bytes.len ? sl_span_first(bytes, (size_t)d->left) : bytes;
    observer->totals.framed_bytes[dir] += piece.len;
    sl_obs_data_feed(observer, dir, piece);
    if (d->left == 0) {
        sl_obs_data_end(observer, dir);
    }
    return piece.len;
}

/* RFC 9113 3.4: the client's first bytes. */
static size_t feed_preface(struct sl_observer *observer, enum sl_dir dir, struct sl_span bytes)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    size_t want = SL_H2_PREFACE_SIZE - d->head_len;
    size_t take = want < bytes.len ? want : bytes.len;
    if (memcmp(bytes.data, &SL_H2_PREFACE[d->head_len], take) != 0) {
        sl_obs_skipped(observer, dir, d->head_len);
        d->head_len = 0;
        d->phase = SL_OBS_DEAD;
        return 0;
    }
    d->head_len += take;
    if (d->head_len == SL_H2_PREFACE_SIZE) {
        observer->totals.framed_bytes[dir] += SL_H2_PREFACE_SIZE;
        d->head_len = 0;
        d->phase = SL_OBS_HEADER;
    }
    return take;
}

/* A server that answers in HTTP/1.1 is not read as frames. */
static bool is_http1(const struct sl_obs_dir *d)
{
    static const uint8_t start[] = {'H', 'T', 'T', 'P', '/', '1', '.'};
    return !d->has_frame && d->head_len >= sizeof start &&
           memcmp(d->head, start, sizeof start) == 0;
}

/* RFC 9113 3.4: a server's first frame is SETTINGS. In a capture with another its beginning is missing, although
 * the client's is there: what it announced, and what is in its header table, is not known. */
static void check_server_start(struct sl_observer *observer)
{
    struct sl_obs_dir *d = &observer->dir[SL_DIR_RESPONSE];
    bool is_start = d->header.type == SL_H2_SETTINGS && (d->header.flags & SL_H2_FLAG_ACK) == 0;
    if (!is_start && observer->at.packet != 0) {
        observer->dir[SL_DIR_REQUEST].max_frame = SL_H2_MAX_FRAME_LIMIT;
        sl_obs_flow_distrust(observer, SL_DIR_REQUEST);
        sl_obs_flow_distrust(observer, SL_DIR_RESPONSE);
        sl_obs_hpack_distrust(d);
    }
}

/* The first header of a direction is gathered in head, so that is_http1() can look at it. */
static size_t feed_first_header(struct sl_observer *observer, enum sl_dir dir, struct sl_span bytes)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    if (d->head_len == 0) {
        d->first = observer->at;
    }
    d->head[d->head_len] = bytes.data[0];
    d->head_len++;
    if (is_http1(d)) {
        sl_obs_skipped(observer, dir, d->head_len);
        d->head_len = 0;
        d->phase = SL_OBS_DEAD;
    } else if (d->head_len == SL_H2_FRAME_HEADER_SIZE &&
               sl_h2_frame_header_read(sl_span(d->head, d->head_len), &d->header) == SL_OK) {
        if (dir == SL_DIR_RESPONSE) {
            check_server_start(observer);
        }
        begin_frame(observer, dir);
    }
    return 1;
}

void sl_obs_frames_feed(struct sl_observer *observer, enum sl_dir dir, struct sl_span bytes)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    while (bytes.len > 0) {
        size_t used = bytes.len;
        switch (d->phase) {
        case SL_OBS_PREFACE:
            used = feed_preface(observer, dir, bytes);
            break;
        case SL_OBS_HEADER:
            used = d->has_frame ? feed_header(observer, dir, bytes)
                                : feed_first_header(observer, dir, bytes);
            break;
        case SL_OBS_PAYLOAD:
            used = feed_payload(observer, dir, bytes);
            break;
        case SL_OBS_DATA:
            used = feed_data(observer, dir, bytes);
            break;
        case SL_OBS_HUNT:
            sl_obs_hunt_feed(observer, dir, bytes);
            break;
        case SL_OBS_DEAD:
            sl_obs_skipped(observer, dir, bytes.len);
            break;
        }
        bytes = sl_span_from(bytes, used);
    }
}
