/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/view/held.h"
#include "inspector/view/names.h"
#include "inspector/view/views.h"
#include "lib/base/alloc.h"
#include "lib/wire/stall.h"

enum {
    SHARE = 16, /* a holder of less than this part of the connection's window starves nobody */
};

struct stalls {
    struct ins_view base;
    struct ins_view_config config;
};

static const char *end_name(enum sl_stall_end how)
{
    switch (how) {
    case SL_STALL_CREDIT:
        return "window_update";
    case SL_STALL_SETTINGS:
        return "settings";
    case SL_STALL_CALL_END:
        return "call_end";
    case SL_STALL_OPEN:
        break;
    }
    return "open";
}

static void write_id_or_null(struct sl_json_out *out, const char *key, uint64_t id)
{
    sl_json_out_key(out, key);
    if (id != 0) {
        sl_json_out_u64(out, id);
    } else {
        sl_json_out_null(out);
    }
}

/* The streams other than the blocked one that held a fair part of the credit. */
static void write_starved_by(struct sl_json_out *out, const struct sl_stall *stall)
{
    uint64_t all = 0;
    for (size_t i = 0; i < stall->holder_count; i++) {
        all += stall->holders[i].bytes;
    }
    sl_json_out_key(out, "starved_by");
    sl_json_out_begin_array(out);
    for (size_t i = 0; i < stall->holder_count; i++) {
        const struct sl_stall_holder *holder = &stall->holders[i];
        if (holder->stream != 0 && holder->stream != stall->call->stream &&
            holder->bytes >= all / SHARE) {
            sl_json_out_u64(out, holder->stream);
        }
    }
    sl_json_out_end_array(out);
}

static void write_holders(struct sl_json_out *out, const struct sl_stall *stall)
{
    sl_json_out_key(out, "held");
    sl_json_out_begin_array(out);
    for (size_t i = 0; i < stall->holder_count; i++) {
        sl_json_out_begin_object(out);
        write_id_or_null(out, "stream", stall->holders[i].stream);
        write_id_or_null(out, "call", stall->holders[i].label);
        sl_json_out_key_u64(out, "bytes", stall->holders[i].bytes);
        sl_json_out_end_object(out);
    }
    sl_json_out_end_array(out);
}

void ins_stall_write(struct sl_json_out *out, const struct ins_connection *connection,
                     const struct ins_call *call, const struct sl_stall *stall)
{
    sl_json_out_begin_object(out);
    sl_json_out_key_str(out, "type", "stall");
    sl_json_out_key_u64(out, "connection", connection->id);
    sl_json_out_key_u64(out, "stream", stall->call->stream);
    write_id_or_null(out, "call", call->id);
    sl_json_out_key(out, "method");
    ins_write_span_or_null(out, ins_call_method(call));
    sl_json_out_key_str(out, "direction", ins_dir_name(stall->dir));
    sl_json_out_key_str(out, "blocked", stall->dir == SL_DIR_REQUEST ? "client" : "server");
    sl_json_out_key_str(out, "window", stall->is_connection ? "connection" : "stream");
    sl_json_out_key(out, "start");
    ins_write_time(out, &stall->start);
    sl_json_out_key(out, "duration_ms");
    sl_json_out_ms(out, stall->end.time_ns - stall->start.time_ns);
    sl_json_out_key_str(out, "ended_by", end_name(stall->how));
    sl_json_out_key_u64(out, "bytes_waiting", stall->bytes_waiting);
    sl_json_out_key_str(out, "known_by", stall->is_announced ? "message" : "resumed");
    write_starved_by(out, stall);
    write_holders(out, stall);
    sl_json_out_end_object(out);
}

static void on_stall(struct ins_view *view, const struct ins_connection *connection,
                     struct ins_call *call, const struct sl_stall *stall)
{
    const struct stalls *stalls = (const struct stalls *)view;
    if (call->is_selected || (call->id == 0 && !stalls->config.is_selective)) {
        ins_stall_write(ins_lines_begin(stalls->config.lines), connection, call, stall);
        ins_held_end(stalls->config.lines, call);
    }
}

static void on_finding(struct ins_view *view, const struct ins_connection *connection,
                       struct ins_call *call, const struct sl_finding *finding)
{
    ins_finding_line(&((struct stalls *)view)->config, connection, call, finding);
}

static void stalls_free(struct ins_view *view)
{
    sl_free(view);
}

static const struct ins_view_ops stalls_ops = {
    .name = "stalls",
    .is_by_event = true,
    .stall = on_stall,
    .finding = on_finding,
    .free = stalls_free,
};

struct ins_view *ins_view_stalls_new(const struct ins_view_config *config)
{
    struct stalls *stalls = sl_alloc(sizeof(*stalls));
    stalls->base.ops = &stalls_ops;
    stalls->base.has_findings = config->has_lint;
    stalls->config = *config;
    return &stalls->base;
}
