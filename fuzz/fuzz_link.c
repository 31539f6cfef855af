/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of a link type (first byte chooses it), each with a length before it: link, IP, fragments and
 * TCP headers. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "inspector/net/ip.h"
#include "inspector/net/link.h"
#include "inspector/net/tcp.h"
#include "lib/base/rd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t types[] = {INS_LINK_NULL, INS_LINK_ETHERNET, INS_LINK_RAW,  INS_LINK_LOOP,
                                     INS_LINK_SLL,  INS_LINK_SLL2,     INS_LINK_IPV6, 9999};
    struct sl_rd rd;
    sl_rd_init(&rd, sl_span(data, size));
    uint32_t type = types[sl_rd_u8(&rd) % (sizeof(types) / sizeof(types[0]))];
    struct ins_ip *ip = ins_ip_new();
    while (sl_rd_left(&rd) > 0) {
        size_t len = sl_rd_u8(&rd);
        len = len < sl_rd_left(&rd) ? len : sl_rd_left(&rd);
        struct sl_span frame = sl_rd_take(&rd, len);
        struct sl_span packet = ins_link_ip(type, frame);
        struct ins_datagram datagram;
        struct ins_segment segment = {0};
        assert(packet.len <= frame.len);
        if (ins_ip_feed(ip, packet, packet.len + 3, &datagram)) {
            assert(datagram.payload.len <= datagram.wire_len);
            if (ins_segment_read(datagram.payload, datagram.wire_len, &segment)) {
                assert(segment.payload.len <= segment.len);
            }
        }
    }
    ins_ip_free(ip);
    return 0;
}
