/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     head --> begin ---------------------------------> stream: pulled, a message at a time
 *        \---> one whole message and half-close --> begin --> answer, or stream
 *     any of them --> end: trailers, or Trailers-Only where no head has gone --> closed by nghttp2 --> free
 *
 * One message is pulled ahead, so that a stream which ends is known to end also while the window is closed. The next
 * one is pulled when nghttp2 has packed the last byte of it.
 */
#include "reference-server/frontend/h2/internal.h"
#include "reference-server/frontend/h2/life.h"
#include "reference-server/frontend/h2/unfinished.h"
#include "reference-server/frontend/h2/wrong.h"

#include <string.h>
#include <utlist.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "reference-server/chat/refusal.h"

/* How often a wrong server looks whether it may reply. */
#define HELD_POLL_NS SL_MS

static const struct srv_telemetry *telemetry_of(const struct srv_h2_call *call)
{
    return call->conn->h2->services->telemetry;
}

static struct sl_span span_or_empty(const struct srv_frame *frame)
{
    return frame == NULL ? sl_span(NULL, 0) : srv_frame_span(frame);
}

static void drop_frame(struct srv_frame **frame)
{
    srv_frame_unref(*frame);
    *frame = NULL;
}

/* --- what goes out --- */

static bool make_trailer(const struct srv_h2_call *call, struct srv_trailer *ret_trailer)
{
    return call->stream != NULL && call->stream->ops->trailer != NULL &&
           call->stream->ops->trailer(call->stream, ret_trailer);
}

static void submit_end(struct srv_h2_call *call, enum sl_grpc_status status, const char *text)
{
    struct srv_trailer trailer;
    struct srv_h2_fields fields;
    const struct srv_h2_end end = {
        .status = status,
        .text = text,
        .details = call->answer.details,
        .trailer = make_trailer(call, &trailer) ? &trailer : NULL,
        .request_id = span_or_empty(call->answer.request_id),
    };
    if (call->has_head) {
        srv_h2_reply_trailers(&fields, &end);
        (void)nghttp2_submit_trailer(call->conn->session, call->id, fields.nv, fields.count);
    } else {
        srv_h2_reply_trailers_only(&fields, &end);
        (void)nghttp2_submit_response(call->conn->session, call->id, fields.nv, fields.count, NULL);
        call->has_head = true;
    }
    srv_h2_fields_release(&fields);
}

void srv_h2_call_set_ending(struct srv_h2_call *call)
{
    struct srv_h2 *h2 = call->conn->h2;
    call->is_ending = true;
    srv_timers_remove(&h2->timers, &call->timer);
    srv_timers_remove(&h2->timers, &call->deadline);
    srv_h2_unfinished_drop(call);
    srv_h2_conn_dirty(call->conn);
}

void srv_h2_call_end(struct srv_h2_call *call, enum sl_grpc_status status, const char *text)
{
    if (call->is_ending) {
        return;
    }
    call->record.status = status;
    submit_end(call, status, text);
    srv_h2_call_set_ending(call);
}

/* --stall-limit: how long nghttp2 may have a message. */
static void watch_stall(struct srv_h2_call *call)
{
    struct srv_h2 *h2 = call->conn->h2;
    uint64_t limit_ns = h2->services->chat->config.limits.stall_ns;
    if (limit_ns > 0) {
        call->send_began_ns = h2->now_ns;
        srv_h2_set_timer(h2, &call->timer, h2->now_ns + limit_ns);
    }
}

/* Takes the next message into call->current, or notes when to ask again. False when there is none now; the call may
 * have been ended then. */
static bool pull(struct srv_h2_call *call)
{
    struct srv_h2 *h2 = call->conn->h2;
    struct srv_pulled pulled;
    switch (call->stream->ops->pull(call->stream, h2->now_ns, &pulled)) {
    case SRV_PULL_FRAME:
        call->current = pulled.frame;
        call->offset = 0;
        watch_stall(call);
        return true;
    case SRV_PULL_WAIT:
        if (pulled.until_ns == SRV_NEVER) {
            srv_timers_remove(&h2->timers, &call->timer);
        } else {
            srv_h2_set_timer(h2, &call->timer, pulled.until_ns);
        }
        break;
    case SRV_PULL_END:
        if (pulled.status == SL_GRPC_INTERNAL) {
            srv_h2_wrong_garbage(h2);
        }
        srv_h2_call_end(call, pulled.status, pulled.text);
        break;
    }
    return false;
}

