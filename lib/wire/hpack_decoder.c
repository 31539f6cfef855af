/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes header blocks (RFC 7541 3 and 6). */
#include "lib/base/alloc.h"
#include "lib/wire/headers_inside.h"
#include "lib/wire/hpack_huffman.h"
#include "lib/wire/hpack_table.h"

enum {
    FIRST_TABLE_SIZE = 4096,    /* RFC 9113 6.5.2 */
    DISTRUST_TABLE = 64 * 1024, /* kept entries after missed blocks: more than senders use */
    UNSEEN_ENTRIES_MAX = SL_HPACK_TABLE_MAX / SL_HPACK_ENTRY_OVERHEAD,
    SHORT_COPY = 32, /* what is not longer is copied as that many bytes */
    KEEP_SCRATCH = 16 * 1024,
    INTEGER_SHIFT_MAX = 28, /* of a 32-bit integer's last byte */

    INDEXED = 0x80,               /* RFC 7541 6.1 */
    LITERAL_INCREMENTAL = 0x40,   /* RFC 7541 6.2.1 */
    TABLE_SIZE_UPDATE = 0x20,     /* RFC 7541 6.3 */
    LITERAL_NEVER_INDEXED = 0x10, /* RFC 7541 6.2.3; without it 6.2.2 */
    IS_HUFFMAN = 0x80,            /* RFC 7541 5.2 */
    INDEX_MASK = INDEXED - 1,     /* the prefixes of RFC 7541 5.1 */
    INCREMENTAL_MASK = LITERAL_INCREMENTAL - 1,
    SIZE_MASK = TABLE_SIZE_UPDATE - 1,
    LITERAL_MASK = LITERAL_NEVER_INDEXED - 1,
    LENGTH_MASK = IS_HUFFMAN - 1,
};
_Static_assert((int)SHORT_COPY <= (int)SL_HPACK_TABLE_SLACK, "copies read into the slack");
_Static_assert((int)SHORT_COPY <= (int)SL_HEADERS_SLACK, "copies write into the slack");

struct sl_hpack_decoder {
    struct sl_hpack_table table;
    struct sl_hpack_table before; /* is_distrusted: what it was; empty when that is not known */
    uint64_t gaps;                /* counts the distrusts */
    uint32_t size_limit;          /* the largest size that an update may name */
    uint32_t update_limit;        /* when is_update_due: the largest that the first one may name */
    uint64_t updates;             /* size updates in blocks, and limits set */
    bool is_update_due;           /* the next block must begin with an update */
    bool is_failed;
    bool is_distrusted;
    bool is_size_certain;  /* is_distrusted: table.max is what the sender uses */
    uint64_t unseen_begin; /* is_distrusted: slots above it may be entries */
    struct sl_buf scratch; /* the literal at hand, where the caller's list does not take it */
};

/* A block that is being decoded. */
struct block {
    const uint8_t *pos, *end;
    struct sl_headers *out; /* or NULL */
};

/* A string as it stands in the block. */
struct coded {
    struct sl_span bytes;
    bool is_huffman;
};

/* The name of a literal field. */
struct name {
    struct sl_span known; /* when there is an index */
    struct coded coded;   /* when there is none */
    bool is_indexed;
    bool is_static;
    bool is_unknown;
    uint64_t unknown_slot; /* is_unknown */
};

static uint32_t capped(uint32_t table_size)
{
    return table_size > SL_HPACK_TABLE_MAX ? SL_HPACK_TABLE_MAX : table_size;
}

struct sl_hpack_decoder *sl_hpack_decoder_new(uint32_t table_size_max)
{
    struct sl_hpack_decoder *decoder = sl_alloc(sizeof *decoder);
    sl_huffman_prepare();
    decoder->table.max = FIRST_TABLE_SIZE;
    sl_hpack_decoder_set_table_size(decoder, table_size_max);
    return decoder;
}

void sl_hpack_decoder_free(struct sl_hpack_decoder *decoder)
{
    if (decoder != NULL) {
        sl_hpack_table_release(&decoder->table);
        sl_hpack_table_release(&decoder->before);
        sl_buf_release(&decoder->scratch);
        sl_free(decoder);
    }
}

void sl_hpack_decoder_set_table_size(struct sl_hpack_decoder *decoder, uint32_t table_size_max)
{
    decoder->size_limit = capped(table_size_max);
    decoder->updates++;
    if (!decoder->is_distrusted && decoder->table.max > decoder->size_limit) {
        decoder->is_update_due = true;
        decoder->update_limit = decoder->size_limit;
        (void)sl_hpack_table_resize(&decoder->table, decoder->size_limit);
    }
}

