/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/infer/shape.h"

#include "lib/base/rd.h"

enum {
    WIRE_VARINT = 0,
    WIRE_FIXED64 = 1,
    WIRE_BYTES = 2,
    WIRE_GROUP = 3,
    WIRE_FIXED32 = 5,
};

struct fit {
    struct ins_shape shape;
    unsigned left; /* fields that are still looked at */
};

/* The length of the UTF-8 sequence at the start of text, which is not empty; 0: none. */
static size_t utf8_len(struct sl_span text)
{
    static const struct {
        uint8_t lead_min, lead_max, second_min, second_max, len;
    } forms[] = {
        {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (text.data[0] < forms[i].lead_min || text.data[0] > forms[i].lead_max) {
            continue;
        }
        size_t len = forms[i].len;
        if (len > text.len || (len > 1 && (text.data[1] < forms[i].second_min ||
                                           text.data[1] > forms[i].second_max))) {
            return 0;
        }
        for (size_t j = 2; j < len; j++) {
            if ((text.data[j] & 0xc0) != 0x80) {
                return 0;
            }
        }
        return len;
    }
    return 0;
}

bool ins_shape_is_utf8(struct sl_span text)
{
    while (text.len > 0) {
        size_t len = utf8_len(text);
        if (len == 0) {
            return false;
        }
        text = sl_span_from(text, len);
    }
    return true;
}

static unsigned wire_of(enum sl_field_type type)
{
    switch (type) {
    case SL_TYPE_DOUBLE:
    case SL_TYPE_FIXED64:
    case SL_TYPE_SFIXED64:
        return WIRE_FIXED64;
    case SL_TYPE_FLOAT:
    case SL_TYPE_FIXED32:
    case SL_TYPE_SFIXED32:
        return WIRE_FIXED32;
    case SL_TYPE_STRING:
    case SL_TYPE_BYTES:
    case SL_TYPE_MESSAGE:
        return WIRE_BYTES;
    case SL_TYPE_GROUP:
        return WIRE_GROUP;
    case SL_TYPE_INT64:
    case SL_TYPE_UINT64:
    case SL_TYPE_INT32:
    case SL_TYPE_BOOL:
    case SL_TYPE_UINT32:
    case SL_TYPE_ENUM:
    case SL_TYPE_SINT32:
    case SL_TYPE_SINT64:
        break;
    }
    return WIRE_VARINT;
}

static bool is_varint_likely(const struct sl_field *field, uint64_t value)
{
    if (field->type == SL_TYPE_BOOL) {
        return value <= 1;
    }
    if (field->type == SL_TYPE_UINT32 || field->type == SL_TYPE_SINT32) {
        return value <= UINT32_MAX;
    }
    if (field->type == SL_TYPE_INT32) { /* a negative one has all 64 bits */
        return value <= INT32_MAX || value >= (uint64_t)INT32_MIN;
    }
    return field->type != SL_TYPE_ENUM || field->enumeration == NULL ||
           (value <= INT32_MAX && sl_enum_type_name(field->enumeration, (int32_t)value) != NULL);
}

static bool fit_message(struct fit *fit, const struct sl_message_type *type, struct sl_span bytes,
                        unsigned depth);

static void judge(struct fit *fit, bool is_good)
{
    if (is_good) {
        fit->shape.good++;
    } else {
        fit->shape.bad++;
    }
}

static void fit_bytes(struct fit *fit, const struct sl_field *field, struct sl_span bytes,
                      unsigned depth)
{
    if (field->type == SL_TYPE_STRING) {
        judge(fit, ins_shape_is_utf8(bytes));
    } else if (field->type == SL_TYPE_MESSAGE && field->message != NULL &&
               depth < INS_SHAPE_DEPTH_MAX) {
        judge(fit, fit_message(fit, field->message, bytes, depth + 1));
    } else {
        judge(fit, wire_of(field->type) == WIRE_BYTES || field->is_repeated); /* or packed */
    }
}

/* Skips the value; false when there is none. */
static bool take_value(struct sl_rd *rd, unsigned wire, uint64_t *ret_varint,
                       struct sl_span *ret_bytes)
{
    uint64_t len = 0;
    switch (wire) {
    case WIRE_VARINT:
        *ret_varint = sl_rd_varint(rd);
        break;
    case WIRE_FIXED64:
        (void)sl_rd_take(rd, 8);
        break;
    case WIRE_FIXED32:
        (void)sl_rd_take(rd, 4);
        break;
    case WIRE_BYTES:
        len = sl_rd_varint(rd);
        if (len > sl_rd_left(rd)) {
            return false;
        }
        *ret_bytes = sl_rd_take(rd, (size_t)len);
        break;
    default: /* groups are rare enough to be no one's shape */
        return false;
    }
    return sl_rd_ok(rd);
}

/* Judges the fields; false when the bytes are no message. */
static bool fit_message(struct fit *fit, const struct sl_message_type *type, struct sl_span bytes,
                        unsigned depth)
{
    struct sl_rd rd;
    sl_rd_init(&rd, bytes);
    while (sl_rd_left(&rd) > 0) {
        uint64_t tag = sl_rd_varint(&rd);
        unsigned wire = (unsigned)(tag & 7);
        uint64_t number = tag >> 3;
        uint64_t varint = 0;
        struct sl_span value = {0};
        if (number == 0 || number > (UINT32_MAX >> 3) || !take_value(&rd, wire, &varint, &value)) {
            return false;
        }
        if (fit->left == 0) {
            return true;
        }
        fit->left--;
        const struct sl_field *field = sl_message_type_field(type, (uint32_t)number);
        if (field == NULL) {
            judge(fit, false);
        } else if (wire == WIRE_BYTES) {
            fit_bytes(fit, field, value, depth);
        } else if (wire != wire_of(field->type)) {
            judge(fit, false);
        } else {
            judge(fit, wire != WIRE_VARINT || is_varint_likely(field, varint));
        }
    }
    return true;
}

struct ins_shape ins_shape_fit(const struct sl_message_type *type, struct sl_span bytes)
{
    struct fit fit = {.left = INS_SHAPE_FIELDS_MAX};
    bool is_message = fit_message(&fit, type, bytes, 0);
    fit.shape.is_impossible = !is_message || (fit.shape.good == 0 && fit.shape.bad > 0);
    return fit.shape;
}
