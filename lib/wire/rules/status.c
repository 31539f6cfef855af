/* SPDX-License-Identifier: Apache-2.0 */
/* CALL-02, CALL-15, CALL-16: the status of a response and its text. */
#include <stdio.h>
#include <string.h>

#include "lib/base/hex.h"
#include "lib/base/utf8.h"
#include "lib/wire/grpc_status.h"
#include "lib/wire/obs/state.h"

enum {
    SHOWN_MAX = 40, /* bytes of a peer's value in a finding */
    HTTP_OK = 200,
    FIRST_RAW = 0x20, /* PROTOCOL-HTTP2 "Percent-Byte-Unencoded": from this byte on ... */
    LAST_RAW = 0x7e,  /* ... to this one, but for '%' */
    LAST_CODE = SL_GRPC_UNAUTHENTICATED,
};

/* A status is demanded: what is no gRPC by its HTTP status or content-type is CALL-01's. */
static bool is_judged(const struct sl_stream *stream)
{
    if (!sl_rules_saw_call(stream)) {
        return false;
    }
    const struct sl_call *call = &stream->call->call;
    const struct sl_call_side *side = &call->response;
    const struct sl_headers *first = side->has_headers ? &side->headers : &side->trailers;
    const struct sl_header *type = sl_headers_find(first, "content-type");
    return call->http_status == HTTP_OK &&
           (type == NULL || sl_span_starts(type->value, "application/grpc"));
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

/* CALL-02: a block behind the first that does not end the stream (RFC 9113 8.1), whatever comes behind it. */
static void judge_open_trailers(struct sl_observer *observer, struct sl_stream *stream,
                                const struct sl_headers *headers, bool is_first, bool is_last)
{
    if (is_first || is_last || stream->is_ended[SL_DIR_RESPONSE] ||
        stream->rules.has_open_trailers || !is_judged(stream)) {
        return;
    }
    stream->rules.has_open_trailers = true;
    const struct sl_header *status = sl_headers_find(headers, "grpc-status");
    struct sl_rule_place place = sl_rules_place_of(observer, stream);
    sl_rules_report(observer, SL_RULE_CALL_02, &place,
                    "the second block of the response, with%s grpc-status, came without END_STREAM",
                    status == NULL ? "out" : "");
}

/* CALL-16 */
static void judge_code(struct sl_observer *observer, const struct sl_stream *stream)
{
    uint32_t code = 0;
    if (sl_rules_status_of(&stream->call->call, &code) == NULL || code <= LAST_CODE) {
        return;
    }
    struct sl_rule_place place = sl_rules_place_of(observer, stream);
    sl_rules_report(observer, SL_RULE_CALL_16, &place,
                    "grpc-status is %u, which is none of gRPC's codes (0 to %d)", code, LAST_CODE);
}

/* Where grpc-message breaks its grammar; its length: nowhere. has_needless: it escapes what need not be. */
static size_t first_wrong(struct sl_span message, bool *ret_has_needless)
{
    *ret_has_needless = false;
    for (size_t i = 0; i < message.len; i++) {
        uint8_t c = message.data[i];
        if (c < FIRST_RAW || c > LAST_RAW) {
            return i;
        }
        if (c != '%') {
            continue;
        }
        int high = message.len - i < 3 ? -1 : sl_hex_value(message.data[i + 1]);
        int low = message.len - i < 3 ? -1 : sl_hex_value(message.data[i + 2]);
        if (high < 0 || low < 0) {
            return i;
        }
        int byte = high << 4 | low;
        *ret_has_needless |= byte >= FIRST_RAW && byte <= LAST_RAW && byte != '%';
        i += 2;
    }
    return message.len;
}

/* PROTOCOL-HTTP2 "Status-Message": what is encoded is UTF-8. Only a text with escapes can be anything else. */
static bool is_utf8(struct sl_span message)
{
    struct sl_buf text;
    sl_buf_init(&text, message.len);
    bool is_right =
        sl_grpc_message_decode(message, &text) != SL_OK || sl_utf8_is_valid(sl_buf_span(&text));
    sl_buf_release(&text);
    return is_right;
}

/* CALL-15 */
static void judge_message(struct sl_observer *observer, const struct sl_stream *stream)
{
    const struct sl_call_side *side = &stream->call->call.response;
    const struct sl_headers *last = side->has_trailers ? &side->trailers : &side->headers;
    const struct sl_header *field = sl_headers_find(last, "grpc-message");
    if (field == NULL || sl_header_is_inferred(field)) {
        return;
    }
    bool has_needless = false;
    size_t at = first_wrong(field->value, &has_needless);
    bool is_right = at == field->value.len;
    bool is_text = !is_right || field->value.len == 0 ||
                   memchr(field->value.data, '%', field->value.len) == NULL ||
                   is_utf8(field->value);
    if (is_right && is_text && !has_needless) {
        return;
    }
    struct sl_rule_place place = sl_rules_place_of(observer, stream);
    if (!is_text) {
        sl_rules_report(observer, SL_RULE_CALL_15, &place,
                        "grpc-message is no UTF-8 behind its escapes");
    } else if (is_right) {
        place.level = 'S';
        sl_rules_report(observer, SL_RULE_CALL_15, &place,
                        "grpc-message escapes characters that need not be");
    } else if (field->value.data[at] == '%') {
        sl_rules_report(observer, SL_RULE_CALL_15, &place,
                        "grpc-message has a %% at byte %zu that begins no escape", at);
    } else {
        sl_rules_report(observer, SL_RULE_CALL_15, &place,
                        "grpc-message has the byte 0x%02x at byte %zu, which is not escaped",
                        field->value.data[at], at);
    }
}

static void end_stream(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                       bool is_on_data)
{
    if (dir != SL_DIR_RESPONSE || !sl_rules_saw_call(stream)) {
        return;
    }
    char text[160];
    const struct sl_call_side *side = &stream->call->call.response;
    /* A client that has left is owed no status: haproxy tells streams of such an end by an empty DATA. */
    bool is_left = observer->dir[SL_DIR_REQUEST].is_ended && !side->has_trailers;
    if (is_judged(stream) && !is_left && !stream->rules.has_open_trailers &&
        judge_status(&stream->call->call, is_on_data, text, sizeof(text))) {
        struct sl_rule_place place = sl_rules_place_of(observer, stream);
        sl_rules_report(observer, SL_RULE_CALL_02, &place, "%s", text);
    }
    judge_code(observer, stream);
    judge_message(observer, stream);
}

const struct sl_rule_group sl_rules_status = {
    .answer = judge_open_trailers,
    .end_stream = end_stream,
};
