/* SPDX-License-Identifier: Apache-2.0 */
/* CALL rules: the shape of a call's frames and blocks. */
#include <stdio.h>

#include "lib/wire/grpc_status.h"
#include "lib/wire/obs/state.h"

enum {
    SHOWN_MAX = 40, /* bytes of a peer's value in a finding */
};

static struct sl_rule_place place_of(const struct sl_observer *observer,
                                     const struct sl_stream *stream)
{
    return (struct sl_rule_place){
        .side = SL_DIR_RESPONSE,
        .stream = stream->id,
        .at = &observer->at,
        .call = stream->call == NULL ? NULL : &stream->call->call,
    };
}

/* RST_STREAM or WINDOW_UPDATE after the server's END_STREAM: why it should not be there, or NULL. */
static const char *why_superfluous(const struct sl_stream *stream, uint8_t type)
{
    if (type == SL_H2_RST_STREAM && stream->rules.has_late_request) {
        return NULL; /* RFC 9113 5.1: the answer to a frame on a stream that was closed */
    }
    if (stream->is_reset[SL_DIR_RESPONSE]) {
        return "after its END_STREAM and RST_STREAM";
    }
    return stream->rules.is_closed_proven ? "after both sides had ended" : NULL;
}

/* CALL-20: a frame of the server on a stream that it has ended. */
static void frame_after_end(struct sl_observer *observer, enum sl_dir dir,
                            const struct sl_h2_frame_header *header, struct sl_stream *stream)
{
    if (stream == NULL || !stream->is_ended[SL_DIR_RESPONSE] || header->type == SL_H2_PRIORITY ||
        header->type == SL_H2_CONTINUATION || sl_h2_type_name(header->type) == NULL) {
        return; /* RFC 9113 5.5: extension frames have rules of their own */
    }
    if (dir == SL_DIR_REQUEST) {
        stream->rules.has_late_request = true;
        return;
    }
    bool may_follow = header->type == SL_H2_RST_STREAM || header->type == SL_H2_WINDOW_UPDATE;
    const char *after = "after its END_STREAM";
    if (may_follow) {
        after = why_superfluous(stream, header->type);
    }
    if (after == NULL || stream->rules.has_reported_end) {
        return;
    }
    struct sl_rule_place place = place_of(observer, stream);
    /* RFC 9113 5.4.2: a second RST_STREAM may answer a frame of the client that crossed the first. */
    bool may_have_crossed = !stream->rules.is_closed_proven && header->type == SL_H2_RST_STREAM;
    if (may_follow && (!stream->is_reset[SL_DIR_RESPONSE] || may_have_crossed)) {
        if (stream->rules.has_told_superfluous) {
            return;
        }
        stream->rules.has_told_superfluous = true;
        place.level = 'I'; /* The gRPC C core does so at every deadline; peers ignore it. */
    } else {
        stream->rules.has_reported_end = true;
    }
    sl_rules_report(observer, SL_RULE_CALL_20, &place, "the server sent %s on stream %u %s",
                    sl_h2_type_name(header->type), stream->id, after);
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
    struct sl_span value = field == NULL ? sl_span(NULL, 0) : field->value;
    uint32_t code = 0;
    if (sl_grpc_status_read(value, &code) != SL_OK) {
        (void)snprintf(text, size,
                       "grpc-status is \"%.*s\", not a decimal number without leading zero",
                       SL_SPAN_ARG(sl_span_first(value, SHOWN_MAX)));
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
    if (call->protocol != SL_PROTOCOL_GRPC || call->http_status != 200 ||
        sl_call_lacks_fields(call) || call->has_gap || call->is_midway ||
        !call->request.has_headers ||
        (type != NULL && !sl_span_starts(type->value, "application/grpc"))) {
        return;
    }
    char text[160];
    if (judge_status(call, is_on_data, text, sizeof text)) {
        struct sl_rule_place place = place_of(observer, stream);
        sl_rules_report(observer, SL_RULE_CALL_02, &place, "%s", text);
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
    if (stream->call != NULL && !stream->is_lingering) {
        judge_response(observer, stream, is_on_data);
    }
}

const struct sl_rule_group sl_rules_call = {
    .frame = frame_after_end,
    .end_stream = end_stream,
};
