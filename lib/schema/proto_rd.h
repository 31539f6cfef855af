/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_PROTO_RD_H
#define SL_PROTO_RD_H

/*
 * The protobuf wire format, one record (tag and value) at a time (protobuf.dev "Encoding").
 *
 * Malformed are: a tag of more than 32 bits, field number 0, wire types 6 and 7, a value that runs
 * past the end, a group without its end, an end without its group. Everything else is taken,
 * whatever the field's type may be.
 *
 * Ownership: borrows the bytes.      Threads: one at a time.      Allocates nothing.
 */
#include "lib/base/rd.h"

enum {
    SL_PROTO_NUMBER_MAX = (1 << 29) - 1,
    SL_PROTO_GROUPS_MAX = 100, /* groups inside a group; more is malformed */
};

enum sl_proto_wire {
    SL_WIRE_VARINT = 0,
    SL_WIRE_FIXED64 = 1,
    SL_WIRE_LEN = 2,
    SL_WIRE_GROUP = 3,
    SL_WIRE_GROUP_END = 4, /* never in a record */
    SL_WIRE_FIXED32 = 5,
};

struct sl_proto_record {
    uint32_t number;
    enum sl_proto_wire wire;
    uint64_t value;       /* of VARINT, FIXED64, FIXED32 */
    struct sl_span bytes; /* of LEN the payload, of GROUP what stands between its tags */
    const uint8_t *start; /* of the tag */
};

/* The next record. False at the end and where the bytes are malformed; sl_rd_ok() then tells which. */
bool sl_proto_rd_next(struct sl_rd *rd, struct sl_proto_record *ret_record);

/* A varint; as sl_rd_varint(), quicker for one byte. */
static inline uint64_t sl_proto_rd_varint(struct sl_rd *rd)
{
    if (!rd->is_failed && rd->pos < rd->end && *rd->pos < 0x80) {
        return *rd->pos++;
    }
    return sl_rd_varint(rd);
}

/* Number of the records, when all of bytes are well-formed; -1 otherwise. Looks into groups, not into
 * payloads. */
ptrdiff_t sl_proto_rd_count(struct sl_span bytes);

/* sint32 and sint64 (ZigZag) as signed. */
static inline int64_t sl_proto_rd_zigzag(uint64_t value)
{
    return (int64_t)(value >> 1 ^ (~(value & 1) + 1));
}

#endif
