/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "reference-server/frontend/grpc/internal.h"
#include "reference-server/telemetry/peer.h"

enum {
    RESET_CALL_LEAK = 32 * 1024, /* bytes, of a wrong server */
    STREAM_OPS = 2,              /* initial metadata, and message or status */
    ANSWER_OPS = 4,              /* initial metadata, message, status, close */
    NUMBER_BYTES = 24,
    CRASH_EXIT = 70,
    LONGEST_DEADLINE_S = 3600, /* that wrong servers look at */
};

/* How often a wrong server looks whether it may reply. */
#define HELD_POLL_NS SL_MS

static void crash(const char *why)
{
    sl_log(SL_LOG_ERROR, "misbehave", "the process ends: %s", why);
    _exit(CRASH_EXIT);
}

/* Starts ops; tag comes back once. */
static void start(struct srv_call *call, const grpc_op *ops, size_t count, struct srv_tag *tag)
{
    grpc_call_error error = grpc_call_start_batch(call->call, ops, count, tag, NULL);
    assert(error == GRPC_CALL_OK);
    (void)error;
    call->tags_out++;
}

static void tag_back(struct srv_call *call)
{
    assert(call->tags_out > 0);
    call->tags_out--;
    if (call->tags_out > 0 || !call->is_closed) {
        return;
    }
    struct srv_grpc *grpc = call->grpc;
    srv_timers_remove(&grpc->timers, &call->timer);
    DL_DELETE(grpc->calls, call);
    grpc_metadata_array_destroy(&call->metadata);
    grpc_call_unref(call->call);
    sl_free(call);
    srv_grpc_note_ended(grpc);
    srv_grpc_check_end(grpc);
}

#define CALL_OF(tag, member) \
    ((struct srv_call *)(void *)((char *)(tag)-offsetof(struct srv_call, member)))

/* What the call ended with, once; kept is what the client learnt where we had a say in it. */
static void keep_status(struct srv_call *call, enum sl_grpc_status status)
{
    if (!call->has_status) {
        call->has_status = true;
        call->record.status = status;
    }
}

/* A call that the client left, or whose deadline the C core has ended, has no status of ours. */
static void tell_end(struct srv_call *call)
{
    gpr_timespec now = gpr_now(GPR_CLOCK_MONOTONIC);
    gpr_timespec deadline = gpr_convert_clock_type(call->deadline, GPR_CLOCK_MONOTONIC);
    if (call->cancelled != 0 && !call->is_stalled) {
        call->has_status = false;
        keep_status(call, gpr_time_cmp(now, deadline) >= 0 ? SL_GRPC_DEADLINE_EXCEEDED
                                                           : SL_GRPC_CANCELLED);
    }
    srv_telemetry_call_ended(call->grpc->services->telemetry, &call->record, sl_clock_mono_ns());
}

static void close_done(struct srv_tag *tag, bool ok)
{
    (void)ok;
    struct srv_call *call = CALL_OF(tag, close_tag);
    call->is_closed = true;
    call->is_ending = true;
    tell_end(call);
    srv_timers_remove(&call->grpc->timers, &call->timer);
    srv_timers_remove(&call->grpc->timers, &call->deadline_timer);
    if (call->cancelled != 0 && call->grpc->chat->config.misbehave.leak_reset_call) {
        memset(sl_alloc(RESET_CALL_LEAK), 1, RESET_CALL_LEAK);
    }
    if (call->stream != NULL) {
        if (call->cancelled != 0 && call->grpc->chat->config.misbehave.crash_on_rst) {
            crash("a client left in the middle of a stream");
        }
        if (call->cancelled != 0 && call->is_input_over && call->stream->ops->receive != NULL &&
            call->grpc->chat->config.misbehave.crash_on_late_cancel) {
            crash("a client cancelled a stream that was being ended");
        }
        call->stream->ops->close(call->stream);
        call->stream = NULL;
    }
    tag_back(call);
}

static grpc_op op_initial_metadata(void)
{
    return (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA};
}

static grpc_op op_close(struct srv_call *call)
{
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
    op.data.recv_close_on_server.cancelled = &call->cancelled;
    return op;
}

static grpc_op op_message(grpc_byte_buffer *message, bool is_followed)
{
    grpc_op op = {.op = GRPC_OP_SEND_MESSAGE, .flags = is_followed ? GRPC_WRITE_BUFFER_HINT : 0};
    op.data.send_message.send_message = message;
    return op;
}

static grpc_op op_status(enum sl_grpc_status status, grpc_slice *text)
{
    grpc_op op = {.op = GRPC_OP_SEND_STATUS_FROM_SERVER};
    op.data.send_status_from_server.status = (grpc_status_code)status;
    op.data.send_status_from_server.status_details = text;
    return op;
}

