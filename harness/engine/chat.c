/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/engine/chat.h"

#include <stdio.h>

#include "lib/base/rd.h"

enum {
    WIRE_VARINT = 0,
    WIRE_FIXED64 = 1,
    WIRE_BYTES = 2,
    WIRE_FIXED32 = 5,
};

void har_stamp_write(struct sl_buf *out, const struct har_stamp *stamp)
{
    (void)sl_buf_addf(out, "sl1:%08x:%04x:%08x:%016llx;", stamp->run, stamp->publisher,
                      stamp->sequence, (unsigned long long)stamp->time_ns);
}

/* Eight bytes, the first one most significant; compilers make one load of it. */
static uint64_t load8(const uint8_t *at)
{
    return (uint64_t)at[0] << 56 | (uint64_t)at[1] << 48 | (uint64_t)at[2] << 40 |
           (uint64_t)at[3] << 32 | (uint64_t)at[4] << 24 | (uint64_t)at[5] << 16 |
           (uint64_t)at[6] << 8 | at[7];
}

static uint64_t load4(const uint8_t *at)
{
    return (uint64_t)at[0] << 24 | (uint64_t)at[1] << 16 | (uint64_t)at[2] << 8 | at[3];
}

/* Eight lower-case hex digits, a byte each, to their value; where one is none, bits of *bad are set. All
 * eight at once, because every message that is received passes here: a byte's nibble is its low half,
 * plus 9 for a letter, and whether it was a digit shows when the nibbles are written again. */
static uint32_t read_hex8(uint64_t text, uint64_t *bad)
{
    static const uint64_t ones = 0x0101010101010101;
    uint64_t letters = text >> 6 & ones;
    uint64_t nibbles = ((text & 0x0f * ones) + 9 * letters) & 0x0f * ones;
    uint64_t above_nine = (nibbles + 6 * ones) >> 4 & ones;
    *bad |= text ^ (nibbles + '0' * ones + ('a' - '0' - 10) * above_nine);
    uint64_t pairs = (nibbles | nibbles >> 4) & 0x00ff00ff00ff00ff;
    uint64_t fours = (pairs | pairs >> 8) & 0x0000ffff0000ffff;
    return (uint32_t)(fours | fours >> 16);
}

bool har_stamp_read(struct sl_span text, struct har_stamp *ret_stamp)
{
    if (text.len < HAR_STAMP_SIZE || !sl_span_starts(text, "sl1:")) {
        return false;
    }
    const uint8_t *at = text.data;
    uint64_t bad = at[12] != ':' || at[17] != ':' || at[26] != ':' || at[43] != ';';
    static const uint64_t zeros = 0x3030303000000000; /* before four digits */
    uint64_t time_high = read_hex8(load8(at + 27), &bad);
    *ret_stamp = (struct har_stamp){.run = read_hex8(load8(at + 4), &bad),
                                    .publisher = (uint16_t)read_hex8(zeros | load4(at + 13), &bad),
                                    .sequence = read_hex8(load8(at + 18), &bad),
                                    .time_ns = time_high << 32 | read_hex8(load8(at + 35), &bad)};
    return bad == 0;
}

static void write_bytes(struct sl_buf *out, unsigned field, struct sl_span value)
{
    if (value.len > 0) {
        (void)sl_buf_add_varint(out, field << 3 | WIRE_BYTES);
        (void)sl_buf_add_varint(out, value.len);
        (void)sl_buf_add_span(out, value);
    }
}

static void write_varint(struct sl_buf *out, unsigned field, uint64_t value)
{
    if (value != 0) {
        (void)sl_buf_add_varint(out, field << 3 | WIRE_VARINT);
        (void)sl_buf_add_varint(out, value);
    }
}

void har_message_write(struct sl_buf *out, const struct har_message *message)
{
    write_bytes(out, 1, message->message_id);
    write_bytes(out, 2, message->room_id);
    write_bytes(out, 3, message->user_id);
    write_bytes(out, 4, message->text);
    write_varint(out, 5, (uint64_t)message->created_at);
}

