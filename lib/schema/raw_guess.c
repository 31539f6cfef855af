/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/raw_guess.h"

#include "lib/base/utf8.h"
#include "lib/schema/proto_rd.h"

/* How much a finding speaks for something, in bits: what is twice as likely of it as of chance has one more. Tuned on
 * raw_guess.py, not derived. */
enum {
    MESSAGE_MIN = 1, /* for a message */
    FEW_FIELDS = 15, /* field numbers of one byte's tag */
    MORE_FIELDS = 63,
    MANY_FIELDS = 2047, /* of two bytes' tag */
    TEXT_SEEN = 8,      /* bytes of a text inside that count */

    VARINTS_PRIOR = 4, /* half bits from here: numbers are more common than short binary strings */
    VARINT_FIRST = 6,
    VARINT_SAME = 1, /* as long as the one before */
    VARINT_NEAR = 3, /* a byte longer or shorter */
    VARINT_FAR = 18,

    SMALL_BITS_32 = 20, /* a fixed32 below 2^20 is a small number, not chance */
    SMALL_BITS_64 = 40,
};

/* What the characters of valid UTF-8 are. */
struct text {
    bool is_utf8;
    size_t control;   /* but for those below */
    size_t white;     /* tabs and line breaks */
    size_t printable; /* bytes */
};

/* True when all of eight bytes are from 0x20 to 0x7e, as most text is; false tells nothing. */
static bool are_plain(const uint8_t *bytes)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t eight;
    memcpy(&eight, bytes, sizeof(eight));
    return ((eight | (eight - ones * 0x20) | (eight + ones)) & (ones * 0x80)) == 0;
}

static struct text look(struct sl_span bytes)
{
    struct text text = {.is_utf8 = true};
    bool is_ascii = true;
    size_t i = 0;
    while (bytes.len - i >= 8 && are_plain(bytes.data + i)) {
        i += 8;
    }
    text.printable = i;
    for (; i < bytes.len; i++) {
        uint8_t c = bytes.data[i];
        if (c == '\t' || c == '\n' || c == '\r') {
            text.white++;
        } else if (c < 0x20 || c == 0x7f) {
            text.control++;
        } else {
            text.printable++;
        }
        is_ascii = is_ascii && c < 0x80;
    }
    text.is_utf8 = is_ascii || sl_utf8_is_valid(bytes);
    return text;
}

/* ---- numbers ---- */

bool sl_raw_is_float(uint32_t bits)
{
    uint32_t exponent = bits >> 23 & 0xff; /* from 2^-24 to 2^34 */
    return (bits & 0x7fffffff) == 0 || (exponent >= 127 - 24 && exponent < 127 + 34);
}

bool sl_raw_is_double(uint64_t bits)
{
    uint64_t exponent = bits >> 52 & 0x7ff; /* from 2^-30 to 2^54 */
    return bits << 1 == 0 || (exponent >= 1023 - 30 && exponent < 1023 + 54);
}

static bool has_round_mantissa(uint32_t bits)
{
    return (bits & 0xfff) == 0;
}

static bool are_fixed32(struct sl_span bytes)
{
    struct sl_rd rd;
    bool are_floats = true;
    bool are_small = true;
    bool are_round = true;
    bool are_flags = true; /* all bytes 0 or 1: bools, a byte each */
    size_t count = bytes.len / 4;
    sl_rd_init(&rd, bytes);
    for (size_t i = 0; i < count && (are_floats || are_small); i++) {
        uint32_t value = sl_rd_le32(&rd);
        are_floats = are_floats && sl_raw_is_float(value);
        are_small = are_small && value >> SMALL_BITS_32 == 0;
        are_round = are_round && has_round_mantissa(value);
        are_flags = are_flags && (value & ~UINT32_C(0x01010101)) == 0;
    }
    bool are_enough =
        count >= 3 || are_round || (count == 2 && bytes.data[3] >> 2 == bytes.data[7] >> 2);
    return bytes.len % 4 == 0 && !are_flags && ((are_floats && are_enough) || are_small);
}

static bool are_fixed64(struct sl_span bytes)
{
    struct sl_rd rd;
    bool are_likely = bytes.len % 8 == 0;
    bool are_flags = true;
    sl_rd_init(&rd, bytes);
    while (are_likely && sl_rd_left(&rd) > 0) {
        uint64_t value = sl_rd_le64(&rd);
        are_likely = sl_raw_is_double(value) || value >> SMALL_BITS_64 == 0;
        are_flags = are_flags && (value & ~UINT64_C(0x0101010101010101)) == 0;
    }
    return are_likely && !are_flags;
}