void sl_hpack_decoder_distrust(struct sl_hpack_decoder *decoder)
{
    struct sl_hpack_table *table = &decoder->table;
    if (!decoder->is_distrusted || table->count > 0) {
        sl_hpack_table_release(&decoder->before);
    }
    if (!decoder->is_distrusted && !decoder->is_failed) {
        decoder->before = *table;
        *table = (struct sl_hpack_table){.inserted = table->inserted};
    }
    sl_hpack_table_clear(table);
    decoder->gaps++;
    table->max = DISTRUST_TABLE;
    decoder->unseen_begin = table->inserted;
    table->inserted += UNSEEN_ENTRIES_MAX;
    decoder->is_distrusted = true;
    decoder->is_size_certain = false;
    decoder->is_update_due = false;
    decoder->is_failed = false;
}

/* Whatever was unseen has left the table. What the other side announced may have gone unseen too. */
static void trust(struct sl_hpack_decoder *decoder)
{
    decoder->is_distrusted = false;
    decoder->size_limit = SL_HPACK_TABLE_MAX;
    sl_hpack_table_release(&decoder->before);
}

/* The entry of a dynamic index when it is beyond those that were seen. */
static uint64_t unseen_slot(const struct sl_hpack_decoder *decoder, uint32_t index)
{
    uint64_t known = decoder->table.inserted - decoder->unseen_begin;
    return index > known ? 0 : decoder->table.inserted - index + 1;
}

bool sl_hpack_decoder_before(const struct sl_hpack_decoder *decoder, uint64_t slot,
                             uint32_t inserted, struct sl_header *ret_field)
{
    const struct sl_hpack_table *before = &decoder->before;
    uint64_t newest = decoder->unseen_begin + UNSEEN_ENTRIES_MAX; /* of what was unseen */
    if (!decoder->is_distrusted || slot > newest || newest - slot < inserted ||
        newest - slot - inserted >= before->count) {
        return false;
    }
    uint32_t index = (uint32_t)(newest - slot - inserted) + 1;
    const struct sl_hpack_entry *entry = sl_hpack_table_at(before, index);
    *ret_field = (struct sl_header){
        .name = sl_hpack_entry_name(before, entry),
        .value = sl_hpack_entry_value(before, entry),
    };
    return entry->name_slot == 0;
}

uint64_t sl_hpack_decoder_gaps(const struct sl_hpack_decoder *decoder)
{
    return decoder->gaps;
}

/* ---- primitives ---- */

/* What follows a prefix of ones (RFC 7541 5.1). False past 32 bits or the block's end. */
static bool read_long_integer(struct block *block, uint32_t *value)
{
    uint64_t sum = *value;
    for (unsigned shift = 0; shift <= INTEGER_SHIFT_MAX; shift += 7) {
        if (block->pos == block->end) {
            return false;
        }
        uint8_t byte = *block->pos++;
        sum += (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *value = (uint32_t)sum;
            return sum <= UINT32_MAX;
        }
    }
    return false;
}

/* The integer whose prefix is in the byte at pos; there must be one. */
static bool read_integer(struct block *block, uint32_t mask, uint32_t *ret_value)
{
    *ret_value = *block->pos++ & mask;
    return *ret_value != mask || read_long_integer(block, ret_value);
}

static bool read_string(struct block *block, struct coded *ret_coded)
{
    if (block->pos == block->end) {
        return false;
    }
    ret_coded->is_huffman = (*block->pos & IS_HUFFMAN) != 0;
    uint32_t len = 0;
    if (!read_integer(block, LENGTH_MASK, &len) || len > SL_HPACK_STRING_MAX ||
        len > (size_t)(block->end - block->pos)) {
        return false;
    }
    ret_coded->bytes = sl_span(block->pos, len);
    block->pos += len;
    return true;
}

/* Bytes of output that a string needs while it is decoded. */
static size_t coded_room(const struct coded *coded)
{
    return coded->is_huffman ? sl_huffman_room(coded->bytes.len) : coded->bytes.len;
}

static bool decode_string(const struct coded *coded, uint8_t *room, size_t *ret_len)
{
    if (coded->is_huffman) {
        return sl_huffman_decode(coded->bytes, room, ret_len);
    }
    if (coded->bytes.len > 0) {
        memcpy(room, coded->bytes.data, coded->bytes.len);
    }
    *ret_len = coded->bytes.len;
    return true;
}

