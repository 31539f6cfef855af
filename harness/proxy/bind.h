/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_BIND_H
#define HAR_BIND_H

/* Sockets for listeners, and how addresses are written. */
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/status.h"

struct addrinfo;

enum {
    HAR_BOUND_MAX = 128,
};

/* The addresses of a name, for freeaddrinfo; may block. "" and is_passive: all of this machine. SL_IO. */
SL_MUST_USE enum sl_status har_look_up(const char *host, uint16_t port, bool is_passive,
                                       struct addrinfo **ret_list, struct sl_error *reterr_error);

struct har_bound {
    int fd; /* bound, not listening, not blocking; the caller's to close */
    uint16_t port;
    char address[HAR_BOUND_MAX]; /* "127.0.0.1:4000", "[::1]:4000" */
};
/* port 0: any. SL_IO with the reason. */
SL_MUST_USE enum sl_status har_bind(const char *host, uint16_t port, struct har_bound *ret_bound,
                                    struct sl_error *reterr_error);

#endif
