/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong servers: decoders of HPACK. A request's block is written anew so that the session reads what they would. */
#include "lib/base/rd.h"
#include "reference-server/frontend/h2/wire/deviation.h"

enum {
    LAST_STATIC = 61, /* RFC 7541 Appendix A */
    FAR_INDEX = 70,   /* far behind what a request's block may refer to */
    INTEGER_BYTES = 5,
    TABLE_SIZE = 4096, /* RFC 9113 6.5.2: until SETTINGS say otherwise */
};

/* A representation begins with these bits, then an integer of so many (RFC 7541 6). */
enum kind {
    INDEXED,
    INCREMENTAL,
    SIZE_UPDATE,
    NEVER,
    PLAIN,
    KINDS,
};
static const struct {
    uint8_t mask, pattern, bits;
} kinds[KINDS] = {
    [INDEXED] = {0x80, 0x80, 7}, [INCREMENTAL] = {0xC0, 0x40, 6}, [SIZE_UPDATE] = {0xE0, 0x20, 5},
    [NEVER] = {0xF0, 0x10, 4},   [PLAIN] = {0xF0, 0x00, 4},
};
struct field {
    enum kind kind;
    uint32_t number; /* index, or size */
    struct sl_span
        strings; /* of a literal: name, where there is no index, and value, as they came */
};

/* False drops the field. */
typedef bool (*field_change)(struct field *field);