/* ---- fields ---- */

/* A list that still takes fields. */
static bool is_open(const struct sl_headers *out)
{
    return out != NULL && !out->is_truncated;
}

static void add_static(struct sl_headers *out, uint32_t index)
{
    struct sl_header *field = sl_headers_next(out);
    if (field == NULL) {
        out->is_truncated = true;
        return;
    }
    field->name = sl_hpack_static_table[index].name;
    field->value = sl_hpack_static_table[index].value;
    field->slot = 0;
    field->is_never_indexed = false;
    field->from = SL_FIELD_STATIC;
}

static void add_lost(struct sl_headers *out, const struct sl_lost_field *lost)
{
    struct sl_lost_field *added = sl_headers_add_lost(out);
    if (added == NULL) {
        out->is_truncated = true;
        return;
    }
    size_t before = added->before;
    *added = *lost;
    added->before = before;
}

/* Name and value of an entry, copied behind the list's bytes, which do not count them yet. NULL when
 * they have no room. */
static uint8_t *copy_entry(const struct sl_hpack_decoder *decoder,
                           const struct sl_hpack_entry *entry, struct sl_headers *out,
                           size_t *ret_len)
{
    size_t len = entry->value_len + (entry->static_name != NULL ? 0 : (size_t)entry->name_len);
    const uint8_t *bytes = decoder->table.bytes + entry->at;
    uint8_t *room = NULL;
    if (len <= SL_HPACK_LIST_MAX - out->bytes.len) {
        room = sl_headers_room(out, len < SHORT_COPY ? SHORT_COPY : len);
    }
    if (room != NULL) {
        if (len <= SHORT_COPY) {
            memcpy(room, bytes, SHORT_COPY);
        } else {
            memcpy(room, bytes, len);
        }
    }
    *ret_len = len;
    return room;
}

static void add_entry(const struct sl_hpack_decoder *decoder, uint32_t index,
                      struct sl_headers *out)
{
    const struct sl_hpack_entry *entry = sl_hpack_table_at(&decoder->table, index);
    uint64_t slot = decoder->table.inserted - index + 1;
    size_t len = 0;
    uint8_t *room = copy_entry(decoder, entry, out, &len);
    if (room == NULL) {
        out->is_truncated = true;
        return;
    }
    if (entry->name_slot != 0) {
        out->bytes.len += len;
        add_lost(out, &(struct sl_lost_field){.slot = slot,
                                              .name_slot = entry->name_slot,
                                              .value = sl_span(room, len),
                                              .has_value = true});
        return;
    }
    struct sl_header *field = sl_headers_next(out);
    if (field == NULL) {
        out->is_truncated = true;
        return;
    }
    out->bytes.len += len;
    bool is_static = entry->static_name != NULL;
    field->name = sl_span(is_static ? entry->static_name : room, entry->name_len);
    field->value = sl_span(is_static ? room : room + entry->name_len, entry->value_len);
    field->slot = slot;
    field->is_never_indexed = false;
    field->from = SL_FIELD_TABLE;
}

/* RFC 7541 6.1 */
static bool decode_indexed(struct sl_hpack_decoder *decoder, struct block *block)
{
    uint32_t index = 0;
    if (!read_integer(block, INDEX_MASK, &index) || index == 0) {
        return false;
    }
    bool is_kept = is_open(block->out);
    if (index <= SL_HPACK_STATIC_COUNT) {
        if (is_kept) {
            add_static(block->out, index);
        }
        return true;
    }
    index -= SL_HPACK_STATIC_COUNT;
    if (index <= decoder->table.count) {
        if (is_kept) {
            add_entry(decoder, index, block->out);
        }
        return true;
    }
    if (!decoder->is_distrusted) {
        return false;
    }
    if (is_kept) {
        uint64_t slot = unseen_slot(decoder, index);
        add_lost(block->out, &(struct sl_lost_field){.slot = slot, .name_slot = slot});
    }
    return true;
}

