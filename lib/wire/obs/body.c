/* SPDX-License-Identifier: Apache-2.0 */
/* The bodies of calls: content to the splitter of a side, messages to the handler. */
#include "lib/wire/obs/body.h"

#include "lib/wire/content.h"
#include "lib/wire/end_message.h"

/* The rules of messages are of gRPC over HTTP/2. */
static bool is_judged(const struct sl_observer *observer)
{
    return !observer->config.is_http1 &&
           observer->data_call->framing[observer->data_dir] == SL_FRAMING_MESSAGES;
}

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
    if (is_judged(observer)) {
        sl_rules_prefix(observer, observer->data_dir, call->stream, flag);
    }
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
    if (is_judged(observer)) {
        sl_rules_message(observer, dir, observer->data_call->stream, message);
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

/* What the splitter holds counts, or counts no more. */
static void count_held(struct sl_observer *observer, const struct sl_splitter *splitter,
                       bool is_held)
{
    size_t *shared = observer->config.held_bytes;
    size_t change = is_held ? splitter->payload.len : 0 - splitter->payload.len;
    observer->held_bytes += change;
    if (shared != NULL) {
        *shared += change;
    }
}

/* The splitter of one side, ready to be fed: all sides together hold at most keep_total_max. */
static struct sl_splitter *splitter_begin(struct sl_observer *observer, struct sl_obs_call *call,
                                          enum sl_dir dir)
{
    struct sl_splitter *splitter = &call->splitter[dir];
    observer->data_call = call;
    observer->data_dir = dir;
    count_held(observer, splitter, false);
    splitter->prefix_fn = on_prefix;
    size_t max = observer->config.keep_total_max;
    const size_t *shared = observer->config.held_bytes;
    size_t held = shared == NULL ? observer->held_bytes : *shared;
    size_t left = held < max ? max - held : 0;
    splitter->hold_max = shared == NULL ? left : left / 2;
    return splitter;
}

static void splitter_end(struct sl_observer *observer, struct sl_splitter *splitter)
{
    count_held(observer, splitter, true);
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

void sl_obs_body_partial(struct sl_observer *observer, struct sl_obs_call *call, enum sl_dir dir)
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

static void tell_malformed_text(struct sl_obs_call *call, enum sl_dir dir)
{
    if (call->text[dir].is_malformed) {
        call->call.body_problem = "a body in text mode is no base64";
    }
}

/* What the base64 of a body without padding at its end still holds. */
static void finish_text(struct sl_observer *observer, struct sl_obs_call *call, enum sl_dir dir)
{
    uint8_t bytes[SL_WEB_TEXT_OUT_MAX];
    size_t len = sl_web_text_end(&call->text[dir], bytes);
    tell_malformed_text(call, dir);
    if (len > 0) {
        struct sl_splitter *splitter = splitter_begin(observer, call, dir);
        sl_splitter_feed(splitter, sl_span(bytes, len), on_message, observer);
        splitter_end(observer, splitter);
    }
}

void sl_obs_body_finish(struct sl_observer *observer, struct sl_obs_call *call, enum sl_dir dir)
{
    struct sl_call_side *side = sl_obs_side(call, dir);
    if (call->framing[dir] == SL_FRAMING_WHOLE && !call->is_lost[dir] && side->has_headers) {
        finish_whole(observer, call, dir);
        return;
    }
    if (call->framing[dir] == SL_FRAMING_WEB_TEXT && !call->is_lost[dir]) {
        finish_text(observer, call, dir);
    }
    sl_obs_body_partial(observer, call, dir);
}

void sl_obs_body_of_query(struct sl_observer *observer, struct sl_obs_call *call)
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

/* The messages of base64 text. */
static void feed_text(struct sl_observer *observer, struct sl_obs_call *call, enum sl_dir dir,
                      struct sl_span text)
{
    uint8_t bytes[SL_WEB_TEXT_OUT_MAX];
    while (text.len > 0) {
        size_t len = sl_web_text_decode(&call->text[dir], &text, bytes);
        sl_splitter_feed(&call->splitter[dir], sl_span(bytes, len), on_message, observer);
    }
    tell_malformed_text(call, dir);
}

void sl_obs_body_feed(struct sl_observer *observer, struct sl_obs_call *call, enum sl_dir dir,
                      struct sl_span content)
{
    sl_obs_side(call, dir)->data_bytes += content.len;
    if (call->framing[dir] == SL_FRAMING_NONE || call->is_lost[dir]) {
        return;
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

void sl_obs_body_skip(struct sl_observer *observer, struct sl_obs_call *call, enum sl_dir dir,
                      uint64_t count)
{
    call->call.has_gap = true;
    sl_obs_call_catch_up(observer, call, dir);
    if (call->framing[dir] == SL_FRAMING_NONE || call->is_lost[dir]) {
        return;
    }
    bool is_whole = call->framing[dir] == SL_FRAMING_WHOLE;
    if (is_whole && count > 0) {
        struct sl_splitter *whole = whole_begin(observer, call, dir);
        sl_splitter_whole_skip(whole, count);
        splitter_end(observer, whole);
        return;
    }
    bool is_text = call->framing[dir] == SL_FRAMING_WEB_TEXT;
    if (is_whole || is_text || count == 0 || count > sl_splitter_wanted(&call->splitter[dir])) {
        sl_obs_body_partial(observer, call, dir);
        call->is_lost[dir] = true;
        return;
    }
    struct sl_splitter *splitter = splitter_begin(observer, call, dir);
    (void)sl_splitter_skip(splitter, count, on_message, observer);
    splitter_end(observer, splitter);
}
