/* SPDX-License-Identifier: Apache-2.0 */
/* The observer's events as lines of text. */
#include "lib/wire/grpc_status.h"
#include "lib/wire/stall.h"
#include "tests/support/talk.h"

static const char *dir_name(enum sl_dir dir)
{
    return dir == SL_DIR_REQUEST ? "request" : "response";
}

static const char *block_name(enum sl_block block)
{
    static const char *const names[] = {"request", "request_trailers", "informational", "response",
                                        "trailers"};
    return names[block];
}

static const char *end_name(enum sl_call_end end)
{
    static const char *const names[] = {
        "open",   "trailers",         "reset_by_client", "reset_by_server",
        "goaway", "closed_by_client", "closed_by_server"};
    return names[end];
}

static void write_fields(struct sl_buf *text, const struct sl_headers *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        (void)sl_buf_addf(text, " %.*s=%.*s", SL_SPAN_ARG(headers->fields[i].name),
                          SL_SPAN_ARG(headers->fields[i].value));
    }
    if (headers->lost_count > 0) {
        (void)sl_buf_addf(text, " lost %zu", headers->lost_count);
    }
}

static void on_begin(void *owner, struct sl_call *call)
{
    const struct test_transcript *transcript = owner;
    (void)sl_buf_addf(transcript->text, "begin %llu stream %u %s%s\n",
                      (unsigned long long)call->number, call->stream,
                      sl_protocol_name(call->protocol), call->is_midway ? " midway" : "");
}

static void on_headers(void *owner, struct sl_call *call, enum sl_block block,
                       const struct sl_headers *headers, const struct sl_at *at)
{
    (void)at;
    const struct test_transcript *transcript = owner;
    (void)sl_buf_addf(transcript->text, "headers %s stream %u", block_name(block), call->stream);
    write_fields(transcript->text, headers);
    (void)sl_buf_add_str(transcript->text, "\n");
}

static void on_prefix(void *owner, struct sl_call *call, enum sl_dir dir, uint8_t flag,
                      uint32_t length)
{
    const struct test_transcript *transcript = owner;
    (void)sl_buf_addf(transcript->text, "prefix %s stream %u flag %u length %u\n", dir_name(dir),
                      call->stream, flag, length);
}

static void on_message(void *owner, struct sl_call *call, enum sl_dir dir,
                       const struct sl_message *message, const struct sl_at *at)
{
    (void)at;
    const struct test_transcript *transcript = owner;
    int shown = message->payload.len > 40 ? 40 : (int)message->payload.len;
    (void)sl_buf_addf(transcript->text, "message %s stream %u #%llu flag %u '%.*s'%s%s\n",
                      dir_name(dir), call->stream, (unsigned long long)message->index,
                      message->flag, shown, shown == 0 ? "" : (const char *)message->payload.data,
                      message->is_complete ? "" : " incomplete", message->is_cut ? " cut" : "");
}

static void on_end(void *owner, struct sl_call *call)
{
    const struct test_transcript *transcript = owner;
    (void)sl_buf_addf(transcript->text, "end stream %u %s", call->stream, end_name(call->end));
    if (call->has_status) {
        const char *name = sl_grpc_status_name(call->code);
        (void)sl_buf_addf(transcript->text, " %s from %s", name == NULL ? "?" : name,
                          sl_status_source_name(call->status_source));
    }
    (void)sl_buf_addf(transcript->text, " messages %llu/%llu",
                      (unsigned long long)call->request.message_count,
                      (unsigned long long)call->response.message_count);
    if (call->stalled_stream_ns > 0 || call->stalled_connection_ns > 0) {
        (void)sl_buf_addf(transcript->text, " stalled %llu/%llu",
                          (unsigned long long)call->stalled_stream_ns / 1000000,
                          (unsigned long long)call->stalled_connection_ns / 1000000);
    }
    (void)sl_buf_addf(transcript->text, "%s%s\n", call->has_gap ? " gap" : "",
                      call->has_lost_headers ? " lost_headers" : "");
}

static void on_stall(void *owner, const struct sl_stall *stall)
{
    static const char *const ends[] = {"credit", "settings", "call_end", "open"};
    const struct test_transcript *transcript = owner;
    (void)sl_buf_addf(
        transcript->text, "stall %s stream %u by %s %llu-%llu %s waiting %llu%s",
        dir_name(stall->dir), stall->call->stream, stall->is_connection ? "connection" : "stream",
        (unsigned long long)stall->start.time_ns / 1000000,
        (unsigned long long)stall->end.time_ns / 1000000, ends[stall->how],
        (unsigned long long)stall->bytes_waiting, stall->is_announced ? " announced" : "");
    for (size_t i = 0; i < stall->holder_count; i++) {
        (void)sl_buf_addf(transcript->text, " %u:%llu", stall->holders[i].stream,
                          (unsigned long long)stall->holders[i].bytes);
    }
    (void)sl_buf_addf(transcript->text, "\n");
}

static void on_frame(void *owner, const struct sl_frame_event *event)
{
    const struct test_transcript *transcript = owner;
    if (!transcript->has_frames) {
        return;
    }
    const char *name = sl_h2_type_name(event->header.type);
    (void)sl_buf_addf(transcript->text, "frame %s %s stream %u flags 0x%02x length %u",
                      event->dir == SL_DIR_REQUEST ? ">" : "<", name == NULL ? "UNKNOWN" : name,
                      event->header.stream, event->header.flags, event->header.length);
    if (event->message_count > 0) {
        (void)sl_buf_addf(transcript->text, " messages %llu",
                          (unsigned long long)event->message_count);
    }
    (void)sl_buf_addf(transcript->text, "%s%s\n", event->call == NULL ? "" : " of call",
                      event->is_malformed ? " malformed" : "");
}

/* A schema of one method. */
static bool is_single(void *owner, const struct sl_call *call)
{
    const struct sl_header *path = sl_headers_find(&call->request.headers, ":path");
    (void)owner;
    return path != NULL && sl_span_is(path->value, "/pkg.Svc/Single");
}

static void on_finding(void *owner, const struct sl_finding *finding)
{
    const struct test_transcript *transcript = owner;
    const char *level = finding->level == 'M' ? "" : finding->level == 'S' ? " (S)" : " (I)";
    (void)sl_buf_addf(transcript->text, "finding %s%s %s stream %u: %s\n", finding->rule, level,
                      finding->side == SL_DIR_REQUEST ? "client" : "server", finding->stream,
                      finding->text);
}

static void on_skipped(void *owner, enum sl_dir dir, uint64_t count, const struct sl_at *at)
{
    (void)at;
    const struct test_transcript *transcript = owner;
    (void)sl_buf_addf(transcript->text, "skipped %s %llu\n", dir == SL_DIR_REQUEST ? ">" : "<",
                      (unsigned long long)count);
}

const struct sl_observer_handler test_transcript_handler = {
    .call_begin = on_begin,
    .headers = on_headers,
    .prefix = on_prefix,
    .message = on_message,
    .call_end = on_end,
    .stall = on_stall,
    .frame = on_frame,
    .is_single_answer = is_single,
    .is_single_request = is_single,
    .finding = on_finding,
    .skipped = on_skipped,
};
