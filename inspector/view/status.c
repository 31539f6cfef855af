/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/view/status.h"

#include "inspector/view/metadata.h"
#include "lib/base/rd.h"
#include "lib/schema/protojson.h"
#include "lib/wire/grpc_status.h"

enum { /* google.rpc.Status and google.protobuf.Any, as tags: number << 3 | wire type */
       STATUS_CODE = 1 << 3 | 0,
       STATUS_DETAILS = 3 << 3 | 2,
       ANY_TYPE_URL = 1 << 3 | 2,
       ANY_VALUE = 2 << 3 | 2,
       WIRE_VARINT = 0,
       WIRE_FIXED64 = 1,
       WIRE_BYTES = 2,
       WIRE_FIXED32 = 5,
};

static struct sl_span take_bytes(struct sl_rd *rd)
{
    uint64_t len = sl_rd_varint(rd);
    if (len > sl_rd_left(rd)) {
        sl_rd_fail(rd);
        return sl_span(NULL, 0);
    }
    return sl_rd_take(rd, (size_t)len);
}

static void skip_field(struct sl_rd *rd, uint64_t tag)
{
    switch (tag & 7) {
    case WIRE_VARINT:
        (void)sl_rd_varint(rd);
        break;
    case WIRE_FIXED64:
        (void)sl_rd_take(rd, 8);
        break;
    case WIRE_BYTES:
        (void)take_bytes(rd);
        break;
    case WIRE_FIXED32:
        (void)sl_rd_take(rd, 4);
        break;
    default:
        sl_rd_fail(rd);
        break;
    }
}

/* The type that an Any names, where the pool has it. */
static const struct sl_message_type *named_type(const struct sl_pool *pool, struct sl_span url)
{
    for (size_t i = url.len; i > 0; i--) {
        if (url.data[i - 1] == '/') {
            url = sl_span_from(url, i);
            break;
        }
    }
    return pool == NULL ? NULL : sl_pool_message(pool, url);
}

/* One Any. Where its type is known the schema's own writer does it, else "@type" and the bytes. */
static void write_any(struct sl_json_out *out, const struct sl_pool *pool, struct sl_span any)
{
    struct sl_span url = {0};
    struct sl_span value = {0};
    struct sl_rd rd;
    sl_rd_init(&rd, any);
    while (sl_rd_ok(&rd) && sl_rd_left(&rd) > 0) {
        uint64_t tag = sl_rd_varint(&rd);
        if (tag == ANY_TYPE_URL) {
            url = take_bytes(&rd);
        } else if (tag == ANY_VALUE) {
            value = take_bytes(&rd);
        } else {
            skip_field(&rd, tag);
        }
    }
    const struct sl_message_type *any_type =
        pool == NULL ? NULL : sl_pool_message(pool, sl_span_str("google.protobuf.Any"));
    if (any_type != NULL && named_type(pool, url) != NULL) {
        struct sl_buf json;
        struct sl_json_out own;
        struct sl_protojson_result result = {0};
        sl_buf_init(&json, INS_STATUS_DETAILS_MAX);
        sl_json_out_init(&own, &json);
        bool is_written = sl_protojson_write(pool, any_type, any, &own, NULL, &result) == SL_OK &&
                          !result.is_malformed && !json.is_full;
        if (is_written) {
            sl_json_out_raw(out, sl_buf_span(&json));
        }
        sl_buf_release(&json);
        if (is_written) {
            return;
        }
    }
    sl_json_out_begin_object(out);
    sl_json_out_key(out, "@type");
    sl_json_out_span(out, url);
    sl_json_out_key(out, "value");
    sl_json_out_base64(out, value);
    sl_json_out_end_object(out);
}

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
            struct sl_span any = take_bytes(&rd);
            if (sl_rd_ok(&rd) && count++ < INS_STATUS_DETAIL_COUNT_MAX) {
                write_any(out, pool, any);
            }
        } else {
            skip_field(&rd, tag);
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

/* The field in the block that ended the call: trailers, also of Trailers-Only. */
static const struct sl_header *status_field(const struct sl_call *call, const char *name)
{
    return sl_headers_find(&call->response.trailers, name);
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
    sl_json_out_key(out, "message");
    write_message(out, call);
    sl_json_out_key(out, "details");
    write_details_field(out, own, pool, problems);
    sl_json_out_end_object(out);
    sl_json_out_key_str(out, "status_source", sl_status_source_name(call->status_source));
}
