/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/net/wifi.h"

#define RADIOTAP_TSFT  (1U << 0)
#define RADIOTAP_FLAGS (1U << 1)
#define RADIOTAP_MORE  (1U << 31)

enum {
    RADIOTAP_WORDS_MAX = 16,
    RADIOTAP_FIXED = 8,
    FLAG_PADDED = 0x20,
    TYPE_DATA = 2,
    SUBTYPE_NULL = 0x4, /* carries nothing */
    SUBTYPE_QOS = 0x8,
    TO_DS = 0x01,
    FROM_DS = 0x02,
    MORE_FRAGMENTS = 0x04,
    PROTECTED = 0x40,
    ORDER = 0x80,
    QOS_AGGREGATE = 0x80,
    ADDRESSES_SIZE = 12,
};

/* Only TSFT, of 8 bytes and so aligned, comes before the flags. */
static uint8_t radiotap_flags(struct sl_span header)
{
    struct sl_rd rd;
    sl_rd_init(&rd, header);
    (void)sl_rd_be32(&rd); /* version, pad, length */
    uint32_t present = sl_rd_le32(&rd);
    uint32_t more = present;
    size_t at = RADIOTAP_FIXED;
    for (int words = 0; words < RADIOTAP_WORDS_MAX && (more & RADIOTAP_MORE) != 0; words++) {
        more = sl_rd_le32(&rd);
        at += 4;
    }
    if ((present & RADIOTAP_TSFT) != 0) {
        size_t padding = (8 - at % 8) % 8;
        (void)sl_rd_take(&rd, padding + 8);
    }
    uint8_t flags = (present & RADIOTAP_FLAGS) != 0 ? sl_rd_u8(&rd) : 0;
    return sl_rd_ok(&rd) ? flags : 0;
}

struct ins_wrap ins_radiotap_unwrap(const struct ins_wrap *outer)
{
    struct sl_rd rd;
    sl_rd_init(&rd, outer->bytes);
    (void)sl_rd_be16(&rd);
    size_t size = sl_rd_le16(&rd);
    sl_rd_init(&rd, outer->bytes);
    struct sl_span header = sl_rd_take(&rd, size);
    if (size < RADIOTAP_FIXED) {
        return ins_wrap_end(INS_WRAP_MALFORMED);
    }
    struct ins_wrap inner = ins_wrap_rest(outer, INS_WRAP_WIFI, &rd);
    inner.number = (radiotap_flags(header) & FLAG_PADDED) != 0 ? 1 : 0;
    return inner;
}

struct ins_wrap ins_wifi_unwrap(const struct ins_wrap *outer)
{
    struct sl_rd rd;
    sl_rd_init(&rd, outer->bytes);
    uint8_t type = sl_rd_u8(&rd);
    uint8_t flags = sl_rd_u8(&rd);
    uint8_t subtype = type >> 4;
    bool is_aggregate = false;
    if ((type >> 2 & 3) != TYPE_DATA || (subtype & SUBTYPE_NULL) != 0) {
        return ins_wrap_end(sl_rd_ok(&rd) ? INS_WRAP_NOT_IP : INS_WRAP_MALFORMED);
    }
    if ((flags & PROTECTED) != 0) {
        return ins_wrap_end(INS_WRAP_ENCRYPTED);
    }
    (void)sl_rd_take(&rd, 2 + 18); /* duration, three addresses */
    uint16_t sequence = sl_rd_le16(&rd);
    bool is_relayed = (flags & (TO_DS | FROM_DS)) == (TO_DS | FROM_DS);
    (void)sl_rd_take(&rd, is_relayed ? 6 : 0);
    if ((subtype & SUBTYPE_QOS) != 0) {
        is_aggregate = (sl_rd_u8(&rd) & QOS_AGGREGATE) != 0;
        (void)sl_rd_u8(&rd);
        (void)sl_rd_take(&rd, (flags & ORDER) != 0 ? 4 : 0); /* HT control */
    }
    size_t header_size = outer->bytes.len - sl_rd_left(&rd);
    (void)sl_rd_take(&rd, outer->number == 1 ? (4 - header_size % 4) % 4 : 0);
    if (sl_rd_ok(&rd) && ((flags & MORE_FRAGMENTS) != 0 || (sequence & 0x0f) != 0)) {
        return ins_wrap_end(INS_WRAP_NOT_IP);
    }
    return ins_wrap_rest(outer, is_aggregate ? INS_WRAP_SUBFRAMES : INS_WRAP_LLC, &rd);
}

struct ins_wrap ins_wifi_next(struct ins_wrap *rest)
{
    struct sl_rd rd;
    sl_rd_init(&rd, rest->bytes);
    (void)sl_rd_take(&rd, ADDRESSES_SIZE);
    size_t len = sl_rd_be16(&rd);
    struct ins_wrap frame = ins_wrap_rest(rest, INS_WRAP_LLC, &rd);
    if (frame.kind != INS_WRAP_LLC) {
        rest->bytes = sl_span(NULL, 0);
        return frame;
    }
    ins_wrap_limit(&frame, len);
    size_t whole = ADDRESSES_SIZE + 2 + len;
    whole += (4 - whole % 4) % 4; /* all but the last are padded */
    size_t skip = whole < rest->bytes.len ? whole : rest->bytes.len;
    rest->bytes = sl_span_from(rest->bytes, skip);
    rest->wire_len -= skip;
    return frame;
}
