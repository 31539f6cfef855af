/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/tls/keys.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "lib/base/alloc.h"

#define NONE UINT32_MAX

enum {
    FIRST_CAPACITY = 64,
};

#define NONE UINT32_MAX /* no entry */

struct entry {
    uint8_t id[INS_KEYS_ID];
    uint8_t secret[INS_KEYS_SECRET];
    uint8_t kind, len;
    uint32_t next; /* of the same bucket; NONE ends */
};

/* Entries in the order they came, a ring once it has its maximum; a chain of them for each bucket. */
struct table {
    struct entry *entries;
    uint32_t *buckets; /* as many as capacity, a power of two */
    uint32_t capacity, max;
    uint32_t count, oldest;
    uint64_t dropped;
};

struct ins_keys {
    struct table logged, sessions;
    uint64_t seed[2];
    uint64_t generation;
    ins_keys_miss_fn *on_miss;
    void *on_miss_owner;
};

struct ins_keys *ins_keys_new(void)
{
    struct ins_keys *keys = sl_alloc(sizeof(*keys));
    keys->logged.max = INS_KEYS_MAX;
    keys->sessions.max = INS_KEYS_SESSIONS;
    /* Without randomness hostile ids may be slow to find, and nothing is worse than that. */
    (void)RAND_bytes((unsigned char *)keys->seed, sizeof(keys->seed));
    return keys;
}

static void release(struct table *table)
{
    if (table->entries != NULL) {
        OPENSSL_cleanse(table->entries, table->capacity * sizeof(*table->entries));
    }
    sl_free(table->entries);
    sl_free(table->buckets);
}

void ins_keys_free(struct ins_keys *keys)
{
    if (keys != NULL) {
        release(&keys->logged);
        release(&keys->sessions);
        sl_free(keys);
    }
}

static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 32)) * 0xd6e8feb86659fd93U;
    value = (value ^ (value >> 32)) * 0xd6e8feb86659fd93U;
    return value ^ (value >> 32);
}

static uint32_t bucket_of(const struct ins_keys *keys, const struct table *table,
                          const struct entry *entry)
{
    uint64_t hash = keys->seed[0] ^ entry->kind;
    for (size_t at = 0; at < INS_KEYS_ID; at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, entry->id + at, sizeof(word));
        hash = mix(hash ^ word) + keys->seed[1];
    }
    return (uint32_t)mix(hash) & (table->capacity - 1);
}

static void link_entry(const struct ins_keys *keys, struct table *table, uint32_t index)
{
    uint32_t *bucket = &table->buckets[bucket_of(keys, table, &table->entries[index])];
    table->entries[index].next = *bucket;
    *bucket = index;
}

static void unlink_entry(const struct ins_keys *keys, struct table *table, uint32_t index)
{
    uint32_t *link = &table->buckets[bucket_of(keys, table, &table->entries[index])];
    while (*link != index) {
        assert(*link != NONE);
        link = &table->entries[*link].next;
    }
    *link = table->entries[index].next;
}

static void grow(const struct ins_keys *keys, struct table *table)
{
    uint32_t capacity = table->capacity == 0 ? FIRST_CAPACITY : 2 * table->capacity;
    struct entry *entries = sl_calloc(capacity, sizeof(*entries));
    if (table->count > 0) {
        memcpy(entries, table->entries, table->count * sizeof(*entries));
    }
    release(table);
    table->entries = entries;
    table->buckets = sl_calloc(capacity, sizeof(*table->buckets));
    table->capacity = capacity;
    memset(table->buckets, 0xff, capacity * sizeof(*table->buckets));
    for (uint32_t i = 0; i < table->count; i++) {
        link_entry(keys, table, i);
    }
}

static struct table *table_of(struct ins_keys *keys, enum ins_secret kind)
{
    return kind >= INS_SECRET_SESSION_ID ? &keys->sessions : &keys->logged;
}

static struct entry *look_up(struct ins_keys *keys, enum ins_secret kind, struct sl_span id)
{
    if (keys == NULL) {
        return NULL;
    }
    struct table *table = table_of(keys, kind);
    struct entry wanted = {.kind = (uint8_t)kind};
    if (table->count == 0 || id.len == 0 || id.len > INS_KEYS_ID) {
        return NULL;
    }
    memcpy(wanted.id, id.data, id.len);
    uint32_t index = table->buckets[bucket_of(keys, table, &wanted)];
    while (index != NONE && (table->entries[index].kind != wanted.kind ||
                             memcmp(table->entries[index].id, wanted.id, INS_KEYS_ID) != 0)) {
        index = table->entries[index].next;
    }
    return index == NONE ? NULL : &table->entries[index];
}

static struct entry *append(struct ins_keys *keys, struct table *table, const struct entry *entry)
{
    uint32_t index = table->count;
    if (table->count == table->max) {
        index = table->oldest;
        table->oldest = (table->oldest + 1) % table->max;
        table->dropped++;
        unlink_entry(keys, table, index);
    } else {
        if (table->count == table->capacity) {
            grow(keys, table);
        }
        table->count++;
    }
    table->entries[index] = *entry;
    link_entry(keys, table, index);
    return &table->entries[index];
}

bool ins_keys_add(struct ins_keys *keys, enum ins_secret kind, struct sl_span id,
                  struct sl_span secret)
{
    if (id.len == 0 || id.len > INS_KEYS_ID || secret.len == 0 || secret.len > INS_KEYS_SECRET) {
        return false;
    }
    struct entry *entry = look_up(keys, kind, id);
    if (entry != NULL && sl_span_equal(sl_span(entry->secret, entry->len), secret)) {
        return true;
    }
    if (entry == NULL) {
        struct entry fresh = {.kind = (uint8_t)kind};
        memcpy(fresh.id, id.data, id.len);
        entry = append(keys, table_of(keys, kind), &fresh);
    }
    memcpy(entry->secret, secret.data, secret.len);
    entry->len = (uint8_t)secret.len;
    if (kind < INS_SECRET_SESSION_ID) {
        keys->generation++;
    }
    return true;
}

struct sl_span ins_keys_find(struct ins_keys *keys, enum ins_secret kind, struct sl_span id)
{
    const struct entry *entry = look_up(keys, kind, id);
    if (entry == NULL && keys != NULL && kind < INS_SECRET_SESSION_ID && keys->on_miss != NULL) {
        keys->on_miss(keys->on_miss_owner, keys);
        entry = look_up(keys, kind, id);
    }
    return entry == NULL ? sl_span(NULL, 0) : sl_span(entry->secret, entry->len);
}

void ins_keys_on_miss(struct ins_keys *keys, ins_keys_miss_fn *fn, void *owner)
{
    keys->on_miss = fn;
    keys->on_miss_owner = owner;
}

uint64_t ins_keys_generation(const struct ins_keys *keys)
{
    return keys->generation;
}

uint64_t ins_keys_count(const struct ins_keys *keys)
{
    return keys->logged.count;
}

uint64_t ins_keys_dropped(const struct ins_keys *keys)
{
    return keys->logged.dropped;
}
