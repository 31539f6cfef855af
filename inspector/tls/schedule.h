/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_TLS_SCHEDULE_H
#define INS_TLS_SCHEDULE_H

/* From secrets to keys: what of the key schedules of TLS 1.2 and 1.3 a reader needs. hash is OpenSSL's name of one. */
#include "inspector/tls/suites.h"
#include "lib/base/status.h"

/* RFC 5246 6.3: out becomes the first len bytes of the key block. Both randoms have 32 bytes. */
SL_MUST_USE bool ins_tls_key_block(const char *hash, struct sl_span master,
                                   const uint8_t *client_random, const uint8_t *server_random,
                                   uint8_t *out, size_t len);

/* RFC 8446 7.1: HKDF-Expand-Label(secret, label, "", len). */
SL_MUST_USE bool ins_tls_expand(const char *hash, struct sl_span secret, const char *label,
                                uint8_t *out, size_t len);

/* The size of the suite's secrets in TLS 1.3. */
size_t ins_tls_secret_size(const struct ins_tls_suite *suite);

#endif
