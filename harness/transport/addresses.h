/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_ADDRESSES_H
#define HAR_ADDRESSES_H

/* Where a server is: names, addresses and sockets in the file system, and how they are written. */
#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* A host that begins so is the path of a socket; its port means nothing. */
#define HAR_UNIX_PREFIX "unix:"

enum {
    HAR_ADDRESS_TEXT_MAX = 64,
};

/* The path of "unix:PATH"; NULL for any other host. */
const char *har_unix_path(const char *host);

/* The address of a path, which fits; what it takes. */
socklen_t har_unix_address(const char *path, struct sockaddr_storage *ret_address);
/* A stream socket connected to it; -errno. It does not wait: a server that lets others wait is EAGAIN. */
int har_unix_connect(const struct sockaddr *address, socklen_t len);

/* What requests call the server by default: "host:port", with brackets for IPv6; "localhost" for a path, as gRPC has
 * it. To be sl_free'd. */
char *har_authority_of(const char *host, uint16_t port);

/* The host of an authority, without port and brackets: what TLS asks for. To be sl_free'd. */
char *har_authority_host(const char *authority);

/* The addresses in the order to try them: that of the system (RFC 6724), the two families by turns, so that one that
 * leads nowhere costs one attempt (RFC 8305 4). The same list, with another head. */
struct addrinfo *har_addresses_by_turns(struct addrinfo *list);

/* "127.0.0.1" or "::1"; "" for others. */
const char *har_address_text(const struct sockaddr_storage *address,
                             char text[HAR_ADDRESS_TEXT_MAX]);

#endif
