/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/telemetry/call_log.h"

#include "lib/base/clock.h"
#include "lib/base/log_line.h"
#include "reference-server/services/methods.h"
#include "reference-server/telemetry/peer.h"
#include "reference-server/telemetry/trace_context.h"

void srv_call_log_finish(struct srv_call_log *log)
{
    struct sl_log_line line;
    if (log->left_out > 0) {
        sl_log_line_begin(&line, SL_LOG_WARN, "log", "more errors than lines are written of");
        sl_log_line_u64(&line, "left_out", log->left_out);
        sl_log_line_end(&line);
        log->left_out = 0;
    }
}

/* One more line of an error may be written. */
static bool may_write(struct srv_call_log *log)
{
    uint64_t second = sl_clock_mono_ns() / SL_SECOND;
    if (log->wish == SRV_LOG_CALLS_ALL) {
        return true;
    }
    if (second != log->second) {
        log->second = second;
        log->lines = 0;
        srv_call_log_finish(log);
    }
    if (log->lines == SRV_LOG_ERRORS_A_SECOND) {
        log->left_out++;
        return false;
    }
    log->lines++;
    return true;
}

/* A number that is 0 where nobody tells it. */
static void add_number(struct sl_log_line *line, const char *key, uint64_t number)
{
    if (number == 0) {
        sl_log_line_null(line, key);
    } else {
        sl_log_line_u64(line, key, number);
    }
}

static void add_text(struct sl_log_line *line, const char *key, struct sl_span text)
{
    if (text.len == 0) {
        sl_log_line_null(line, key);
    } else {
        sl_log_line_span(line, key, text);
    }
}

static void write_call(const struct srv_call_record *call)
{
    struct sl_log_line line;
    char trace_id[SRV_TRACE_HEX];
    char span_id[SRV_SPAN_HEX];
    const char *status = sl_grpc_status_name((uint32_t)call->status);
    const char *path = call->method->path;
    enum sl_log_level level = srv_is_server_fault(call->status) ? SL_LOG_WARN : SL_LOG_INFO;
    sl_log_line_begin(&line, level, "call", "ended");
    add_number(&line, "connection", call->connection == NULL ? 0 : call->connection->number);
    add_number(&line, "stream", call->stream);
    add_text(&line, "method", sl_span_str(path == NULL ? "" : path));
    add_text(&line, "peer", srv_peer_of(call));
    sl_log_line_str(&line, "status", status == NULL ? "" : status);
    sl_log_line_u64(&line, "code", (uint64_t)call->status);
    sl_log_line_ms(&line, "duration_ms", call->ended_ns - call->started_ns);
    sl_log_line_u64(&line, "messages_in", call->messages_in);
    sl_log_line_u64(&line, "messages_out", call->messages_out);
    sl_log_line_u64(&line, "bytes_in", call->bytes_in);
    sl_log_line_u64(&line, "bytes_out", call->bytes_out);
    add_text(&line, "request_id", sl_span_str(call->request_id));
    sl_log_line_str(&line, "trace_id", srv_trace_id_text(&call->trace, trace_id));
    sl_log_line_str(&line, "span_id", srv_span_id_text(call->trace.span_id, span_id));
    sl_log_line_end(&line);
}

static void call_ended(struct srv_sink *sink, const struct srv_call_record *call)
{
    struct srv_call_log *log = (struct srv_call_log *)sink;
    bool is_error = call->status != SL_GRPC_OK && call->status != SL_GRPC_CANCELLED;
    if ((is_error || log->wish == SRV_LOG_CALLS_ALL) && may_write(log)) {
        write_call(call);
    }
}

static void connection_opened(struct srv_sink *sink, const struct srv_connection_record *connection)
{
    struct sl_log_line line;
    if (((struct srv_call_log *)sink)->wish != SRV_LOG_CALLS_ALL) {
        return;
    }
    sl_log_line_begin(&line, SL_LOG_INFO, "conn", "opened");
    add_number(&line, "connection", connection->number);
    add_text(&line, "peer", sl_span_str(connection->peer));
    sl_log_line_end(&line);
}

/* How connections end on an ordinary day. */
static bool is_ordinary(const char *reason)
{
    static const char *const ordinary[] = {"closed by the client", "closed by the server",
                                           "drained", "max-connection-age"};
    for (size_t i = 0; i < sizeof(ordinary) / sizeof(ordinary[0]); i++) {
        if (reason == NULL || strcmp(reason, ordinary[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void connection_closed(struct srv_sink *sink, const struct srv_connection_record *connection)
{
    struct srv_call_log *log = (struct srv_call_log *)sink;
    struct sl_log_line line;
    if ((log->wish != SRV_LOG_CALLS_ALL && is_ordinary(connection->reason)) || !may_write(log)) {
        return;
    }
    sl_log_line_begin(&line, SL_LOG_INFO, "conn", "closed");
    add_number(&line, "connection", connection->number);
    add_text(&line, "peer", sl_span_str(connection->peer));
    add_text(&line, "reason", sl_span_str(connection->reason == NULL ? "" : connection->reason));
    sl_log_line_ms(&line, "duration_ms", sl_clock_mono_ns() - connection->opened_ns);
    sl_log_line_u64(&line, "bytes_in", connection->bytes_in);
    sl_log_line_u64(&line, "bytes_out", connection->bytes_out);
    sl_log_line_end(&line);
}

void srv_call_log_init(struct srv_call_log *log, enum srv_log_calls wish)
{
    static const struct srv_sink_ops ops = {
        .call_ended = call_ended,
        .connection_opened = connection_opened,
        .connection_closed = connection_closed,
    };
    *log = (struct srv_call_log){.base.ops = &ops, .wish = wish};
}
