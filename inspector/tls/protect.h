/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_TLS_PROTECT_H
#define INS_TLS_PROTECT_H

/*
 * Opens the protected records of one direction under one set of keys (RFC 5246 6.2.3, RFC 7366, RFC 7905, RFC 8446 5.2).
 * A record opens only when it is authentic, so a wrong key or sequence number is never taken for data.
 */
#include "inspector/tls/suites.h"
#include "lib/base/status.h"

enum {
    INS_TLS_HEADER_SIZE = 5,
    INS_TLS_PLAIN_MAX = 16384,
    INS_TLS_FRAGMENT_MAX = INS_TLS_PLAIN_MAX + 2048, /* RFC 5246 6.2.3, the more generous one */
    INS_TLS_BLOCK_SLACK = 64,                        /* what a cipher may write behind */
};

struct ins_tls_protect;

/* TLS 1.2: the keys of both directions, cut from the key block (RFC 5246 6.3); NULL where OpenSSL lacks the cipher.
 * is_client: of the client's writing. */
struct ins_tls_protect *ins_tls_protect_new_12(const struct ins_tls_suite *suite,
                                               bool is_encrypt_then_mac, bool is_client,
                                               struct sl_span master, const uint8_t *client_random,
                                               const uint8_t *server_random);
/* TLS 1.3, by the direction's traffic secret. */
struct ins_tls_protect *ins_tls_protect_new_13(const struct ins_tls_suite *suite,
                                               struct sl_span secret);
/* NULL is fine. */
void ins_tls_protect_free(struct ins_tls_protect *protect);

/*
 * Opens the record of header and fragment as the sequence-th one of its direction. out has room for fragment.len +
 * INS_TLS_BLOCK_SLACK bytes and may not overlap it. False: it is not authentic, and out holds rubbish. ret_type is the type of the content, from inside
 * where it is TLS 1.3.
 */
SL_MUST_USE bool ins_tls_protect_open(struct ins_tls_protect *protect, uint64_t sequence,
                                      const uint8_t *header, struct sl_span fragment, uint8_t *out,
                                      struct sl_span *ret_plain, uint8_t *ret_type);

#endif
