/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cmd/address.h"

#include "lib/base/units.h"

enum sl_status har_address_parse(const char *text, bool is_any_port,
                                 struct har_address *ret_address, struct sl_error *reterr_error)
{
    const char *colon = strrchr(text, ':');
    uint64_t port = 0;
    if (colon == NULL || sl_units_u64(sl_span_str(colon + 1), &port) != SL_OK || port > 65535 ||
        (port == 0 && !is_any_port)) {
        return sl_error_set(reterr_error, SL_USAGE, "wanted: HOST:PORT");
    }
    const char *host = text;
    size_t len = (size_t)(colon - text);
    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') { /* [::1]:50051 */
        host++;
        len -= 2;
    }
    if (len == 0 || len >= sizeof(ret_address->host)) {
        return sl_error_set(reterr_error, SL_USAGE, "wanted: HOST:PORT");
    }
    memcpy(ret_address->host, host, len);
    ret_address->host[len] = '\0';
    ret_address->port = (uint16_t)port;
    return SL_OK;
}
