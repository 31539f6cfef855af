/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_TLS_WRONG_H
#define SRV_TLS_WRONG_H

/* The wrong servers of TLS: a context that is right is made wrong in one respect. */
#include <openssl/types.h>

#include "lib/base/span.h"
#include "reference-server/misbehave.h"

/* wrong NULL: nothing is done. It is kept by the context. False when OpenSSL does not let it. */
bool srv_tls_spoil(SSL_CTX *context, const struct srv_misbehave *wrong);

/* Whether a wrong server loses what one read of a record gave; NULL: never. */
bool srv_tls_loses(const struct srv_misbehave *wrong, struct sl_span plain);

#endif
