/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/infer/infer.h"
#include "inspector/tls/info.h"
#include "inspector/view/message_object.h"
#include "inspector/view/metadata.h"
#include "inspector/view/names.h"
#include "inspector/view/status.h"
#include "inspector/view/views.h"
#include "lib/base/alloc.h"

enum {
    CALL_TEXT_MAX = 6 * 1024 * 1024, /* messages and findings kept as JSON for one call */
    ALL_TEXT_MAX = 12 * 1024 * 1024, /* for all open calls */
    FINDINGS_TEXT_MAX = 64 * 1024,
};

struct calls {
    struct ins_view base;
    struct ins_view_config config;
    struct ins_payload payload;
    size_t text_bytes; /* kept for all open calls */
};

/* What is kept of a call until it ends: the items of its arrays, as JSON without the brackets. */
struct kept {
    struct sl_buf messages[2];
    uint64_t message_count[2];
    struct sl_buf findings;
    size_t text_bytes;
    struct ins_problems problems;
};

static struct kept *kept_of(struct ins_call *call)
{
    struct kept *kept = call->view_data;
    if (kept == NULL) {
        kept = sl_alloc(sizeof(*kept));
        sl_buf_init(&kept->messages[SL_DIR_REQUEST], INS_PAYLOAD_JSON_MAX * 2);
        sl_buf_init(&kept->messages[SL_DIR_RESPONSE], INS_PAYLOAD_JSON_MAX * 2);
        sl_buf_init(&kept->findings, FINDINGS_TEXT_MAX);
        call->view_data = kept;
    }
    return kept;
}

static void drop_kept(struct calls *calls, struct ins_call *call)
{
    struct kept *kept = call->view_data;
    if (kept != NULL) {
        calls->text_bytes -= kept->text_bytes;
        sl_buf_release(&kept->messages[SL_DIR_REQUEST]);
        sl_buf_release(&kept->messages[SL_DIR_RESPONSE]);
        sl_buf_release(&kept->findings);
        sl_free(kept);
        call->view_data = NULL;
    }
}

/* A comma before all but the first item. */
static void separate(struct sl_buf *items)
{
    if (items->len > 0) {
        (void)sl_buf_add_u8(items, ',');
    }
}

static void on_message(struct ins_view *view, struct ins_call *call, enum sl_dir dir,
                       const struct sl_message *message, const struct sl_at *at)
{
    struct calls *calls = (struct calls *)view;
    if (!call->is_selected) {
        return;
    }
    struct kept *kept = kept_of(call);
    if (kept->message_count[dir] >= calls->config.call_messages) {
        return;
    }
    if (kept->text_bytes > CALL_TEXT_MAX || calls->text_bytes > ALL_TEXT_MAX) {
        ins_problems_add(&kept->problems, "messages_omitted",
                         "messages are not shown because too much is kept already; "
                         "--view messages shows all");
        return;
    }
    kept->message_count[dir]++;
    struct sl_buf *items = &kept->messages[dir];
    size_t len_before = items->len;
    struct sl_json_out out;
    separate(items);
    sl_json_out_init(&out, items);
    ins_message_object_write(&calls->payload, &out, call, dir, message, at, &kept->problems);
    if (items->is_full) {
        sl_buf_truncate(items, len_before);
        items->is_full = false;
        ins_problems_add(&kept->problems, "messages_omitted", "a message is too large to show");
    }
    kept->text_bytes += items->len - len_before;
    calls->text_bytes += items->len - len_before;
}

static void on_finding(struct ins_view *view, const struct ins_connection *connection,
                       struct ins_call *call, const struct sl_finding *finding)
{
    struct calls *calls = (struct calls *)view;
    ins_finding_line(&calls->config, connection, call, finding);
    if (call == NULL || call->id == 0 || !call->is_selected) {
        return;
    }
    struct sl_buf *items = &kept_of(call)->findings;
    size_t len_before = items->len;
    struct sl_json_out out;
    separate(items);
    sl_json_out_init(&out, items);
    ins_finding_write(&out, connection, finding);
    if (items->is_full) {
        sl_buf_truncate(items, len_before);
    }
}

/* An array of kept items. */
static void write_items(struct sl_json_out *out, const struct sl_buf *items)
{
    sl_json_out_begin_array(out);
    if (items->len > 0) {
        sl_json_out_raw(out, sl_buf_span(items));
    }
    sl_json_out_end_array(out);
}

