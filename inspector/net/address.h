/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_ADDRESS_H
#define INS_ADDRESS_H

/* Addresses of IPv4 and IPv6 hosts, and of the ends of a TCP connection. */
#include "lib/base/buf.h"

struct ins_address {
    uint8_t bytes[16]; /* IPv4: the first 4; the rest is zero */
    uint8_t version;   /* 4 or 6 */
};

struct ins_endpoint {
    struct ins_address address;
    uint16_t port;
};

enum {
    INS_ENDPOINT_TEXT_MAX = 64,
};

/* "127.0.0.1:50051", "[::1]:50051" into out; returns out. */
const char *ins_endpoint_text(const struct ins_endpoint *endpoint, char out[INS_ENDPOINT_TEXT_MAX]);

#endif
