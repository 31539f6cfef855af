/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_TLS_INFO_H
#define INS_TLS_INFO_H

/* What the records say of a TLS connection. */
#include <stdint.h>

#include "inspector/tls/hello.h"
#include "lib/base/json_out.h"

enum {
    INS_TLS_SNI_MAX = 255, /* longer ones are cut */
    INS_TLS_ALPN_MAX = 31,
};

struct ins_tls_info {
    uint16_t version; /* 0x0303, 0x0304; 0 until the ServerHello */
    bool has_client_random;
    uint8_t client_random[INS_TLS_RANDOM]; /* of its first ClientHello */
    const char *suite; /* as IANA names it; NULL until then, or when it is not supported */
    char sni[INS_TLS_SNI_MAX + 1]; /* may be empty, as alpn */
    char alpn[INS_TLS_ALPN_MAX + 1];
    struct ins_tls_info *outer; /* of the connection that this one is inside of; or NULL */
};

/* {"version":"TLSv1.3","cipher":...,"sni":...,"alpn":...}: null what is not known. */
void ins_tls_info_write(const struct ins_tls_info *info, struct sl_json_out *out);

/* info and those outside of it. NULL is fine. */
void ins_tls_info_free(struct ins_tls_info *info);

#endif
