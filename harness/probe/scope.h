/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_PROBE_SCOPE_H
#define HAR_PROBE_SCOPE_H

/* Whether a host is this machine and nothing else: what a probe may be aimed at without being told so. */
#include <stdbool.h>
#include <sys/socket.h>

/* The path of a socket ("unix:PATH") is; a name is when all its addresses are. */
bool har_probe_is_local(const char *host);
bool har_probe_is_loopback(const struct sockaddr_storage *address);

#endif
