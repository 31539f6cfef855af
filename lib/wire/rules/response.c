/* SPDX-License-Identifier: Apache-2.0 */
/* CALL-01, CALL-04, CALL-19, FRM-08: whether a response is one of gRPC, and is all there. */
#include <strings.h>

#include "lib/base/rd.h"
#include "lib/wire/content.h"
#include "lib/wire/grpc_status.h"
#include "lib/wire/obs/state.h"

#define GRPC_TYPE "application/grpc"
#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

enum {
    SHOWN_MAX = 40, /* bytes of a peer's value in a finding */
    HTTP_INFORMATIONAL = 100,
    HTTP_OK = 200,
    RST_SIZE = 4, /* RFC 9113 6.4 */
};

/* PROTOCOL-HTTP2 "Content-Type"; parameters are let pass. Compared without case (RFC 9110 8.3.1). */
static bool is_grpc(struct sl_span type)
{
    size_t len = strlen(GRPC_TYPE);
    if (type.len < len || strncasecmp((const char *)type.data, GRPC_TYPE, len) != 0) {
        return false;
    }
    return type.len == len || type.data[len] == '+' || type.data[len] == ';' ||
           type.data[len] == ' ';
}

/* The block that began the response. */
static const struct sl_headers *first_block(const struct sl_call *call)
{
    return call->response.has_headers ? &call->response.headers : &call->response.trailers;
}

/* CALL-01: an answer of HTTP with a status of its own, from whoever stands between, is complete without gRPC. */
static void judge_first(struct sl_observer *observer, const struct sl_stream *stream)
{
    const struct sl_call *call = &stream->call->call;
    uint32_t code = SL_GRPC_UNKNOWN;
    bool is_ok = sl_rules_status_of(call, &code) != NULL && code == SL_GRPC_OK;
    const struct sl_header *type = sl_headers_find(first_block(call), "content-type");
    struct sl_rule_place place = sl_rules_place_of(observer, stream);
    if (is_ok && call->http_status != HTTP_OK && call->http_status != 0) {
        sl_rules_report(observer, SL_RULE_CALL_01, &place,
                        "a response with grpc-status 0 has :status %u", call->http_status);
    } else if (call->http_status >= HTTP_INFORMATIONAL && call->http_status < HTTP_OK) {
        sl_rules_report(observer, SL_RULE_CALL_01, &place,
                        "a response ended with :status %u, which announces another one",
                        call->http_status); /* RFC 9113 8.1 */
    } else if (call->http_status != HTTP_OK) {
        return;
    } else if (type == NULL && call->response.has_headers) {
        sl_rules_report(observer, SL_RULE_CALL_01, &place,
                        "a response with :status 200 has no content-type");
    } else if (type != NULL && !is_grpc(type->value)) {
        sl_rules_report(observer, SL_RULE_CALL_01, &place,
                        "a gRPC call was answered with :status 200 and content-type \"%.*s\"",
                        SL_SPAN_ARG(sl_span_first(type->value, SHOWN_MAX)));
    }
}

/* CALL-04: an answer without messages that is, or should have been, one block. */
static void judge_trailers_only(struct sl_observer *observer, const struct sl_stream *stream)
{
    const struct sl_call *call = &stream->call->call;
    const struct sl_call_side *side = &call->response;
    if (!side->has_trailers) {
        return;
    }
    struct sl_rule_place place = sl_rules_place_of(observer, stream);
    bool has_http = sl_headers_find(&side->trailers, ":status") != NULL;
    bool has_type = sl_headers_find(&side->trailers, "content-type") != NULL;
    bool has_status = sl_headers_find(&side->trailers, "grpc-status") != NULL;
    if (side->has_headers) {
        if (has_http && has_status && side->data_bytes == 0) {
            sl_rules_report(observer, SL_RULE_CALL_04, &place,
                            "a response without messages came in two blocks with :status each");
        }
    } else if (has_status && !has_http) {
        sl_rules_report(observer, SL_RULE_CALL_04, &place,
                        "a response of trailers only has no :status");
    } else if (has_status && !has_type && call->http_status == HTTP_OK) {
        sl_rules_report(observer, SL_RULE_CALL_04, &place,
                        "a response of trailers only has no content-type");
    }
}

/* --- FRM-08 --- */

static bool contains(struct sl_span text, const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i + len <= text.len; i++) {
        if (strncasecmp((const char *)text.data + i, word, len) == 0) {
            return true;
        }
    }
    return false;
}

static uint64_t path_hash(const struct sl_call *call)
{
    const struct sl_header *path = sl_headers_find(&call->request.headers, ":path");
    uint64_t hash = FNV_BASIS;
    for (size_t i = 0; path != NULL && i < path->value.len; i++) {
        hash = (hash ^ path->value.data[i]) * FNV_PRIME;
    }
    return hash;
}

