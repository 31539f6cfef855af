/* SPDX-License-Identifier: Apache-2.0 */
/* CALL-22: the fields of responses, as RFC 9113 8 wants them. */
#include "lib/wire/obs/state.h"
#include "lib/wire/rules/syntax.h"

enum {
    SHOWN_MAX = 40, /* bytes of a peer's name or value in a finding */
    NO_CONTENT = 204,
    NOT_MODIFIED = 304,
    STATUS_DIGITS = 3,
};

/* RFC 9110 15: three digits. */
static bool is_http_status(struct sl_span value)
{
    if (value.len != STATUS_DIGITS || value.data[0] < '1' || value.data[0] > '9') {
        return false;
    }
    return value.data[1] >= '0' && value.data[1] <= '9' && value.data[2] >= '0' &&
           value.data[2] <= '9';
}

/* RFC 9113 8.2.1. The spaces of grpc-message are its text's (PROTOCOL-HTTP2 "Status-Message"). */
static bool has_outer_space(const struct sl_header *field)
{
    return !sl_span_is(field->name, "grpc-message") && sl_syntax_is_spaced(field->value);
}

/* RFC 9113 8.2.1, RFC 9110 15: what is wrong with a value, or NULL. */
static const char *wrong_value(const struct sl_header *field)
{
    struct sl_span value = field->value;
    if (sl_syntax_has_forbidden_byte(value)) {
        return "whose value has CR, LF or NUL in it";
    }
    if (sl_span_is(field->name, ":status") && !is_http_status(value)) {
        return "whose value is no number of three digits";
    }
    return NULL;
}

/* RFC 9113 8.3: what is wrong with the place of a pseudo-header field, or NULL. */
static const char *wrong_pseudo(struct sl_span name, bool is_first, bool is_late)
{
    return !is_first                      ? "that stands in trailers"
           : !sl_span_is(name, ":status") ? "that no response has"
           : is_late                      ? "that comes behind other fields"
                                          : NULL;
}

static void report(struct sl_observer *observer, struct sl_stream *stream, struct sl_span name,
                   const char *what, char level)
{
    struct sl_rule_place place = sl_rules_place_of(observer, stream);
    place.level = level;
    stream->rules.has_reported_fields = true;
    sl_rules_report(observer, SL_RULE_CALL_22, &place, "the response has a field \"%.*s\" %s",
                    SL_SPAN_ARG(sl_span_first(name, SHOWN_MAX)), what);
}

/* The first thing that is wrong with a block. */
static void judge_block(struct sl_observer *observer, struct sl_stream *stream,
                        const struct sl_headers *headers, bool is_first, bool is_last)
{
    if (stream->is_ended[SL_DIR_RESPONSE] || stream->rules.has_reported_fields ||
        !sl_rules_saw_call(stream) || sl_rules_are_inferred(headers)) {
        return;
    }
    bool has_regular = false;
    size_t statuses = 0;
    const struct sl_header *spaced = NULL;
    for (size_t i = 0; i < headers->count; i++) {
        const struct sl_header *field = &headers->fields[i];
        bool is_pseudo = field->name.len > 0 && field->name.data[0] == ':';
        const char *what = is_pseudo ? wrong_pseudo(field->name, is_first, has_regular)
                                     : sl_syntax_wrong_name(field->name);
        if (what == NULL && !sl_rules_is_true_binary(observer, SL_DIR_RESPONSE, field)) {
            what = wrong_value(field);
        }
        if (what != NULL) {
            report(observer, stream, field->name, what, 'M');
            return;
        }
        if (spaced == NULL && has_outer_space(field)) {
            spaced = field;
        }
        sl_rules_judge_value(observer, SL_DIR_RESPONSE, stream, field);
        has_regular |= !is_pseudo;
        statuses += is_pseudo;
    }
    const struct sl_header *status = is_first ? sl_headers_find(headers, ":status") : NULL;
    if (is_last && status != NULL && sl_span_starts(status->value, "1")) { /* RFC 9113 8.1 */
        report(observer, stream, status->name, "of an interim response, and ends the stream", 'M');
    } else if (is_first && statuses > 1) {
        report(observer, stream, sl_span_str(":status"), "more than once", 'M');
    } else if (is_first && statuses == 0 && !is_last) { /* trailers alone are CALL-04's */
        struct sl_rule_place place = sl_rules_place_of(observer, stream);
        stream->rules.has_reported_fields = true;
        sl_rules_report(observer, SL_RULE_CALL_22, &place, "the response has no :status");
    } else if (
        spaced !=
        NULL) { /* PROTOCOL-HTTP2 only advises against it in metadata, and stacks send it on */
        report(observer, stream, spaced->name, "whose value begins or ends with white space", 'S');
    }
}

/* RFC 9113 8.1.1: content-length is the sum of what DATA carried, without padding. */
static void judge_length(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                         bool is_on_data)
{
    (void)is_on_data;
    if (dir != SL_DIR_RESPONSE || !sl_rules_saw_call(stream) || stream->rules.has_reported_fields) {
        return;
    }
    const struct sl_call *call = &stream->call->call;
    const struct sl_call_side *side = &call->response;
    const struct sl_headers *first = side->has_headers ? &side->headers : &side->trailers;
    const struct sl_header *length = sl_headers_find(first, "content-length");
    const struct sl_header *method = sl_headers_find(&call->request.headers, ":method");
    bool is_bodiless = call->http_status == NO_CONTENT || call->http_status == NOT_MODIFIED ||
                       (method != NULL && sl_span_is(method->value, "HEAD"));
    uint64_t said = 0;
    bool is_left = observer->dir[SL_DIR_REQUEST].is_ended; /* the rest has nobody to go to */
    if (length == NULL || is_bodiless || is_left || sl_rules_are_inferred(first) ||
        (sl_syntax_read_length(length->value, &said) && said == side->data_bytes)) {
        return;
    }
    struct sl_rule_place place = sl_rules_place_of(observer, stream);
    sl_rules_report(
        observer, SL_RULE_CALL_22, &place, "content-length is \"%.*s\", and %llu bytes came",
        SL_SPAN_ARG(sl_span_first(length->value, SHOWN_MAX)), (unsigned long long)side->data_bytes);
}

const struct sl_rule_group sl_rules_fields = {
    .answer = judge_block,
    .end_stream = judge_length,
};
