/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/view/any.h"

#include "inspector/view/status.h"
#include "lib/schema/protojson.h"

enum { /* google.protobuf.Any, as tags: number << 3 | wire type */
       ANY_TYPE_URL = 1 << 3 | 2,
       ANY_VALUE = 2 << 3 | 2,
       WIRE_VARINT = 0,
       WIRE_FIXED64 = 1,
       WIRE_BYTES = 2,
       WIRE_FIXED32 = 5,
};

struct sl_span ins_pb_take_bytes(struct sl_rd *rd)
{
    uint64_t len = sl_rd_varint(rd);
    if (len > sl_rd_left(rd)) {
        sl_rd_fail(rd);
        return sl_span(NULL, 0);
    }
    return sl_rd_take(rd, (size_t)len);
}

void ins_pb_skip_field(struct sl_rd *rd, uint64_t tag)
{
    switch (tag & 7) {
    case WIRE_VARINT:
        (void)sl_rd_varint(rd);
        break;
    case WIRE_FIXED64:
        (void)sl_rd_take(rd, 8);
        break;
    case WIRE_BYTES:
        (void)ins_pb_take_bytes(rd);
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

void ins_any_write(struct sl_json_out *out, const struct sl_pool *pool, struct sl_span any)
{
    struct sl_span url = {0};
    struct sl_span value = {0};
    struct sl_rd rd;
    sl_rd_init(&rd, any);
    while (sl_rd_ok(&rd) && sl_rd_left(&rd) > 0) {
        uint64_t tag = sl_rd_varint(&rd);
        if (tag == ANY_TYPE_URL) {
            url = ins_pb_take_bytes(&rd);
        } else if (tag == ANY_VALUE) {
            value = ins_pb_take_bytes(&rd);
        } else {
            ins_pb_skip_field(&rd, tag);
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
