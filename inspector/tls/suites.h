/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_TLS_SUITES_H
#define INS_TLS_SUITES_H

/* The cipher suites that are decrypted, as numbered by IANA's registry "TLS Cipher Suites". */
#include "lib/base/span.h"

enum ins_tls_mode {
    INS_TLS_GCM,
    INS_TLS_CCM,
    INS_TLS_CCM_8, /* a tag of 8 bytes */
    INS_TLS_CHACHA20,
    INS_TLS_CBC,
};

struct ins_tls_suite {
    uint16_t id;
    const char *name;
    enum ins_tls_mode mode;
    uint8_t key_size;
    const char *cipher; /* as OpenSSL names it */
    const char *hash;   /* of the key schedule */
    const char *mac;    /* of INS_TLS_CBC; else NULL */
};

/* NULL when it is not supported. */
const struct ins_tls_suite *ins_tls_suite(uint16_t id);
/* Of TLS 1.3 (RFC 8446 B.4). */
bool ins_tls_suite_is_13(uint16_t id);

#endif
