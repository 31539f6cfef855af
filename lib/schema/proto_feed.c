/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/proto_feed.h"

#include <stdlib.h>

#include "lib/base/alloc.h"

enum sl_proto_wire sl_proto_feed_wire(const struct sl_field *field)
{
    static const uint8_t wires[] = {
        [SL_TYPE_DOUBLE] = SL_WIRE_FIXED64,   [SL_TYPE_FLOAT] = SL_WIRE_FIXED32,
        [SL_TYPE_INT64] = SL_WIRE_VARINT,     [SL_TYPE_UINT64] = SL_WIRE_VARINT,
        [SL_TYPE_INT32] = SL_WIRE_VARINT,     [SL_TYPE_FIXED64] = SL_WIRE_FIXED64,
        [SL_TYPE_FIXED32] = SL_WIRE_FIXED32,  [SL_TYPE_BOOL] = SL_WIRE_VARINT,
        [SL_TYPE_STRING] = SL_WIRE_LEN,       [SL_TYPE_GROUP] = SL_WIRE_GROUP,
        [SL_TYPE_MESSAGE] = SL_WIRE_LEN,      [SL_TYPE_BYTES] = SL_WIRE_LEN,
        [SL_TYPE_UINT32] = SL_WIRE_VARINT,    [SL_TYPE_ENUM] = SL_WIRE_VARINT,
        [SL_TYPE_SFIXED32] = SL_WIRE_FIXED32, [SL_TYPE_SFIXED64] = SL_WIRE_FIXED64,
        [SL_TYPE_SINT32] = SL_WIRE_VARINT,    [SL_TYPE_SINT64] = SL_WIRE_VARINT,
    };
    return (enum sl_proto_wire)wires[field->type];
}

/* False for a field whose message or enum type is in no set. */
static bool has_type(const struct sl_field *field)
{
    switch ((int)field->type) {
    case SL_TYPE_MESSAGE:
    case SL_TYPE_GROUP:
        return field->message != NULL && (!field->is_map || has_type(&field->message->fields[1]));
    case SL_TYPE_ENUM:
        return field->enumeration != NULL;
    default:
        return true;
    }
}

const struct sl_field *sl_proto_feed_field(const struct sl_pool *pool,
                                           const struct sl_message_type *type,
                                           const struct sl_proto_record *record)
{
    const struct sl_field *field = sl_message_type_field(type, record->number);
    if (field == NULL && type->well_known == SL_WKT_NONE) {
        field = sl_pool_extension(pool, type, record->number);
    }
    if (field == NULL || !has_type(field)) {
        return NULL;
    }
    enum sl_proto_wire wire = sl_proto_feed_wire(field);
    if (record->wire != wire) {
        bool is_scalar = wire != SL_WIRE_LEN && wire != SL_WIRE_GROUP;
        bool is_packed = field->is_repeated && is_scalar && record->wire == SL_WIRE_LEN;
        return is_packed ? field : NULL;
    }
    if (field->type == SL_TYPE_ENUM && field->enumeration->is_closed &&
        sl_enum_type_name(field->enumeration, (int32_t)record->value) == NULL) {
        return NULL;
    }
    return field;
}

/* True when the wire order will do: numbers never fall, and of each oneof only one member is there. */
static bool is_in_order(struct sl_proto_feed *feed, bool *ret_is_malformed)
{
    struct sl_rd rd;
    struct sl_proto_record record;
    uint32_t last = 0;
    uint32_t last_member = 0; /* number of the latest record that is a oneof's member */
    uint64_t oneofs = 0;      /* seen, by index */
    bool is_ordered = true;
    const uint8_t *good = NULL;
    sl_rd_init(&rd, feed->bytes);
    good = rd.pos;
    while (sl_proto_rd_next(&rd, &record)) {
        good = rd.pos;
        if (record.number < last) {
            is_ordered = false;
        }
        const struct sl_field *field = NULL;
        if (feed->type->oneof_count > 0 && is_ordered) {
            field = sl_proto_feed_field(feed->pool, feed->type, &record);
        }
        if (field != NULL && field->oneof >= 0 && record.number != last_member) {
            last_member = record.number;
            uint64_t bit = field->oneof < 64 ? UINT64_C(1) << field->oneof : 0;
            is_ordered = is_ordered && bit != 0 && (oneofs & bit) == 0;
            oneofs |= bit;
        }
        last = record.number;
    }
    *ret_is_malformed = !sl_rd_ok(&rd);
    feed->bytes.len = feed->bytes.len == 0 ? 0 : (size_t)(good - feed->bytes.data);
    return is_ordered;
}

