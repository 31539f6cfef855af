/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_TLS_EXPLAIN_H
#define HAR_TLS_EXPLAIN_H

/* What is wrong between two ends of TLS, in words, and what to do about it. */
#include <openssl/x509_vfy.h>
#include <stdbool.h>

#include "lib/base/status.h"

enum {
    HAR_TLS_NAMES_MAX = 128,
};

/* Why the library refused the server's certificate. Zeroed: it did not. */
struct har_tls_refusal {
    int code;                       /* X509_V_ERR_... */
    char names[HAR_TLS_NAMES_MAX];  /* that the certificate is for; printable ASCII */
    char issuer[HAR_TLS_NAMES_MAX]; /* likewise */
    char until[32];                 /* notAfter */
    char from[32];                  /* notBefore */
};

/* From a callback of verification; the first one counts. */
void har_tls_note_refusal(struct har_tls_refusal *refusal, X509_STORE_CTX *context);

/* SL_UNSUPPORTED with the text. name: what the certificate had to be for. */
enum sl_status har_tls_explain_refusal(const struct har_tls_refusal *refusal, const char *name,
                                       struct sl_error *reterr_error);
/* An error of OpenSSL's queue, with its text: SL_UNSUPPORTED where it would come again, else SL_IO. */
enum sl_status har_tls_explain(unsigned long code, bool has_certificate, const char *text,
                               struct sl_error *reterr_error);

#endif