/* The name of a literal field: its index, or the string. */
static bool read_name(const struct sl_hpack_decoder *decoder, struct block *block, uint32_t mask,
                      struct name *ret_name)
{
    uint32_t index = 0;
    *ret_name = (struct name){0};
    if (!read_integer(block, mask, &index)) {
        return false;
    }
    if (index == 0) {
        return read_string(block, &ret_name->coded);
    }
    ret_name->is_indexed = true;
    if (index <= SL_HPACK_STATIC_COUNT) {
        ret_name->is_static = true;
        ret_name->known = sl_hpack_static_table[index].name;
        return true;
    }
    index -= SL_HPACK_STATIC_COUNT;
    if (index > decoder->table.count) {
        ret_name->is_unknown = true;
        ret_name->unknown_slot = unseen_slot(decoder, index);
        return decoder->is_distrusted;
    }
    const struct sl_hpack_entry *entry = sl_hpack_table_at(&decoder->table, index);
    ret_name->is_static = entry->static_name != NULL;
    ret_name->is_unknown = entry->name_slot != 0;
    ret_name->unknown_slot = entry->name_slot;
    ret_name->known = sl_hpack_entry_name(&decoder->table, entry);
    return true;
}

/* Bytes that name and value may need while they are decoded. */
static size_t literal_room(const struct name *name, const struct coded *value)
{
    size_t name_room = name->is_static ? 0 : name->known.len;
    return (name->is_indexed ? name_room : coded_room(&name->coded)) + coded_room(value);
}

/* Decodes name and value into room, one behind the other. */
static bool decode_strings(const struct name *name, const struct coded *value, uint8_t *room,
                           struct sl_hpack_new_entry *ret_entry)
{
    size_t name_len = 0;
    if (!name->is_indexed) {
        if (!decode_string(&name->coded, room, &name_len)) {
            return false;
        }
    } else if (!name->is_static && name->known.len > 0) {
        name_len = name->known.len;
        memcpy(room, name->known.data, name_len);
    }
    size_t value_len = 0;
    if (!decode_string(value, room + name_len, &value_len)) {
        return false;
    }
    *ret_entry = (struct sl_hpack_new_entry){
        .name = name->is_static ? name->known : sl_span(room, name_len),
        .value = sl_span(room + name_len, value_len),
        .is_name_static = name->is_static,
        .name_slot = name->is_unknown ? name->unknown_slot : 0,
    };
    return true;
}

/* A literal as a field of the list, whose bytes it stands behind. */
static void add_literal(struct sl_headers *out, const struct name *name,
                        const struct sl_hpack_new_entry *entry, uint64_t slot,
                        bool is_never_indexed)
{
    size_t len = entry->value.len + (name->is_static ? 0 : entry->name.len);
    if (len > SL_HPACK_LIST_MAX - out->bytes.len) {
        out->is_truncated = true;
        return;
    }
    if (name->is_unknown) {
        out->bytes.len += len;
        add_lost(out, &(struct sl_lost_field){.slot = slot,
                                              .name_slot = name->unknown_slot,
                                              .value = entry->value,
                                              .has_value = true,
                                              .is_never_indexed = is_never_indexed});
        return;
    }
    struct sl_header *field = sl_headers_next(out);
    if (field == NULL) {
        out->is_truncated = true;
        return;
    }
    out->bytes.len += len;
    field->name = entry->name;
    field->value = entry->value;
    field->slot = slot;
    field->is_never_indexed = is_never_indexed;
    field->from = SL_FIELD_LITERAL;
}

/* Room of our own for a literal that the list takes none of, or has none for before its length is
 * known. */
static uint8_t *room_apart(struct sl_hpack_decoder *decoder, size_t len)
{
    decoder->scratch.max = 2 * sl_huffman_room(SL_HPACK_STRING_MAX) + SL_HPACK_TABLE_MAX;
    sl_buf_clear(&decoder->scratch);
    return sl_buf_reserve(&decoder->scratch, len);
}

/* Copies a literal that was decoded apart to behind the list's bytes, if they still allow. */
static bool move_behind(struct sl_headers *out, const struct name *name,
                        struct sl_hpack_new_entry *entry)
{
    size_t name_len = name->is_static ? 0 : entry->name.len;
    size_t len = name_len + entry->value.len;
    uint8_t *room = len > SL_HPACK_LIST_MAX - out->bytes.len ? NULL : sl_headers_room(out, len);
    if (room == NULL) {
        out->is_truncated = true;
        return false;
    }
    if (name_len > 0) {
        memcpy(room, entry->name.data, name_len);
        entry->name.data = room;
    }
    if (entry->value.len > 0) {
        memcpy(room + name_len, entry->value.data, entry->value.len);
        entry->value.data = room + name_len;
    }
    return true;
}