static void reply_stalled(struct srv_timer *timer)
{
    (void)srv_stall_ends(CALL_OF(timer, timer));
}

static void answer_now(struct srv_call *call, struct srv_answer answer)
{
    grpc_slice text = grpc_slice_from_static_string(answer.text);
    grpc_byte_buffer *reply = NULL;
    struct srv_metadata metadata;
    grpc_op ops[ANSWER_OPS];
    size_t count = 0;
    keep_status(call, answer.status);
    if (answer.reply != NULL) {
        srv_telemetry_message_out(call->grpc->services->telemetry, &call->record,
                                  answer.reply->len);
    }
    if (answer.request_id != NULL) {
        srv_telemetry_request_id(&call->record, srv_frame_span(answer.request_id));
    }
    srv_metadata_take(&metadata, &answer);
    ops[count++] = op_initial_metadata();
    ops[0].data.send_initial_metadata.count = metadata.initial_count;
    ops[0].data.send_initial_metadata.metadata = metadata.initial;
    if (answer.reply != NULL) {
        reply = srv_bytes_give(answer.reply);
        ops[count++] = op_message(reply, false);
    }
    ops[count] = op_status(answer.status, answer.status == SL_GRPC_OK ? NULL : &text);
    ops[count].data.send_status_from_server.trailing_metadata_count = metadata.trailing_count;
    ops[count++].data.send_status_from_server.trailing_metadata = metadata.trailing;
    ops[count++] = op_close(call);
    call->close_tag.done = close_done;
    call->timer.fire = reply_stalled;
    call->is_sending = true;
    srv_stall_watch(call);
    start(call, ops, count, &call->close_tag);
    srv_metadata_release(&metadata);
    grpc_byte_buffer_destroy(reply);
}

static void check_held(struct srv_timer *timer)
{
    struct srv_call *call = CALL_OF(timer, timer);
    if (srv_frame_is_shared(call->held_request) && call->grpc->phase == SRV_RUNNING) {
        srv_grpc_set_timer(call->grpc, timer, sl_clock_mono_ns() + HELD_POLL_NS);
        return;
    }
    srv_frame_unref(call->held_request);
    call->held_request = NULL;
    answer_now(call, call->held_answer);
}

static void answer_call(struct srv_call *call, struct srv_answer answer)
{
    if (answer.status == SL_GRPC_INTERNAL && call->grpc->chat->config.misbehave.crash_on_garbage) {
        crash("a message is no protobuf");
    }
    if (call->held_request != NULL) {
        call->held_answer = answer;
        call->timer.fire = check_held;
        check_held(&call->timer);
        return;
    }
    answer_now(call, answer);
}

static void status_done(struct srv_tag *tag, bool ok)
{
    (void)ok;
    tag_back(CALL_OF(tag, status_tag));
}

/* True when something goes with the status; its value is short enough to lie in the slice itself. */
static bool make_trailer(const struct srv_call *call, grpc_metadata *ret_trailer)
{
    struct srv_trailer trailer;
    if (call->stream == NULL || call->stream->ops->trailer == NULL ||
        !call->stream->ops->trailer(call->stream, &trailer)) {
        return false;
    }
    char number[NUMBER_BYTES];
    (void)snprintf(number, sizeof(number), "%" PRIu64, trailer.value);
    *ret_trailer = (grpc_metadata){.key = grpc_slice_from_static_string(trailer.name),
                                   .value = grpc_slice_from_copied_string(number)};
    return true;
}

/* Headers go before the first thing that a stream sends, if they have not gone. */
static size_t add_headers(struct srv_call *call, grpc_op *ret_op)
{
    if (call->has_headers) {
        return 0;
    }
    call->has_headers = true;
    *ret_op = op_initial_metadata();
    return 1;
}

void srv_call_end(struct srv_call *call, enum sl_grpc_status status, const char *text)
{
    if (call->is_ending) {
        return;
    }
    grpc_slice details = grpc_slice_from_static_string(text);
    grpc_metadata trailer;
    grpc_op ops[STREAM_OPS];
    size_t count = add_headers(call, ops);
    grpc_op *op = &ops[count++];
    *op = op_status(status, status == SL_GRPC_OK ? NULL : &details);
    if (make_trailer(call, &trailer)) {
        op->data.send_status_from_server.trailing_metadata = &trailer;
        op->data.send_status_from_server.trailing_metadata_count = 1;
    }
    call->is_ending = true;
    keep_status(call, status);
    srv_timers_remove(&call->grpc->timers, &call->timer);
    start(call, ops, count, &call->status_tag);
}

