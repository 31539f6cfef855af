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

static bool read_hex(const char *text, size_t digits, uint64_t *ret_value)
{
    *ret_value = 0;
    for (size_t i = 0; i < digits; i++) {
        char c = text[i];
        unsigned digit = 0;
        if (c >= '0' && c <= '9') {
            digit = (unsigned)(c - '0');
        } else if (c >= 'a' && c <= 'f') {
            digit = (unsigned)(c - 'a') + 10;
        } else {
            return false;
        }
        *ret_value = *ret_value << 4 | digit;
    }
    return true;
}

bool har_stamp_read(struct sl_span text, struct har_stamp *ret_stamp)
{
    if (text.len < HAR_STAMP_SIZE || !sl_span_starts(text, "sl1:")) {
        return false;
    }
    const char *at = (const char *)text.data;
    uint64_t run = 0;
    uint64_t publisher = 0;
    uint64_t sequence = 0;
    uint64_t time_ns = 0;
    bool is_good = read_hex(at + 4, 8, &run) && at[12] == ':' && read_hex(at + 13, 4, &publisher) &&
                   at[17] == ':' && read_hex(at + 18, 8, &sequence) && at[26] == ':' &&
                   read_hex(at + 27, 16, &time_ns) && at[43] == ';';
    *ret_stamp =
        (struct har_stamp){(uint32_t)run, (uint16_t)publisher, (uint32_t)sequence, time_ns};
    return is_good;
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

void har_subscription_write(struct sl_buf *out, struct sl_span room, int32_t max_rate_hz)
{
    write_bytes(out, 1, room);
    write_varint(out, 2, (uint64_t)(int64_t)max_rate_hz);
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
