/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of a link type (first byte chooses it), each with a length before it: link types, tunnels, IP,
 * fragments and TCP headers. Whatever comes, a segment holds no more than its frame or datagram. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "inspector/net/fragments.h"
#include "inspector/net/unwrap.h"
#include "lib/base/rd.h"

static void on_segment(void *owner, const struct ins_segment *segment)
{
    uint64_t *segments = owner;
    volatile uint8_t sum = 0;
    assert(segment->payload.len <= segment->len);
    assert(segment->payload.len <= INS_DATAGRAM_MAX);
    for (size_t i = 0; i < segment->payload.len; i++) {
        sum = (uint8_t)(sum + segment->payload.data[i]);
    }
    (*segments)++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t types[] = {
        INS_LINK_NULL,  INS_LINK_ETHERNET, INS_LINK_RAW,        INS_LINK_LOOP,
        INS_LINK_SLL,   INS_LINK_SLL2,     INS_LINK_IPV6,       9999,
        INS_LINK_PPP,   INS_LINK_PPP_HDLC, INS_LINK_CISCO_HDLC, INS_LINK_WIFI,
        INS_LINK_PPPOE, INS_LINK_RADIOTAP, INS_LINK_MPLS,       INS_LINK_ENC};
    struct sl_rd rd;
    sl_rd_init(&rd, sl_span(data, size));
    struct ins_packet packet = {.link_type = types[sl_rd_u8(&rd) % 16]};
    uint64_t segments = 0;
    struct ins_unwrap *unwrap = ins_unwrap_new(on_segment, &segments);
    while (sl_rd_left(&rd) > 0) {
        size_t len = sl_rd_u8(&rd);
        len = len < sl_rd_left(&rd) ? len : sl_rd_left(&rd);
        packet.bytes = sl_rd_take(&rd, len);
        packet.original_len = (uint32_t)len + 3;
        packet.number++;
        ins_unwrap_feed(unwrap, &packet);
    }
    assert(ins_unwrap_totals(unwrap)->ends[INS_WRAP_TCP] == segments);
    ins_unwrap_free(unwrap);
    return 0;
}
