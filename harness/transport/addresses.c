/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/transport/addresses.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/alloc.h"

const char *har_unix_path(const char *host)
{
    size_t len = sizeof(HAR_UNIX_PREFIX) - 1;
    return strncmp(host, HAR_UNIX_PREFIX, len) == 0 ? host + len : NULL;
}

socklen_t har_unix_address(const char *path, struct sockaddr_storage *ret_address)
{
    struct sockaddr_un *address = (struct sockaddr_un *)ret_address;
    *ret_address = (struct sockaddr_storage){.ss_family = AF_UNIX};
    (void)snprintf(address->sun_path, sizeof(address->sun_path), "%s", path);
    return sizeof(*address);
}

int har_unix_connect(const struct sockaddr *address, socklen_t len)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    if (connect(fd, address, len) == 0) {
        return fd;
    }
    int error = errno;
    (void)close(fd);
    return -error;
}

char *har_authority_of(const char *host, uint16_t port)
{
    if (har_unix_path(host) != NULL) {
        return sl_strdup("localhost");
    }
    bool is_ip6 = strchr(host, ':') != NULL;
    return sl_asprintf(is_ip6 ? "[%s]:%u" : "%s:%u", host, (unsigned)port);
}

char *har_authority_host(const char *authority)
{
    size_t len = strcspn(authority, ":");
    if (authority[0] == '[') {
        authority++;
        len = strcspn(authority, "]");
    } else if (strchr(authority, ':') != strrchr(authority, ':')) { /* an IPv6 address alone */
        len = strlen(authority);
    }
    return sl_asprintf("%.*s", (int)len, authority);
}

/* Takes the first of the family, or not of it, out of the list. */
static struct addrinfo *take(struct addrinfo **list, int family, bool is_of_it)
{
    struct addrinfo **place = list;
    while (*place != NULL && ((*place)->ai_family == family) != is_of_it) {
        place = &(*place)->ai_next;
    }
    struct addrinfo *found = *place;
    if (found != NULL) {
        *place = found->ai_next;
        found->ai_next = NULL;
    }
    return found;
}

struct addrinfo *har_addresses_by_turns(struct addrinfo *list)
{
    struct addrinfo *head = NULL;
    struct addrinfo **end = &head;
    bool is_first_family = true;
    int family = list == NULL ? AF_UNSPEC : list->ai_family;
    while (list != NULL) {
        struct addrinfo *next = take(&list, family, is_first_family);
        if (next != NULL) {
            *end = next;
            end = &next->ai_next;
        }
        is_first_family = !is_first_family;
    }
    return head;
}

const char *har_address_text(const struct sockaddr_storage *address,
                             char text[HAR_ADDRESS_TEXT_MAX])
{
    text[0] = '\0';
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        (void)inet_ntop(AF_INET, &in->sin_addr, text, HAR_ADDRESS_TEXT_MAX);
    } else if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
        (void)inet_ntop(AF_INET6, &in6->sin6_addr, text, HAR_ADDRESS_TEXT_MAX);
    }
    return text;
}
