/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proxy/framing.h"

#include <uthash.h>

#include "harness/proxy/framing_state.h"
#include "lib/base/alloc.h"

enum {
    PATH_MAX_KEPT = HAR_FAULT_METHOD_MAX, /* a longer :path matches no fault */
    STREAMS_MAX = 16384,                  /* calls of one connection that are told apart */
};

/* ---- what the observer tells ---- */

static struct sl_span path_of(const struct har_framing_call *call)
{
    return call == NULL ? sl_span(NULL, 0) : sl_span_str(call->path);
}

static void on_call_begin(void *owner, struct sl_call *seen)
{
    struct har_framing *framing = owner;
    struct har_framing_call *call = har_framing_find_call(framing, seen->stream);
    const struct sl_header *path = sl_headers_find(&seen->request.headers, ":path");
    if (call != NULL || HASH_COUNT(framing->calls) >= STREAMS_MAX) {
        return;
    }
    call = sl_alloc(sizeof(*call));
    call->stream = seen->stream;
    if (path != NULL && path->value.len < PATH_MAX_KEPT && path->value.len > 0) {
        memcpy(call->path, path->value.data, path->value.len);
    }
    HASH_ADD(hh, framing->calls, stream, sizeof(call->stream), call);
    framing->max_stream = call->stream > framing->max_stream ? call->stream : framing->max_stream;
    har_framing_rules_call(framing, call);
    framing->handler->call(framing->owner, call->stream, path_of(call));
}

static void on_message(void *owner, struct sl_call *seen, enum sl_dir dir,
                       const struct sl_message *message, const struct sl_at *at)
{
    struct har_framing *framing = owner;
    struct har_framing_call *call = har_framing_find_call(framing, seen->stream);
    (void)at;
    if (call == NULL || !message->is_complete) {
        return;
    }
    call->messages[dir]++;
    har_framing_rules_message(framing, call, dir);
    framing->handler->message(framing->owner, dir, call->stream, path_of(call));
}

static void on_call_end(void *owner, struct sl_call *seen)
{
    struct har_framing *framing = owner;
    struct har_framing_call *call = har_framing_find_call(framing, seen->stream);
    if (call != NULL && !call->is_over) { /* gone at the end of the frame that ended it */
        call->is_over = true;
        call->next_over = framing->over;
        framing->over = call;
    }
}

static const struct sl_observer_handler observer_handler = {
    .call_begin = on_call_begin, .message = on_message, .call_end = on_call_end};

static void free_over(struct har_framing *framing)
{
    while (framing->over != NULL) {
        struct har_framing_call *call = framing->over;
        framing->over = call->next_over;
        HASH_DEL(framing->calls, call);
        sl_free(call);
    }
}

struct har_framing_call *har_framing_find_call(const struct har_framing *framing, uint32_t stream)
{
    struct har_framing_call *call = NULL;
    HASH_FIND(hh, framing->calls, &stream, sizeof(stream), call);
    return call;
}

bool har_framing_has_call(const struct har_framing *framing, const struct har_fault *fault)
{
    for (struct har_framing_call *call = framing->calls; call != NULL; call = call->hh.next) {
        if (!call->is_over && har_fault_matches_call(fault, call->stream, path_of(call))) {
            return true;
        }
    }
    return false;
}

/* ---- life ---- */

struct har_framing *har_framing_new(const struct har_framing_handler *handler, void *owner)
{
    struct har_framing *framing = sl_alloc(sizeof(*framing));
    struct sl_observer_config config = sl_observer_defaults();
    framing->handler = handler;
    framing->owner = owner;
    config.handler = &observer_handler;
    config.owner = framing;
    config.keep_message_max = 0;
    config.keep_frame_max = 0;
    config.streams_max = STREAMS_MAX;
    framing->observer = sl_observer_new(&config);
    framing->flows[SL_DIR_REQUEST].state = HAR_FLOW_PREFACE;
    framing->flows[SL_DIR_RESPONSE].state = HAR_FLOW_HEADER;
    for (int dir = 0; dir < 2; dir++) {
        sl_buf_init(&framing->flows[dir].held, SL_H2_FRAME_HEADER_SIZE + HAR_H2_FRAME_MAX);
    }
    return framing;
}