/* RFC 7541 6.2 */
static bool decode_literal(struct sl_hpack_decoder *decoder, struct block *block, uint8_t first)
{
    bool is_incremental = (first & LITERAL_INCREMENTAL) != 0;
    struct name name;
    struct coded value;
    if (!read_name(decoder, block, is_incremental ? INCREMENTAL_MASK : LITERAL_MASK, &name) ||
        !read_string(block, &value)) {
        return false;
    }
    struct sl_headers *out = is_open(block->out) ? block->out : NULL;
    size_t len = literal_room(&name, &value);
    uint8_t *room = out == NULL ? NULL : sl_headers_room(out, len);
    bool is_apart = room == NULL;
    room = is_apart ? room_apart(decoder, len) : room;
    struct sl_hpack_new_entry entry;
    if (room == NULL || !decode_strings(&name, &value, room, &entry)) {
        return false;
    }
    if (out != NULL && (!is_apart || move_behind(out, &name, &entry))) {
        add_literal(out, &name, &entry, is_incremental ? decoder->table.inserted + 1 : 0,
                    !is_incremental && (first & LITERAL_NEVER_INDEXED) != 0);
    }
    if (is_incremental && sl_hpack_table_insert(&decoder->table, &entry) > 0 &&
        decoder->is_distrusted && decoder->is_size_certain) {
        trust(decoder);
    }
    return true;
}

/* RFC 7541 6.3 and 4.2 */
static bool decode_size_update(struct sl_hpack_decoder *decoder, struct block *block)
{
    uint32_t size = 0;
    if (!read_integer(block, SIZE_MASK, &size)) {
        return false;
    }
    decoder->updates++;
    if (decoder->is_distrusted) {
        /* More than what is kept says nothing about what was evicted. */
        decoder->is_size_certain = size <= DISTRUST_TABLE;
        uint32_t gone = sl_hpack_table_resize(&decoder->table,
                                              decoder->is_size_certain ? size : DISTRUST_TABLE);
        if (size == 0 || (gone > 0 && decoder->is_size_certain)) {
            trust(decoder);
        }
        return true;
    }
    uint32_t limit = decoder->size_limit;
    if (decoder->is_update_due && decoder->update_limit < limit) {
        limit = decoder->update_limit;
    }
    if (size > limit) {
        return false;
    }
    decoder->is_update_due = false;
    (void)sl_hpack_table_resize(&decoder->table, size);
    return true;
}

static bool decode_block(struct sl_hpack_decoder *decoder, struct block *block)
{
    while (block->pos < block->end && (*block->pos & ~SIZE_MASK & 0xff) == TABLE_SIZE_UPDATE) {
        if (!decode_size_update(decoder, block)) {
            return false;
        }
    }
    if (decoder->is_update_due) {
        return false;
    }
    while (block->pos < block->end) {
        uint8_t first = *block->pos;
        bool is_good = false;
        if ((first & INDEXED) != 0) {
            is_good = decode_indexed(decoder, block);
        } else if ((first & LITERAL_INCREMENTAL) != 0 || (first & TABLE_SIZE_UPDATE) == 0) {
            is_good = decode_literal(decoder, block, first);
        } /* An update behind a field is malformed. */
        if (!is_good) {
            return false;
        }
    }
    return true;
}

uint32_t sl_hpack_decoder_table_size(const struct sl_hpack_decoder *decoder)
{
    return decoder->table.max;
}

uint64_t sl_hpack_decoder_epoch(const struct sl_hpack_decoder *decoder)
{
    return decoder->table.inserted + decoder->updates;
}

enum sl_status sl_hpack_decode(struct sl_hpack_decoder *decoder, struct sl_span block,
                               struct sl_headers *ret_headers)
{
    if (ret_headers != NULL) {
        sl_headers_clear(ret_headers);
    }
    if (decoder->is_failed) {
        return SL_STATE;
    }
    struct block state = {.out = ret_headers};
    if (block.len > 0) {
        state.pos = block.data;
        state.end = block.data + block.len;
    }
    decoder->is_failed = !decode_block(decoder, &state);
    if (ret_headers != NULL) {
        sl_headers_note(ret_headers);
    }
    if (decoder->scratch.capacity > KEEP_SCRATCH) {
        sl_buf_release(&decoder->scratch);
    }
    return decoder->is_failed ? SL_MALFORMED : SL_OK;
}
