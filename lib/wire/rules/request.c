/* SPDX-License-Identifier: Apache-2.0 */
/* CALL-06 to 08, CALL-11 to 14, CALL-24, META-02, META-05, META-06, TIME-04, CONN-14: the header blocks of clients. What RFC 9113
 * asks is judged of every request, what gRPC asks of those that are gRPC. */
#include "lib/wire/grpc_status.h"
#include "lib/wire/obs/state.h"
#include "lib/wire/rules/syntax.h"

enum {
    SHOWN_MAX = 40, /* bytes of a peer's name or value in a finding */
};

static struct sl_span shown(struct sl_span text)
{
    return sl_span_first(text, SHOWN_MAX);
}

/* The syntax of a request breaks a rule, by which it is malformed (RFC 9113 8.1.1). */
static void note_wrong(struct sl_observer *observer, struct sl_stream *stream,
                       enum sl_rule_index rule)
{
    stream->rules.has_reported_request = true;
    sl_rules_note_malformed(observer, stream, rule, !stream->call->call.request.has_trailers);
}

static void report_field(struct sl_observer *observer, struct sl_stream *stream,
                         enum sl_rule_index rule, struct sl_span name, const char *what)
{
    struct sl_rule_place place = sl_rules_request_place(observer, stream);
    note_wrong(observer, stream, rule);
    sl_rules_report(observer, rule, &place, "the client's request has a field \"%.*s\" %s",
                    SL_SPAN_ARG(shown(name)), what);
}

/* --- the syntax of fields --- */

enum pseudo { METHOD, SCHEME, PATH, AUTHORITY, PROTOCOL, PSEUDO_COUNT };

static const char *const pseudo_names[PSEUDO_COUNT] = {":method", ":scheme", ":path", ":authority",
                                                       ":protocol"};

static size_t pseudo_of(struct sl_span name)
{
    size_t i = 0;
    while (i < PSEUDO_COUNT && !sl_span_is(name, pseudo_names[i])) {
        i++;
    }
    return i;
}

/* CALL-24, CALL-13: a pseudo-header field where it stands. False when it was told. */
static bool judge_pseudo(struct sl_observer *observer, struct sl_stream *stream,
                         const struct sl_header *field, bool is_first, bool is_late,
                         size_t counts[PSEUDO_COUNT])
{
    size_t which = pseudo_of(field->name);
    const char *what = NULL;
    enum sl_rule_index rule = SL_RULE_CALL_24;
    if (!is_first) {
        what = "that stands in trailers";
    } else if (which == PSEUDO_COUNT) {
        what = "that no request has";
    } else if (counts[which]++ > 0) {
        what = "more than once";
    } else if (field->value.len == 0 && which != AUTHORITY) {
        what = "that is empty";
    } else if (is_late) {
        rule = SL_RULE_CALL_13;
        what = "that comes behind other fields";
    }
    if (what != NULL) {
        report_field(observer, stream, rule, field->name, what);
    }
    return what == NULL;
}

/* RFC 9113 8.3.1, 8.5: CONNECT alone has neither :scheme nor :path, unless it names a protocol (RFC 8441 4). */
static void judge_missing(struct sl_observer *observer, struct sl_stream *stream,
                          const struct sl_headers *headers, const size_t counts[PSEUDO_COUNT])
{
    const struct sl_header *method = sl_headers_find(headers, ":method");
    bool is_tunnel =
        method != NULL && sl_span_is(method->value, "CONNECT") && counts[PROTOCOL] == 0;
    size_t last = is_tunnel ? METHOD : PATH;
    for (size_t i = METHOD; i <= last; i++) {
        if (counts[i] == 0) {
            struct sl_rule_place place = sl_rules_request_place(observer, stream);
            note_wrong(observer, stream, SL_RULE_CALL_24);
            sl_rules_report(observer, SL_RULE_CALL_24, &place, "the client's request has no %s",
                            pseudo_names[i]);
            return;
        }
    }
}