void har_framing_free(struct har_framing *framing)
{
    struct har_framing_call *call = NULL;
    struct har_framing_call *next = NULL;
    if (framing == NULL) {
        return;
    }
    HASH_ITER (hh, framing->calls, call, next) {
        HASH_DEL(framing->calls, call);
        sl_free(call);
    }
    har_framing_rules_release(framing);
    for (int dir = 0; dir < 2; dir++) {
        sl_buf_release(&framing->flows[dir].held);
    }
    sl_observer_free(framing->observer);
    sl_free(framing);
}

/* ---- one direction ---- */

static void pass(struct har_framing *framing, enum sl_dir dir, struct sl_span bytes,
                 uint64_t delay_ns)
{
    if (bytes.len > 0 && !framing->flows[dir].is_stopped) {
        framing->handler->pass(framing->owner, dir, bytes, delay_ns);
    }
}

void har_framing_stop(struct har_framing *framing, enum sl_dir dir)
{
    framing->flows[dir].is_stopped = true;
}

static void observe(struct har_framing *framing, enum sl_dir dir, struct sl_span bytes)
{
    struct sl_at at = {.time_ns = framing->now_ns, .has_time = true};
    sl_observer_feed(framing->observer, dir, bytes, &at);
}

/* This is no HTTP/2: whatever is held goes on, and nothing is read any more. */
static void give_up(struct har_framing *framing)
{
    for (int dir = 0; dir < 2; dir++) {
        struct har_flow *flow = &framing->flows[dir];
        har_framing_rules_finish(framing, (enum sl_dir)dir);
        pass(framing, (enum sl_dir)dir, sl_span(flow->head, flow->head_len), 0);
        pass(framing, (enum sl_dir)dir, sl_buf_span(&flow->held), 0);
        flow->head_len = 0;
        sl_buf_clear(&flow->held);
        flow->state = HAR_FLOW_OPAQUE;
    }
}

/* The client's preface (RFC 9113 3.4); its bytes pass as they come. Answers how many it used. */
static size_t feed_preface(struct har_framing *framing, struct sl_span bytes)
{
    struct har_flow *flow = &framing->flows[SL_DIR_REQUEST];
    size_t used = 0;
    while (used < bytes.len && flow->preface_len < SL_H2_PREFACE_SIZE) {
        if (bytes.data[used] != (uint8_t)SL_H2_PREFACE[flow->preface_len]) {
            give_up(framing);
            return 0;
        }
        flow->preface_len++;
        used++;
    }
    if (flow->preface_len == SL_H2_PREFACE_SIZE) {
        flow->state = HAR_FLOW_HEADER;
    }
    struct sl_span piece = sl_span_first(bytes, used);
    observe(framing, SL_DIR_REQUEST, piece);
    pass(framing, SL_DIR_REQUEST, piece, 0);
    return used;
}

/* The server's first frame is SETTINGS (RFC 9113 3.4); anything else is no HTTP/2. */
static bool is_possible(const struct har_flow *flow, enum sl_dir dir)
{
    const struct sl_h2_frame_header *frame = &flow->frame;
    return dir == SL_DIR_REQUEST || flow->frames > 0 ||
           (frame->type == SL_H2_SETTINGS && frame->stream == 0 && frame->length % 6 == 0 &&
            frame->length <= SL_H2_DEFAULT_MAX_FRAME);
}

static void end_frame(struct har_framing *framing, enum sl_dir dir)
{
    struct har_flow *flow = &framing->flows[dir];
    uint8_t type = flow->frame.type;
    bool is_block =
        type == SL_H2_HEADERS || type == SL_H2_PUSH_PROMISE || type == SL_H2_CONTINUATION;
    flow->is_in_block = is_block && (flow->frame.flags & SL_H2_FLAG_END_HEADERS) == 0;
    flow->frames++;
    flow->state = HAR_FLOW_HEADER;
    if (flow->rule != NULL) {
        har_framing_rules_apply(framing, dir);
    }
    struct har_framing_call *call = har_framing_find_call(framing, flow->frame.stream);
    framing->handler->frame(framing->owner, dir, flow->frame.stream, path_of(call));
    free_over(framing);
    har_framing_rules_flush(framing, dir);
}

