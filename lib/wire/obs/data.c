/* SPDX-License-Identifier: Apache-2.0 */
/* DATA frames: padding off, content to the body of the call. */
#include "lib/wire/obs/data.h"
#include "lib/wire/end_message.h"
#include "lib/wire/obs/body.h"
#include "lib/wire/obs/flow.h"

/* After bytes were lost a DATA frame is taken to begin with a prefix when it can be read as whole
 * messages, as far as it is in view: senders begin messages in a frame of their own. */
static bool is_likely_start(enum sl_framing framing, struct sl_span content, uint64_t frame_content)
{
    if (framing != SL_FRAMING_MESSAGES && framing != SL_FRAMING_WEB &&
        framing != SL_FRAMING_CONNECT) {
        return false; /* in base64 and in a message without a prefix nothing tells */
    }
    uint64_t at = 0;
    do {
        struct sl_span rest = sl_span_from(content, (size_t)at);
        if (rest.len < SL_MESSAGE_PREFIX_SIZE) {
            return at > 0 && content.len < frame_content;
        }
        const uint8_t *p = rest.data;
        at += SL_MESSAGE_PREFIX_SIZE +
              ((uint64_t)p[1] << 24 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 8 | p[4]);
        bool is_flag = p[0] <= 1 || sl_end_message_is(framing, p[0]);
        if (!is_flag || at > frame_content) {
            return false;
        }
    } while (at < content.len);
    return true;
}

static void pass_content(struct sl_observer *observer, enum sl_dir dir, struct sl_span content)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    struct sl_stream *stream = sl_obs_stream_find(&observer->streams, d->header.stream);
    struct sl_obs_call *call = stream == NULL ? NULL : stream->call;
    bool is_at_start = d->is_at_start;
    d->is_at_start = false;
    if (call == NULL || stream->is_ended[dir]) {
        return;
    }
    sl_obs_call_catch_up(observer, call, dir);
    if (call->is_lost[dir] && is_at_start &&
        is_likely_start(call->framing[dir], content, d->left - d->pad_left)) {
        call->is_lost[dir] = false;
    }
    sl_obs_body_feed(observer, call, dir, content);
}

void sl_obs_data_begin(struct sl_observer *observer, enum sl_dir dir)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    d->pad_left = 0;
    d->is_at_start = true;
    d->is_pad_due = (d->header.flags & SL_H2_FLAG_PADDED) != 0;
    struct sl_stream *stream = sl_obs_stream_find(&observer->streams, d->header.stream);
    if (stream == NULL && d->header.stream != 0) {
        stream = sl_obs_stream_joined(observer, dir, d->header.stream);
        if (stream != NULL) {
            sl_obs_call_classify(observer, stream->call);
        }
    }
    sl_rules_frame(observer, dir, &d->header, stream);
    if (d->is_in_block) {
        d->is_bad = true; /* RFC 9113 6.10 */
        sl_obs_block_abandon(observer, dir);
    }
    if (d->is_pad_due && d->left == 0) {
        d->is_bad = true;
        sl_rules_padding(observer, dir);
    }
    if (d->header.length > 0) {
        sl_obs_flow_data(observer, dir, stream, d->header.length);
    }
    sl_rules_data(observer, dir, &d->header, stream);
}

/* RFC 9113 6.1: padding as long as the payload is an error; nothing is read as content then. */
static void take_pad_length(struct sl_observer *observer, enum sl_dir dir, uint8_t pad)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    d->is_pad_due = false;
    d->left--;
    d->pad_left = pad;
    if (pad > d->left) {
        d->is_bad = true;
        d->pad_left = (uint32_t)d->left;
        sl_rules_padding(observer, dir);
    }
}

void sl_obs_data_feed(struct sl_observer *observer, enum sl_dir dir, struct sl_span piece)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    if (d->is_pad_due && piece.len > 0) {
        take_pad_length(observer, dir, piece.data[0]);
        piece = sl_span_from(piece, 1);
    }
    uint64_t content_left = d->left - d->pad_left;
    struct sl_span content =
        content_left < piece.len ? sl_span_first(piece, (size_t)content_left) : piece;
    if (content.len > 0) {
        pass_content(observer, dir, content);
    }
    d->left -= piece.len;
    d->pad_left -= (uint32_t)(piece.len - content.len);
}

/* count bytes of content are missing. */
static void skip_content(struct sl_observer *observer, enum sl_dir dir, uint64_t count)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    struct sl_stream *stream = sl_obs_stream_find(&observer->streams, d->header.stream);
    d->is_at_start = false;
    if (stream != NULL && stream->call != NULL) {
        sl_obs_body_skip(observer, stream->call, dir, count);
    }
}

void sl_obs_data_skip(struct sl_observer *observer, enum sl_dir dir, uint64_t count)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    if (d->is_pad_due) {
        /* How much is padding is lost: nothing of this frame can be told from it. */
        d->is_pad_due = false;
        skip_content(observer, dir, d->left);
        d->left -= count;
        d->pad_left = (uint32_t)d->left;
        return;
    }
    uint64_t content_left = d->left - d->pad_left;
    uint64_t content = count < content_left ? count : content_left;
    if (content > 0) {
        skip_content(observer, dir, content);
    }
    d->left -= count;
    d->pad_left -= (uint32_t)(count - content);
}

void sl_obs_data_end(struct sl_observer *observer, enum sl_dir dir)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    struct sl_stream *stream = sl_obs_stream_find(&observer->streams, d->header.stream);
    observer->frame_call = stream == NULL ? NULL : stream->call;
    sl_obs_stalls_data_end(observer, dir);
    if (stream != NULL && (d->header.flags & SL_H2_FLAG_END_STREAM) != 0) {
        sl_obs_end_stream(observer, dir, stream, true);
    }
    sl_obs_frame_done(observer, dir, sl_span(NULL, 0));
}
