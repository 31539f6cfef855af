/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/stream/via.h"

#include <arpa/inet.h>

#include "lib/base/units.h"

static void write_end(struct sl_json_out *out, const char *key, const struct ins_via *via,
                      const struct ins_endpoint *end)
{
    char text[INS_ENDPOINT_TEXT_MAX];
    sl_json_out_key(out, key);
    if (via->has_ends) {
        sl_json_out_str(out, ins_endpoint_text(end, text));
    } else {
        sl_json_out_null(out);
    }
}

static void write_proxy(const struct ins_via *via, struct sl_json_out *out)
{
    sl_json_out_key_str(out, "type", "proxy");
    sl_json_out_key_u64(out, "version", via->version);
    write_end(out, "client", via, &via->client);
    write_end(out, "server", via, &via->server);
    if (via->name[0] != '\0') {
        sl_json_out_key_str(out, "authority", via->name);
    }
}

void ins_via_write(const struct ins_via *outermost, size_t count, struct sl_json_out *out)
{
    const struct ins_via *via = outermost;
    sl_json_out_begin_array(out);
    for (size_t i = 0; i < count && via != NULL; i++, via = via->inner) {
        sl_json_out_begin_object(out);
        if (via->kind == INS_VIA_PROXY) {
            write_proxy(via, out);
        } else {
            sl_json_out_key_str(out, "type", "connect");
            sl_json_out_key_str(out, "target", via->name);
        }
        sl_json_out_end_object(out);
    }
    sl_json_out_end_array(out);
}

bool ins_via_target(const struct ins_via *via, struct ins_endpoint *ret_end)
{
    const char *colon = strrchr(via->name, ':');
    uint64_t port = 0;
    if (via->kind != INS_VIA_CONNECT || colon == NULL ||
        sl_units_u64(sl_span_str(colon + 1), &port) != SL_OK || port > UINT16_MAX) {
        return false;
    }
    *ret_end = (struct ins_endpoint){.port = (uint16_t)port};
    char host[INS_VIA_NAME_MAX];
    size_t len = (size_t)(colon - via->name);
    bool is_bracketed = len > 2 && via->name[0] == '[' && via->name[len - 1] == ']';
    len -= is_bracketed ? 2 : 0;
    memcpy(host, via->name + (is_bracketed ? 1 : 0), len);
    host[len] = '\0';
    if (inet_pton(is_bracketed ? AF_INET6 : AF_INET, host, ret_end->address.bytes) == 1) {
        ret_end->address.version = is_bracketed ? 6 : 4;
    }
    return true;
}
