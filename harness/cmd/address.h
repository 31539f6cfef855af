/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_ADDRESS_H
#define HAR_ADDRESS_H

/*
 * "HOST:PORT" of a command line; an IPv6 address stands in brackets. As a target also by the names of gRPC:
 * "dns:///HOST:PORT", "dns:HOST:PORT", "ipv4:A:PORT", "ipv6:[A]:PORT", "unix:PATH" and "unix:///PATH".
 */
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/status.h"

enum {
    HAR_HOST_MAX = 256,
};

struct har_address {
    char host[HAR_HOST_MAX]; /* of a socket in the file system: "unix:PATH", and port 0 */
    uint16_t port;
};

/* SL_USAGE with what is wanted. is_any_port: 0 is fine. */
SL_MUST_USE enum sl_status har_address_parse(const char *text, bool is_any_port,
                                             struct har_address *ret_address,
                                             struct sl_error *reterr_error);

/* The same for a server to connect to, with the schemes. */
SL_MUST_USE enum sl_status har_address_parse_target(const char *text,
                                                    struct har_address *ret_address,
                                                    struct sl_error *reterr_error);

#endif
