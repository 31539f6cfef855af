/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_CERTIFICATES_H
#define SRV_CERTIFICATES_H

/*
 * The PEM files of --tls-cert, --tls-key and --tls-client-ca: read whole and judged by OpenSSL before a front end uses
 * them, at the start and at each SIGHUP. Errors name the file.
 *
 * Limits: 1 MiB a file, which must be a regular one, so that reading it ends. A key must not be encrypted: there is
 * nobody to ask for its password.
 */
#include <openssl/types.h>

#include "lib/base/buf.h"

struct srv_tls_files {
    const char *cert;      /* chain, the server's own certificate first; NULL: no TLS */
    const char *key;       /* of that certificate */
    const char *client_ca; /* roots of the clients' certificates; NULL: clients need none */
};

/* Zeroed: empty. */
struct srv_certificates {
    struct srv_tls_files files; /* borrowed */
    struct sl_buf cert, key, client_ca;
};

/* Reads and checks all files; their names must outlive the result. SL_IO with an error otherwise; then nothing needs
 * to be released. */
SL_MUST_USE enum sl_status srv_certificates_read(const struct srv_tls_files *files,
                                                 struct srv_certificates *ret_certificates,
                                                 struct sl_error *reterr_error);

/* Makes context serve with them: the chain, the key and, for mutual TLS, the roots and the demand that a client has a
 * certificate that is valid now, comes from one of them and may be used by a client (OPS-04). */
SL_MUST_USE enum sl_status srv_certificates_use(const struct srv_certificates *certificates,
                                                SSL_CTX *context, struct sl_error *reterr_error);

/* Wipes the key. */
void srv_certificates_release(struct srv_certificates *certificates);

#endif