/* Sends what the stream has, or notes when to ask it again. */
static void pump(struct srv_call *call)
{
    if (call->stream == NULL || call->is_sending || call->is_ending) {
        return;
    }
    struct srv_pulled pulled;
    switch (call->stream->ops->pull(call->stream, sl_clock_mono_ns(), &pulled)) {
    case SRV_PULL_FRAME: {
        srv_telemetry_message_out(call->grpc->services->telemetry, &call->record,
                                  pulled.frame->len);
        grpc_byte_buffer *message = srv_bytes_give(pulled.frame);
        grpc_op ops[STREAM_OPS];
        size_t count = add_headers(call, ops);
        ops[count++] = op_message(message, pulled.is_followed);
        call->is_sending = true;
        srv_stall_watch(call);
        start(call, ops, count, &call->send_tag);
        grpc_byte_buffer_destroy(message);
        break;
    }
    case SRV_PULL_WAIT:
        if (pulled.until_ns == SRV_NEVER) {
            srv_timers_remove(&call->grpc->timers, &call->timer);
        } else {
            srv_grpc_set_timer(call->grpc, &call->timer, pulled.until_ns);
        }
        break;
    case SRV_PULL_END:
        if (pulled.status == SL_GRPC_INTERNAL &&
            call->grpc->chat->config.misbehave.crash_on_garbage) {
            crash("a message is no protobuf");
        }
        srv_call_end(call, pulled.status, pulled.text);
        break;
    }
}

static void receive_more(struct srv_call *call)
{
    if (call->stream == NULL || call->stream->ops->can_receive == NULL || call->is_receiving ||
        call->is_input_over || call->is_ending || !call->stream->ops->can_receive(call->stream)) {
        return;
    }
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &call->received;
    call->is_receiving = true;
    start(call, &op, 1, &call->receive_tag);
}

static void receive_done(struct srv_tag *tag, bool ok)
{
    struct srv_call *call = CALL_OF(tag, receive_tag);
    struct srv_frame *frame = NULL;
    enum sl_status status = SL_OK;
    if (ok && call->received != NULL) {
        status = srv_bytes_take(call->grpc, call->received, &frame);
    }
    call->received = NULL;
    call->is_receiving = false;
    if (status != SL_OK) {
        struct srv_answer refusal = srv_bytes_refusal(status);
        call->is_input_over = true;
        srv_call_end(call, refusal.status, refusal.text);
    } else if (call->stream != NULL && frame != NULL) {
        srv_telemetry_message_in(call->grpc->services->telemetry, &call->record, frame->len);
        call->stream->ops->receive(call->stream, frame, sl_clock_mono_ns());
    } else if (call->stream != NULL && !call->is_input_over) {
        call->is_input_over = true;
        call->stream->ops->half_close(call->stream, sl_clock_mono_ns());
    }
    srv_frame_unref(frame);
    pump(call);
    receive_more(call);
    tag_back(call);
}

static void send_done(struct srv_tag *tag, bool ok)
{
    struct srv_call *call = CALL_OF(tag, send_tag);
    call->is_sending = false;
    if (!ok) {
        call->is_ending = true; /* RECV_CLOSE follows */
    } else if (call->stream != NULL) {
        call->stream->ops->sent(call->stream, sl_clock_mono_ns());
        pump(call);
        receive_more(call);
    }
    tag_back(call);
}

static void begin_done(struct srv_tag *tag, bool ok)
{
    (void)ok;
    tag_back(CALL_OF(tag, begin_tag));
}

static void wake(void *context)
{
    pump(context);
}

static void timer_fired(struct srv_timer *timer)
{
    struct srv_call *call = CALL_OF(timer, timer);
    if (!srv_stall_ends(call)) {
        pump(call);
    }
}

static void deadline_passed(struct srv_timer *timer)
{
    struct srv_call *call = CALL_OF(timer, deadline_timer);
    if (call->grpc->chat->config.misbehave.deadline_ok) {
        srv_call_end(call, SL_GRPC_OK, "");
    } else {
        srv_call_end(call, SL_GRPC_DEADLINE_EXCEEDED, "not at its time");
    }
}

/* Wrong servers that have their own idea of a deadline. */
static void watch_deadline(struct srv_call *call)
{
    const struct srv_misbehave *misbehave = &call->grpc->chat->config.misbehave;
    if (!misbehave->deadline_ok && !misbehave->deadline_early && !misbehave->deadline_late) {
        return;
    }
    gpr_timespec left = gpr_time_sub(gpr_convert_clock_type(call->deadline, GPR_CLOCK_MONOTONIC),
                                     gpr_now(GPR_CLOCK_MONOTONIC));
    if (left.tv_sec < LONGEST_DEADLINE_S) {
        double left_ns = gpr_timespec_to_micros(left) * (double)SL_US;
        double part = misbehave->deadline_early ? 0.5 : 1;
        uint64_t late_ns = misbehave->deadline_late ? SRV_DEADLINE_LATE_NS : 0;
        call->deadline_timer.fire = deadline_passed;
        srv_grpc_set_timer(call->grpc, &call->deadline_timer,
                           sl_clock_mono_ns() + (uint64_t)(left_ns * part) + late_ns);
    }
}