static ssize_t pack(nghttp2_session *session, int32_t id, uint8_t *out, size_t room,
                    uint32_t *data_flags, nghttp2_data_source *source, void *context);

static void submit_head(struct srv_h2_call *call)
{
    struct srv_h2_fields fields;
    const nghttp2_data_provider provider = {.source.ptr = call, .read_callback = pack};
    srv_h2_reply_head(&fields, span_or_empty(call->answer.request_id),
                      call->is_zipped ? SRV_H2_GZIP : SRV_H2_IDENTITY);
    (void)nghttp2_submit_response(call->conn->session, call->id, fields.nv, fields.count,
                                  &provider);
    srv_h2_fields_release(&fields);
    call->has_head = true;
    srv_h2_conn_dirty(call->conn);
}

/* Asks the stream, if nothing of it is on its way. */
static void pump(struct srv_h2_call *call)
{
    if (call->stream == NULL || call->is_ending || call->is_packing || call->current != NULL ||
        !pull(call)) {
        return;
    }
    if (call->has_head) {
        (void)nghttp2_session_resume_data(call->conn->session, call->id);
        srv_h2_conn_dirty(call->conn);
    } else {
        submit_head(call); /* a wrong server */
    }
}

static void wake(void *context)
{
    pump(context);
}

/* The next bytes of current to out. */
static size_t pack_current(struct srv_h2_call *call, uint8_t *out, size_t room)
{
    struct srv_frame *frame = call->current;
    size_t packed = 0;
    if (call->offset < SRV_H2_PREFIX_SIZE) {
        uint8_t prefix[SRV_H2_PREFIX_SIZE];
        srv_h2_reply_prefix(prefix, call->is_zipped, (uint32_t)frame->len);
        size_t left = SRV_H2_PREFIX_SIZE - call->offset;
        packed = left < room ? left : room;
        memcpy(out, prefix + call->offset, packed);
        call->offset += packed;
    }
    if (call->offset >= SRV_H2_PREFIX_SIZE) {
        size_t at = call->offset - SRV_H2_PREFIX_SIZE;
        size_t left = frame->len - at;
        size_t some = left < room - packed ? left : room - packed;
        memcpy(out + packed, frame->data + at, some);
        call->offset += some;
        packed += some;
    }
    return packed;
}

static void feed_held(struct srv_h2_call *call);

/* current is packed to its end. */
static void note_packed(struct srv_h2_call *call)
{
    srv_telemetry_message_out(telemetry_of(call), &call->record, call->current->len);
    drop_frame(&call->current);
    if (call->stream != NULL) {
        call->stream->ops->sent(call->stream, call->conn->h2->now_ns);
    }
}

/* nghttp2 asks for the bytes of a DATA frame: the client's windows let them go. */
static ssize_t pack(nghttp2_session *session, int32_t id, uint8_t *out, size_t room,
                    uint32_t *data_flags, nghttp2_data_source *source, void *context)
{
    (void)session;
    (void)id;
    (void)context;
    struct srv_h2_call *call = source->ptr;
    size_t packed = 0;
    if (call->is_ending) {
        return NGHTTP2_ERR_DEFERRED; /* its status is past this */
    }
    call->is_packing = true;
    while (packed < room && !call->is_ending) {
        if (call->current == NULL && (call->stream == NULL || !pull(call))) {
            break;
        }
        packed += pack_current(call, out + packed, room - packed);
        if (call->offset < SRV_H2_PREFIX_SIZE + call->current->len) {
            break;
        }
        note_packed(call);
    }
    if (call->held.len > 0 || call->is_half_close_due) {
        feed_held(call);
    }
    call->is_packing = false;
    if (call->stream == NULL && call->current == NULL) {
        srv_h2_call_end(call, call->answer.status, call->answer.text);
    } else if (!call->is_ending && call->current == NULL && !pull(call) && packed == 0 &&
               !call->is_ending) {
        return NGHTTP2_ERR_DEFERRED;
    }
    if (call->is_ending) {
        *data_flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    }
    return (ssize_t)packed;
}

