/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/net/mpls.h"

#include "inspector/net/ethernet.h"

enum {
    LABELS_MAX = 32,
    LABEL_BOTTOM = 0x100,
    ETHERTYPE_AT = 12,
    CONTROL_WORD_SIZE = 4,
    IPV4_HEADER_MIN = 20,
    IPV6_HEADER_SIZE = 40,
};

/* Could these bytes be an IP header that announces no more than is there? */
static bool is_ip(const struct ins_wrap *wrap)
{
    struct sl_rd rd;
    sl_rd_init(&rd, wrap->bytes);
    uint8_t first = sl_rd_u8(&rd);
    (void)sl_rd_u8(&rd);
    size_t v4_total = sl_rd_be16(&rd);
    size_t v6_len = sl_rd_be16(&rd);
    if (first >> 4 == 4) {
        return (first & 0x0f) >= 5 && v4_total <= wrap->wire_len &&
               (v4_total == 0 || v4_total >= IPV4_HEADER_MIN);
    }
    return first >> 4 == 6 && v6_len + IPV6_HEADER_SIZE <= wrap->wire_len;
}

/* Is there an EtherType where a frame has it that begins at skip? */
static bool is_ethernet(const struct ins_wrap *wrap, size_t skip)
{
    struct sl_rd rd;
    sl_rd_init(&rd, wrap->bytes);
    (void)sl_rd_take(&rd, skip + ETHERTYPE_AT);
    return ins_ethertype_is_known(sl_rd_be16(&rd)) && sl_rd_ok(&rd);
}

struct ins_wrap ins_mpls_unwrap(const struct ins_wrap *outer)
{
    struct sl_rd rd;
    sl_rd_init(&rd, outer->bytes);
    uint32_t label = 0;
    for (int labels = 0; labels < LABELS_MAX && (label & LABEL_BOTTOM) == 0; labels++) {
        label = sl_rd_be32(&rd);
    }
    struct ins_wrap inner = ins_wrap_rest(outer, INS_WRAP_IP, &rd);
    if ((label & LABEL_BOTTOM) == 0 || inner.bytes.len == 0) {
        return ins_wrap_end(INS_WRAP_MALFORMED);
    }
    inner.scope = ins_wrap_scope(inner.scope, label >> 12);
    /* RFC 4928 3: a first nibble of 0 is a control word, 4 and 6 are IP; but a frame without a
     * control word may begin with any. */
    bool is_word = inner.bytes.data[0] >> 4 == 0 && is_ethernet(&inner, CONTROL_WORD_SIZE);
    if (is_word || (!is_ip(&inner) && is_ethernet(&inner, 0))) {
        (void)sl_rd_take(&rd, is_word ? CONTROL_WORD_SIZE : 0);
        uint32_t scope = inner.scope;
        inner = ins_wrap_rest(outer, INS_WRAP_ETHERNET, &rd);
        inner.scope = scope;
        return inner;
    }
    bool may_be_ip = inner.bytes.data[0] >> 4 == 4 || inner.bytes.data[0] >> 4 == 6;
    return may_be_ip ? inner : ins_wrap_end(INS_WRAP_NOT_IP);
}