/* Which member of a oneof counts, and from which byte on. */
struct winner {
    uint32_t number;
    uint32_t offset;
};

static int by_value(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* Finds the members that count, by oneof index; the array is yours. ret_count gets all records. */
static struct winner *find_winners(struct sl_proto_feed *feed, size_t *ret_count)
{
    struct winner *winners = sl_calloc(feed->type->oneof_count, sizeof(*winners));
    struct sl_rd rd;
    struct sl_proto_record record;
    *ret_count = 0;
    sl_rd_init(&rd, feed->bytes);
    while (sl_proto_rd_next(&rd, &record)) {
        (*ret_count)++;
        const struct sl_field *field = sl_proto_feed_field(feed->pool, feed->type, &record);
        if (field != NULL && field->oneof >= 0 && winners[field->oneof].number != record.number) {
            winners[field->oneof] =
                (struct winner){record.number, (uint32_t)(record.start - feed->bytes.data)};
        }
    }
    return winners;
}

static enum sl_status make_index(struct sl_proto_feed *feed)
{
    if (feed->bytes.len > UINT32_MAX) {
        return SL_LIMIT;
    }
    size_t count;
    struct winner *winners = find_winners(feed, &count);
    if (count > SL_PROTO_INDEX_MAX / sizeof(uint64_t)) {
        sl_free(winners);
        return SL_LIMIT;
    }
    feed->index = sl_calloc(count, sizeof(uint64_t));
    struct sl_rd rd;
    struct sl_proto_record record;
    sl_rd_init(&rd, feed->bytes);
    while (sl_proto_rd_next(&rd, &record)) {
        uint32_t offset = (uint32_t)(record.start - feed->bytes.data);
        const struct sl_field *field = sl_proto_feed_field(feed->pool, feed->type, &record);
        bool is_lost = false;
        if (field != NULL && field->oneof >= 0) {
            const struct winner *winner = &winners[field->oneof];
            is_lost = winner->number != record.number || offset < winner->offset;
        }
        if (!is_lost) {
            feed->index[feed->index_count++] = (uint64_t)record.number << 32 | offset;
        }
    }
    sl_free(winners);
    qsort(feed->index, feed->index_count, sizeof(uint64_t), by_value);
    return SL_OK;
}

enum sl_status sl_proto_feed_init(struct sl_proto_feed *feed, const struct sl_pool *pool,
                                  const struct sl_message_type *type, struct sl_span bytes)
{
    *feed = (struct sl_proto_feed){.pool = pool, .type = type, .bytes = bytes};
    bool is_malformed;
    enum sl_status status = SL_OK;
    if (!is_in_order(feed, &is_malformed)) {
        status = make_index(feed);
    }
    if (status != SL_OK) {
        feed->bytes = sl_span(NULL, 0);
    }
    sl_rd_init(&feed->rd, feed->bytes);
    return status == SL_OK && is_malformed ? SL_MALFORMED : status;
}

bool sl_proto_feed_next(struct sl_proto_feed *feed, struct sl_proto_item *ret_item)
{
    if (feed->index != NULL) {
        if (feed->index_at == feed->index_count) {
            return false;
        }
        uint32_t offset = (uint32_t)feed->index[feed->index_at++];
        sl_rd_init(&feed->rd, sl_span_from(feed->bytes, offset));
    }
    if (!sl_proto_rd_next(&feed->rd, &ret_item->record)) {
        return false;
    }
    ret_item->field = sl_proto_feed_field(feed->pool, feed->type, &ret_item->record);
    return true;
}

void sl_proto_feed_release(struct sl_proto_feed *feed)
{
    sl_free(feed->index);
    feed->index = NULL;
}