static void timer_fired(struct srv_timer *timer)
{
    struct srv_h2_call *call = SRV_H2_OF(timer, srv_h2_call, timer);
    struct srv_h2 *h2 = call->conn->h2;
    uint64_t limit_ns = h2->services->chat->config.limits.stall_ns;
    if (call->current == NULL) {
        pump(call);
    } else if (limit_ns > 0 && h2->now_ns < call->send_began_ns + limit_ns) {
        srv_h2_set_timer(h2, timer, call->send_began_ns + limit_ns);
    } else if (limit_ns > 0) {
        struct srv_answer refusal = srv_limit_reached(h2->services->chat, SRV_LIMIT_STALL);
        srv_h2_call_end(call, refusal.status, refusal.text);
    }
}

/* --- what comes in --- */

static bool can_receive(const struct srv_h2_call *call)
{
    return call->stream == NULL || call->stream->ops->can_receive == NULL ||
           call->stream->ops->can_receive(call->stream);
}

static void refuse(struct srv_h2_call *call, const struct srv_h2_refusal *refusal)
{
    srv_h2_call_end(call, refusal->status, refusal->text);
}

/* A message is whole; takes it. */
static void take_message(struct srv_h2_call *call, struct srv_frame *message)
{
    struct srv_h2_refusal refusal;
    if (srv_h2_wrong_is_over(call, message->len, &refusal)) {
        srv_frame_unref(message);
        refuse(call, &refusal);
        return;
    }
    srv_telemetry_message_in(telemetry_of(call), &call->record, message->len);
    if (call->record.method->has_request) {
        srv_frame_unref(call->request);
        call->request = message;
        return;
    }
    if (call->stream != NULL && call->stream->ops->receive != NULL) {
        call->stream->ops->receive(call->stream, message, call->conn->h2->now_ns);
    }
    srv_frame_unref(message);
}

/* Gives what it can to the service; the rest of bytes is left in them. */
static void feed(struct srv_h2_call *call, struct sl_span *bytes)
{
    while (bytes->len > 0 && !call->is_ending && can_receive(call)) {
        struct srv_frame *message = NULL;
        struct srv_h2_refusal refusal;
        switch (srv_h2_message_in_feed(&call->in, bytes, &message, &refusal)) {
        case SRV_H2_FED_ALL:
            break;
        case SRV_H2_FED_MESSAGE:
            take_message(call, message);
            break;
        case SRV_H2_FED_REFUSED:
            refuse(call, &refusal);
            break;
        }
    }
}

static void consume(struct srv_h2_call *call, size_t len)
{
    if (len > 0 && !call->is_input_over) {
        (void)nghttp2_session_consume_stream(call->conn->session, call->id, len);
        srv_h2_conn_dirty(call->conn);
    }
}

static void half_close(struct srv_h2_call *call)
{
    struct srv_h2_refusal refusal = srv_h2_message_in_end(&call->in);
    call->is_half_close_due = false;
    if (call->is_ending) {
        return;
    }
    if (refusal.how != SRV_H2_SERVED) {
        refuse(call, &refusal);
    } else if (call->record.method->has_request) {
        srv_h2_call_start(call);
    } else if (call->stream != NULL && call->stream->ops->half_close != NULL) {
        call->stream->ops->half_close(call->stream, call->conn->h2->now_ns);
        pump(call);
    }
}

static void feed_held(struct srv_h2_call *call)
{
    struct sl_span rest = sl_buf_span(&call->held);
    size_t had = rest.len;
    feed(call, &rest);
    if (!call->is_ending) {
        sl_buf_consume(&call->held, had - rest.len);
        consume(call, had - rest.len);
        if (rest.len == 0) {
            sl_buf_release(&call->held);
        }
        if (rest.len == 0 && call->is_half_close_due) {
            half_close(call);
        }
        srv_h2_unfinished_note(call);
    }
}

