/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

/* RFC 9113 9.2.2: no cipher of its appendix A, and TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 is among them. AES first,
 * which processors have instructions for; a client that has none puts ChaCha20 first and gets it. */
#define CIPHERS_1_2                                              \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define CIPHERS_1_3 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

#define OPTIONS                                                                          \
    (SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | \
     SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION)

static const unsigned char session_id_context[] = "sluice-server h2";

/* A client without ALPN: OpenSSL then asks nobody what to choose. */
static int check_has_alpn(SSL *ssl, int *ret_alert, void *context)
{
    const unsigned char *bytes = NULL;
    size_t len = 0;
    (void)context;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &bytes,
                                  &len) == 1) {
        return SSL_CLIENT_HELLO_SUCCESS;
    }
    ERR_raise(ERR_LIB_SSL, SSL_R_NO_APPLICATION_PROTOCOL);
    *ret_alert = SSL_AD_NO_APPLICATION_PROTOCOL;
    return SSL_CLIENT_HELLO_ERROR;
}

/* OpenSSL has checked that the list is well-formed (RFC 7301 3.1). */
static int choose_h2(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_len,
                     const unsigned char *list, unsigned len, void *context)
{
    struct sl_span rest = sl_span(list, len);
    (void)ssl;
    (void)context;
    while (rest.len > 0) {
        struct sl_span name = sl_span_first(sl_span_from(rest, 1), rest.data[0]);
        if (sl_span_is(name, "h2")) {
            *ret_name = name.data;
            *ret_len = (unsigned char)name.len;
            return SSL_TLSEXT_ERR_OK;
        }
        rest = sl_span_from(rest, 1 + name.len);
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool set_up(SSL_CTX *context, bool is_mutual)
{
    SSL_CTX_set_options(context, OPTIONS | (is_mutual ? SSL_OP_NO_TICKET : 0));
    /* An idle connection holds no buffers of 16 KiB. */
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_alpn_select_cb(context, choose_h2, NULL);
    SSL_CTX_set_client_hello_cb(context, check_has_alpn, NULL);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, CIPHERS_1_2) == 1 &&
           SSL_CTX_set_ciphersuites(context, CIPHERS_1_3) == 1 &&
           SSL_CTX_set_num_tickets(context, is_mutual ? 0 : 1) == 1 &&
           SSL_CTX_set_session_id_context(context, session_id_context,
                                          sizeof(session_id_context) - 1) == 1;
}

SSL_CTX *srv_tls_context_new(const struct srv_tls_files *files, struct srv_keylog *keylog,
                             struct sl_error *reterr_error)
{
    struct srv_certificates certificates;
    if (srv_certificates_read(files, &certificates, reterr_error) != SL_OK) {
        return NULL;
    }
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || !set_up(context, files->client_ca != NULL)) {
        ERR_clear_error();
        (void)sl_error_set(reterr_error, SL_IO, "cannot set up TLS");
        goto fail;
    }
    if (srv_certificates_use(&certificates, context, reterr_error) != SL_OK) {
        goto fail;
    }
    srv_keylog_use(keylog, context);
    srv_certificates_release(&certificates);
    return context;
fail:
    SSL_CTX_free(context);
    srv_certificates_release(&certificates);
    return NULL;
}
