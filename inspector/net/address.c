/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/net/address.h"

#include <arpa/inet.h>
#include <stdio.h>

const char *ins_endpoint_text(const struct ins_endpoint *endpoint, char out[INS_ENDPOINT_TEXT_MAX])
{
    char address[INET6_ADDRSTRLEN] = "";
    bool is_v6 = endpoint->address.version == 6;
    (void)inet_ntop(is_v6 ? AF_INET6 : AF_INET, endpoint->address.bytes, address, sizeof(address));
    (void)snprintf(out, INS_ENDPOINT_TEXT_MAX, is_v6 ? "[%s]:%u" : "%s:%u", address,
                   (unsigned)endpoint->port);
    return out;
}
