/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_PACKET_H
#define HAR_PACKET_H

/* One TCP segment in a raw IPv4 or IPv6 packet, with true checksums (RFC 791, 8200, 9293). */
#include <sys/socket.h>

#include "lib/base/buf.h"

enum {
    HAR_PACKET_FIN = 0x01,
    HAR_PACKET_SYN = 0x02,
    HAR_PACKET_RST = 0x04,
    HAR_PACKET_PSH = 0x08,
    HAR_PACKET_ACK = 0x10,
    HAR_PACKET_MAX = 65535 + 40, /* the largest IPv6 packet that is no jumbogram */
};

/* One end of a connection. */
struct har_packet_end {
    int family;          /* AF_INET or AF_INET6 */
    uint8_t address[16]; /* network order; 4 bytes of it for AF_INET */
    uint16_t port;
};

void har_packet_end_init(struct har_packet_end *end, const struct sockaddr *address);

struct har_packet_segment {
    const struct har_packet_end *from, *to; /* of one family */
    uint32_t sequence;
    uint32_t acknowledged; /* put in when flags has ACK */
    uint8_t flags;
    struct sl_span payload;
};

/* Appends the packet; out must have room for it. */
void har_packet_write(struct sl_buf *out, const struct har_packet_segment *segment);

#endif
