/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/view/held.h"
#include "inspector/view/names.h"
#include "inspector/view/payload.h"
#include "inspector/view/views.h"
#include "lib/base/alloc.h"

struct messages {
    struct ins_view base;
    struct ins_view_config config;
    struct ins_payload payload;
};

static void on_message(struct ins_view *view, struct ins_call *call, enum sl_dir dir,
                       const struct sl_message *message, const struct sl_at *at)
{
    struct messages *messages = (struct messages *)view;
    if (!call->is_selected) {
        return;
    }
    struct sl_json_out *out = ins_lines_begin(messages->config.lines);
    sl_json_out_begin_object(out);
    sl_json_out_key_str(out, "type", "message");
    sl_json_out_key_u64(out, "call", call->id);
    sl_json_out_key_u64(out, "connection", call->connection->id);
    sl_json_out_key(out, "stream");
    ins_write_stream(out, call->call);
    sl_json_out_key(out, "method");
    ins_write_span_or_null(out, ins_call_method(call));
    const struct sl_header *path = sl_headers_find(&call->call->request.headers, ":path");
    if (path != NULL && sl_header_is_inferred(path)) {
        sl_json_out_key_str(out, "method_source", ins_call_method_source(call));
    }
    sl_json_out_key_str(out, "direction", ins_dir_name(dir));
    sl_json_out_key_u64(out, "index", message->index);
    sl_json_out_key(out, "time");
    ins_write_time(out, at);
    ins_payload_write(&messages->payload, out, call, dir, message, true, NULL);
    sl_json_out_end_object(out);
    ins_held_end(messages->config.lines, call);
}

static void on_finding(struct ins_view *view, const struct ins_connection *connection,
                       struct ins_call *call, const struct sl_finding *finding)
{
    ins_finding_line(&((struct messages *)view)->config, connection, call, finding);
}

static void messages_free(struct ins_view *view)
{
    struct messages *messages = (struct messages *)view;
    ins_payload_release(&messages->payload);
    sl_free(messages);
}

static const struct ins_view_ops messages_ops = {
    .name = "messages",
    .message = on_message,
    .finding = on_finding,
    .free = messages_free,
    .keep_message_max = INS_VIEW_MESSAGE_MAX,
    .is_by_event = true,
};

struct ins_view *ins_view_messages_new(const struct ins_view_config *config)
{
    struct messages *messages = sl_alloc(sizeof(*messages));
    messages->base.ops = &messages_ops;
    messages->base.has_findings = config->has_lint;
    messages->config = *config;
    ins_payload_init(&messages->payload, config->pool);
    return &messages->base;
}
