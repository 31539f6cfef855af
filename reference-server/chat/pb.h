/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_PB_H
#define SRV_PB_H

/*
 * The protobuf wire format, as much of it as the server's few flat messages need.
 *
 * Generated protobuf-c code is not used on the message path: it cuts strings at a NUL, rejects what
 * other implementations skip, and does not check UTF-8.
 */
#include "lib/base/buf.h"
#include "lib/base/rd.h"

enum srv_pb_wire {
    SRV_PB_VARINT = 0,
    SRV_PB_FIXED64 = 1,
    SRV_PB_BYTES = 2,
    SRV_PB_GROUP_START = 3,
    SRV_PB_GROUP_END = 4,
    SRV_PB_FIXED32 = 5,
};

enum {
    SRV_PB_DEPTH_MAX = 100, /* groups inside one another, as libprotobuf allows */
};

struct srv_pb_field {
    uint32_t number;
    enum srv_pb_wire wire;
    uint64_t value;       /* of a varint */
    struct sl_span bytes; /* of a length-delimited field, borrowed */
};

/* The next field; unknown groups are checked and passed over. False at the end of the message and on
 * malformed input: sl_rd_ok() tells which. */
bool srv_pb_next(struct sl_rd *rd, struct srv_pb_field *ret_field);

/* Takes field into *string when it is field `number` of type string. False when it is, and is not valid
 * UTF-8. A field of another wire type is an unknown one and is left alone. */
bool srv_pb_take_string(const struct srv_pb_field *field, uint32_t number, struct sl_span *string);

/* Appends a field; a proto3 default (empty, zero) is left out. */
void srv_pb_put_string(struct sl_buf *out, uint32_t number, struct sl_span value);
void srv_pb_put_varint(struct sl_buf *out, uint32_t number, uint64_t value);

/* The same for messages on the path of a call, which are measured first and then written once, to where they stay: the
 * bytes of a field, and a field written at `at`, which has room for it; returns its end. */
size_t srv_pb_string_size(uint32_t number, size_t len);
size_t srv_pb_varint_size(uint32_t number, uint64_t value);
uint8_t *srv_pb_write_string(uint8_t *at, uint32_t number, struct sl_span value);
uint8_t *srv_pb_write_varint(uint8_t *at, uint32_t number, uint64_t value);

#endif
