/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/view/held.h"
#include "inspector/view/names.h"
#include "inspector/view/views.h"

void ins_view_free(struct ins_view *view)
{
    if (view != NULL) {
        view->ops->free(view);
    }
}

static void write_frame(struct sl_json_out *out, const struct sl_frame_ref *frame)
{
    char name[INS_NAME_MAX];
    if (frame->number == 0) {
        return;
    }
    sl_json_out_begin_object(out);
    sl_json_out_key_str(out, "side", frame->dir == SL_DIR_REQUEST ? "client" : "server");
    sl_json_out_key_str(out, "frame", ins_frame_type_name(frame->type, name));
    sl_json_out_key_u64(out, "number", frame->number);
    sl_json_out_key_u64(out, "packet", frame->packet);
    sl_json_out_end_object(out);
}

void ins_finding_write(struct sl_json_out *out, const struct ins_connection *connection,
                       const struct sl_finding *finding)
{
    sl_json_out_begin_object(out);
    sl_json_out_key_str(out, "type", "finding");
    sl_json_out_key_str(out, "rule", finding->rule);
    sl_json_out_key(out, "level");
    sl_json_out_span(out, sl_span(&finding->level, 1));
    bool is_client = finding->side == SL_DIR_REQUEST;
    char end[INS_ENDPOINT_TEXT_MAX];
    sl_json_out_key_str(out, "side", is_client ? "client" : "server");
    sl_json_out_key_str(
        out, "by", ins_endpoint_text(is_client ? &connection->client : &connection->server, end));
    sl_json_out_key_u64(out, "connection", connection->id);
    sl_json_out_key_u64(out, "stream", finding->stream);
    sl_json_out_key_u64(out, "packet", finding->at.packet);
    sl_json_out_key(out, "time");
    ins_write_time(out, &finding->at);
    sl_json_out_key_str(out, "clause", finding->clause);
    sl_json_out_key_str(out, "text", finding->text);
    sl_json_out_key(out, "frames");
    sl_json_out_begin_array(out);
    write_frame(out, &finding->before);
    write_frame(out, &finding->frame);
    sl_json_out_end_array(out);
    sl_json_out_end_object(out);
}

void ins_finding_line(const struct ins_view_config *config, const struct ins_connection *connection,
                      struct ins_call *call, const struct sl_finding *finding)
{
    bool is_wanted = !config->is_selective || (call != NULL && call->is_selected);
    if (config->has_lint && is_wanted) {
        ins_finding_write(ins_lines_begin(config->lines), connection, finding);
        ins_held_end(config->lines, call);
    }
}
