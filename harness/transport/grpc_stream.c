/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/support/time.h>
#include <stdio.h>
#include <utlist.h>

#include "harness/transport/grpc.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/hex.h"
#include "lib/wire/grpc_status.h"

enum {
    BINARY_VALUE_MAX = SL_HPACK_LIST_MAX * 2,
    SEND_OPS = 3,
};

struct grpc_outgoing {
    struct grpc_outgoing *prev, *next;
    grpc_byte_buffer *message;
    size_t len;
};

static struct sl_span slice_span(const grpc_slice *slice)
{
    return sl_span(GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice));
}

static grpc_slice to_slice(struct sl_span span)
{
    return grpc_slice_from_copied_buffer(span.data == NULL ? "" : (const char *)span.data,
                                         span.len);
}

/* --- batches --- */

static struct grpc_stream *stream_of(struct har_grpc_tag *tag, enum har_grpc_batch batch)
{
    return HAR_TASK_OWNER(tag - batch, struct grpc_stream, tags);
}

static void start_batch(struct grpc_stream *stream, enum har_grpc_batch batch, const grpc_op *ops,
                        size_t count)
{
    assert(!stream->is_due[batch]);
    stream->is_due[batch] = true;
    grpc_call_error error =
        grpc_call_start_batch(stream->call, ops, count, &stream->tags[batch], NULL);
    /* Metadata was checked before; everything else would be our mistake. */
    assert(error == GRPC_CALL_OK);
    (void)error;
}

/* The event of a batch has come. True while the stream may call back. */
static bool arrive(struct grpc_stream *stream, enum har_grpc_batch batch)
{
    stream->is_due[batch] = false;
    return stream->base.conn != NULL && !stream->base.is_ended && !stream->base.is_freed;
}

/* The last thing that the handler of an event does. */
static void settle(struct grpc_stream *stream)
{
    if (stream->base.is_freed) {
        har_stream_reap(&stream->base);
    }
}

static void receive(struct grpc_stream *stream)
{
    if (stream->call == NULL || stream->is_due[GRPC_BATCH_MESSAGE] || stream->is_stalled) {
        return;
    }
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    op.data.recv_message.recv_message = &stream->received;
    start_batch(stream, GRPC_BATCH_MESSAGE, &op, 1);
}

/* Puts the first waiting message and, when it is due, the half-close into ops. */
static size_t fill_send(struct grpc_stream *stream, grpc_op *ops)
{
    size_t count = 0;
    if (stream->outgoing != NULL) {
        ops[count] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE};
        ops[count++].data.send_message.send_message = stream->outgoing->message;
    }
    bool is_last = stream->outgoing == NULL || stream->outgoing->next == NULL;
    if (is_last && stream->is_half_closed && !stream->is_close_sent) {
        stream->is_close_sent = true;
        ops[count++] = (grpc_op){.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
    }
    return count;
}

static bool is_sending(const struct grpc_stream *stream)
{
    return stream->is_due[GRPC_BATCH_START] || stream->is_due[GRPC_BATCH_SEND];
}

static void send_next(struct grpc_stream *stream)
{
    grpc_op ops[SEND_OPS];
    if (stream->call == NULL || is_sending(stream) || stream->has_status) {
        return;
    }
    size_t count = fill_send(stream, ops);
    if (count > 0) {
        start_batch(stream, GRPC_BATCH_SEND, ops, count);
    }
}

static void drop_first(struct grpc_stream *stream)
{
    struct grpc_outgoing *first = stream->outgoing;
    DL_DELETE(stream->outgoing, first);
    stream->queued--;
    stream->queued_bytes -= first->len;
    grpc_byte_buffer_destroy(first->message);
    sl_free(first);
}

/* --- events --- */

/* A batch of sending is done; the message in it, if any, has been taken. */
static void on_sent(struct grpc_stream *stream, enum har_grpc_batch batch, bool is_ok,
                    bool has_message)
{
    bool is_live = arrive(stream, batch);
    if (has_message) {
        drop_first(stream);
    }
    if (is_live && is_ok) {
        send_next(stream);
        if (has_message && stream->outgoing == NULL && stream->base.handler->drained != NULL) {
            stream->base.handler->drained(stream->base.owner, &stream->base);
        }
    }
    settle(stream);
}

