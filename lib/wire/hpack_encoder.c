/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder of hpack.h. */
#include "lib/wire/hpack.h"

#include <assert.h>
#include <nghttp2/nghttp2.h>

#include "lib/base/alloc.h"

enum {
    ENCODE_ON_STACK = 64,         /* fields of a block that need no allocation */
    INDEXED = 0x80,               /* RFC 7541 6.1 */
    LITERAL_INCREMENTAL = 0x40,   /* RFC 7541 6.2.1 */
    LITERAL_NEVER_INDEXED = 0x10, /* RFC 7541 6.2.3 */
    TABLE_SIZE_UPDATE = 0x20,     /* RFC 7541 6.3 */
};

static uint32_t capped(uint32_t table_size)
{
    return table_size > SL_HPACK_TABLE_MAX ? SL_HPACK_TABLE_MAX : table_size;
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