void srv_h2_call_input(struct srv_h2_call *call, struct sl_span bytes)
{
    size_t had = bytes.len;
    if (call->held.len == 0) {
        feed(call, &bytes);
        pump(call);
    }
    if (call->is_ending) {
        return; /* the stream is about to be reset: it needs no more credit */
    }
    consume(call, had - bytes.len);
    if (bytes.len > 0 && sl_buf_add_span(&call->held, bytes) != SL_OK) {
        srv_h2_conn_kill(call->conn,
                         "flow control"); /* nghttp2 has let more come than the window */
    }
    srv_h2_unfinished_note(call);
}

void srv_h2_call_half_close(struct srv_h2_call *call)
{
    call->is_input_over = true;
    if (call->held.len > 0) {
        call->is_half_close_due = true;
    } else {
        half_close(call);
    }
}

/* --- the beginning and the end --- */

static void answer_now(struct srv_h2_call *call)
{
    struct srv_frame *zipped = NULL;
    if (call->answer.reply == NULL) {
        srv_h2_call_end(call, call->answer.status, call->answer.text);
        return;
    }
    if (call->in.is_zipped && call->accepts_gzip) {
        zipped = srv_h2_reply_zip(call->answer.reply);
    }
    call->is_zipped = zipped != NULL;
    if (call->is_zipped) {
        srv_frame_unref(call->answer.reply);
        call->answer.reply = zipped;
    }
    call->current = call->answer.reply;
    call->answer.reply = NULL;
    call->offset = 0;
    call->timer.fire = timer_fired;
    watch_stall(call);
    submit_head(call);
}

static void check_held(struct srv_timer *timer)
{
    struct srv_h2_call *call = SRV_H2_OF(timer, srv_h2_call, timer);
    struct srv_h2 *h2 = call->conn->h2;
    if (srv_frame_is_shared(call->held_request) && h2->phase == SRV_H2_RUNNING) {
        srv_h2_set_timer(h2, timer, h2->now_ns + HELD_POLL_NS);
        return;
    }
    drop_frame(&call->held_request);
    answer_now(call);
}

static void open_stream(struct srv_h2_call *call, struct srv_stream *stream)
{
    call->stream = stream;
    call->timer.fire = timer_fired;
    stream->wake = wake;
    stream->wake_context = call;
    /* SUB-10: the headers tell the client that it is registered. */
    if (!call->conn->h2->wrong->ready_headers_late) {
        submit_head(call);
    }
    pump(call);
}

void srv_h2_call_start(struct srv_h2_call *call)
{
    struct srv_h2 *h2 = call->conn->h2;
    struct srv_begun begun = {0};
    const struct srv_request request = {
        .message = call->request,
        .request_id = span_or_empty(call->request_id),
        .connection = call->conn->record.number,
        .now_ns = h2->now_ns,
        .unix_ms = (int64_t)(sl_clock_wall_ns() / SL_MS),
    };
    call->record.method->begin(h2->services, &request, &begun);
    srv_h2_unfinished_drop(call);
    if (begun.stream != NULL) {
        open_stream(call, begun.stream);
        return;
    }
    call->answer = begun.answer;
    if (begun.answer.request_id != NULL) {
        srv_telemetry_request_id(&call->record, srv_frame_span(begun.answer.request_id));
    }
    if (begun.answer.status == SL_GRPC_INTERNAL) {
        srv_h2_wrong_garbage(h2);
    }
    if (begun.held != NULL) {
        call->held_request = begun.held;
        call->timer.fire = check_held;
        check_held(&call->timer);
    } else {
        answer_now(call);
    }
}

static void deadline_passed(struct srv_timer *timer)
{
    struct srv_h2_call *call = SRV_H2_OF(timer, srv_h2_call, deadline);
    if (call->conn->h2->wrong->deadline_ok) {
        srv_h2_call_end(call, SL_GRPC_OK, "");
    } else {
        srv_h2_call_end(call, SL_GRPC_DEADLINE_EXCEEDED, "the deadline has passed");
    }
}

