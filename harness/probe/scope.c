/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/probe/scope.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "harness/transport/addresses.h"

bool har_probe_is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof(v4));
        return ntohl(v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    if (address->ss_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof(v6));
        bool is_mapped = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr);
        return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr) ||
               (is_mapped && v6.sin6_addr.s6_addr[12] == IN_LOOPBACKNET);
    }
    return address->ss_family == AF_UNIX;
}

bool har_probe_is_local(const char *host)
{
    if (har_unix_path(host) != NULL) {
        return true;
    }
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    if (getaddrinfo(host, NULL, &hints, &list) != 0) {
        return false;
    }
    bool is_local = list != NULL;
    for (const struct addrinfo *at = list; at != NULL; at = at->ai_next) {
        struct sockaddr_storage address = {0};
        memcpy(&address, at->ai_addr, at->ai_addrlen);
        is_local &= har_probe_is_loopback(&address);
    }
    freeaddrinfo(list);
    return is_local;
}
