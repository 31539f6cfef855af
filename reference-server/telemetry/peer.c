/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/telemetry/peer.h"

#include "lib/base/units.h"

enum {
    ESCAPE_LEN = 3, /* %5B */
};

void srv_peer_from_core(struct sl_span name, char out[SRV_PEER_MAX])
{
    const size_t family_len = strlen("ipv4:");
    size_t len = 0;
    if (sl_span_starts(name, "ipv4:") || sl_span_starts(name, "ipv6:")) {
        name = sl_span_from(name, family_len);
    }
    while (name.len > 0 && len < SRV_PEER_MAX - 1) {
        size_t step = ESCAPE_LEN;
        if (sl_span_starts(name, "%5B")) {
            out[len++] = '[';
        } else if (sl_span_starts(name, "%5D")) {
            out[len++] = ']';
        } else {
            out[len++] = (char)name.data[0];
            step = 1;
        }
        name = sl_span_from(name, step);
    }
    out[len] = '\0';
}

bool srv_peer_split(struct sl_span peer, struct sl_span *ret_host, uint16_t *ret_port)
{
    const uint8_t *colon = peer.len == 0 ? NULL : memrchr(peer.data, ':', peer.len);
    if (colon == NULL) {
        return false;
    }
    size_t at = (size_t)(colon - peer.data);
    uint64_t port = 0;
    if (sl_units_u64(sl_span_from(peer, at + 1), &port) != SL_OK || port > UINT16_MAX) {
        return false;
    }
    struct sl_span host = sl_span_first(peer, at);
    if (host.len >= 2 && host.data[0] == '[' && host.data[host.len - 1] == ']') {
        host = sl_span(host.data + 1, host.len - 2);
    }
    *ret_host = host;
    *ret_port = (uint16_t)port;
    return true;
}

struct sl_span srv_peer_of(const struct srv_call_record *call)
{
    if (call->peer[0] != '\0' || call->connection == NULL) {
        return sl_span_str(call->peer);
    }
    return sl_span_str(call->connection->peer);
}
