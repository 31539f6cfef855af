/* SPDX-License-Identifier: Apache-2.0 */
/* DATA frames: padding off, content to the stream's splitter, messages to the handler. */
#include "lib/wire/obs/data.h"
#include "lib/wire/content.h"
#include "lib/wire/end_message.h"
#include "lib/wire/obs/flow.h"
#include "lib/wire/obs/state.h"

/* Of a unary Connect response that is no success: the body is JSON that tells the error. */
static bool is_error_body(const struct sl_obs_call *call, enum sl_dir dir)
{
    return call->framing[dir] == SL_FRAMING_WHOLE && dir == SL_DIR_RESPONSE &&
           call->call.http_status != 200;
}

static void on_prefix(void *owner, uint8_t flag, uint32_t length)
{
    struct sl_observer *observer = owner;
    struct sl_obs_call *call = observer->data_call;
    struct sl_splitter *splitter = &call->splitter[observer->data_dir];
    bool is_end = sl_end_message_is(call->framing[observer->data_dir], flag);
    size_t keep_max = observer->config.keep_message_max;
    splitter->keep_max = is_end && keep_max < SL_END_MESSAGE_MAX ? SL_END_MESSAGE_MAX : keep_max;
    if (observer->handler.prefix != NULL) {
        observer->handler.prefix(observer->config.owner, &observer->data_call->call,
                                 observer->data_dir, flag, length);
    }
}

static void on_message(void *owner, const struct sl_message *message)
{
    struct sl_observer *observer = owner;
    enum sl_dir dir = observer->data_dir;
    struct sl_call_side *side = sl_obs_side(observer->data_call, dir);
    if (is_error_body(observer->data_call, dir)) {
        sl_end_message_take_error(&observer->data_call->call, message);
        return;
    }
    if (message->has_prefix &&
        sl_end_message_is(observer->data_call->framing[dir], message->flag)) {
        sl_end_message_take(&observer->data_call->call, dir, message);
        return;
    }
    if (message->is_complete) {
        if (side->message_count == 0) {
            side->first_message_at = observer->at;
        }
        side->last_message_at = observer->at;
        side->message_count++;
        side->message_bytes += message->length;
        observer->dir[dir].messages++;
    } else {
        side->partial_messages = 1;
    }
    if (observer->handler.message != NULL) {
        observer->handler.message(observer->config.owner, &observer->data_call->call, dir, message,
                                  &observer->at);
    }
}

/* The splitter of one side, ready to be fed: all sides together hold at most keep_total_max. */
static struct sl_splitter *splitter_begin(struct sl_observer *observer, struct sl_obs_call *call,
                                          enum sl_dir dir)
{
    struct sl_splitter *splitter = &call->splitter[dir];
    observer->data_call = call;
    observer->data_dir = dir;
    observer->held_bytes -= splitter->payload.len;
    splitter->prefix_fn = on_prefix;
    splitter->hold_max = observer->config.keep_total_max - observer->held_bytes;
    return splitter;
}

static void splitter_end(struct sl_observer *observer, struct sl_splitter *splitter)
{
    observer->held_bytes += splitter->payload.len;
    observer->data_call = NULL;
}

/* The same for a body that is one message without a prefix. */
static struct sl_splitter *whole_begin(struct sl_observer *observer, struct sl_obs_call *call,
                                       enum sl_dir dir)
{
    struct sl_splitter *splitter = splitter_begin(observer, call, dir);
    if (sl_splitter_is_idle(splitter)) {
        struct sl_span encoding = sl_content_encoding(&call->call, dir);
        bool is_plain = encoding.len == 0 || sl_span_is(encoding, "identity");
        sl_splitter_whole_begin(splitter, is_plain ? 0 : 1);
    }
    if (is_error_body(call, dir) && splitter->keep_max < SL_END_MESSAGE_MAX) {
        splitter->keep_max = SL_END_MESSAGE_MAX;
    }
    return splitter;
}

void sl_obs_data_partial(struct sl_observer *observer, struct sl_obs_call *call, enum sl_dir dir)
{
    if (sl_splitter_is_idle(&call->splitter[dir])) {
        return;
    }
    struct sl_splitter *splitter = splitter_begin(observer, call, dir);
    struct sl_message message;
    if (sl_splitter_partial(splitter, &message)) {
        on_message(observer, &message);
    }
    sl_splitter_resync(splitter);
    splitter_end(observer, splitter);
}

/* The one message of a body without prefixes: of a unary Connect call. */
static void finish_whole(struct sl_observer *observer, struct sl_obs_call *call, enum sl_dir dir)
{
    struct sl_splitter *splitter = whole_begin(observer, call, dir);
    sl_splitter_whole_end(splitter, on_message, observer);
    splitter_end(observer, splitter);
}

void sl_obs_data_finish(struct sl_observer *observer, struct sl_obs_call *call, enum sl_dir dir)
{
    struct sl_call_side *side = sl_obs_side(call, dir);
    if (call->framing[dir] == SL_FRAMING_WHOLE && !call->is_lost[dir] && side->has_headers) {
        finish_whole(observer, call, dir);
    } else {
        sl_obs_data_partial(observer, call, dir);
    }
}

