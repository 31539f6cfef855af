/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_TLS_HELLO_H
#define INS_TLS_HELLO_H

/*
 * What ClientHello, ServerHello, EncryptedExtensions and NewSessionTicket say of interest to a reader (RFC 8446 4.1 to
 * 4.3, RFC 5246 7.4.1, RFC 5077). Bodies without their header of four bytes. Pure; spans are of the
 * body.
 * SL_MALFORMED leaves the result as far as it was read.
 */
#include "lib/base/span.h"
#include "lib/base/status.h"

enum {
    INS_TLS_RANDOM = 32,
    INS_TLS_SESSION_ID_MAX = 32,
    INS_TLS_DIGEST = 32,
    INS_TLS_VERSION_12 = 0x0303,
    INS_TLS_VERSION_13 = 0x0304,
};

struct ins_tls_session_id {
    uint8_t bytes[INS_TLS_SESSION_ID_MAX];
    size_t len;
};

struct ins_tls_client_hello {
    uint8_t random[INS_TLS_RANDOM];
    struct ins_tls_session_id session;
    bool has_ticket; /* of RFC 5077 */
    uint8_t ticket[INS_TLS_DIGEST];
    bool has_early_data; /* announced (RFC 8446 4.2.10) */
    struct sl_span sni;  /* of the body; may be empty */
};

struct ins_tls_server_hello {
    uint16_t version; /* the one that was chosen */
    uint8_t random[INS_TLS_RANDOM];
    struct ins_tls_session_id session;
    uint16_t suite;
    uint8_t compression;
    bool is_retry; /* a HelloRetryRequest */
    bool is_encrypt_then_mac;
    struct sl_span alpn; /* of the body; empty when none was chosen, or it is not told here */
};

struct ins_tls_extensions {
    bool has_early_data; /* accepted */
    struct sl_span alpn; /* of the body */
};

SL_MUST_USE enum sl_status ins_tls_read_client_hello(struct sl_span body,
                                                     struct ins_tls_client_hello *ret_hello);
SL_MUST_USE enum sl_status ins_tls_read_server_hello(struct sl_span body,
                                                     struct ins_tls_server_hello *ret_hello);
SL_MUST_USE enum sl_status ins_tls_read_extensions(struct sl_span body,
                                                   struct ins_tls_extensions *ret_extensions);
/* The digest by which a client's has_ticket names it. */
SL_MUST_USE enum sl_status ins_tls_read_ticket(struct sl_span body,
                                               uint8_t ret_digest[INS_TLS_DIGEST]);

#endif