/* CALL-13, META-06, CALL-11. False when it was told. */
static bool judge_regular(struct sl_observer *observer, struct sl_stream *stream,
                          const struct sl_header *field)
{
    const char *what = sl_syntax_wrong_name(field->name);
    if (what != NULL) {
        report_field(observer, stream, field->name.len == 0 ? SL_RULE_META_06 : SL_RULE_CALL_13,
                     field->name, what);
        return false;
    }
    if (sl_span_is(field->name, "te") && !sl_span_is(field->value, "trailers")) {
        struct sl_rule_place place = sl_rules_request_place(observer, stream);
        note_wrong(observer, stream, SL_RULE_CALL_11);
        sl_rules_report(observer, SL_RULE_CALL_11, &place,
                        "the client's request has te: \"%.*s\", where only trailers may be",
                        SL_SPAN_ARG(shown(field->value)));
        return false;
    }
    return true;
}

/* The first thing that is wrong with the fields of a block. */
static void judge_syntax(struct sl_observer *observer, struct sl_stream *stream,
                         const struct sl_headers *headers, bool is_first)
{
    size_t counts[PSEUDO_COUNT] = {0};
    bool has_pseudo = false;
    bool has_regular = false;
    for (size_t i = 0; i < headers->count; i++) {
        const struct sl_header *field = &headers->fields[i];
        bool is_pseudo = field->name.len > 0 && field->name.data[0] == ':';
        bool is_right = is_pseudo
                            ? judge_pseudo(observer, stream, field, is_first, has_regular, counts)
                            : judge_regular(observer, stream, field);
        if (!is_right) {
            return;
        }
        if (sl_syntax_has_forbidden_byte(field->value) &&
            !sl_rules_is_true_binary(observer, SL_DIR_REQUEST, field)) {
            report_field(observer, stream, SL_RULE_META_06, field->name,
                         "whose value has CR, LF or NUL in it");
            return;
        }
        has_regular |= !is_pseudo;
        has_pseudo |= is_pseudo;
    }
    /* Behind lost bytes a block without any may be trailers. */
    if (is_first && (has_pseudo || !sl_rules_doubt(observer, SL_DIR_REQUEST))) {
        judge_missing(observer, stream, headers, counts);
    }
}

/* --- what gRPC asks --- */

static void judge_values(struct sl_observer *observer, struct sl_stream *stream,
                         const struct sl_headers *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        const struct sl_header *field = &headers->fields[i];
        sl_rules_judge_value(observer, SL_DIR_REQUEST, stream, field);
        sl_rules_judge_binary(observer, SL_DIR_REQUEST, stream, field);
    }
}

/* CALL-07, CALL-06 */
static void judge_path(struct sl_observer *observer, struct sl_stream *stream,
                       const struct sl_headers *headers)
{
    const struct sl_header *path = sl_headers_find(headers, ":path");
    if (path == NULL || path->value.len == 0) {
        return; /* CALL-24 */
    }
    struct sl_rule_place place = sl_rules_request_place(observer, stream);
    const char *what = NULL;
    if (path->value.data[0] != '/') {
        sl_rules_note_malformed(observer, stream, SL_RULE_CALL_07, true);
        sl_rules_report(observer, SL_RULE_CALL_07, &place,
                        "the path of the client's call, \"%.*s\", does not begin with a slash",
                        SL_SPAN_ARG(shown(path->value)));
    } else if ((what = sl_syntax_wrong_path(path->value)) != NULL) {
        place.level = 'S';
        sl_rules_report(observer, SL_RULE_CALL_06, &place,
                        "the path of the client's call, \"%.*s\", %s",
                        SL_SPAN_ARG(shown(path->value)), what);
    }
}

/* TIME-04 */
static void judge_timeout(struct sl_observer *observer, struct sl_stream *stream,
                          const struct sl_headers *headers)
{
    const struct sl_header *timeout = sl_headers_find(headers, "grpc-timeout");
    if (timeout == NULL) {
        return;
    }
    size_t count = sl_headers_count(headers, "grpc-timeout");
    uint64_t ns = 0;
    struct sl_rule_place place = sl_rules_request_place(observer, stream);
    if (count > 1) {
        sl_rules_report(observer, SL_RULE_TIME_04, &place,
                        "the client's request has grpc-timeout %zu times", count);
    } else if (sl_grpc_timeout_read(timeout->value, &ns) != SL_OK) {
        sl_rules_report(observer, SL_RULE_TIME_04, &place,
                        "grpc-timeout is \"%.*s\", not one to eight digits and one of H M S m u n",
                        SL_SPAN_ARG(shown(timeout->value)));
    }
}