/* True when a half of some fixed64 is zero, as of a round double or a small integer. */
static bool has_zero_half(struct sl_span bytes)
{
    struct sl_rd rd;
    bool has_zero = false;
    sl_rd_init(&rd, bytes);
    while (sl_rd_left(&rd) >= 8) {
        uint64_t value = sl_rd_le64(&rd);
        has_zero = has_zero || (value & UINT32_MAX) == 0 || value >> 32 == 0;
    }
    return has_zero;
}

/* Bytes of the varint that rd is at, when it is in its shortest form and of 64 bits; 0 otherwise. */
static size_t canonical(struct sl_rd *rd)
{
    const uint8_t *start = rd->pos;
    (void)sl_rd_varint(rd);
    size_t len = (size_t)(rd->pos - start);
    bool is_padded = len > 1 && start[len - 1] == 0;
    bool is_over = len == 10 && start[9] != 1;
    return sl_rd_ok(rd) && !is_padded && !is_over ? len : 0;
}

static bool are_varints(struct sl_span bytes)
{
    struct sl_rd rd;
    long score = VARINTS_PRIOR;
    size_t before = 0;
    sl_rd_init(&rd, bytes);
    while (sl_rd_left(&rd) > 0) {
        size_t len = canonical(&rd);
        if (len == 0) {
            return false;
        }
        size_t step = len > before ? len - before : before - len;
        score += 2 * (long)len;
        score -= before == 0 ? VARINT_FIRST
                 : step == 0 ? VARINT_SAME
                 : step == 1 ? VARINT_NEAR
                             : VARINT_FAR;
        before = len;
    }
    return score >= 0;
}

/* ---- messages ---- */

/* What a record's value says. */
static int value_bits(const struct sl_proto_record *record)
{
    switch (record->wire) {
    case SL_WIRE_VARINT:
        return record->value < 0x80 ? 1 : 0;
    case SL_WIRE_FIXED32: {
        uint32_t bits = (uint32_t)record->value;
        return sl_raw_is_float(bits) || bits >> SMALL_BITS_32 == 0 ? 1 : -2;
    }
    case SL_WIRE_FIXED64:
        return sl_raw_is_double(record->value) || record->value >> SMALL_BITS_64 == 0 ? 3 : -2;
    case SL_WIRE_LEN: {
        struct text text = look(sl_span_first(record->bytes, TEXT_SEEN));
        return 1 + (text.control == 0 && text.white == 0 ? (int)text.printable : 0);
    }
    case SL_WIRE_GROUP:
        return 5; /* its end has the same number */
    case SL_WIRE_GROUP_END:
    default:
        return 0;
    }
}

static int tag_bits(uint32_t number, uint32_t before)
{
    int bits = number <= FEW_FIELDS    ? 2
               : number <= MORE_FIELDS ? 1
               : number <= MANY_FIELDS ? 0
                                       : -3;
    return bits - (number < before ? 2 : 0);
}

/* True when tag, or tag and value, of a record that ends at end are not as encoders write them. */
static bool is_padded(const struct sl_proto_record *record, const uint8_t *end)
{
    struct sl_rd rd;
    sl_rd_init(&rd, sl_span(record->start, (size_t)(end - record->start)));
    bool is_padded_tag = canonical(&rd) == 0;
    bool has_varint = record->wire == SL_WIRE_VARINT || record->wire == SL_WIRE_LEN;
    return is_padded_tag || (has_varint && canonical(&rd) == 0);
}

static bool is_message(struct sl_span bytes)
{
    struct sl_rd rd;
    struct sl_proto_record record;
    long score = 0;
    uint32_t before = 0;
    bool is_odd = false;
    sl_rd_init(&rd, bytes);
    while (sl_proto_rd_next(&rd, &record)) {
        score += tag_bits(record.number, before) + value_bits(&record);
        is_odd = is_odd || is_padded(&record, rd.pos);
        before = record.number;
    }
    return sl_rd_ok(&rd) && !is_odd && score >= MESSAGE_MIN;
}

enum sl_raw_shape sl_raw_guess(struct sl_span bytes, bool may_nest)
{
    struct text text = look(bytes);
    if (text.is_utf8 && text.control == 0 && text.white == 0) {
        return SL_RAW_STRING; /* also nothing at all */
    }
    if (may_nest && is_message(bytes)) {
        return SL_RAW_MESSAGE;
    }
    if (text.is_utf8 && text.control * 4 <= text.printable) {
        return SL_RAW_STRING;
    }
    bool are_halves = are_fixed32(bytes);
    if (are_fixed64(bytes) && (!are_halves || has_zero_half(bytes))) {
        return SL_RAW_FIXED64S;
    }
    if (are_halves) {
        return SL_RAW_FIXED32S;
    }
    return are_varints(bytes) ? SL_RAW_VARINTS : SL_RAW_BYTES;
}