static void open_stream(struct srv_call *call, struct srv_stream *stream)
{
    call->stream = stream;
    call->timer.fire = timer_fired;
    call->begin_tag.done = begin_done;
    call->close_tag.done = close_done;
    call->send_tag.done = send_done;
    call->receive_tag.done = receive_done;
    call->status_tag.done = status_done;
    stream->wake = wake;
    stream->wake_context = call;
    /* SUB-10: the headers tell the client that it is registered. */
    grpc_op closing = op_close(call);
    if (!call->grpc->chat->config.misbehave.ready_headers_late) {
        grpc_op headers;
        start(call, &headers, add_headers(call, &headers), &call->begin_tag);
    }
    start(call, &closing, 1, &call->close_tag);
    watch_deadline(call);
    pump(call);
    receive_more(call);
}

/* Tells the client's connections apart, which only wrong servers need. */
static uint64_t connection_of(const struct srv_call *call)
{
    const uint64_t fnv_offset = 0xcbf29ce484222325;
    const uint64_t fnv_prime = 0x100000001b3;
    const struct srv_misbehave *misbehave = &call->grpc->chat->config.misbehave;
    if (!misbehave->stall_blocks_connection && !misbehave->bulk_first) {
        return 0;
    }
    char *peer = grpc_call_get_peer(call->call);
    uint64_t hash = fnv_offset;
    for (const char *c = peer; *c != '\0'; c++) {
        hash = (hash ^ (uint8_t)*c) * fnv_prime;
    }
    gpr_free(peer);
    return hash;
}

static void begin(struct srv_call *call, struct srv_frame *message)
{
    struct srv_begun begun = {0};
    const struct srv_request request = {
        .message = message,
        .request_id = srv_metadata_find(&call->metadata, "x-request-id"),
        .connection = connection_of(call),
        .now_ns = sl_clock_mono_ns(),
        .unix_ms = (int64_t)(sl_clock_wall_ns() / SL_MS),
    };
    call->record.method->begin(call->grpc->services, &request, &begun);
    call->held_request = begun.held;
    if (begun.stream != NULL) {
        open_stream(call, begun.stream);
    } else {
        answer_call(call, begun.answer);
    }
}

/* What telemetry tells of the call beside what happens in it. */
static void fill_record(struct srv_call *call, const struct srv_method *method)
{
    struct srv_call_record *record = &call->record;
    const struct srv_telemetry *telemetry = call->grpc->services->telemetry;
    record->method = method;
    if (telemetry->wants_peer) {
        char *peer = grpc_call_get_peer(call->call);
        srv_peer_from_core(sl_span_str(peer), record->peer);
        srv_telemetry_identify(record, srv_metadata_find(&call->metadata, "x-request-id"),
                               srv_metadata_find(&call->metadata, "traceparent"));
        gpr_free(peer);
    }
    srv_telemetry_call_began(telemetry, record, sl_clock_mono_ns());
}

void srv_call_begin(const struct srv_slot *came)
{
    struct srv_grpc *grpc = came->grpc;
    struct srv_call *call = sl_alloc(sizeof(*call));
    struct srv_frame *request = NULL;
    enum sl_status status =
        came->payload == NULL ? SL_OK : srv_bytes_take(grpc, came->payload, &request);
    call->grpc = grpc;
    call->call = came->call;
    call->metadata = came->metadata;
    call->deadline =
        came->method->path == NULL ? gpr_inf_future(GPR_CLOCK_MONOTONIC) : came->deadline;
    DL_APPEND(grpc->calls, call);
    fill_record(call, came->method);
    if (request != NULL) {
        srv_telemetry_message_in(grpc->services->telemetry, &call->record, request->len);
    }
    bool is_let_through = request != NULL && request->len > grpc->max_message &&
                          grpc->chat->config.misbehave.over_limit_wrong_status;
    if (is_let_through) {
        answer_call(call, srv_refusal(SL_GRPC_INVALID_ARGUMENT, "the message is too large"));
    } else if (status == SL_OK) {
        begin(call, request);
    } else {
        answer_call(call, srv_bytes_refusal(status));
    }
    srv_frame_unref(request);
}
