/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_SHAPE_H
#define INS_SHAPE_H

/*
 * How well the bytes of a message fit a type of the schema, for a call whose method is not known.
 *
 * Any bytes that parse as protobuf "fit" any type as unknown fields do, so it is counted what speaks for
 * the type (fields that it has, in their wire type, UTF-8 where it must be, enum values that it knows)
 * and what against.
 *
 * Ownership: borrows. Limits: INS_SHAPE_DEPTH_MAX messages inside messages, INS_SHAPE_FIELDS_MAX fields.
 */
#include "lib/schema/pool.h"

enum {
    INS_SHAPE_DEPTH_MAX = 8,
    INS_SHAPE_FIELDS_MAX = 512, /* that are looked at, of one message */
};

struct ins_shape {
    uint32_t good;
    uint32_t bad;
    bool is_impossible; /* no message at all, or of other wire types only */
};

struct ins_shape ins_shape_fit(const struct sl_message_type *type, struct sl_span bytes);

/* Valid UTF-8 (RFC 3629). */
bool ins_shape_is_utf8(struct sl_span text);

#endif