/* Those that a service may well have: it may not have meant them then. */
static bool is_usual_encoding(struct sl_span encoding)
{
    static const char *const names[] = {"gzip", "deflate", "snappy", "zstd", "br"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (sl_span_is(encoding, names[i])) {
            return true;
        }
    }
    return false;
}

/* UNIMPLEMENTED has other causes: a message that speaks of the encoding tells of this one, or a method that was served on
 * this connection by the same kind of request. */
static bool is_by_encoding(const struct sl_observer *observer, const struct sl_call *call,
                           const struct sl_header *message, struct sl_span encoding)
{
    if (message != NULL &&
        (contains(message->value, "encoding") || contains(message->value, "compress"))) {
        return true;
    }
    return observer->rules.served_path == path_hash(call) && call->request.message_count == 1 &&
           !is_usual_encoding(encoding);
}

/* FRM-08 */
static void judge_refused_encoding(struct sl_observer *observer, const struct sl_stream *stream)
{
    const struct sl_call *call = &stream->call->call;
    const struct sl_call_side *side = &call->response;
    struct sl_span encoding = sl_content_encoding(call, SL_DIR_REQUEST);
    uint32_t code = SL_GRPC_OK;
    bool has_code = sl_rules_status_of(call, &code) != NULL;
    if (has_code && code == SL_GRPC_OK) {
        observer->rules.served_path = path_hash(call);
    }
    if (encoding.len == 0 || sl_span_is(encoding, "identity") || !has_code ||
        code != SL_GRPC_UNIMPLEMENTED) {
        return;
    }
    const struct sl_headers *last = side->has_trailers ? &side->trailers : &side->headers;
    const struct sl_header *message = sl_headers_find(last, "grpc-message");
    if (!is_by_encoding(observer, call, message, encoding)) {
        return;
    }
    const struct sl_header *accepted = sl_headers_find(first_block(call), "grpc-accept-encoding");
    if (accepted == NULL) {
        accepted = sl_headers_find(last, "grpc-accept-encoding");
    }
    struct sl_rule_place place = sl_rules_place_of(observer, stream);
    if (accepted == NULL) {
        sl_rules_report(observer, SL_RULE_FRM_08, &place,
                        "the encoding \"%.*s\" was refused without grpc-accept-encoding",
                        SL_SPAN_ARG(sl_span_first(encoding, SHOWN_MAX)));
    } else if (sl_content_accepts(accepted->value, encoding)) {
        sl_rules_report(observer, SL_RULE_FRM_08, &place,
                        "the encoding \"%.*s\" was refused, and grpc-accept-encoding names it",
                        SL_SPAN_ARG(sl_span_first(encoding, SHOWN_MAX)));
    }
}

static void end_stream(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                       bool is_on_data)
{
    (void)is_on_data;
    if (dir == SL_DIR_RESPONSE && sl_rules_saw_call(stream) &&
        !sl_rules_are_inferred(first_block(&stream->call->call))) {
        judge_first(observer, stream);
        judge_trailers_only(observer, stream);
        judge_refused_encoding(observer, stream);
    }
}

/* --- CALL-19 --- */

/* PROTOCOL-HTTP2 "Errors": NO_ERROR says that all is well, and stands where the status should. A server that has said
 * GOAWAY may so send its clients elsewhere. */
static void judge_reset(struct sl_observer *observer, enum sl_dir dir,
                        const struct sl_h2_frame_header *header, struct sl_span payload)
{
    if (dir != SL_DIR_RESPONSE || header->type != SL_H2_RST_STREAM || payload.len != RST_SIZE) {
        return;
    }
    struct sl_rd rd;
    sl_rd_init(&rd, payload);
    const struct sl_stream *stream = sl_obs_stream_look_up(&observer->streams, header->stream);
    if (sl_rd_be32(&rd) != SL_H2_NO_ERROR || !sl_rules_saw_call(stream) ||
        stream->is_ended[SL_DIR_RESPONSE] || stream->is_reset[SL_DIR_REQUEST] ||
        stream->is_reset[SL_DIR_RESPONSE] || observer->goaway_last != UINT32_MAX ||
        sl_rules_doubt(observer, SL_DIR_RESPONSE) || sl_rules_doubt(observer, SL_DIR_REQUEST)) {
        return;
    }
    struct sl_rule_place place = sl_rules_place_of(observer, stream);
    sl_rules_report(observer, SL_RULE_CALL_19, &place,
                    "the server sent RST_STREAM(NO_ERROR) on stream %u before its trailers",
                    stream->id);
}

const struct sl_rule_group sl_rules_response = {
    .whole = judge_reset,
    .end_stream = end_stream,
};
