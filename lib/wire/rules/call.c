/* SPDX-License-Identifier: Apache-2.0 */
/* CALL rules: the shape of a call's frames and blocks. */
#include <stdio.h>

#include "lib/wire/grpc_status.h"
#include "lib/wire/obs/state.h"

enum {
    SHOWN_MAX = 40, /* bytes of a peer's value in a finding */
};

static void report(struct sl_observer *observer, enum sl_rule_index rule,
                   const struct sl_stream *stream, const char *text)
{
    struct sl_rule_place place = {
        .side = SL_DIR_RESPONSE,
        .stream = stream->id,
        .at = &observer->at,
        .call = stream->call == NULL ? NULL : &stream->call->call,
    };
    sl_rules_report(observer, rule, &place, "%s", text);
}

/* CALL-20: a frame of the server on a stream that it has ended. */
static void frame_after_end(struct sl_observer *observer, enum sl_dir dir,
                            const struct sl_h2_frame_header *header, struct sl_stream *stream)
{
    if (dir != SL_DIR_RESPONSE || stream == NULL || !stream->is_ended[SL_DIR_RESPONSE] ||
        stream->rules.has_reported_end || header->type == SL_H2_PRIORITY ||
        header->type == SL_H2_CONTINUATION || sl_h2_type_name(header->type) == NULL) {
        return; /* RFC 9113 5.5: extension frames have rules of their own */
    }
    bool is_harmless = header->type == SL_H2_RST_STREAM || header->type == SL_H2_WINDOW_UPDATE;
    const char *after = "after its END_STREAM";
    if (is_harmless) {
        if (stream->is_reset[SL_DIR_RESPONSE]) {
            after = "after its END_STREAM and RST_STREAM";
        } else if (stream->rules.is_closed_proven) {
            after = "after both sides had ended";
        } else {
            return;
        }
    }
    stream->rules.has_reported_end = true;
    char text[128];
    (void)snprintf(text, sizeof text, "the server sent %s on stream %u %s",
                   sl_h2_type_name(header->type), stream->id, after);
    report(observer, SL_RULE_CALL_20, stream, text);
}

/* What is wrong with the grpc-status of a finished response, in text; false when nothing is. */
static bool judge_status(const struct sl_call *call, bool is_on_data, char *text, size_t size)
{
    const struct sl_call_side *side = &call->response;
    size_t in_headers = side->has_headers ? sl_headers_count(&side->headers, "grpc-status") : 0;
    size_t in_trailers = side->has_trailers ? sl_headers_count(&side->trailers, "grpc-status") : 0;
    if (in_headers + in_trailers != 1) {
        (void)snprintf(text, size, "the response carries grpc-status %zu times",
                       in_headers + in_trailers);
        return true;
    }
    const struct sl_header *field =
        sl_headers_find(in_headers == 1 ? &side->headers : &side->trailers, "grpc-status");
    uint32_t code = 0;
    if (sl_grpc_status_read(field->value, &code) != SL_OK) {
        (void)snprintf(text, size,
                       "grpc-status is \"%.*s\", not a decimal number without leading zero",
                       SL_SPAN_ARG(sl_span_first(field->value, SHOWN_MAX)));
        return true;
    }
    if (is_on_data || in_headers == 1) {
        (void)snprintf(text, size, "grpc-status %u came on a block without END_STREAM; %s", code,
                       is_on_data ? "a DATA frame ended the stream" : "another block ended it");
        return true;
    }
    return false;
}

/* CALL-02: the server has ended the response of a gRPC call. */
static void judge_response(struct sl_observer *observer, const struct sl_stream *stream,
                           bool is_on_data)
{
    const struct sl_call *call = &stream->call->call;
    const struct sl_call_side *side = &call->response;
    const struct sl_headers *first = side->has_headers ? &side->headers : &side->trailers;
    const struct sl_header *type = sl_headers_find(first, "content-type");
    if (call->protocol != SL_PROTOCOL_GRPC || call->http_status != 200 || call->has_lost_headers ||
        call->has_gap || call->is_midway || !call->request.has_headers ||
        (type != NULL && !sl_span_starts(type->value, "application/grpc"))) {
        return;
    }
    char text[160];
    if (judge_status(call, is_on_data, text, sizeof text)) {
        report(observer, SL_RULE_CALL_02, stream, text);
    }
}

static void end_stream(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                       bool is_on_data)
{
    if (dir != SL_DIR_RESPONSE) {
        return;
    }
    stream->rules.is_closed_proven =
        stream->is_ended[SL_DIR_REQUEST] &&
        stream->ended_mark[SL_DIR_REQUEST] <= observer->dir[SL_DIR_RESPONSE].proven;
    if (stream->call != NULL) {
        judge_response(observer, stream, is_on_data);
    }
}

const struct sl_rule_group sl_rules_call = {
    .frame = frame_after_end,
    .end_stream = end_stream,
};