static void on_start_done(struct har_grpc_tag *tag, bool is_ok)
{
    struct grpc_stream *stream = stream_of(tag, GRPC_BATCH_START);
    on_sent(stream, GRPC_BATCH_START, is_ok, stream->is_first_sent);
}

static void on_send_done(struct har_grpc_tag *tag, bool is_ok)
{
    struct grpc_stream *stream = stream_of(tag, GRPC_BATCH_SEND);
    on_sent(stream, GRPC_BATCH_SEND, is_ok, stream->outgoing != NULL);
}

/* metadata as fields like those of the wire: the C core decodes -bin values, so they are encoded. */
static void to_headers(const grpc_metadata_array *metadata, struct sl_headers *headers)
{
    for (size_t i = 0; i < metadata->count; i++) {
        const grpc_metadata *field = &metadata->metadata[i];
        if (!grpc_is_binary_header(field->key)) {
            (void)sl_headers_add(headers, slice_span(&field->key), slice_span(&field->value));
            continue;
        }
        struct sl_buf encoded;
        sl_buf_init(&encoded, BINARY_VALUE_MAX);
        (void)sl_base64_encode(slice_span(&field->value), false, &encoded);
        (void)sl_headers_add(headers, slice_span(&field->key), sl_buf_span(&encoded));
        sl_buf_release(&encoded);
    }
}

static void on_headers_done(struct har_grpc_tag *tag, bool is_ok)
{
    struct grpc_stream *stream = stream_of(tag, GRPC_BATCH_HEADERS);
    if (arrive(stream, GRPC_BATCH_HEADERS) && is_ok && stream->has_wire_headers &&
        stream->base.handler->headers != NULL) {
        struct sl_headers headers = {0};
        to_headers(&stream->initial, &headers);
        stream->base.handler->headers(stream->base.owner, &stream->base, &headers);
        sl_headers_release(&headers);
    }
    settle(stream);
}

/* end(), once the status is there and no message can come any more. */
static void end_if_due(struct grpc_stream *stream)
{
    struct grpc_conn *conn = grpc_conn_of(stream->base.conn);
    if (!stream->has_status || stream->is_due[GRPC_BATCH_MESSAGE]) {
        return;
    }
    struct sl_headers trailers = {0};
    bool has_trailers =
        stream->source == SL_FROM_TRAILERS || stream->source == SL_FROM_TRAILERS_ONLY;
    to_headers(&stream->trailing, &trailers);
    char *message = sl_strndup((const char *)GRPC_SLICE_START_PTR(stream->details),
                               GRPC_SLICE_LENGTH(stream->details));
    struct har_stream_result result = {
        .code = (uint32_t)stream->code,
        .source = stream->source,
        .message = message,
        .trailers = has_trailers ? &trailers : NULL,
        .reset_error = stream->reset_error,
    };
    har_grpc_stream_forget(conn, stream);
    har_stream_deliver_end(&stream->base, &result);
    sl_headers_release(&trailers);
    sl_free(message);
}

static void on_status_done(struct har_grpc_tag *tag, bool is_ok)
{
    struct grpc_stream *stream = stream_of(tag, GRPC_BATCH_STATUS);
    (void)is_ok; /* this batch always brings a status */
    stream->has_status = true;
    if (arrive(stream, GRPC_BATCH_STATUS)) {
        end_if_due(stream);
    }
    settle(stream);
}

static void deliver_message(struct grpc_stream *stream, grpc_byte_buffer *message)
{
    grpc_byte_buffer_reader reader;
    if (stream->base.handler->message == NULL || !grpc_byte_buffer_reader_init(&reader, message)) {
        return;
    }
    grpc_slice whole = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    stream->base.handler->message(stream->base.owner, &stream->base, slice_span(&whole),
                                  sl_clock_mono_ns());
    grpc_slice_unref(whole);
}