/* CALL-08, CALL-11 at level I, CALL-12 */
static void judge_head(struct sl_observer *observer, struct sl_stream *stream,
                       const struct sl_headers *headers)
{
    struct sl_rules *rules = &observer->rules;
    struct sl_rule_place place = sl_rules_request_place(observer, stream);
    const struct sl_header *method = sl_headers_find(headers, ":method");
    if (method != NULL && !sl_span_is(method->value, "POST")) {
        sl_rules_note_malformed(observer, stream, SL_RULE_CALL_08, true);
        sl_rules_report(observer, SL_RULE_CALL_08, &place,
                        "the client's call is a %.*s, not a POST",
                        SL_SPAN_ARG(shown(method->value)));
    }
    if (!rules->has_told_authority && sl_headers_find(headers, ":authority") == NULL &&
        sl_headers_find(headers, "host") == NULL) {
        rules->has_told_authority = true;
        sl_rules_report(observer, SL_RULE_CALL_12, &place,
                        "the client's request has neither :authority nor host");
    }
    if (!rules->has_told_te && sl_headers_find(headers, "te") == NULL) {
        rules->has_told_te = true;
        place.level = 'I';
        sl_rules_report(observer, SL_RULE_CALL_11, &place,
                        "the client's request has no te: trailers");
    }
}

static void judge_block(struct sl_observer *observer, struct sl_stream *stream,
                        const struct sl_headers *headers, bool is_first, bool is_last)
{
    if (!sl_rules_saw_request(stream) || stream->is_ended[SL_DIR_REQUEST] ||
        sl_rules_are_inferred(headers)) {
        return;
    }
    if (!stream->rules.has_reported_request) {
        judge_syntax(observer, stream, headers, is_first);
    }
    if (!is_first && !is_last && !sl_rules_doubt(observer, SL_DIR_REQUEST)) {
        struct sl_rule_place place = sl_rules_request_place(observer, stream);
        sl_rules_note_malformed(observer, stream, SL_RULE_CONN_14, false);
        sl_rules_report(observer, SL_RULE_CONN_14, &place,
                        "the second header block of the client's request came without END_STREAM");
    }
    if (sl_rules_saw_call(stream)) {
        judge_values(observer, stream, headers);
        if (is_first) {
            judge_path(observer, stream, headers);
            judge_timeout(observer, stream, headers);
            judge_head(observer, stream, headers);
        }
    }
}

/* The blocks of most calls of a client are the same list of fields: it is judged once. */
static void judge_request(struct sl_observer *observer, struct sl_stream *stream,
                          const struct sl_headers *headers, bool is_first, bool is_last)
{
    struct sl_headers_memory *memory = is_first ? headers->memory : NULL;
    if (memory != NULL && memory->is_right) {
        return;
    }
    uint64_t told = observer->rules.told;
    judge_block(observer, stream, headers, is_first, is_last);
    if (memory != NULL && sl_rules_saw_request(stream)) {
        memory->is_right = observer->rules.told == told;
    }
}

/* --- the ends --- */

/* CALL-14: RFC 9113 8.1.1 */
static void judge_length(struct sl_observer *observer, struct sl_stream *stream)
{
    const struct sl_call_side *side = &stream->call->call.request;
    const struct sl_header *length = sl_headers_find(&side->headers, "content-length");
    uint64_t said = 0;
    if (length == NULL || sl_rules_are_inferred(&side->headers) ||
        (sl_syntax_read_length(length->value, &said) && said == side->data_bytes)) {
        return;
    }
    struct sl_rule_place place = sl_rules_request_place(observer, stream);
    sl_rules_note_malformed(observer, stream, SL_RULE_CALL_14, false);
    sl_rules_report(observer, SL_RULE_CALL_14, &place,
                    "content-length of the client's request is \"%.*s\", and %llu bytes came",
                    SL_SPAN_ARG(shown(length->value)), (unsigned long long)side->data_bytes);
}

static void end_stream(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                       bool is_on_data)
{
    (void)is_on_data;
    if (dir == SL_DIR_REQUEST && sl_rules_saw_request(stream)) {
        judge_length(observer, stream);
    }
}

const struct sl_rule_group sl_rules_request = {
    .request = judge_request,
    .end_stream = end_stream,
};