/* The names of the fields of a side that are inferred; nothing when there are none. */
static void write_inferred(struct sl_json_out *out, const struct sl_call_side *side)
{
    const struct sl_headers *lists[2] = {&side->headers, &side->trailers};
    bool is_begun = false;
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < lists[i]->count; j++) {
            const struct sl_header *field = &lists[i]->fields[j];
            if (!sl_header_is_inferred(field) || sl_span_starts(field->name, ":")) {
                continue;
            }
            if (!is_begun) {
                sl_json_out_key(out, "inferred");
                sl_json_out_begin_array(out);
                is_begun = true;
            }
            sl_json_out_span(out, field->name);
        }
    }
    if (is_begun) {
        sl_json_out_end_array(out);
    }
}

static void write_side(struct sl_json_out *out, const struct sl_call_side *side,
                       const struct sl_buf *messages, bool has_trailers)
{
    sl_json_out_begin_object(out);
    sl_json_out_key(out, "metadata");
    ins_metadata_write(out, &side->headers);
    sl_json_out_key_u64(out, "message_count", side->message_count);
    sl_json_out_key_u64(out, "partial_messages", side->partial_messages);
    sl_json_out_key_u64(out, "bytes", side->message_bytes);
    sl_json_out_key(out, "messages");
    write_items(out, messages);
    if (has_trailers) {
        sl_json_out_key(out, "trailers");
        ins_metadata_write(out, &side->trailers);
    }
    write_inferred(out, side);
    sl_json_out_end_object(out);
}

static bool has_inferred(const struct sl_headers *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (sl_header_is_inferred(&headers->fields[i])) {
            return true;
        }
    }
    return false;
}

/* What the call's own state says about the record. */
static void add_problems(const struct ins_call *own, struct ins_problems *problems)
{
    const struct sl_call *call = own->call;
    if (own->is_given_up) {
        ins_problems_add(problems, "given_up",
                         "too many calls were open at once, of which this was the oldest");
    }
    if (own->is_connection_given_up) {
        ins_problems_add(problems, "connection_given_up",
                         "too much was open at once, so that its connection was given up");
    }
    if (own->is_conflicting) {
        ins_problems_add(problems, "bytes_conflicting",
                         "bytes of its connection were sent again with other ones while it was "
                         "open; the first were taken");
    }
    if (call->end == SL_CALL_OPEN && !call->has_status && !own->is_given_up &&
        !own->is_connection_given_up) {
        ins_problems_add(problems, "open", "the call was still open at the end of the capture");
    }
    if (call->is_midway) {
        ins_problems_add(problems, "began_before_capture",
                         "the call began before the first captured byte of its connection");
    }
    if (own->connection->is_guessed) {
        ins_problems_add(problems, "roles_guessed",
                         "nothing in the capture shows which end is the client; it is a guess");
    }
    if (call->has_gap) {
        ins_problems_add(problems, "bytes_missing",
                         "bytes of the call are missing from the capture");
    }
    if (call->has_lost_headers) {
        ins_problems_add(problems, "headers_undecoded",
                         "a header block could not be decoded: earlier ones are missing");
    }
    if (call->has_cut_headers) {
        ins_problems_add(problems, "metadata_omitted",
                         "header blocks are larger than what is kept: some fields are not shown");
    }
    if (has_inferred(&call->request.headers) || has_inferred(&call->request.trailers) ||
        has_inferred(&call->response.headers) || has_inferred(&call->response.trailers)) {
        ins_problems_add(problems, "headers_inferred",
                         "method, status or header fields were not captured but inferred");
    }
    if (call->body_problem != NULL) {
        ins_problems_add(problems, "body_malformed", "%s", call->body_problem);
    }
    if (call->request.partial_messages > 0) {
        ins_problems_add(problems, "request_cut", "the last request message is incomplete");
    }
    if (call->response.partial_messages > 0) {
        ins_problems_add(problems, "response_cut", "the last response message is incomplete");
    }
}

static bool is_complete(const struct sl_call *call)
{
    bool is_open = call->end == SL_CALL_OPEN;
    return !is_open && !call->has_gap && !call->is_midway;
}

static void write_ends(struct sl_json_out *out, const struct ins_call *own)
{
    char end[INS_ENDPOINT_TEXT_MAX];
    sl_json_out_key_u64(out, "id", own->id);
    sl_json_out_key_u64(out, "connection", own->connection->id);
    sl_json_out_key(out, "stream");
    ins_write_stream(out, own->call);
    sl_json_out_key_str(out, "client", ins_endpoint_text(&own->connection->client, end));
    sl_json_out_key_str(out, "server", ins_endpoint_text(&own->connection->server, end));
    if (own->connection->via_count > 0) {
        sl_json_out_key(out, "via");
        ins_via_write(own->connection->via, own->connection->via_count, out);
    }
    sl_json_out_key_str(out, "protocol", sl_protocol_name(own->call->protocol));
    if (own->connection->tls != NULL) {
        sl_json_out_key(out, "tls");
        ins_tls_info_write(own->connection->tls, out);
    }
}

