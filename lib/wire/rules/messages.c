/* SPDX-License-Identifier: Apache-2.0 */
/* FRM-17, FRM-09, CALL-23: the messages of a response. FRM-05, FRM-06, FRM-14, CALL-18: those of a request. */
#include "lib/wire/content.h"
#include "lib/wire/grpc_status.h"
#include "lib/wire/obs/state.h"

enum {
    SHOWN_MAX = 40, /* bytes of a peer's value in a finding */
    COMPRESSED = 1, /* PROTOCOL-HTTP2 "Compressed-Flag" */
};

/* The encodings that a client takes: what it offers, and what it sends itself. */
static bool is_offered(const struct sl_call *call, struct sl_span encoding)
{
    const struct sl_header *field = sl_headers_find(&call->request.headers, "grpc-accept-encoding");
    struct sl_span own = sl_content_encoding(call, SL_DIR_REQUEST);
    return (own.len > 0 && sl_span_equal(own, encoding)) ||
           (field != NULL && sl_content_accepts(field->value, encoding));
}

/* FRM-17, FRM-09 */
static void judge_response_flag(struct sl_observer *observer, struct sl_stream *stream,
                                uint8_t flag)
{
    const struct sl_call *call = &stream->call->call;
    struct sl_span encoding = sl_content_encoding(call, SL_DIR_RESPONSE);
    struct sl_rule_place place = sl_rules_place_of(observer, stream);
    bool *has_reported = &stream->rules.has_reported_flag[SL_DIR_RESPONSE];
    *has_reported = true;
    if (flag != COMPRESSED) {
        sl_rules_report(observer, SL_RULE_FRM_17, &place,
                        "a message of the response begins with the flag %u, neither 0 nor 1", flag);
    } else if (encoding.len == 0 || sl_span_is(encoding, "identity")) {
        sl_rules_report(observer, SL_RULE_FRM_17, &place,
                        "a message of the response is marked as compressed, and grpc-encoding %s",
                        encoding.len == 0 ? "is not there" : "is identity");
    } else if (!is_offered(call, encoding) && !sl_rules_are_inferred(&call->request.headers)) {
        sl_rules_report(observer, SL_RULE_FRM_09, &place,
                        "the response is compressed with \"%.*s\", which the client does not offer",
                        SL_SPAN_ARG(sl_span_first(encoding, SHOWN_MAX)));
    } else {
        *has_reported = false; /* right so far */
    }
}

/* FRM-06, FRM-05 */
static void judge_request_flag(struct sl_observer *observer, struct sl_stream *stream, uint8_t flag)
{
    struct sl_span encoding = sl_content_encoding(&stream->call->call, SL_DIR_REQUEST);
    struct sl_rule_place place = sl_rules_request_place(observer, stream);
    bool *has_reported = &stream->rules.has_reported_flag[SL_DIR_REQUEST];
    *has_reported = true;
    if (flag != COMPRESSED) {
        sl_rules_note_malformed(observer, stream, SL_RULE_FRM_06, false);
        sl_rules_report(observer, SL_RULE_FRM_06, &place,
                        "a message of the request begins with the flag %u, neither 0 nor 1", flag);
    } else if (encoding.len == 0 || sl_span_is(encoding, "identity")) {
        sl_rules_note_malformed(observer, stream, SL_RULE_FRM_05, false);
        sl_rules_report(observer, SL_RULE_FRM_05, &place,
                        "a message of the request is marked as compressed, and grpc-encoding %s",
                        encoding.len == 0 ? "is not there" : "is identity");
    } else {
        *has_reported = false;
    }
}

static void judge_flag(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                       uint8_t flag)
{
    if (flag == 0 || stream->rules.has_reported_flag[dir] || !sl_rules_saw_call(stream)) {
        return;
    }
    const struct sl_call *call = &stream->call->call;
    if (dir == SL_DIR_RESPONSE && !sl_rules_are_inferred(&call->response.headers)) {
        judge_response_flag(observer, stream, flag);
    } else if (dir == SL_DIR_REQUEST && !sl_rules_are_inferred(&call->request.headers)) {
        judge_request_flag(observer, stream, flag);
    }
}

static void note_message(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                         const struct sl_message *message)
{
    (void)observer;
    if (!message->is_complete) {
        stream->rules.partial[dir] = (struct sl_partial){
            .length = message->length,
            .received = (uint32_t)message->received, /* less than the length */
            .has_any = true,
            .has_prefix = message->has_prefix,
        };
    }
}

