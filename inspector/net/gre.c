/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/net/gre.h"

enum {
    HAS_CHECKSUM = 0x8000,
    HAS_ROUTING = 0x4000,
    HAS_KEY = 0x2000,
    HAS_SEQUENCE = 0x1000,
    HAS_ACKNOWLEDGEMENT = 0x0080, /* version 1 */
    VERSION = 0x0007,
    ROUTES_MAX = 16,
    TYPE_ERSPAN = 0x88be,
    TYPE_ERSPAN_3 = 0x22eb,
    ERSPAN_2_HEADER = 8,
    ERSPAN_3_HEADER = 12,
    ERSPAN_3_HAS_SUBHEADER = 0x01, /* in the header's last byte */
    ERSPAN_3_SUBHEADER = 8,
};

/* RFC 1701: source routes, each with its length, up to one of length 0. */
static void skip_routes(struct sl_rd *rd)
{
    for (int routes = 0; routes < ROUTES_MAX; routes++) {
        (void)sl_rd_be16(rd);
        (void)sl_rd_u8(rd);
        uint8_t len = sl_rd_u8(rd);
        if (len == 0) {
            return;
        }
        (void)sl_rd_take(rd, len);
    }
    sl_rd_fail(rd);
}

/* A mirrored frame. Without a sequence number it is of type I, which has no header of its own. */
static void skip_erspan(struct sl_rd *rd, uint16_t type, uint16_t flags)
{
    if (type == TYPE_ERSPAN) {
        (void)sl_rd_take(rd, (flags & HAS_SEQUENCE) != 0 ? ERSPAN_2_HEADER : 0);
        return;
    }
    struct sl_span header = sl_rd_take(rd, ERSPAN_3_HEADER);
    bool has_more = header.len > 0 && (header.data[header.len - 1] & ERSPAN_3_HAS_SUBHEADER) != 0;
    (void)sl_rd_take(rd, has_more ? ERSPAN_3_SUBHEADER : 0);
}

struct ins_wrap ins_gre_unwrap(const struct ins_wrap *outer)
{
    struct sl_rd rd;
    sl_rd_init(&rd, outer->bytes);
    uint16_t flags = sl_rd_be16(&rd);
    uint16_t type = sl_rd_be16(&rd);
    uint32_t key = 0;
    (void)sl_rd_take(&rd, (flags & (HAS_CHECKSUM | HAS_ROUTING)) != 0 ? 4 : 0);
    if ((flags & HAS_KEY) != 0) {
        key = sl_rd_be32(&rd);
    }
    (void)sl_rd_take(&rd, (flags & HAS_SEQUENCE) != 0 ? 4 : 0);
    if ((flags & VERSION) == 1) {
        (void)sl_rd_take(&rd, (flags & HAS_ACKNOWLEDGEMENT) != 0 ? 4 : 0);
        key &= 0xffff; /* the other half is the payload's length */
    } else if ((flags & VERSION) != 0) {
        return ins_wrap_end(INS_WRAP_OTHER_IP);
    }
    if ((flags & HAS_ROUTING) != 0) {
        skip_routes(&rd);
    }
    bool is_mirror = type == TYPE_ERSPAN || type == TYPE_ERSPAN_3;
    if (is_mirror) {
        skip_erspan(&rd, type, flags);
    }
    struct ins_wrap inner =
        ins_wrap_rest(outer, is_mirror ? INS_WRAP_ETHERNET : INS_WRAP_TYPED, &rd);
    inner.number = type;
    inner.scope = ins_wrap_scope(inner.scope, key);
    return inner;
}