void har_subscription_write(struct sl_buf *out, const struct har_subscription *subscription)
{
    write_bytes(out, 1, subscription->room_id);
    write_varint(out, 2, (uint64_t)(int64_t)subscription->max_rate_hz);
    write_varint(out, 3, (uint64_t)(int64_t)subscription->history);
    write_bytes(out, 4, subscription->after_message_id);
}

/* The next field of a message. */
struct field {
    uint64_t number;
    unsigned wire;
    uint64_t varint;
    struct sl_span bytes;
};

static bool next_field(struct sl_rd *rd, struct field *field)
{
    if (sl_rd_left(rd) == 0) {
        return false;
    }
    uint64_t tag = sl_rd_varint(rd);
    *field = (struct field){.number = tag >> 3, .wire = (unsigned)(tag & 7)};
    if (field->wire == WIRE_VARINT) {
        field->varint = sl_rd_varint(rd);
    } else if (field->wire == WIRE_BYTES) {
        uint64_t len = sl_rd_varint(rd);
        if (len > sl_rd_left(rd)) {
            sl_rd_fail(rd);
        } else {
            field->bytes = sl_rd_take(rd, (size_t)len);
        }
    } else if (field->wire == WIRE_FIXED64) {
        (void)sl_rd_take(rd, 8);
    } else if (field->wire == WIRE_FIXED32) {
        (void)sl_rd_take(rd, 4);
    } else {
        sl_rd_fail(rd);
    }
    if (field->number == 0) {
        sl_rd_fail(rd);
    }
    return sl_rd_ok(rd);
}

/* Known fields: wires[number] is the wire type of field number, or -1. */
static void check_wire(struct sl_rd *rd, const struct field *field, const int *wires, size_t count)
{
    if (field->number < count && wires[field->number] != (int)field->wire) {
        sl_rd_fail(rd);
    }
}

enum sl_status har_message_read(struct sl_span bytes, struct har_message *ret_message)
{
    static const int wires[] = {-1, WIRE_BYTES, WIRE_BYTES, WIRE_BYTES, WIRE_BYTES, WIRE_VARINT};
    struct sl_rd rd;
    struct field field;
    sl_rd_init(&rd, bytes);
    *ret_message = (struct har_message){0};
    struct sl_span *strings[] = {NULL, &ret_message->message_id, &ret_message->room_id,
                                 &ret_message->user_id, &ret_message->text};
    while (next_field(&rd, &field)) {
        check_wire(&rd, &field, wires, 6);
        if (field.number <= 4) {
            *strings[field.number] = field.bytes;
        } else if (field.number == 5) {
            ret_message->created_at = (int64_t)field.varint;
        }
    }
    return sl_rd_ok(&rd) ? SL_OK : SL_MALFORMED;
}

enum sl_status har_reply_read(struct sl_span bytes, struct har_reply *ret_reply)
{
    static const int wires[] = {-1, WIRE_BYTES, WIRE_VARINT, WIRE_BYTES};
    struct sl_rd rd;
    struct field field;
    sl_rd_init(&rd, bytes);
    *ret_reply = (struct har_reply){0};
    while (next_field(&rd, &field)) {
        check_wire(&rd, &field, wires, 4);
        if (field.number == 1) {
            ret_reply->request_id = field.bytes;
        } else if (field.number == 2) {
            ret_reply->is_accepted = field.varint != 0;
        } else if (field.number == 3) {
            ret_reply->reason = field.bytes;
        }
    }
    return sl_rd_ok(&rd) ? SL_OK : SL_MALFORMED;
}

enum sl_status har_command_read(struct sl_span bytes, struct har_command *ret_command)
{
    static const int wires[] = {-1, WIRE_VARINT, WIRE_BYTES};
    struct sl_rd rd;
    struct field field;
    sl_rd_init(&rd, bytes);
    *ret_command = (struct har_command){0};
    while (next_field(&rd, &field)) {
        check_wire(&rd, &field, wires, 3);
        if (field.number == 1) {
            ret_command->type = field.varint;
        } else if (field.number == 2) {
            ret_command->payload = field.bytes;
        }
    }
    return sl_rd_ok(&rd) ? SL_OK : SL_MALFORMED;
}