static void set_deadline(struct srv_h2_call *call, uint64_t timeout_ns)
{
    struct srv_h2 *h2 = call->conn->h2;
    if (timeout_ns == SRV_H2_NO_TIMEOUT || h2->wrong->deadline_ignored) {
        return;
    }
    if (h2->wrong->deadline_early) {
        timeout_ns /= 2;
    }
    uint64_t late_ns = h2->wrong->deadline_late ? SRV_DEADLINE_LATE_NS : 0;
    call->deadline.fire = deadline_passed;
    if (timeout_ns < SRV_NEVER - h2->now_ns - late_ns) {
        srv_h2_set_timer(h2, &call->deadline, h2->now_ns + timeout_ns + late_ns);
    }
}

static void tell_begin(struct srv_h2_call *call)
{
    struct srv_h2_conn *conn = call->conn;
    struct sl_span id = span_or_empty(call->request_id);
    struct sl_span traceparent =
        sl_span(conn->head.traceparent, conn->head.has_traceparent ? SRV_H2_TRACEPARENT_LEN : 0);
    call->record.connection = &conn->record;
    call->record.stream = (uint32_t)call->id;
    if (telemetry_of(call)->wants_peer) {
        srv_telemetry_identify(&call->record, id, traceparent);
    }
    call->is_told = true;
    srv_telemetry_call_began(telemetry_of(call), &call->record, conn->h2->now_ns);
}

void srv_h2_call_begin(struct srv_h2_conn *conn, int32_t id, bool is_over)
{
    struct srv_h2_request *head = &conn->head;
    if (!srv_h2_life_may_begin(conn, id)) {
        return;
    }
    const struct srv_h2_refusal refusal = srv_h2_request_judge(head);
    struct srv_h2_call *call = srv_h2_heap_alloc(&conn->h2->heap, sizeof(*call));
    call->conn = conn;
    call->id = id;
    call->is_input_over = is_over;
    call->accepts_gzip = head->accepts_gzip;
    call->record.method = srv_method_find(srv_h2_request_path(head));
    sl_buf_init(&call->held, SRV_H2_STREAM_WINDOW);
    srv_h2_wrong_init_input(call, head->encoding);
    DL_APPEND(conn->calls, call);
    conn->call_count++;
    (void)nghttp2_session_set_stream_user_data(conn->session, id, call);
    if (conn->h2->config->limits.initial_window == 0 && !is_over) {
        /* nghttp2 gives back what was consumed, and nothing can be of a window of 0. */
        (void)nghttp2_session_set_local_window_size(conn->session, NGHTTP2_FLAG_NONE, id,
                                                    SRV_H2_STREAM_WINDOW);
    }
    if (head->request_id.len > 0) {
        call->request_id = srv_frame_copy(sl_buf_span(&head->request_id));
    }
    if (refusal.how == SRV_H2_SERVED || refusal.how == SRV_H2_GRPC) {
        tell_begin(call);
    }
    if (refusal.how != SRV_H2_SERVED) {
        srv_h2_refused_answer(call, &refusal);
        return;
    }
    set_deadline(call, head->timeout_ns);
    if (!call->record.method->has_request) {
        srv_h2_call_start(call);
    }
    if (is_over && !call->is_ending) {
        half_close(call);
    }
}

void srv_h2_call_free(struct srv_h2_call *call, bool is_reset)
{
    struct srv_h2_conn *conn = call->conn;
    srv_timers_remove(&conn->h2->timers, &call->timer);
    srv_timers_remove(&conn->h2->timers, &call->deadline);
    DL_DELETE(conn->calls, call);
    conn->call_count--;
    if (is_reset) {
        srv_h2_wrong_reset(call);
        if (!call->is_ending) {
            call->record.status = SL_GRPC_CANCELLED;
        }
    }
    if (call->is_told) {
        srv_telemetry_call_ended(telemetry_of(call), &call->record, conn->h2->now_ns);
    }
    if (call->stream != NULL) {
        call->stream->ops->close(call->stream);
    }
    srv_h2_unfinished_drop(call);
    srv_frame_unref(call->current);
    srv_frame_unref(call->request_id);
    srv_frame_unref(call->held_request);
    srv_frame_unref(call->answer.reply);
    srv_frame_unref(call->answer.details);
    srv_frame_unref(call->answer.request_id);
    srv_h2_heap_free(&conn->h2->heap, call);
    srv_h2_note_ended(conn->h2);
}
