/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_HPACK_H
#define SL_HPACK_H

/*
 * HPACK (RFC 7541): a decoder of our own, and nghttp2's deflater behind limits of ours.
 *
 * One decoder serves one direction of one connection and must see every header block of it, in
 * order. After SL_MALFORMED its table is no longer to be trusted (RFC 7541 3: a decoding error ends
 * the connection) and every further call answers SL_STATE.
 *
 * Where blocks were missed (a capture that begins late, or lost packets) sl_hpack_decoder_distrust()
 * starts over with a table whose entries are unknown. Literals and static indices are then decoded
 * and later entries learned; a field that needs an unknown entry is listed apart, with the slot of
 * that entry: the number of its insertion, which stays while its index changes. The same slot is the
 * same entry. The table is known again after a size update to 0, or to a size that the entries seen
 * since then have filled.
 */
#include "lib/base/buf.h"

enum {
    SL_HPACK_LIST_MAX = 256 * 1024,   /* names and values of one block, decoded */
    SL_HPACK_STRING_MAX = 256 * 1024, /* one string as it is coded; a longer one is malformed */
    SL_HPACK_FIELDS_MAX = 4096,
    SL_HEADERS_SMALL = 2048, /* memory of a list that nobody needs to count */
    SL_HEADERS_MARKS = 64,
    SL_HPACK_TABLE_MAX = 1024 * 1024, /* a larger announced table counts as this */
};

/* Where a field of a decoded block comes from. */
enum sl_field_from {
    SL_FIELD_LITERAL, /* its value is in the block */
    SL_FIELD_STATIC,  /* RFC 7541 Appendix A */
    SL_FIELD_TABLE,   /* the dynamic table */
    /* Not decoded but inferred, by who reads the block (sl_headers_recover): */
    SL_FIELD_SHAPE, /* from what values and messages look like */
    SL_FIELD_ORDER, /* from the order in which its sender writes fields */
};

struct sl_header {
    struct sl_span name;
    struct sl_span value;
    uint64_t slot; /* of the dynamic table's entry that it is, or became; 0: none */
    bool is_never_indexed;
    uint8_t from; /* enum sl_field_from */
};

/* It was not decoded but inferred. */
static inline bool sl_header_is_inferred(const struct sl_header *field)
{
    return field->from == SL_FIELD_SHAPE || field->from == SL_FIELD_ORDER;
}

/* A field that could not be decoded because it needs an entry that was inserted unseen. */
struct sl_lost_field {
    size_t before;        /* it stands before this one of the fields; their count: last */
    uint64_t slot;        /* as in struct sl_header */
    uint64_t name_slot;   /* the unseen entry whose name it has; 0: past any table's size */
    struct sl_span value; /* when has_value */
    bool has_value;       /* only the name is unknown; else it is all of the unseen entry */
    bool is_never_indexed;
};

/* Of a list's memory that other lists share, or that is counted. */
struct sl_headers_memory {
    unsigned lists;
    size_t *total; /* that it counts in, with so many bytes; or NULL */
    size_t bytes;
    bool is_right; /* the rules of requests have found nothing in it: it need not be judged again */
};

/* The fields of one block in wire order. Owns the bytes, alone or with the lists that share them; the
 * spans inside point into it, or to constant bytes. A zeroed struct is an empty list. */
struct sl_headers {
    struct sl_header *fields;
    size_t count;
    size_t capacity;
    struct sl_buf bytes;
    struct sl_lost_field *lost;
    size_t lost_count;
    size_t lost_capacity;
    bool
        is_truncated; /* the block passed a limit; the rest was decoded (for the table) and dropped */
    struct sl_headers_memory *memory; /* NULL: only this list has it, and it is not counted */
    uint8_t
        *places; /* by sl_headers_mark(): the first field of that mark, from 1; 0: there is none */
    bool is_noted; /* places holds */
};

void sl_headers_release(struct sl_headers *headers);
/* to, which is released first, becomes the same list as from without a copy. Nothing may be added to
 * either before sl_headers_clear(). The two are of one thread. */
void sl_headers_share(struct sl_headers *to, struct sl_headers *from);
void sl_headers_clear(struct sl_headers *headers);
/* The list will be kept. Its memory, once for all lists that share it, counts in *total until it is
 * released or cleared; *total outlives it. A small list (SL_HEADERS_SMALL) is not counted. Where *total
 * would pass max the list is cut to its short fields instead, those of gRPC and HTTP/2 before others,
 * and false is returned. */
bool sl_headers_keep(struct sl_headers *headers, size_t *total, size_t max);
/* The memory that it has, shared or not. */
size_t sl_headers_size(const struct sl_headers *headers);
/* Appends a copy. SL_LIMIT past the limits above. */
enum sl_status sl_headers_add(struct sl_headers *headers, struct sl_span name,
                              struct sl_span value);
/* The lost field at index becomes one with this name and value (copied; the value may be the lost
 * field's own), at its place; the lost ones behind it move up. SL_LIMIT past the limits above: then
 * nothing changes. */