static void begin_frame(struct har_framing *framing, enum sl_dir dir)
{
    struct har_flow *flow = &framing->flows[dir];
    struct sl_span head = sl_span(flow->head, SL_H2_FRAME_HEADER_SIZE);
    if (sl_h2_frame_header_read(head, &flow->frame) != SL_OK || !is_possible(flow, dir)) {
        give_up(framing);
        return;
    }
    flow->head_len = 0;
    flow->left = flow->frame.length;
    flow->state = HAR_FLOW_PAYLOAD;
    flow->delay_ns = 0;
    flow->rule = har_framing_rules_choose(framing, dir);
    if (flow->rule != NULL) {
        (void)sl_buf_add_span(&flow->held, head);
    } else {
        pass(framing, dir, head, flow->delay_ns);
    }
    observe(framing, dir, head);
    if (flow->left == 0) {
        end_frame(framing, dir);
    }
}

static size_t feed_header(struct har_framing *framing, enum sl_dir dir, struct sl_span bytes)
{
    struct har_flow *flow = &framing->flows[dir];
    size_t used = SL_H2_FRAME_HEADER_SIZE - flow->head_len;
    used = bytes.len < used ? bytes.len : used;
    memcpy(flow->head + flow->head_len, bytes.data, used);
    flow->head_len += used;
    if (flow->head_len == SL_H2_FRAME_HEADER_SIZE) {
        begin_frame(framing, dir);
    }
    return used;
}

static size_t feed_payload(struct har_framing *framing, enum sl_dir dir, struct sl_span bytes)
{
    struct har_flow *flow = &framing->flows[dir];
    struct sl_span piece = sl_span_first(bytes, flow->left);
    flow->left -= (uint32_t)piece.len;
    if (flow->rule != NULL) {
        (void)sl_buf_add_span(&flow->held, piece);
    } else {
        pass(framing, dir, piece, 0);
    }
    observe(framing, dir, piece);
    if (flow->left == 0) {
        end_frame(framing, dir);
    }
    return piece.len;
}

void har_framing_feed(struct har_framing *framing, enum sl_dir dir, struct sl_span bytes,
                      uint64_t now_ns)
{
    struct har_flow *flow = &framing->flows[dir];
    framing->now_ns = now_ns;
    while (bytes.len > 0 && !flow->is_stopped) {
        size_t used = bytes.len;
        switch (flow->state) {
        case HAR_FLOW_PREFACE:
            used = feed_preface(framing, bytes);
            break;
        case HAR_FLOW_HEADER:
            used = feed_header(framing, dir, bytes);
            break;
        case HAR_FLOW_PAYLOAD:
            used = feed_payload(framing, dir, bytes);
            break;
        case HAR_FLOW_OPAQUE:
            pass(framing, dir, bytes, 0);
            break;
        }
        bytes = sl_span_from(bytes, used);
    }
    (void)har_framing_turn(framing, now_ns);
}

void har_framing_finish(struct har_framing *framing, enum sl_dir dir, uint64_t now_ns)
{
    struct har_flow *flow = &framing->flows[dir];
    framing->now_ns = now_ns;
    har_framing_rules_finish(framing, dir);
    pass(framing, dir, sl_span(flow->head, flow->head_len), 0);
    pass(framing, dir, sl_buf_span(&flow->held), 0);
    flow->head_len = 0;
    sl_buf_clear(&flow->held);
    flow->state = HAR_FLOW_OPAQUE;
}

size_t har_framing_waiting(const struct har_framing *framing, enum sl_dir dir)
{
    return framing->flows[dir].waiting + framing->flows[dir].held.len;
}