void sl_obs_data_of_query(struct sl_observer *observer, struct sl_obs_call *call)
{
    struct sl_buf message;
    sl_buf_init(&message, SL_HPACK_LIST_MAX);
    enum sl_status status = sl_content_get_message(&call->call.request.headers, &message);
    if (status == SL_MALFORMED) {
        call->call.body_problem = "the message in the query cannot be read";
    } else if (status != SL_NOT_FOUND) {
        struct sl_splitter *splitter = whole_begin(observer, call, SL_DIR_REQUEST);
        sl_splitter_whole_feed(splitter, sl_buf_span(&message));
        splitter_end(observer, splitter);
        finish_whole(observer, call, SL_DIR_REQUEST);
    }
    sl_buf_release(&message);
}

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

/* The messages of base64 text. */
static void feed_text(struct sl_observer *observer, struct sl_obs_call *call, enum sl_dir dir,
                      struct sl_span text)
{
    uint8_t bytes[SL_WEB_TEXT_OUT_MAX];
    while (text.len > 0) {
        size_t len = sl_web_text_decode(&call->text[dir], &text, bytes);
        sl_splitter_feed(&call->splitter[dir], sl_span(bytes, len), on_message, observer);
    }
    if (call->text[dir].is_malformed) {
        call->call.body_problem = "a body in text mode is no base64";
    }
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
    sl_obs_side(call, dir)->data_bytes += content.len;
    if (call->framing[dir] == SL_FRAMING_NONE) {
        return;
    }
    if (call->is_lost[dir]) {
        if (!is_at_start || !is_likely_start(call->framing[dir], content, d->left - d->pad_left)) {
            return;
        }
        call->is_lost[dir] = false;
    }
    bool is_whole = call->framing[dir] == SL_FRAMING_WHOLE;
    struct sl_splitter *splitter =
        is_whole ? whole_begin(observer, call, dir) : splitter_begin(observer, call, dir);
    if (is_whole) {
        sl_splitter_whole_feed(splitter, content);
    } else if (call->framing[dir] == SL_FRAMING_WEB_TEXT) {
        feed_text(observer, call, dir, content);
    } else {
        sl_splitter_feed(splitter, content, on_message, observer);
    }
    splitter_end(observer, splitter);
}

void sl_obs_data_begin(struct sl_observer *observer, enum sl_dir dir)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    if (d->is_in_block) {
        d->is_bad = true; /* RFC 9113 6.10 */
        sl_obs_block_abandon(observer, dir);
    }
    d->pad_left = 0;
    d->is_at_start = true;
    d->is_pad_due = (d->header.flags & SL_H2_FLAG_PADDED) != 0;
    if (d->is_pad_due && d->left == 0) {
        d->is_bad = true;
    }
    struct sl_stream *stream = sl_obs_stream_find(&observer->streams, d->header.stream);
    if (stream == NULL && d->header.stream != 0) {
        stream = sl_obs_stream_joined(observer, dir, d->header.stream);
        if (stream != NULL) {
            sl_obs_call_classify(observer, stream->call);
        }
    }
    sl_rules_frame(observer, dir, &d->header, stream);
    if (d->header.length > 0) {
        sl_obs_flow_data(observer, dir, stream, d->header.length);
    }
    sl_rules_data(observer, dir, &d->header, stream);
}

/* RFC 9113 6.1: padding as long as the payload is an error; nothing is read as content then. */
static void take_pad_length(struct sl_obs_dir *d, uint8_t pad)
{
    d->is_pad_due = false;
    d->left--;
    d->pad_left = pad;
    if (pad > d->left) {
        d->is_bad = true;
        d->pad_left = (uint32_t)d->left;
    }
}

void sl_obs_data_feed(struct sl_observer *observer, enum sl_dir dir, struct sl_span piece)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    if (d->is_pad_due && piece.len > 0) {
        take_pad_length(d, piece.data[0]);
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
    struct sl_obs_call *call = stream == NULL ? NULL : stream->call;
    d->is_at_start = false;
    if (call == NULL) {
        return;
    }
    call->call.has_gap = true;
    sl_obs_call_catch_up(observer, call, dir);
    if (call->framing[dir] == SL_FRAMING_NONE || call->is_lost[dir]) {
        return;
    }
    if (call->framing[dir] == SL_FRAMING_WHOLE) {
        struct sl_splitter *whole = whole_begin(observer, call, dir);
        sl_splitter_whole_skip(whole, count);
        splitter_end(observer, whole);
        return;
    }
    bool is_text = call->framing[dir] == SL_FRAMING_WEB_TEXT;
    if (is_text || count > sl_splitter_wanted(&call->splitter[dir])) {
        sl_obs_data_partial(observer, call, dir);
        call->is_lost[dir] = true;
        return;
    }
    struct sl_splitter *splitter = splitter_begin(observer, call, dir);
    (void)sl_splitter_skip(splitter, count, on_message, observer);
    splitter_end(observer, splitter);
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
