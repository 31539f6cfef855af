/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/view/status.h"

#include "inspector/view/any.h"
#include "inspector/view/connect_error.h"
#include "inspector/view/metadata.h"
#include "inspector/view/names.h"
#include "lib/base/rd.h"
#include "lib/wire/grpc_status.h"

enum { /* google.rpc.Status, as tags: number << 3 | wire type */
       STATUS_CODE = 1 << 3 | 0,
       STATUS_DETAILS = 3 << 3 | 2,
};

/* Writes the array of details of a serialised google.rpc.Status. */
static void write_details(struct sl_json_out *out, const struct ins_call *call,
                          const struct sl_pool *pool, struct sl_span status,
                          struct ins_problems *problems)
{
    uint32_t code = 0;
    size_t count = 0;
    struct sl_rd rd;
    sl_rd_init(&rd, status);
    while (sl_rd_ok(&rd) && sl_rd_left(&rd) > 0) {
        uint64_t tag = sl_rd_varint(&rd);
        if (tag == STATUS_CODE) {
            code = (uint32_t)sl_rd_varint(&rd);
        } else if (tag == STATUS_DETAILS) {
            struct sl_span any = ins_pb_take_bytes(&rd);
            if (sl_rd_ok(&rd) && count++ < INS_STATUS_DETAIL_COUNT_MAX) {
                ins_any_write(out, pool, any);
            }
        } else {
            ins_pb_skip_field(&rd, tag);
        }
    }
    if (!sl_rd_ok(&rd)) {
        ins_problems_add(problems, "status_details_malformed",
                         "grpc-status-details-bin is no google.rpc.Status");
    } else if (code != call->call->code) {
        ins_problems_add(problems, "status_details_differ",
                         "grpc-status is %u, but grpc-status-details-bin says %u",
                         (unsigned)call->call->code, (unsigned)code);
    }
}

/* The field in the block that ended the call: trailers, also of Trailers-Only; or in the headers where the
 * status is there too (gRPC-Web without a body). */
static const struct sl_header *status_field(const struct sl_call *call, const char *name)
{
    bool is_in_trailers = sl_headers_find(&call->response.trailers, "grpc-status") != NULL;
    bool is_in_headers = sl_headers_find(&call->response.headers, "grpc-status") != NULL;
    return sl_headers_find(is_in_headers && !is_in_trailers ? &call->response.headers
                                                            : &call->response.trailers,
                           name);
}

static void write_message(struct sl_json_out *out, const struct sl_call *call)
{
    const struct sl_header *field = status_field(call, "grpc-message");
    struct sl_buf text;
    sl_buf_init(&text, SL_HPACK_LIST_MAX);
    if (field != NULL) {
        (void)sl_grpc_message_decode(field->value, &text);
    }
    sl_json_out_span(out, sl_buf_span(&text));
    sl_buf_release(&text);
}

static void write_details_field(struct sl_json_out *out, const struct ins_call *call,
                                const struct sl_pool *pool, struct ins_problems *problems)
{
    const struct sl_header *field = status_field(call->call, "grpc-status-details-bin");
    sl_json_out_begin_array(out);
    if (field != NULL) {
        struct sl_buf status;
        sl_buf_init(&status, SL_HPACK_LIST_MAX);
        if (ins_metadata_decode(ins_metadata_first(field->value), &status) == SL_OK) {
            write_details(out, call, pool, sl_buf_span(&status), problems);
        } else {
            ins_problems_add(problems, "status_details_malformed",
                             "grpc-status-details-bin is no base64");
        }
        sl_buf_release(&status);
    }
    sl_json_out_end_array(out);
}

void ins_status_write(struct sl_json_out *out, const struct ins_call *own,
                      const struct sl_pool *pool, struct ins_problems *problems)
{
    const struct sl_call *call = own->call;
    sl_json_out_key(out, "status");
    if (!call->has_status) {
        sl_json_out_null(out);
        sl_json_out_key_str(out, "status_source", sl_status_source_name(SL_FROM_NONE));
        return;
    }
    sl_json_out_begin_object(out);
    sl_json_out_key_u64(out, "code", call->code);
    sl_json_out_key_str(out, "name", sl_grpc_status_name(call->code));
    if (call->protocol == SL_PROTOCOL_CONNECT) {
        ins_connect_error_write(out, call, pool, problems);
    } else {
        sl_json_out_key(out, "message");
        write_message(out, call);
        sl_json_out_key(out, "details");
        write_details_field(out, own, pool, problems);
    }
    sl_json_out_end_object(out);
    sl_json_out_key_str(out, "status_source", sl_status_source_name(call->status_source));
    if (call->is_status_inferred) {
        sl_json_out_key_bool(out, "status_inferred", true);
    }
}

void ins_aborted_write(struct sl_json_out *out, const struct sl_call *call)
{
    static const struct {
        const char *by, *how;
    } aborts[] = {
        [SL_CALL_RESET_BY_CLIENT] = {"client", "rst_stream"},
        [SL_CALL_RESET_BY_SERVER] = {"server", "rst_stream"},
        [SL_CALL_GOAWAY] = {"server", "goaway"},
        [SL_CALL_CLOSED_BY_CLIENT] = {"client", "connection_closed"},
        [SL_CALL_CLOSED_BY_SERVER] = {"server", "connection_closed"},
    };
    if (call->end == SL_CALL_OPEN || call->end == SL_CALL_TRAILERS) {
        return;
    }
    sl_json_out_key(out, "aborted");
    sl_json_out_begin_object(out);
    sl_json_out_key_str(out, "by", aborts[call->end].by);
    sl_json_out_key_str(out, "how", aborts[call->end].how);
    if (call->end == SL_CALL_RESET_BY_CLIENT || call->end == SL_CALL_RESET_BY_SERVER) {
        char number[INS_NAME_MAX];
        sl_json_out_key_str(out, "error", ins_h2_error_text(call->reset_error, number));
    }
    sl_json_out_end_object(out);
}
