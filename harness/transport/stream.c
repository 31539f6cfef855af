/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/transport/conn.h"
#include "lib/base/alloc.h"
#include "lib/wire/grpc_status.h"

static void on_task(struct har_turn_task *task)
{
    struct har_stream *stream = HAR_TASK_OWNER(task, struct har_stream, task);
    if (stream->is_freed) {
        har_stream_reap(stream);
    } else if (stream->late_end != NULL) {
        har_stream_deliver_unavailable(stream, SL_FROM_NONE, stream->late_end);
    }
}

void har_stream_end_late(struct har_stream *stream, const char *reason)
{
    stream->late_end = reason;
    har_turn_defer(stream->turn, &stream->task);
}

static const struct har_stream_handler no_callbacks;

void har_stream_start(struct har_stream *stream, const struct har_stream_ops *ops,
                      struct har_conn *conn, const struct har_stream_config *config)
{
    stream->ops = ops;
    stream->conn = conn;
    stream->handler = config->handler == NULL ? &no_callbacks : config->handler;
    stream->owner = config->owner;
    stream->method = config->method;
    stream->timeout_ns = config->timeout_ns;
    stream->turn = har_turn_ref(conn->loop);
    stream->task.run = on_task;
    stream->next = conn->streams;
    if (conn->streams != NULL) {
        conn->streams->prev = stream;
    }
    conn->streams = stream;
}

struct har_stream *har_stream_new(struct har_conn *conn, const struct har_stream_config *config)
{
    struct har_stream *stream = conn->ops->stream_new(conn, config);
    if (conn->is_closed) {
        har_stream_end_late(stream, "the connection is closed");
    } else if (conn->has_goaway) {
        /* RFC 9113 6.8: no new streams after a GOAWAY. */
        har_stream_end_late(stream, "the server takes no new streams: it sent GOAWAY");
    }
    return stream;
}

void har_stream_detach(struct har_stream *stream)
{
    struct har_conn *conn = stream->conn;
    if (conn == NULL) {
        return;
    }
    if (stream->prev != NULL) {
        stream->prev->next = stream->next;
    } else {
        conn->streams = stream->next;
    }
    if (stream->next != NULL) {
        stream->next->prev = stream->prev;
    }
    stream->prev = stream->next = NULL;
    stream->conn = NULL;
}

void har_stream_free(struct har_stream *stream)
{
    if (stream == NULL || stream->is_freed) {
        return;
    }
    stream->is_freed = true;
    stream->ops->free(stream);
    stream->is_ended = true;
    har_stream_detach(stream);
    har_turn_defer(stream->turn, &stream->task);
}

void har_stream_reap(struct har_stream *stream)
{
    if (!stream->is_freed || stream->task.is_queued || !stream->ops->release(stream)) {
        return;
    }
    har_turn_unref(stream->turn);
    sl_free(stream);
}

void har_stream_deliver_end(struct har_stream *stream, const struct har_stream_result *result)
{
    if (stream->is_ended || stream->is_freed) {
        return;
    }
    stream->is_ended = true;
    if (stream->handler->end != NULL) {
        stream->handler->end(stream->owner, stream, result);
    }
}

void har_stream_deliver_unavailable(struct har_stream *stream, enum sl_status_source source,
                                    const char *text)
{
    struct har_stream_result result = {
        .code = SL_GRPC_UNAVAILABLE,
        .source = source,
        .message = text,
    };
    har_stream_deliver_end(stream, &result);
}

enum sl_status har_stream_send(struct har_stream *stream, struct sl_span message)
{
    return stream->is_ended || stream->conn == NULL ? SL_STATE : stream->ops->send(stream, message);
}

size_t har_stream_queued(const struct har_stream *stream)
{
    return stream->ops->queued(stream);
}

void har_stream_half_close(struct har_stream *stream)
{
    if (!stream->is_ended && stream->conn != NULL) {
        stream->ops->half_close(stream);
    }
}

void har_stream_cancel(struct har_stream *stream, uint32_t error)
{
    if (!stream->is_ended && stream->conn != NULL) {
        stream->ops->cancel(stream, error);
        stream->is_ended = true;
    }
}

uint32_t har_stream_id(const struct har_stream *stream)
{
    return stream->id;
}

uint64_t har_stream_data_bytes(const struct har_stream *stream)
{
    return stream->ops->data_bytes == NULL ? 0 : stream->ops->data_bytes(stream);
}

enum sl_status har_stream_credit_messages(struct har_stream *stream, uint64_t count)
{
    return stream->is_ended || stream->conn == NULL ? SL_STATE
                                                    : stream->ops->credit_messages(stream, count);
}

enum sl_status har_stream_credit_bytes(struct har_stream *stream, uint32_t bytes)
{
    return stream->is_ended || stream->conn == NULL ? SL_STATE
                                                    : stream->ops->credit_bytes(stream, bytes);
}

void har_stream_stall(struct har_stream *stream)
{
    if (!stream->is_ended && stream->conn != NULL) {
        stream->ops->stall(stream);
    }
}

void har_stream_resume(struct har_stream *stream)
{
    if (!stream->is_ended && stream->conn != NULL) {
        stream->ops->resume(stream);
    }
}