enum sl_status sl_headers_recover(struct sl_headers *headers, size_t index, struct sl_span name,
                                  struct sl_span value, enum sl_field_from from);
/* Notes where which names are, so that they are found at once, and also that they are not there. */
void sl_headers_note(struct sl_headers *headers);
/* A number below SL_HEADERS_MARKS that names have in common with few others. */
static inline size_t sl_headers_mark(const char *name, size_t len)
{
    return (len * 5 + (len == 0 ? 0 : (unsigned char)name[len - 1])) % SL_HEADERS_MARKS;
}
const struct sl_header *sl_headers_search(const struct sl_headers *headers, struct sl_span name);
/* The first field of this name, or NULL. Of a literal the compiler knows the mark. */
static inline const struct sl_header *sl_headers_find(const struct sl_headers *headers,
                                                      const char *name)
{
    size_t len = strlen(name);
    if (headers->is_noted) {
        size_t place = headers->places[sl_headers_mark(name, len)];
        if (place == 0) {
            return NULL;
        }
        const struct sl_header *field = &headers->fields[place - 1];
        if (field->name.len == len && memcmp(field->name.data, name, len) == 0) {
            return field;
        }
    }
    return sl_headers_search(headers, sl_span(name, len));
}
size_t sl_headers_tally(const struct sl_headers *headers, struct sl_span name);
/* How many fields have this name. */
static inline size_t sl_headers_count(const struct sl_headers *headers, const char *name)
{
    size_t len = strlen(name);
    if (headers->is_noted && headers->places[sl_headers_mark(name, len)] == 0) {
        return 0;
    }
    return sl_headers_tally(headers, sl_span(name, len));
}

struct sl_hpack_decoder;

/* table_size_max: the SETTINGS_HEADER_TABLE_SIZE that the decoding side has announced. */
struct sl_hpack_decoder *sl_hpack_decoder_new(uint32_t table_size_max);
void sl_hpack_decoder_free(struct sl_hpack_decoder *decoder);
/* The decoding side's announced value changed (on the acknowledgement of its SETTINGS). Below the size
 * in use the next block must begin with an update to it (RFC 7541 4.2). */
void sl_hpack_decoder_set_table_size(struct sl_hpack_decoder *decoder, uint32_t table_size_max);
/* Blocks were missed: what the table holds now is unknown. Also ends the state after SL_MALFORMED. */
void sl_hpack_decoder_distrust(struct sl_hpack_decoder *decoder);
/* What the unseen entry of slot would be if so many entries were inserted unseen since the table was last
 * trusted: an entry that it held then. False when it would be one of those, or none, or when the table
 * was never trusted. ret_field is borrowed until the next call for the decoder; the caller judges. */
bool sl_hpack_decoder_before(const struct sl_hpack_decoder *decoder, uint64_t slot,
                             uint32_t inserted, struct sl_header *ret_field);
/* How many times the table was distrusted. */
uint64_t sl_hpack_decoder_gaps(const struct sl_hpack_decoder *decoder);
/* The size of the dynamic table that the encoder may use now: 4,096, or by its last size update. */
uint32_t sl_hpack_decoder_table_size(const struct sl_hpack_decoder *decoder);
/* A number that changes with the table: what blocks without effect on it mean stays the same meanwhile. */
uint64_t sl_hpack_decoder_epoch(const struct sl_hpack_decoder *decoder);
/* Decodes one complete block. ret_headers is cleared first. ret_headers may be NULL to keep only the
 * table in step. SL_MALFORMED on a decoding error (fields before it are in ret_headers). */
SL_MUST_USE enum sl_status sl_hpack_decode(struct sl_hpack_decoder *decoder, struct sl_span block,
                                           struct sl_headers *ret_headers);

struct sl_hpack_encoder;
struct sl_hpack_encoder *sl_hpack_encoder_new(uint32_t table_size_max);
void sl_hpack_encoder_free(struct sl_hpack_encoder *encoder);
void sl_hpack_encoder_set_table_size(struct sl_hpack_encoder *encoder, uint32_t table_size_max);
/* Appends the block of these fields. */
SL_MUST_USE enum sl_status sl_hpack_encode(struct sl_hpack_encoder *encoder,
                                           const struct sl_header *fields, size_t count,
                                           struct sl_buf *out);

/* How a literal is put on the wire, for blocks whose representation is chosen by hand (RFC 7541 6.2).
 * These never touch an encoder's table. */
enum sl_hpack_literal { SL_HPACK_INCREMENTAL, SL_HPACK_WITHOUT_INDEXING, SL_HPACK_NEVER_INDEXED };
enum sl_status sl_hpack_write_literal(struct sl_buf *out, enum sl_hpack_literal how,
                                      struct sl_span name, struct sl_span value);
enum sl_status sl_hpack_write_indexed(struct sl_buf *out, uint32_t index);
enum sl_status sl_hpack_write_table_size(struct sl_buf *out, uint32_t size);

#endif