static void write_method(struct sl_json_out *out, const struct ins_call *own)
{
    struct sl_span method = ins_call_method(own);
    sl_json_out_key(out, "method");
    ins_write_span_or_null(out, method);
    sl_json_out_key_str(out, "method_source", ins_call_method_source(own));
    const struct sl_method *candidates[INS_CANDIDATES_MAX];
    size_t count = method.data == NULL ? ins_infer_candidates(own->group, candidates) : 0;
    if (count > 0) {
        sl_json_out_key(out, "method_candidates");
        sl_json_out_begin_array(out);
        for (size_t i = 0; i < count; i++) {
            sl_json_out_str(out, candidates[i]->path);
        }
        sl_json_out_end_array(out);
    }
    sl_json_out_key_str(out, "kind", ins_kind_name(own->method));
}

static void write_times(struct sl_json_out *out, const struct sl_call *call)
{
    uint64_t duration_ns = 0;
    sl_json_out_key(out, "start");
    ins_write_time(out, &call->start);
    sl_json_out_key(out, "duration_ms");
    if (ins_call_duration(call, &duration_ns)) {
        sl_json_out_ms(out, duration_ns);
    } else {
        sl_json_out_null(out);
    }
}

static void write_call(struct calls *calls, struct sl_json_out *out, struct ins_call *own,
                       struct kept *kept)
{
    const struct sl_call *call = own->call;
    sl_json_out_begin_object(out);
    sl_json_out_key_str(out, "type", "call");
    write_ends(out, own);
    write_method(out, own);
    write_times(out, call);
    const struct sl_header *authority = sl_headers_find(&call->request.headers, ":authority");
    sl_json_out_key(out, "authority");
    ins_write_span_or_null(out, authority == NULL ? sl_span(NULL, 0) : authority->value);
    sl_json_out_key(out, "http_status");
    if (call->http_status != 0) {
        sl_json_out_u64(out, call->http_status);
    } else {
        sl_json_out_null(out);
    }
    sl_json_out_key(out, "request");
    write_side(out, &call->request, &kept->messages[SL_DIR_REQUEST], call->request.has_trailers);
    sl_json_out_key(out, "response");
    write_side(out, &call->response, &kept->messages[SL_DIR_RESPONSE], true);
    ins_status_write(out, own, calls->config.pool, &kept->problems);
    ins_aborted_write(out, call);
    sl_json_out_key(out, "stalled_ms");
    sl_json_out_begin_object(out);
    sl_json_out_key(out, "stream");
    sl_json_out_ms(out, call->stalled_stream_ns);
    sl_json_out_key(out, "connection");
    sl_json_out_ms(out, call->stalled_connection_ns);
    sl_json_out_end_object(out);
    sl_json_out_key_bool(out, "complete", is_complete(call));
    add_problems(own, &kept->problems);
    sl_json_out_key(out, "problems");
    ins_problems_write(&kept->problems, out);
    sl_json_out_key(out, "findings");
    write_items(out, &kept->findings);
    sl_json_out_end_object(out);
}

static void on_call_end(struct ins_view *view, struct ins_call *call)
{
    struct calls *calls = (struct calls *)view;
    if (call->is_selected) {
        struct sl_json_out *out = ins_lines_begin(calls->config.lines);
        write_call(calls, out, call, kept_of(call));
        ins_lines_end(calls->config.lines);
    }
    drop_kept(calls, call);
}

static void calls_free(struct ins_view *view)
{
    struct calls *calls = (struct calls *)view;
    ins_payload_release(&calls->payload);
    sl_free(calls);
}

static const struct ins_view_ops calls_ops = {
    .name = "calls",
    .message = on_message,
    .call_end = on_call_end,
    .finding = on_finding,
    .free = calls_free,
    .keep_message_max = INS_VIEW_MESSAGE_MAX,
};

struct ins_view *ins_view_calls_new(const struct ins_view_config *config)
{
    struct calls *calls = sl_alloc(sizeof(*calls));
    calls->base.ops = &calls_ops;
    calls->base.has_findings = true;
    calls->config = *config;
    ins_payload_init(&calls->payload, config->pool);
    return &calls->base;
}
