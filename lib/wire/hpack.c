/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/hpack.h"

#include <assert.h>
#include <nghttp2/nghttp2.h>

#include "lib/base/alloc.h"
#include "lib/base/rd.h"

enum {
    DISTRUST_TABLE = 64 * 1024,   /* kept entries after missed blocks: more than senders use */
    ENCODE_ON_STACK = 64,         /* fields of a block that need no allocation */
    INTEGER_BYTES_MAX = 5,        /* of a 32-bit HPACK integer behind its prefix */
    INDEXED = 0x80,               /* RFC 7541 6.1 */
    LITERAL_INCREMENTAL = 0x40,   /* RFC 7541 6.2.1 */
    LITERAL_NEVER_INDEXED = 0x10, /* RFC 7541 6.2.3 */
    TABLE_SIZE_UPDATE = 0x20,     /* RFC 7541 6.3 */
};

/* Stands for the name of an entry whose real name is unknown. No field on the wire can have it: a
 * decoded name that begins with NUL is malformed (RFC 9113 8.2.1). */
static const uint8_t unknown_name[] = {0, '?'};

struct sl_hpack_decoder {
    nghttp2_hd_inflater *inflater;
    uint32_t table_size_max;
    bool is_failed;
    bool is_distrusted;
    struct sl_buf scratch; /* a representation whose name was replaced */
};

static uint32_t capped(uint32_t table_size)
{
    return table_size > SL_HPACK_TABLE_MAX ? SL_HPACK_TABLE_MAX : table_size;
}

static void inflater_open(struct sl_hpack_decoder *decoder)
{
    int rv = nghttp2_hd_inflate_new(&decoder->inflater);
    assert(rv == 0);
    (void)rv;
}

struct sl_hpack_decoder *sl_hpack_decoder_new(uint32_t table_size_max)
{
    struct sl_hpack_decoder *decoder = sl_alloc(sizeof *decoder);
    sl_buf_init(&decoder->scratch, SL_HPACK_LIST_MAX);
    inflater_open(decoder);
    sl_hpack_decoder_set_table_size(decoder, table_size_max);
    return decoder;
}

void sl_hpack_decoder_free(struct sl_hpack_decoder *decoder)
{
    if (decoder != NULL) {
        nghttp2_hd_inflate_del(decoder->inflater);
        sl_buf_release(&decoder->scratch);
        sl_free(decoder);
    }
}

void sl_hpack_decoder_set_table_size(struct sl_hpack_decoder *decoder, uint32_t table_size_max)
{
    decoder->table_size_max = capped(table_size_max);
    if (!decoder->is_failed && !decoder->is_distrusted) {
        (void)nghttp2_hd_inflate_change_table_size(decoder->inflater, decoder->table_size_max);
    }
}

/* Takes one emitted field into ret_headers (may be NULL). */
static void take_field(struct sl_headers *ret_headers, const nghttp2_nv *nv)
{
    if (ret_headers == NULL || ret_headers->is_truncated) {
        return;
    }
    struct sl_span name = sl_span(nv->name, nv->namelen);
    if (name.len > 0 && name.data[0] == 0 &&
        sl_span_equal(name, sl_span(unknown_name, sizeof unknown_name))) {
        ret_headers->lost_count++;
        return;
    }
    if (sl_headers_add(ret_headers, name, sl_span(nv->value, nv->valuelen)) != SL_OK) {
        ret_headers->is_truncated = true;
        return;
    }
    if ((nv->flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0) {
        ret_headers->fields[ret_headers->count - 1].is_never_indexed = true;
    }
}

/* Inflates bytes, which are all of a block or, with is_final false, whole representations of it. */
static enum sl_status inflate(struct sl_hpack_decoder *decoder, struct sl_span bytes, bool is_final,
                              struct sl_headers *ret_headers)
{
    for (;;) {
        nghttp2_nv nv;
        int flags = 0;
        ssize_t used = nghttp2_hd_inflate_hd2(decoder->inflater, &nv, &flags, bytes.data, bytes.len,
                                              is_final ? 1 : 0);
        if (used < 0) {
            decoder->is_failed = true;
            return SL_MALFORMED;
        }
        bytes = sl_span_from(bytes, (size_t)used);
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
            take_field(ret_headers, &nv);
        } else if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0 || bytes.len == 0) {
            break;
        }
    }
    if (is_final) {
        (void)nghttp2_hd_inflate_end_headers(decoder->inflater);
    }
    return SL_OK;
}