static void on_message_done(struct har_grpc_tag *tag, bool is_ok)
{
    struct grpc_stream *stream = stream_of(tag, GRPC_BATCH_MESSAGE);
    grpc_byte_buffer *message = stream->received;
    bool is_live = arrive(stream, GRPC_BATCH_MESSAGE);
    stream->received = NULL;
    if (is_live && is_ok && message != NULL) {
        deliver_message(stream, message);
        is_live = stream->base.conn != NULL && !stream->base.is_ended;
        if (is_live) {
            receive(stream);
        }
    }
    if (message != NULL) {
        grpc_byte_buffer_destroy(message);
    }
    if (is_live) {
        end_if_due(stream);
    }
    settle(stream);
}

/* --- start --- */

/* False when the C core would refuse a name or a value. */
static bool copy_metadata(struct grpc_stream *stream, const struct har_stream_config *config)
{
    stream->metadata = sl_calloc(config->metadata_count, sizeof *stream->metadata);
    for (size_t i = 0; i < config->metadata_count; i++) {
        grpc_metadata *field = &stream->metadata[stream->metadata_count++];
        field->key = to_slice(config->metadata[i].name);
        field->value = to_slice(config->metadata[i].value);
        if (!grpc_header_key_is_legal(field->key) ||
            (!grpc_is_binary_header(field->key) &&
             !grpc_header_nonbin_value_is_legal(field->value))) {
            return false;
        }
    }
    return true;
}

static gpr_timespec deadline_of(const struct grpc_stream *stream)
{
    if (stream->base.timeout_ns == 0 || stream->base.timeout_ns > INT64_MAX) {
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    }
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_nanos((int64_t)stream->base.timeout_ns, GPR_TIMESPAN));
}

void har_grpc_stream_start(struct grpc_conn *conn, struct grpc_stream *stream)
{
    grpc_op ops[SEND_OPS];
    grpc_slice method = grpc_slice_from_copied_string(stream->base.method);
    stream->is_starting = false;
    stream->call = grpc_channel_create_call(conn->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
                                            har_grpc_core_queue(stream->core), method, NULL,
                                            deadline_of(stream), NULL);
    grpc_slice_unref(method);

    ops[0] = (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA};
    ops[0].data.send_initial_metadata.count = stream->metadata_count;
    ops[0].data.send_initial_metadata.metadata = stream->metadata;
    stream->is_first_sent = stream->outgoing != NULL;
    start_batch(stream, GRPC_BATCH_START, ops, 1 + fill_send(stream, ops + 1));

    grpc_op op = {.op = GRPC_OP_RECV_INITIAL_METADATA};
    op.data.recv_initial_metadata.recv_initial_metadata = &stream->initial;
    start_batch(stream, GRPC_BATCH_HEADERS, &op, 1);

    op = (grpc_op){.op = GRPC_OP_RECV_STATUS_ON_CLIENT};
    op.data.recv_status_on_client.trailing_metadata = &stream->trailing;
    op.data.recv_status_on_client.status = &stream->code;
    op.data.recv_status_on_client.status_details = &stream->details;
    start_batch(stream, GRPC_BATCH_STATUS, &op, 1);
    receive(stream);
}

/* --- the face --- */

void har_grpc_stream_forget(struct grpc_conn *conn, struct grpc_stream *stream)
{
    if (stream->is_unseen) {
        stream->is_unseen = stream->is_starting = false;
        DL_DELETE2(conn->unseen, stream, prev_unseen, next_unseen);
    }
    if (stream->observed != NULL) {
        stream->observed->user = NULL;
        stream->observed = NULL;
    }
    if (stream->call != NULL && !stream->has_status) {
        grpc_call_cancel(stream->call, NULL);
    }
    if (conn->is_ending) {
        /* The connection may have waited for this stream only. */
        har_turn_defer(conn->base.turn, &conn->base.task);
    }
}

static void free_stream(struct har_stream *base)
{
    if (base->conn != NULL) {
        har_grpc_stream_forget(grpc_conn_of(base->conn), grpc_stream_of(base));
    }
}

static bool release(struct har_stream *base)
{
    struct grpc_stream *stream = grpc_stream_of(base);
    for (size_t i = 0; i < GRPC_BATCHES; i++) {
        if (stream->is_due[i]) {
            return false;
        }
    }
    if (stream->call != NULL) {
        grpc_call_unref(stream->call);
    }
    while (stream->outgoing != NULL) {
        drop_first(stream);
    }
    for (size_t i = 0; i < stream->metadata_count; i++) {
        grpc_slice_unref(stream->metadata[i].key);
        grpc_slice_unref(stream->metadata[i].value);
    }
    sl_free(stream->metadata);
    grpc_metadata_array_destroy(&stream->initial);
    grpc_metadata_array_destroy(&stream->trailing);
    grpc_slice_unref(stream->details);
    har_grpc_core_unref(stream->core);
    return true;
}

