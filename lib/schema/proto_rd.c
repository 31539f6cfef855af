/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/proto_rd.h"

/* A tag's two parts; fails the reader when there is no such tag. */
static bool read_tag(struct sl_rd *rd, uint32_t *ret_number, unsigned *ret_wire)
{
    uint64_t tag = sl_proto_rd_varint(rd);
    *ret_number = (uint32_t)(tag >> 3);
    *ret_wire = (unsigned)(tag & 7);
    if (tag > UINT32_MAX || tag >> 3 == 0) {
        sl_rd_fail(rd);
    }
    return sl_rd_ok(rd);
}

/* The value of anything but a group. */
static bool read_value(struct sl_rd *rd, unsigned wire, struct sl_proto_record *record)
{
    switch (wire) {
    case SL_WIRE_VARINT:
        record->value = sl_proto_rd_varint(rd);
        break;
    case SL_WIRE_FIXED64:
        record->value = sl_rd_le64(rd);
        break;
    case SL_WIRE_FIXED32:
        record->value = sl_rd_le32(rd);
        break;
    case SL_WIRE_LEN: {
        uint64_t len = sl_proto_rd_varint(rd);
        if (len > sl_rd_left(rd)) {
            sl_rd_fail(rd);
            break;
        }
        record->bytes = sl_rd_take(rd, (size_t)len);
        break;
    }
    default:
        sl_rd_fail(rd);
        break;
    }
    return sl_rd_ok(rd);
}

/* Reads to the end tag of the group whose start tag was just read; the bytes between. Does not call
 * itself: how deep groups nest is the sender's choice. */
static struct sl_span read_group(struct sl_rd *rd, uint32_t number)
{
    uint32_t open[SL_PROTO_GROUPS_MAX];
    size_t depth = 0;
    open[depth++] = number;
    const uint8_t *start = rd->pos;
    while (depth > 0) {
        const uint8_t *tag = rd->pos;
        uint32_t inner;
        unsigned wire;
        if (!read_tag(rd, &inner, &wire)) {
            break;
        }
        if (wire == SL_WIRE_GROUP_END) {
            if (inner != open[--depth]) {
                sl_rd_fail(rd);
                break;
            }
            if (depth == 0) {
                return sl_span(start, (size_t)(tag - start));
            }
        } else if (wire == SL_WIRE_GROUP) {
            if (depth == SL_PROTO_GROUPS_MAX) {
                sl_rd_fail(rd);
                break;
            }
            open[depth++] = inner;
        } else {
            struct sl_proto_record skipped;
            if (!read_value(rd, wire, &skipped)) {
                break;
            }
        }
    }
    return sl_span(NULL, 0);
}

bool sl_proto_rd_next(struct sl_rd *rd, struct sl_proto_record *ret_record)
{
    if (sl_rd_left(rd) == 0) {
        return false;
    }
    unsigned wire;
    *ret_record = (struct sl_proto_record){.start = rd->pos};
    if (!read_tag(rd, &ret_record->number, &wire)) {
        return false;
    }
    ret_record->wire = (enum sl_proto_wire)wire;
    if (wire == SL_WIRE_GROUP) {
        ret_record->bytes = read_group(rd, ret_record->number);
        return sl_rd_ok(rd);
    }
    return read_value(rd, wire, ret_record);
}

ptrdiff_t sl_proto_rd_count(struct sl_span bytes)
{
    struct sl_rd rd;
    struct sl_proto_record record;
    ptrdiff_t count = 0;
    sl_rd_init(&rd, bytes);
    while (sl_proto_rd_next(&rd, &record)) {
        count++;
    }
    return sl_rd_ok(&rd) ? count : -1;
}
