/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_TLS_CONTEXT_H
#define SRV_TLS_CONTEXT_H

/*
 * What the TLS connections of the h2 front end share: certificates, versions, ciphers, ALPN.
 *
 * TLS 1.2 and 1.3, ALPN h2 and nothing else (RFC 9113 3.2, 9.2): a client that offers no h2, or has no ALPN, gets the
 * alert no_application_protocol. TLS 1.2 only with ECDHE and AEAD ciphers (RFC 9113 9.2.2), without compression and
 * renegotiation (9.2.1). No early data. Sessions are resumed by tickets, but not under mutual TLS: there each
 * connection shows a certificate that is valid then.
 *
 * A context never changes. For other certificates a new one is made; connections of the old one go on.
 */
#include "reference-server/frontend/certificates.h"
#include "reference-server/frontend/keylog.h"

/* NULL with an error naming the file that cannot be used. keylog may be NULL.
 * Free it with SSL_CTX_free at any time; connections keep what they need. */
SSL_CTX *srv_tls_context_new(const struct srv_tls_files *files, struct srv_keylog *keylog,
                             struct sl_error *reterr_error);

#endif
