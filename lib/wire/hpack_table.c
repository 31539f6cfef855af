/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of the entries lie one behind the other, oldest first. At the end of the memory the live
 * ones move to its beginning when they are at most half of it, so that a byte moves about once.
 */
#include "lib/wire/hpack_table.h"

#include "lib/base/alloc.h"

enum {
    FIRST_ENTRIES = 16,
    FIRST_BYTES = 1024,
};

#define ENTRY(n, v)                             \
    {                                           \
        {(const uint8_t *)(n), sizeof(n) - 1},  \
        {                                       \
            (const uint8_t *)(v), sizeof(v) - 1 \
        }                                       \
    }

/* RFC 7541 Appendix A */
const struct sl_hpack_static sl_hpack_static_table[SL_HPACK_STATIC_COUNT + 1] = {
    ENTRY("", ""),
    ENTRY(":authority", ""),
    ENTRY(":method", "GET"),
    ENTRY(":method", "POST"),
    ENTRY(":path", "/"),
    ENTRY(":path", "/index.html"),
    ENTRY(":scheme", "http"),
    ENTRY(":scheme", "https"),
    ENTRY(":status", "200"),
    ENTRY(":status", "204"),
    ENTRY(":status", "206"),
    ENTRY(":status", "304"),
    ENTRY(":status", "400"),
    ENTRY(":status", "404"),
    ENTRY(":status", "500"),
    ENTRY("accept-charset", ""),
    ENTRY("accept-encoding", "gzip, deflate"),
    ENTRY("accept-language", ""),
    ENTRY("accept-ranges", ""),
    ENTRY("accept", ""),
    ENTRY("access-control-allow-origin", ""),
    ENTRY("age", ""),
    ENTRY("allow", ""),
    ENTRY("authorization", ""),
    ENTRY("cache-control", ""),
    ENTRY("content-disposition", ""),
    ENTRY("content-encoding", ""),
    ENTRY("content-language", ""),
    ENTRY("content-length", ""),
    ENTRY("content-location", ""),
    ENTRY("content-range", ""),
    ENTRY("content-type", ""),
    ENTRY("cookie", ""),
    ENTRY("date", ""),
    ENTRY("etag", ""),
    ENTRY("expect", ""),
    ENTRY("expires", ""),
    ENTRY("from", ""),
    ENTRY("host", ""),
    ENTRY("if-match", ""),
    ENTRY("if-modified-since", ""),
    ENTRY("if-none-match", ""),
    ENTRY("if-range", ""),
    ENTRY("if-unmodified-since", ""),
    ENTRY("last-modified", ""),
    ENTRY("link", ""),
    ENTRY("location", ""),
    ENTRY("max-forwards", ""),
    ENTRY("proxy-authenticate", ""),
    ENTRY("proxy-authorization", ""),
    ENTRY("range", ""),
    ENTRY("referer", ""),
    ENTRY("refresh", ""),
    ENTRY("retry-after", ""),
    ENTRY("server", ""),
    ENTRY("set-cookie", ""),
    ENTRY("strict-transport-security", ""),
    ENTRY("transfer-encoding", ""),
    ENTRY("user-agent", ""),
    ENTRY("vary", ""),
    ENTRY("via", ""),
    ENTRY("www-authenticate", ""),
};

void sl_hpack_table_release(struct sl_hpack_table *table)
{
    sl_free(table->ring);
    sl_free(table->bytes);
    *table = (struct sl_hpack_table){0};
}

void sl_hpack_table_clear(struct sl_hpack_table *table)
{
    table->count = 0;
    table->size = 0;
    table->bytes_len = 0;
}

static const struct sl_hpack_entry *oldest_of(const struct sl_hpack_table *table)
{
    return sl_hpack_table_at(table, table->count);
}

/* Evicts until at most size is taken. */
static uint32_t evict_to(struct sl_hpack_table *table, uint32_t size)
{
    uint32_t gone = 0;
    while (table->size > size) {
        const struct sl_hpack_entry *oldest = oldest_of(table);
        table->size -= oldest->name_len + oldest->value_len + SL_HPACK_ENTRY_OVERHEAD;
        table->count--;
        gone++;
    }
    if (table->count == 0) {
        table->bytes_len = 0;
    }
    return gone;
}

uint32_t sl_hpack_table_resize(struct sl_hpack_table *table, uint32_t max)
{
    table->max = max;
    return evict_to(table, max);
}

/* A ring of twice the entries, each again where its slot says. */
static void grow_ring(struct sl_hpack_table *table)
{
    uint32_t capacity = table->capacity == 0 ? FIRST_ENTRIES : table->capacity * 2;
    struct sl_hpack_entry *ring = sl_calloc(capacity, sizeof ring[0]);
    for (uint32_t index = 1; index <= table->count; index++) {
        ring[(table->inserted - index + 1) & (capacity - 1)] = *sl_hpack_table_at(table, index);
    }
    sl_free(table->ring);
    table->ring = ring;
    table->capacity = capacity;
}

/* Moves the live bytes to the front. */
static void compact(struct sl_hpack_table *table)
{
    uint32_t shift = oldest_of(table)->at;
    memmove(table->bytes, table->bytes + shift, table->bytes_len - shift);
    table->bytes_len -= shift;
    for (uint32_t index = 1; index <= table->count; index++) {
        table->ring[(table->inserted - index + 1) & (table->capacity - 1)].at -= shift;
    }
}

/* Room for len more bytes, which max allows. */
static uint8_t *room_for(struct sl_hpack_table *table, size_t len)
{
    size_t need = table->bytes_len + len + SL_HPACK_TABLE_SLACK;
    if (need > table->bytes_capacity && table->count > 0 &&
        oldest_of(table)->at >= table->bytes_len / 2) {
        compact(table);
        need = table->bytes_len + len + SL_HPACK_TABLE_SLACK;
    }
    if (need > table->bytes_capacity) {
        size_t grown = table->bytes_capacity == 0 ? FIRST_BYTES : table->bytes_capacity * 2;
        table->bytes_capacity = grown < need ? need : grown;
        table->bytes = sl_realloc(table->bytes, table->bytes_capacity);
    }
    return table->bytes + table->bytes_len;
}

uint32_t sl_hpack_table_insert(struct sl_hpack_table *table, const struct sl_hpack_new_entry *entry)
{
    size_t size = entry->name.len + entry->value.len + SL_HPACK_ENTRY_OVERHEAD;
    if (size > table->max) {
        uint32_t gone = evict_to(table, 0);
        table->inserted++;
        return gone;
    }
    uint32_t gone = 0;
    if (table->size + size > table->max) {
        gone = evict_to(table, table->max - (uint32_t)size);
    }
    if (table->count == table->capacity) {
        grow_ring(table);
    }
    size_t own_name = entry->is_name_static ? 0 : entry->name.len;
    uint8_t *room = room_for(table, own_name + entry->value.len);
    table->inserted++;
    table->count++;
    table->size += (uint32_t)size;
    table->ring[table->inserted & (table->capacity - 1)] = (struct sl_hpack_entry){
        .static_name = entry->is_name_static ? entry->name.data : NULL,
        .name_slot = entry->name_slot,
        .at = (uint32_t)table->bytes_len,
        .name_len = (uint32_t)entry->name.len,
        .value_len = (uint32_t)entry->value.len,
    };
    if (own_name > 0) {
        memcpy(room, entry->name.data, own_name);
    }
    if (entry->value.len > 0) {
        memcpy(room + own_name, entry->value.data, entry->value.len);
    }
    table->bytes_len += own_name + entry->value.len;
    return gone;
}