/* FRM-17: a response that failed may have been given up within a message; one that is OK is whole. */
static void judge_last(struct sl_observer *observer, const struct sl_stream *stream)
{
    const struct sl_partial *partial = &stream->rules.partial[SL_DIR_RESPONSE];
    struct sl_rule_place place = sl_rules_place_of(observer, stream);
    if (partial->has_prefix) {
        sl_rules_report(observer, SL_RULE_FRM_17, &place,
                        "the response is OK, and of its last message, of %u bytes by its prefix, "
                        "%u came",
                        partial->length, partial->received);
    } else {
        sl_rules_report(observer, SL_RULE_FRM_17, &place,
                        "the response is OK, and bytes behind its last message are no message");
    }
}

static void report_count(struct sl_observer *observer, const struct sl_stream *stream)
{
    const struct sl_call_side *request = &stream->call->call.request;
    struct sl_rule_place place = sl_rules_request_place(observer, stream);
    place.at = &request->end_at;
    place.frame = sl_rules_last_frame(stream, SL_DIR_REQUEST);
    sl_rules_report(observer, SL_RULE_CALL_18, &place,
                    "the client ended a request of one message with %llu of them",
                    (unsigned long long)request->message_count);
}

/* FRM-14, CALL-18: a client that ends its side, and does not reset it, has sent all that it had. */
static void judge_request_end(struct sl_observer *observer, struct sl_stream *stream)
{
    const struct sl_call *call = &stream->call->call;
    const struct sl_partial *partial = &stream->rules.partial[SL_DIR_REQUEST];
    struct sl_rule_place place = sl_rules_request_place(observer, stream);
    bool is_readable = stream->call->framing[SL_DIR_REQUEST] == SL_FRAMING_MESSAGES;
    if (partial->has_any && partial->has_prefix) {
        sl_rules_report(observer, SL_RULE_FRM_14, &place,
                        "the client ended its request within a message, of which %u of %u bytes "
                        "came",
                        partial->received, partial->length);
    } else if (partial->has_any) {
        sl_rules_report(observer, SL_RULE_FRM_14, &place,
                        "the client ended its request within the prefix of a message");
    } else if (is_readable && call->request.message_count != 1 &&
               !sl_rules_are_inferred(&call->request.headers) &&
               observer->handler.is_single_request != NULL &&
               observer->handler.is_single_request(observer->config.owner, call)) {
        /* One without any may be about to be cancelled: grpc-js ends it before it resets it. */
        stream->rules.lacks_message = call->request.message_count == 0;
        if (!stream->rules.lacks_message) {
            report_count(observer, stream);
        }
    }
}

static void end_stream(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                       bool is_on_data)
{
    (void)is_on_data;
    uint32_t code = SL_GRPC_UNKNOWN;
    if (!sl_rules_saw_call(stream)) {
        return;
    }
    if (dir == SL_DIR_REQUEST) {
        judge_request_end(observer, stream);
        return;
    }
    if (stream->rules.lacks_message && !stream->is_reset[SL_DIR_REQUEST]) {
        report_count(observer, stream);
    }
    if (sl_rules_status_of(&stream->call->call, &code) == NULL || code != SL_GRPC_OK) {
        return;
    }
    const struct sl_call *call = &stream->call->call;
    if (stream->rules.partial[SL_DIR_RESPONSE].has_any) {
        judge_last(observer, stream);
        return; /* how many messages there are is not known then */
    }
    bool is_readable = stream->call->framing[SL_DIR_RESPONSE] == SL_FRAMING_MESSAGES;
    if (is_readable && call->response.message_count != 1 &&
        !sl_rules_are_inferred(&call->request.headers) &&
        observer->handler.is_single_answer != NULL &&
        observer->handler.is_single_answer(observer->config.owner, call)) {
        struct sl_rule_place place = sl_rules_place_of(observer, stream);
        sl_rules_report(observer, SL_RULE_CALL_23, &place,
                        "a response of one message is OK with %llu of them",
                        (unsigned long long)call->response.message_count);
    }
}

const struct sl_rule_group sl_rules_messages = {
    .prefix = judge_flag,
    .message = note_message,
    .end_stream = end_stream,
};
