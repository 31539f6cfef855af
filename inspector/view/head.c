/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/view/head.h"

#include "lib/base/rd.h"
#include "lib/schema/proto_rd.h"

enum {
    WIRE_BITS = 3,
};

/* A varint that is all there. */
static bool read_varint(struct sl_rd *rd, uint64_t *ret_value)
{
    *ret_value = sl_rd_varint(rd);
    return sl_rd_ok(rd);
}

/* Skips a value that is no payload and no group. */
static bool skip_number(struct sl_rd *rd, enum sl_proto_wire wire)
{
    if (wire == SL_WIRE_VARINT) {
        (void)sl_rd_varint(rd);
    } else {
        (void)sl_rd_take(rd, wire == SL_WIRE_FIXED64 ? 8 : 4);
    }
    return sl_rd_ok(rd);
}

struct sl_span ins_head_as_message(struct sl_span head, struct sl_buf *scratch)
{
    struct sl_rd rd;
    size_t whole = 0; /* bytes of whole records */
    size_t groups = 0;
    sl_rd_init(&rd, head);
    while (sl_rd_left(&rd) > 0) {
        uint64_t tag = 0;
        uint64_t len = 0;
        if (!read_varint(&rd, &tag)) {
            break;
        }
        enum sl_proto_wire wire = (enum sl_proto_wire)(tag & ((1U << WIRE_BITS) - 1));
        if (wire == SL_WIRE_GROUP) {
            groups++;
        } else if (wire == SL_WIRE_GROUP_END && groups > 0) {
            groups--;
        } else if (wire == SL_WIRE_VARINT || wire == SL_WIRE_FIXED64 || wire == SL_WIRE_FIXED32) {
            if (!skip_number(&rd, wire)) {
                break;
            }
        } else if (wire != SL_WIRE_LEN || !read_varint(&rd, &len)) {
            break;
        } else if (len <= sl_rd_left(&rd)) {
            (void)sl_rd_take(&rd, (size_t)len);
        } else if (groups > 0) {
            break;
        } else {
            struct sl_span rest = sl_rd_rest(&rd);
            sl_buf_clear(scratch);
            (void)sl_buf_add_span(scratch, sl_span_first(head, whole));
            (void)sl_buf_add_varint(scratch, tag);
            (void)sl_buf_add_varint(scratch, rest.len);
            (void)sl_buf_add_span(scratch, rest);
            return sl_buf_span(scratch);
        }
        if (groups == 0) {
            whole = head.len - sl_rd_left(&rd);
        }
    }
    return sl_span_first(head, whole);
}
