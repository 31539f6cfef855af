/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_PACKET_H
#define INS_PACKET_H

/* One captured packet, as every source hands it on. */
#include "lib/base/span.h"

enum {
    INS_PACKET_MAX = 256 * 1024, /* captured bytes; libpcap and Wireshark stop there too */
};

/* The link types that are decoded: numbers of pcap and pcapng files (tcpdump.org/linktypes.html). */
enum ins_link_type {
    INS_LINK_NULL = 0,
    INS_LINK_ETHERNET = 1,
    INS_LINK_PPP = 9,
    INS_LINK_RAW_BSD = 12, /* DLT_RAW, as some writers put it down unmapped */
    INS_LINK_RAW_OPENBSD = 14,
    INS_LINK_PPP_HDLC = 50,
    INS_LINK_PPPOE = 51,
    INS_LINK_RAW = 101,
    INS_LINK_CISCO_HDLC = 104,
    INS_LINK_WIFI = 105,
    INS_LINK_LOOP = 108,
    INS_LINK_ENC = 109, /* OpenBSD's IPsec interface */
    INS_LINK_SLL = 113,
    INS_LINK_RADIOTAP = 127,
    INS_LINK_MPLS = 219,
    INS_LINK_IPV4 = 228,
    INS_LINK_IPV6 = 229,
    INS_LINK_SLL2 = 276,
};

struct ins_packet {
    struct sl_span bytes;  /* borrowed until the next packet of the same source */
    uint32_t original_len; /* on the wire; bytes.len is less where a snaplen cut it */
    uint32_t link_type;    /* enum ins_link_type, or another number */
    uint64_t number;       /* from 1, in the order of reading */
    uint64_t time_ns;      /* since 1970 */
    bool has_time;
    /* A frame check sequence that was taken off: it lies behind bytes as far as it was captured. */
    uint32_t fcs_size;                   /* of each frame of its interface */
    uint32_t fcs_captured, fcs_original; /* of this one, captured and on the wire */
    const char *interface_name;          /* as long as bytes; NULL: not known */
};

/* Takes off a frame check sequence of this many bytes, as far as it was captured. */
static inline void ins_packet_cut_fcs(struct ins_packet *packet, uint32_t size)
{
    uint32_t payload = packet->original_len > size ? packet->original_len - size : 0;
    if (size > 0) {
        size_t captured = packet->bytes.len;
        packet->fcs_size = size;
        packet->fcs_original = packet->original_len - payload;
        packet->original_len = payload;
        packet->bytes = sl_span_first(packet->bytes, payload);
        packet->fcs_captured = (uint32_t)(captured - packet->bytes.len);
    }
}

#endif
