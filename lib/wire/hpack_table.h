/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_HPACK_TABLE_H
#define SL_HPACK_TABLE_H

/*
 * HPACK's tables (RFC 7541 2.3), as a decoder keeps them.
 *
 * Every entry of the dynamic table has a slot: the number of its insertion, from 1. A field's index
 * counts from the newest entry, and changes with each insertion; its slot does not. Slots that were
 * inserted unseen have numbers as well, so that two fields which need the same unseen entry are known
 * to be the same.
 *
 * Ownership: owns its bytes; a span of it ends with the next insertion, resize or clear.
 * Limits:    max, which the caller bounds; the memory is at most about six times that.
 */
#include "lib/base/span.h"

enum {
    SL_HPACK_STATIC_COUNT = 61,   /* RFC 7541 Appendix A: indices 1 to 61 */
    SL_HPACK_ENTRY_OVERHEAD = 32, /* RFC 7541 4.1 */
    SL_HPACK_TABLE_SLACK = 32,    /* readable bytes behind each span of the table */
};

struct sl_hpack_static {
    struct sl_span name;
    struct sl_span value;
};
/* By index; 0 is empty. */
extern const struct sl_hpack_static sl_hpack_static_table[SL_HPACK_STATIC_COUNT + 1];

struct sl_hpack_entry {
    const uint8_t *static_name; /* constant bytes; NULL: the name stands before the value */
    uint64_t name_slot; /* the unknown entry that the name is of; the name is empty then; else 0 */
    uint32_t at;        /* of its first byte in the table's bytes */
    uint32_t name_len;
    uint32_t value_len;
};

struct sl_hpack_table {
    struct sl_hpack_entry *ring; /* by slot, modulo capacity */
    uint32_t capacity;           /* a power of two, or 0 */
    uint32_t count;              /* entries that are there: the slots up to inserted */
    uint32_t size;               /* RFC 7541 4.1 */
    uint32_t max;
    uint64_t inserted; /* the slot of the newest entry, seen or not */
    uint8_t *bytes;
    size_t bytes_capacity;
    size_t bytes_len;
};

void sl_hpack_table_release(struct sl_hpack_table *table);
/* No entries; the slots go on. */
void sl_hpack_table_clear(struct sl_hpack_table *table);
/* Evicts to fit. Answers how many entries went. */
uint32_t sl_hpack_table_resize(struct sl_hpack_table *table, uint32_t max);

/* What sl_hpack_table_insert() needs; borrowed, and outside the table. */
struct sl_hpack_new_entry {
    struct sl_span name;
    struct sl_span value;
    bool is_name_static; /* the bytes of name are constant */
    uint64_t name_slot;
};
/* Inserts, after evicting what has no room beside it (RFC 7541 4.4). Answers how many entries went. An
 * entry larger than the table empties it and is not kept; its slot counts all the same. */
uint32_t sl_hpack_table_insert(struct sl_hpack_table *table,
                               const struct sl_hpack_new_entry *entry);

/* The entry with an index of the dynamic table, 1 is the newest; index <= count. */
static inline const struct sl_hpack_entry *sl_hpack_table_at(const struct sl_hpack_table *table,
                                                             uint32_t index)
{
    return &table->ring[(table->inserted - index + 1) & (table->capacity - 1)];
}

static inline struct sl_span sl_hpack_entry_name(const struct sl_hpack_table *table,
                                                 const struct sl_hpack_entry *entry)
{
    const uint8_t *own = table->bytes + entry->at;
    return sl_span(entry->static_name != NULL ? entry->static_name : own, entry->name_len);
}

static inline struct sl_span sl_hpack_entry_value(const struct sl_hpack_table *table,
                                                  const struct sl_hpack_entry *entry)
{
    const uint8_t *own = table->bytes + entry->at;
    return sl_span(entry->static_name != NULL ? own : own + entry->name_len, entry->value_len);
}

#endif