/* The bits after a prefix: RFC 7541 5.1. */
static uint32_t read_integer(struct sl_rd *rd, uint8_t first, unsigned bits)
{
    uint32_t most = (1U << bits) - 1;
    uint64_t value = first & most;
    uint8_t byte = 0x80;
    for (unsigned i = 0; value >= most && (byte & 0x80) != 0 && i < INTEGER_BYTES; i++) {
        byte = sl_rd_u8(rd);
        value += (uint64_t)(byte & 0x7F) << (7 * i);
    }
    return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

static void write_integer(struct sl_buf *out, uint8_t pattern, unsigned bits, uint32_t value)
{
    uint32_t most = (1U << bits) - 1;
    if (value < most) {
        (void)sl_buf_add_u8(out, (uint8_t)(pattern | value));
        return;
    }
    (void)sl_buf_add_u8(out, (uint8_t)(pattern | most));
    for (value -= most; value >= 0x80; value >>= 7) {
        (void)sl_buf_add_u8(out, (uint8_t)(value | 0x80));
    }
    (void)sl_buf_add_u8(out, (uint8_t)value);
}

static void skip_string(struct sl_rd *rd)
{
    uint8_t first = sl_rd_u8(rd);
    (void)sl_rd_take(rd, read_integer(rd, first, 7));
}

/* False at the end, and where the block is malformed. */
static bool read_field(struct sl_rd *rd, struct sl_span block, struct field *field)
{
    if (sl_rd_left(rd) == 0) {
        return false;
    }
    uint8_t first = sl_rd_u8(rd);
    field->kind = INDEXED;
    while ((first & kinds[field->kind].mask) != kinds[field->kind].pattern) {
        field->kind++;
    }
    field->number = read_integer(rd, first, kinds[field->kind].bits);
    size_t from = block.len - sl_rd_left(rd);
    if (field->kind != INDEXED && field->kind != SIZE_UPDATE) {
        if (field->number == 0) {
            skip_string(rd);
        }
        skip_string(rd);
    }
    field->strings = sl_span_from(sl_span_first(block, block.len - sl_rd_left(rd)), from);
    return sl_rd_ok(rd);
}

/* Blocks in several frames, padded ones and malformed ones pass as they are. */
static bool rewrite(struct srv_wire *wire, const struct srv_wire_frame *frame, field_change change,
                    struct sl_span before)
{
    if (frame->type != SL_H2_HEADERS || frame->stream == 0 ||
        (frame->flags & ~SL_H2_FLAG_END_STREAM) != SL_H2_FLAG_END_HEADERS) {
        return false;
    }
    struct sl_buf block;
    struct sl_rd rd;
    struct field field;
    sl_buf_init(&block, SRV_WIRE_BLOCK_MAX);
    sl_rd_init(&rd, frame->payload);
    (void)sl_buf_add_span(&block, before);
    while (read_field(&rd, frame->payload, &field)) {
        if (change(&field)) {
            write_integer(&block, kinds[field.kind].pattern, kinds[field.kind].bits, field.number);
            (void)sl_buf_add_span(&block, field.strings);
        }
    }
    bool is_good = sl_rd_ok(&rd) && !block.is_full;
    if (is_good) {
        struct srv_wire_frame changed = *frame;
        changed.payload = sl_buf_span(&block);
        srv_wire_put(wire, SRV_WIRE_IN, &changed);
    }
    sl_buf_release(&block);
    return is_good;
}

static bool never_to_incremental(struct field *field)
{
    field->kind = field->kind == NEVER ? INCREMENTAL : field->kind;
    return true;
}

static bool plain_to_incremental(struct field *field)
{
    field->kind = field->kind == PLAIN ? INCREMENTAL : field->kind;
    return true;
}

static bool incremental_to_plain(struct field *field)
{
    field->kind = field->kind == INCREMENTAL ? PLAIN : field->kind;
    return true;
}

static void refuse(struct field *field)
{
    *field = (struct field){.kind = INDEXED, .number = 0}; /* RFC 7541 6.1: no decoder takes it */
}

static bool refuse_last_static(struct field *field)
{
    if (field->kind != SIZE_UPDATE && field->number == LAST_STATIC) {
        refuse(field);
    }
    return true;
}

static bool refuse_size_update(struct field *field)
{
    if (field->kind == SIZE_UPDATE) {
        refuse(field);
    }
    return true;
}

static bool ignore_size_update(struct field *field)
{
    return field->kind != SIZE_UPDATE;
}

static bool take_size(struct field *field)
{
    return field->kind != SIZE_UPDATE || field->number <= TABLE_SIZE;
}

static bool take_index(struct field *field)
{
    return field->kind != INDEXED || (field->number > 0 && field->number < FAR_INDEX);
}

static bool keep(struct field *field)
{
    (void)field;
    return true;
}

#define HPACK_HOOK(name, change, before)                                    \
    static bool name(struct srv_wire *wire, struct srv_wire_stream *stream, \
                     struct srv_wire_frame *frame)                          \
    {                                                                       \
        (void)stream;                                                       \
        return rewrite(wire, frame, change, before);                        \
    }
#define NOTHING sl_span(NULL, 0)
/* To a table of no bytes and back: whatever was in it is forgotten. */
#define EMPTIED sl_span("\x20\x3F\xE1\x1F", 4)

HPACK_HOOK(hpack_never_indexed_enters, never_to_incremental, NOTHING)
HPACK_HOOK(hpack_plain_enters, plain_to_incremental, NOTHING)
HPACK_HOOK(hpack_incremental_lost, incremental_to_plain, NOTHING)
HPACK_HOOK(hpack_table_of_stream, keep, EMPTIED)
HPACK_HOOK(hpack_last_static_refused, refuse_last_static, NOTHING)
HPACK_HOOK(hpack_size_update_refused, refuse_size_update, NOTHING)
HPACK_HOOK(hpack_size_update_ignored, ignore_size_update, NOTHING)
HPACK_HOOK(hpack_size_too_large_taken, take_size, NOTHING)
HPACK_HOOK(hpack_bad_index_taken, take_index, NOTHING)

/* wire.c: the encoder's table grows past what the client allows. */
static bool hpack_table_size_ignored(struct srv_wire *wire, struct srv_wire_stream *stream,
                                     struct srv_wire_block *block)
{
    (void)wire;
    (void)stream;
    (void)block;
    return false;
}

/* Blocks of the session in one frame, without padding or priority: it writes no others of less than 16,384 bytes. */
static bool is_plain_block(const struct srv_wire_frame *frame)
{
    return frame->type == SL_H2_HEADERS && (frame->flags & SL_H2_FLAG_END_HEADERS) != 0 &&
           (frame->flags & (SL_H2_FLAG_PADDED | SL_H2_FLAG_PRIORITY)) == 0;
}

/* The encoder's table is smaller from now on, and nobody was told. */
static bool hpack_size_update_missing(struct srv_wire *wire, struct srv_wire_stream *stream,
                                      struct srv_wire_frame *frame)
{
    (void)stream;
    struct sl_rd rd;
    sl_rd_init(&rd, frame->payload);
    struct sl_span rest = frame->payload;
    struct field field;
    while (is_plain_block(frame) && read_field(&rd, frame->payload, &field) &&
           field.kind == SIZE_UPDATE) {
        rest = sl_span_from(frame->payload, frame->payload.len - sl_rd_left(&rd));
    }
    if (rest.len == frame->payload.len) {
        return false;
    }
    srv_wire_put(wire, SRV_WIRE_OUT,
                 &(struct srv_wire_frame){SL_H2_HEADERS, frame->flags, frame->stream, false, rest});
    return true;
}

/* One field more, by an index that the table no longer has. */
static bool hpack_evicted_named(struct srv_wire *wire, struct srv_wire_stream *stream,
                                struct srv_wire_frame *frame)
{
    static const uint8_t evicted[] = {0xFF, 0x80, 0x07}; /* index 1,023 */
    struct sl_buf block;
    if (!is_plain_block(frame) || stream == NULL || stream->blocks[SRV_WIRE_OUT] == 0) {
        return false;
    }
    sl_buf_init(&block, frame->payload.len + sizeof(evicted));
    (void)sl_buf_add_span(&block, frame->payload);
    (void)sl_buf_add(&block, evicted, sizeof(evicted));
    srv_wire_put(wire, SRV_WIRE_OUT,
                 &(struct srv_wire_frame){SL_H2_HEADERS, frame->flags, frame->stream, false,
                                          sl_buf_span(&block)});
    sl_buf_release(&block);
    return true;
}

#define IN(name) SRV_WIRE_DEVIATION(name, .frame[SRV_WIRE_IN] = (name))

static const struct srv_wire_deviation deviations[] = {
    IN(hpack_never_indexed_enters),
    IN(hpack_plain_enters),
    IN(hpack_incremental_lost),
    IN(hpack_table_of_stream),
    IN(hpack_last_static_refused),
    IN(hpack_size_update_refused),
    IN(hpack_size_update_ignored),
    IN(hpack_size_too_large_taken),
    IN(hpack_bad_index_taken),
    SRV_WIRE_DEVIATION(hpack_table_size_ignored, .block[SRV_WIRE_OUT] = hpack_table_size_ignored),
    SRV_WIRE_DEVIATION(hpack_size_update_missing, .frame[SRV_WIRE_OUT] = hpack_size_update_missing),
    SRV_WIRE_DEVIATION(hpack_evicted_named, .frame[SRV_WIRE_OUT] = hpack_evicted_named),
};
const struct srv_wire_group srv_wire_group_hpack = {deviations,
                                                    sizeof(deviations) / sizeof(deviations[0])};
