/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/stream/via.h"

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
