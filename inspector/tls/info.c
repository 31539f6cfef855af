/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/tls/info.h"

#include "lib/base/alloc.h"

static void write_text(struct sl_json_out *out, const char *key, const char *text)
{
    sl_json_out_key(out, key);
    if (text == NULL || text[0] == '\0') {
        sl_json_out_null(out);
    } else {
        sl_json_out_span(out, sl_span_str(text));
    }
}

void ins_tls_info_write(const struct ins_tls_info *info, struct sl_json_out *out)
{
    const char *version = info->version == INS_TLS_VERSION_13   ? "TLSv1.3"
                          : info->version == INS_TLS_VERSION_12 ? "TLSv1.2"
                                                                : NULL;
    sl_json_out_begin_object(out);
    write_text(out, "version", version);
    write_text(out, "cipher", info->suite);
    write_text(out, "sni", info->sni);
    write_text(out, "alpn", info->alpn);
    sl_json_out_end_object(out);
}

void ins_tls_info_free(struct ins_tls_info *info)
{
    while (info != NULL) {
        struct ins_tls_info *outer = info->outer;
        sl_free(info);
        info = outer;
    }
}