/* An integer whose first byte has prefix_bits of it (RFC 7541 5.1). Fails the reader past 32 bits. */
static uint32_t read_integer(struct sl_rd *rd, unsigned prefix_bits)
{
    uint32_t mask = (UINT32_C(1) << prefix_bits) - 1;
    uint64_t value = sl_rd_u8(rd) & mask;
    if (value < mask) {
        return (uint32_t)value;
    }
    unsigned shift = 0;
    uint8_t byte = 0x80;
    for (unsigned i = 0; i < INTEGER_BYTES_MAX && (byte & 0x80) != 0 && sl_rd_ok(rd); i++) {
        byte = sl_rd_u8(rd);
        value += (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    }
    if ((byte & 0x80) != 0 || value > UINT32_MAX) {
        sl_rd_fail(rd);
        return 0;
    }
    return (uint32_t)value;
}

static void skip_string(struct sl_rd *rd)
{
    uint32_t len = read_integer(rd, 7);
    (void)sl_rd_take(rd, len);
}

/* One representation of a block whose table is not trusted. */
struct piece {
    struct sl_span bytes; /* all of it */
    struct sl_span value; /* of a literal: its value string as encoded */
    uint32_t index;       /* of the field or the name; 0: literal name. Or the new table size */
    bool is_size_update;  /* RFC 7541 6.3 */
    bool is_incremental;  /* enters the table */
};

static bool next_piece(struct sl_rd *rd, struct piece *ret_piece)
{
    *ret_piece = (struct piece){0};
    const uint8_t *start = rd->pos;
    uint8_t first = *start;
    if ((first & INDEXED) != 0) {
        ret_piece->index = read_integer(rd, 7);
    } else if ((first & LITERAL_INCREMENTAL) == 0 && (first & TABLE_SIZE_UPDATE) != 0) {
        ret_piece->is_size_update = true;
        ret_piece->index = read_integer(rd, 5);
    } else {
        ret_piece->is_incremental = (first & LITERAL_INCREMENTAL) != 0;
        ret_piece->index = read_integer(rd, ret_piece->is_incremental ? 6 : 4);
        if (ret_piece->index == 0) {
            skip_string(rd);
        }
        const uint8_t *value = rd->pos;
        skip_string(rd);
        ret_piece->value = sl_span(value, (size_t)(rd->pos - value));
    }
    ret_piece->bytes = sl_span(start, (size_t)(rd->pos - start));
    return sl_rd_ok(rd);
}

/* A literal that enters the table under an unknown name keeps its place there, and its value. */
static enum sl_status insert_unknown(struct sl_hpack_decoder *decoder, const struct piece *piece,
                                     struct sl_headers *ret_headers)
{
    struct sl_buf *scratch = &decoder->scratch;
    sl_buf_clear(scratch);
    (void)sl_buf_add_u8(scratch, LITERAL_INCREMENTAL);
    (void)sl_buf_add_u8(scratch, sizeof unknown_name);
    (void)sl_buf_add(scratch, unknown_name, sizeof unknown_name);
    if (sl_buf_add_span(scratch, piece->value) != SL_OK) {
        decoder->is_failed = true;
        return SL_MALFORMED;
    }
    return inflate(decoder, sl_buf_span(scratch), false, ret_headers);
}

static enum sl_status decode_piece(struct sl_hpack_decoder *decoder, const struct piece *piece,
                                   struct sl_headers *ret_headers)
{
    if (piece->is_size_update) {
        if (piece->index != 0) {
            return SL_OK; /* We keep more than the sender does: indices count from the newest. */
        }
        /* The sender's table is empty, so it is known again; its new size follows. */
        nghttp2_hd_inflate_del(decoder->inflater);
        inflater_open(decoder);
        (void)nghttp2_hd_inflate_change_table_size(decoder->inflater, SL_HPACK_TABLE_MAX);
        decoder->is_distrusted = false;
        return inflate(decoder, piece->bytes, false, ret_headers);
    }
    if (piece->index > nghttp2_hd_inflate_get_num_table_entries(decoder->inflater)) {
        if (piece->is_incremental) {
            return insert_unknown(decoder, piece, ret_headers);
        }
        if (ret_headers != NULL) {
            ret_headers->lost_count++;
        }
        return SL_OK;
    }
    return inflate(decoder, piece->bytes, false, ret_headers);
}

static enum sl_status decode_distrusted(struct sl_hpack_decoder *decoder, struct sl_span block,
                                        struct sl_headers *ret_headers)
{
    struct sl_rd rd;
    sl_rd_init(&rd, block);
    while (sl_rd_left(&rd) > 0 && decoder->is_distrusted) {
        struct piece piece;
        if (!next_piece(&rd, &piece)) {
            decoder->is_failed = true;
            return SL_MALFORMED;
        }
        enum sl_status status = decode_piece(decoder, &piece, ret_headers);
        if (status != SL_OK) {
            return status;
        }
    }
    return inflate(decoder, sl_rd_rest(&rd), true, ret_headers);
}

void sl_hpack_decoder_distrust(struct sl_hpack_decoder *decoder)
{
    nghttp2_hd_inflate_del(decoder->inflater);
    inflater_open(decoder);
    decoder->is_failed = false;
    decoder->is_distrusted = true;
    (void)nghttp2_hd_inflate_change_table_size(decoder->inflater, SL_HPACK_TABLE_MAX);
    sl_buf_clear(&decoder->scratch);
    (void)sl_hpack_write_table_size(&decoder->scratch, DISTRUST_TABLE);
    enum sl_status status = inflate(decoder, sl_buf_span(&decoder->scratch), true, NULL);
    assert(status == SL_OK);
    (void)status;
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
    if (decoder->is_distrusted) {
        return decode_distrusted(decoder, block, ret_headers);
    }
    return inflate(decoder, block, true, ret_headers);
}

struct sl_hpack_encoder {
    nghttp2_hd_deflater *deflater;
};

struct sl_hpack_encoder *sl_hpack_encoder_new(uint32_t table_size_max)
{
    struct sl_hpack_encoder *encoder = sl_alloc(sizeof *encoder);
    int rv = nghttp2_hd_deflate_new(&encoder->deflater, capped(table_size_max));
    assert(rv == 0);
    (void)rv;
    return encoder;
}

void sl_hpack_encoder_free(struct sl_hpack_encoder *encoder)
{
    if (encoder != NULL) {
        nghttp2_hd_deflate_del(encoder->deflater);
        sl_free(encoder);
    }
}

void sl_hpack_encoder_set_table_size(struct sl_hpack_encoder *encoder, uint32_t table_size_max)
{
    (void)nghttp2_hd_deflate_change_table_size(encoder->deflater, capped(table_size_max));
}

/* nghttp2's structs are not const-correct; it does not write through these. */
static nghttp2_nv to_nv(const struct sl_header *field)
{
    return (nghttp2_nv){
        .name = (uint8_t *)(uintptr_t)field->name.data,
        .value = (uint8_t *)(uintptr_t)field->value.data,
        .namelen = field->name.len,
        .valuelen = field->value.len,
        .flags = field->is_never_indexed ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE,
    };
}

enum sl_status sl_hpack_encode(struct sl_hpack_encoder *encoder, const struct sl_header *fields,
                               size_t count, struct sl_buf *out)
{
    if (count > SL_HPACK_FIELDS_MAX) {
        return SL_LIMIT;
    }
    nghttp2_nv on_stack[ENCODE_ON_STACK];
    on_stack[0] = (nghttp2_nv){0}; /* an empty block reads none, which gcc cannot see */
    nghttp2_nv *nva = count <= ENCODE_ON_STACK ? on_stack : sl_calloc(count, sizeof *nva);
    for (size_t i = 0; i < count; i++) {
        nva[i] = to_nv(&fields[i]);
    }
    enum sl_status status = SL_LIMIT;
    size_t bound = nghttp2_hd_deflate_bound(encoder->deflater, nva, count);
    uint8_t *room = sl_buf_reserve(out, bound);
    if (room != NULL) {
        ssize_t len = nghttp2_hd_deflate_hd(encoder->deflater, room, bound, nva, count);
        status = len < 0 ? SL_STATE : SL_OK;
        sl_buf_commit(out, len < 0 ? 0 : (size_t)len);
    }
    if (nva != on_stack) {
        sl_free(nva);
    }
    return status;
}

static enum sl_status write_integer(struct sl_buf *out, uint8_t pattern, unsigned prefix_bits,
                                    size_t value)
{
    size_t mask = ((size_t)1 << prefix_bits) - 1;
    if (value < mask) {
        return sl_buf_add_u8(out, (uint8_t)(pattern | value));
    }
    enum sl_status status = sl_buf_add_u8(out, (uint8_t)(pattern | mask));
    for (value -= mask; value >= 0x80 && status == SL_OK; value >>= 7) {
        status = sl_buf_add_u8(out, (uint8_t)(0x80 | (value & 0x7f)));
    }
    return status == SL_OK ? sl_buf_add_u8(out, (uint8_t)value) : status;
}

static enum sl_status write_string(struct sl_buf *out, struct sl_span text)
{
    enum sl_status status = write_integer(out, 0, 7, text.len);
    return status == SL_OK ? sl_buf_add_span(out, text) : status;
}

enum sl_status sl_hpack_write_literal(struct sl_buf *out, enum sl_hpack_literal how,
                                      struct sl_span name, struct sl_span value)
{
    uint8_t pattern = 0;
    if (how != SL_HPACK_WITHOUT_INDEXING) {
        pattern = how == SL_HPACK_INCREMENTAL ? LITERAL_INCREMENTAL : LITERAL_NEVER_INDEXED;
    }
    enum sl_status status = sl_buf_add_u8(out, pattern);
    if (status == SL_OK) {
        status = write_string(out, name);
    }
    return status == SL_OK ? write_string(out, value) : status;
}

enum sl_status sl_hpack_write_indexed(struct sl_buf *out, uint32_t index)
{
    return write_integer(out, INDEXED, 7, index);
}

enum sl_status sl_hpack_write_table_size(struct sl_buf *out, uint32_t size)
{
    return write_integer(out, TABLE_SIZE_UPDATE, 5, size);
}
