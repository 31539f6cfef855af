/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/fingerprint.h"

#include "lib/schema/proto_rd.h"

/* Field numbers of descriptor.proto, a bit each. */
#define BIT(number) (UINT32_C(1) << (number))

enum {
    MESSAGE_FIELD = 2,
    ENUM_VALUE = 2,
    FIELD_TYPE_NAME = 6,
    METHOD_INPUT = 2,
    METHOD_OUTPUT = 3,
};

/* Name, number, label, type, type name, oneof, proto3_optional; of an enum value: name, number. */
static const uint32_t field_bits =
    BIT(1) | BIT(3) | BIT(4) | BIT(5) | BIT(FIELD_TYPE_NAME) | BIT(9) | BIT(17);
static const uint32_t value_bits = BIT(1) | BIT(2);
/* Name, both types, both streaming flags. */
static const uint32_t method_bits =
    BIT(1) | BIT(METHOD_INPUT) | BIT(METHOD_OUTPUT) | BIT(5) | BIT(6);

/* Those that are flags: false is as not there. */
static const uint32_t flag_bits = BIT(5) | BIT(6) | BIT(17);

/* FNV-1a, 64 bits. */
static uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* Of the records whose number is among the bits, in any order; names: those that hold a type's name. */
static uint64_t of_records(struct sl_span bytes, uint32_t bits, uint32_t names)
{
    struct sl_rd rd;
    struct sl_proto_record record;
    uint64_t sum = 0;
    sl_rd_init(&rd, bytes);
    while (sl_proto_rd_next(&rd, &record)) {
        if (record.number >= 32 || (bits & BIT(record.number)) == 0) {
            continue;
        }
        uint64_t hash = mix(UINT64_C(0xcbf29ce484222325), &record.number, sizeof(record.number));
        if (record.wire == SL_WIRE_LEN) {
            struct sl_span text = record.bytes;
            bool has_dot = (names & BIT(record.number)) != 0 && sl_span_starts(text, ".");
            text = sl_span_from(text, has_dot ? 1 : 0);
            hash = mix(hash, text.data, text.len);
        } else {
            bool is_false = record.value == 0 && (flag_bits & BIT(record.number)) != 0;
            hash = is_false ? 0 : mix(hash, &record.value, sizeof(record.value));
        }
        sum += hash;
    }
    return sum;
}

/* Of all messages in this field, in any order. */
static uint64_t of_each(struct sl_span bytes, uint32_t number, uint32_t bits, uint32_t names)
{
    struct sl_rd rd;
    struct sl_proto_record record;
    uint64_t sum = 0;
    sl_rd_init(&rd, bytes);
    while (sl_proto_rd_next(&rd, &record)) {
        if (record.number == number && record.wire == SL_WIRE_LEN) {
            uint64_t one = of_records(record.bytes, bits, names);
            sum += mix(1, &one, sizeof(one));
        }
    }
    return sum;
}

uint64_t sl_fingerprint_message(struct sl_span descriptor)
{
    return of_each(descriptor, MESSAGE_FIELD, field_bits, BIT(FIELD_TYPE_NAME));
}

uint64_t sl_fingerprint_enum(struct sl_span descriptor)
{
    return of_each(descriptor, ENUM_VALUE, value_bits, 0);
}

uint64_t sl_fingerprint_method(struct sl_span descriptor)
{
    return of_records(descriptor, method_bits, BIT(METHOD_INPUT) | BIT(METHOD_OUTPUT));
}