static enum sl_status queue_message(struct har_stream *base, struct sl_span message)
{
    struct grpc_stream *stream = grpc_stream_of(base);
    if (stream->is_half_closed) {
        return SL_STATE;
    }
    if (message.len > HAR_STREAM_QUEUE_MAX - stream->queued_bytes) {
        return SL_LIMIT;
    }
    struct grpc_outgoing *outgoing = sl_alloc(sizeof *outgoing);
    grpc_slice slice = to_slice(message);
    outgoing->message = grpc_raw_byte_buffer_create(&slice, 1);
    outgoing->len = message.len;
    grpc_slice_unref(slice);
    DL_APPEND(stream->outgoing, outgoing);
    stream->queued++;
    stream->queued_bytes += message.len;
    send_next(stream);
    return SL_OK;
}

static size_t queued(const struct har_stream *base)
{
    return ((const struct grpc_stream *)base)->queued;
}

static void half_close(struct har_stream *base)
{
    struct grpc_stream *stream = grpc_stream_of(base);
    stream->is_half_closed = true;
    send_next(stream);
}

static void cancel(struct har_stream *base, uint32_t error)
{
    (void)error; /* the C core chooses CANCEL */
    har_grpc_stream_forget(grpc_conn_of(base->conn), grpc_stream_of(base));
}

static enum sl_status credit_messages(struct har_stream *stream, uint64_t count)
{
    (void)stream;
    (void)count;
    return SL_UNSUPPORTED;
}

static enum sl_status credit_bytes(struct har_stream *stream, uint32_t bytes)
{
    (void)stream;
    (void)bytes;
    return SL_UNSUPPORTED;
}

static void stall(struct har_stream *base)
{
    grpc_stream_of(base)->is_stalled = true;
}

static void resume(struct har_stream *base)
{
    struct grpc_stream *stream = grpc_stream_of(base);
    stream->is_stalled = false;
    receive(stream);
}

static const struct har_stream_ops ops = {
    .free = free_stream,
    .release = release,
    .send = queue_message,
    .queued = queued,
    .half_close = half_close,
    .cancel = cancel,
    .credit_messages = credit_messages,
    .credit_bytes = credit_bytes,
    .stall = stall,
    .resume = resume,
};

struct har_stream *har_grpc_stream_new(struct har_conn *base,
                                       const struct har_stream_config *config)
{
    static void (*const done[GRPC_BATCHES])(struct har_grpc_tag *, bool) = {
        [GRPC_BATCH_START] = on_start_done,     [GRPC_BATCH_HEADERS] = on_headers_done,
        [GRPC_BATCH_MESSAGE] = on_message_done, [GRPC_BATCH_STATUS] = on_status_done,
        [GRPC_BATCH_SEND] = on_send_done,
    };
    struct grpc_conn *conn = grpc_conn_of(base);
    struct grpc_stream *stream = sl_alloc(sizeof *stream);
    har_stream_start(&stream->base, &ops, base, config);
    stream->core = har_grpc_core_ref(base->loop);
    for (size_t i = 0; i < GRPC_BATCHES; i++) {
        stream->tags[i].done = done[i];
    }
    grpc_metadata_array_init(&stream->initial);
    grpc_metadata_array_init(&stream->trailing);
    stream->details = grpc_empty_slice();
    stream->is_stalled = config->is_manual;
    if (!copy_metadata(stream, config)) {
        har_stream_end_late(&stream->base, "the gRPC C core refuses this metadata");
        return &stream->base;
    }
    if (har_conn_is_live(base) && !base->has_goaway && !conn->is_ending) {
        stream->is_unseen = stream->is_starting = true;
        DL_APPEND2(conn->unseen, stream, prev_unseen, next_unseen);
        har_link_wake(base->link);
    }
    return &stream->base;
}
