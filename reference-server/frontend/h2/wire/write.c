/* SPDX-License-Identifier: Apache-2.0 */
/* The writers and the fields of deviation.h. */
#include "reference-server/frontend/h2/wire/deviation.h"

void srv_wire_put(struct srv_wire *wire, enum srv_wire_dir dir, const struct srv_wire_frame *frame)
{
    struct sl_buf *out = wire->to[dir];
    const struct sl_h2_frame_header header = {
        .length = (uint32_t)frame->payload.len,
        .type = frame->type,
        .flags = frame->flags,
        .stream = frame->stream,
        .has_reserved_bit = frame->has_reserved_bit,
    };
    (void)sl_h2_write_header(out, &header);
    (void)sl_buf_add_span(out, frame->payload);
}

void srv_wire_put_data(struct srv_wire *wire, enum srv_wire_dir dir, uint32_t stream, uint8_t flags,
                       struct sl_span payload)
{
    srv_wire_put(wire, dir, &(struct srv_wire_frame){SL_H2_DATA, flags, stream, false, payload});
}

static void put_bytes(struct srv_wire *wire, enum srv_wire_dir dir,
                      const struct srv_wire_block *block, struct sl_span bytes)
{
    struct srv_wire_frame frame = {
        .type = SL_H2_HEADERS,
        .flags = block->is_end ? SL_H2_FLAG_END_STREAM : 0,
        .stream = block->stream,
    };
    do {
        frame.payload = sl_span_first(bytes, SL_H2_DEFAULT_MAX_FRAME);
        bytes = sl_span_from(bytes, SL_H2_DEFAULT_MAX_FRAME);
        if (bytes.len == 0 && !block->is_bare) {
            frame.flags |= SL_H2_FLAG_END_HEADERS;
        }
        srv_wire_put(wire, dir, &frame);
        frame.type = SL_H2_CONTINUATION;
        frame.flags = 0;
    } while (bytes.len > 0);
}

void srv_wire_put_block(struct srv_wire *wire, enum srv_wire_dir dir,
                        const struct srv_wire_block *block)
{
    struct sl_buf bytes;
    sl_buf_init(&bytes, SRV_WIRE_BLOCK_MAX);
    if (sl_hpack_encode(wire->encoder[dir], block->fields, block->count, &bytes) == SL_OK) {
        put_bytes(wire, dir, block, sl_buf_span(&bytes));
    }
    sl_buf_release(&bytes);
}

void srv_wire_put_literal_block(struct srv_wire *wire, enum srv_wire_dir dir,
                                const struct srv_wire_block *block)
{
    struct sl_buf bytes;
    sl_buf_init(&bytes, SRV_WIRE_BLOCK_MAX);
    for (size_t i = 0; i < block->count; i++) {
        (void)sl_hpack_write_literal(&bytes, SL_HPACK_WITHOUT_INDEXING, block->fields[i].name,
                                     block->fields[i].value);
    }
    put_bytes(wire, dir, block, sl_buf_span(&bytes));
    sl_buf_release(&bytes);
}

size_t srv_wire_find(const struct srv_wire_block *block, const char *name)
{
    size_t at = 0;
    while (at < block->count && !sl_span_is(block->fields[at].name, name)) {
        at++;
    }
    return at;
}

bool srv_wire_has(const struct srv_wire_block *block, const char *name, const char *value)
{
    size_t at = srv_wire_find(block, name);
    return at < block->count && sl_span_is(block->fields[at].value, value);
}

void srv_wire_insert(struct srv_wire_block *block, size_t at, const char *name, const char *value)
{
    if (block->count == SRV_WIRE_FIELDS || at > block->count) {
        return;
    }
    memmove(&block->fields[at + 1], &block->fields[at],
            (block->count - at) * sizeof(block->fields[0]));
    block->fields[at] = (struct sl_header){.name = sl_span_str(name), .value = sl_span_str(value)};
    block->count++;
}

void srv_wire_set(struct srv_wire_block *block, const char *name, const char *value)
{
    size_t at = srv_wire_find(block, name);
    if (at < block->count) {
        block->fields[at].value = sl_span_str(value);
    } else {
        srv_wire_insert(block, at, name, value);
    }
}

void srv_wire_remove(struct srv_wire_block *block, const char *name)
{
    size_t at = srv_wire_find(block, name);
    if (at < block->count) {
        block->count--;
        memmove(&block->fields[at], &block->fields[at + 1],
                (block->count - at) * sizeof(block->fields[0]));
    }
}
