/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/pb.h"

#include "lib/base/utf8.h"

enum {
    NUMBER_MAX = (1 << 29) - 1,
    WIRE_BITS = 3,
    WIRE_MASK = 7,
    VARINT_BITS = 7, /* of each byte */
    VARINT_MORE = 0x80,
};

static bool read_tag(struct sl_rd *rd, struct srv_pb_field *field)
{
    uint64_t tag = sl_rd_varint(rd);
    uint64_t number = tag >> WIRE_BITS;
    if (number == 0 || number > NUMBER_MAX || (tag & WIRE_MASK) > SRV_PB_FIXED32) {
        sl_rd_fail(rd);
        return false;
    }
    *field = (struct srv_pb_field){.number = (uint32_t)number,
                                   .wire = (enum srv_pb_wire)(tag & WIRE_MASK)};
    return sl_rd_ok(rd);
}

static void read_value(struct sl_rd *rd, struct srv_pb_field *field)
{
    switch (field->wire) {
    case SRV_PB_VARINT:
        field->value = sl_rd_varint(rd);
        break;
    case SRV_PB_FIXED64:
        (void)sl_rd_take(rd, sizeof(uint64_t));
        break;
    case SRV_PB_FIXED32:
        (void)sl_rd_take(rd, sizeof(uint32_t));
        break;
    case SRV_PB_BYTES: {
        uint64_t len = sl_rd_varint(rd);
        if (len > sl_rd_left(rd)) {
            sl_rd_fail(rd);
            break;
        }
        field->bytes = sl_rd_take(rd, (size_t)len);
        break;
    }
    case SRV_PB_GROUP_START:
    case SRV_PB_GROUP_END:
        break;
    }
}

/* Passes over a group whose start was read, and the groups within it. */
static void skip_group(struct sl_rd *rd, uint32_t number)
{
    uint32_t open[SRV_PB_DEPTH_MAX];
    size_t depth = 0;
    open[depth++] = number;
    while (depth > 0) {
        struct srv_pb_field field;
        if (!read_tag(rd, &field)) {
            return;
        }
        if (field.wire == SRV_PB_GROUP_START) {
            if (depth == SRV_PB_DEPTH_MAX) {
                sl_rd_fail(rd);
                return;
            }
            open[depth++] = field.number;
        } else if (field.wire == SRV_PB_GROUP_END) {
            if (open[--depth] != field.number) {
                sl_rd_fail(rd);
                return;
            }
        } else {
            read_value(rd, &field);
        }
    }
}

bool srv_pb_next(struct sl_rd *rd, struct srv_pb_field *ret_field)
{
    while (sl_rd_left(rd) > 0 && read_tag(rd, ret_field)) {
        if (ret_field->wire == SRV_PB_GROUP_START) {
            skip_group(rd, ret_field->number);
            continue;
        }
        if (ret_field->wire == SRV_PB_GROUP_END) {
            sl_rd_fail(rd);
            return false;
        }
        read_value(rd, ret_field);
        return sl_rd_ok(rd);
    }
    return false;
}

bool srv_pb_take_string(const struct srv_pb_field *field, uint32_t number, struct sl_span *string)
{
    if (field->number != number || field->wire != SRV_PB_BYTES) {
        return true;
    }
    *string = field->bytes;
    return sl_utf8_is_valid(field->bytes);
}

void srv_pb_put_string(struct sl_buf *out, uint32_t number, struct sl_span value)
{
    if (value.len > 0) {
        (void)sl_buf_add_varint(out, (uint64_t)number << WIRE_BITS | SRV_PB_BYTES);
        (void)sl_buf_add_varint(out, value.len);
        (void)sl_buf_add_span(out, value);
    }
}

void srv_pb_put_varint(struct sl_buf *out, uint32_t number, uint64_t value)
{
    if (value != 0) {
        (void)sl_buf_add_varint(out, (uint64_t)number << WIRE_BITS | SRV_PB_VARINT);
        (void)sl_buf_add_varint(out, value);
    }
}

static size_t size_of(uint64_t value)
{
    size_t size = 1;
    while (value >= VARINT_MORE) {
        value >>= VARINT_BITS;
        size++;
    }
    return size;
}

static uint8_t *write_value(uint8_t *at, uint64_t value)
{
    while (value >= VARINT_MORE) {
        *at++ = (uint8_t)(value | VARINT_MORE);
        value >>= VARINT_BITS;
    }
    *at++ = (uint8_t)value;
    return at;
}

size_t srv_pb_string_size(uint32_t number, size_t len)
{
    return len == 0 ? 0 : size_of((uint64_t)number << WIRE_BITS) + size_of(len) + len;
}

size_t srv_pb_varint_size(uint32_t number, uint64_t value)
{
    return value == 0 ? 0 : size_of((uint64_t)number << WIRE_BITS) + size_of(value);
}

uint8_t *srv_pb_write_string(uint8_t *at, uint32_t number, struct sl_span value)
{
    if (value.len == 0) {
        return at;
    }
    at = write_value(at, (uint64_t)number << WIRE_BITS | SRV_PB_BYTES);
    at = write_value(at, value.len);
    memcpy(at, value.data, value.len);
    return at + value.len;
}

uint8_t *srv_pb_write_varint(uint8_t *at, uint32_t number, uint64_t value)
{
    if (value == 0) {
        return at;
    }
    at = write_value(at, (uint64_t)number << WIRE_BITS | SRV_PB_VARINT);
    return write_value(at, value);
}
