/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_PROTO_FEED_H
#define SL_PROTO_FEED_H

/*
 * The records of one message by ascending field number, whatever their order on the wire.
 *
 * Records of one number stay in wire order. Of a oneof only the records that count are given: those of
 * the member that came last, from where the others end. When the sender wrote the fields in order, as
 * every library does, nothing is allocated; otherwise an index of 8 bytes a record is.
 *
 * Ownership: borrows pool, type and bytes until release.
 */
#include "lib/schema/pool.h"
#include "lib/schema/proto_rd.h"

enum {
    SL_PROTO_INDEX_MAX =
        64 * 1024 * 1024, /* bytes of an index; a message that needs more is refused */
};

struct sl_proto_feed {
    const struct sl_pool *pool;
    const struct sl_message_type *type;
    struct sl_span bytes; /* the well-formed part */
    struct sl_rd rd;
    uint64_t *index; /* number << 32 | offset, ascending; NULL when the wire order will do */
    size_t index_count, index_at;
};

struct sl_proto_item {
    const struct sl_field *field; /* NULL when the type does not know this record */
    struct sl_proto_record record;
};

/* SL_MALFORMED: the bytes end in what is no record; what came before is fed. SL_LIMIT: the index
 * would be too large; nothing is fed. Release it in every case. */
SL_MUST_USE enum sl_status sl_proto_feed_init(struct sl_proto_feed *feed,
                                              const struct sl_pool *pool,
                                              const struct sl_message_type *type,
                                              struct sl_span bytes);
bool sl_proto_feed_next(struct sl_proto_feed *feed, struct sl_proto_item *ret_item);
void sl_proto_feed_release(struct sl_proto_feed *feed);

/* The field that a record is, or NULL: an unknown number, a wire type that does not fit, a field whose
 * type is missing, an unknown number of a closed enum. */
const struct sl_field *sl_proto_feed_field(const struct sl_pool *pool,
                                           const struct sl_message_type *type,
                                           const struct sl_proto_record *record);

/* The wire type of one value of the field (of a packed one: of each element). */
enum sl_proto_wire sl_proto_feed_wire(const struct sl_field *field);

#endif
