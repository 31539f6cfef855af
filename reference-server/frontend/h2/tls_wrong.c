/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/tls_wrong.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

enum { FRAME_HEAD = 9 /* of HTTP/2 */ };

static bool is_offered(struct sl_span list, const char *name, const unsigned char **ret_name,
                       unsigned char *ret_len)
{
    while (list.len > 0) {
        struct sl_span one = sl_span_first(sl_span_from(list, 1), list.data[0]);
        if (sl_span_is(one, name)) {
            *ret_name = one.data;
            *ret_len = (unsigned char)one.len;
            return true;
        }
        list = sl_span_from(list, 1 + one.len);
    }
    return false;
}

static int choose_http1(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_len,
                        const unsigned char *list, unsigned len, void *context)
{
    struct sl_span names = sl_span(list, len);
    (void)ssl;
    (void)context;
    return is_offered(names, "http/1.1", ret_name, ret_len) ||
                   is_offered(names, "h2", ret_name, ret_len)
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int choose_any(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_len,
                      const unsigned char *list, unsigned len, void *context)
{
    (void)ssl;
    (void)context;
    return is_offered(sl_span(list, len), "h2", ret_name, ret_len) ? SSL_TLSEXT_ERR_OK
                                                                   : SSL_TLSEXT_ERR_NOACK;
}

static int take_any_hello(SSL *ssl, int *ret_alert, void *context)
{
    (void)ssl;
    (void)ret_alert;
    (void)context;
    return SSL_CLIENT_HELLO_SUCCESS;
}

/* A renegotiation need not bring the list of protocols again. */
static int take_second_hello(SSL *ssl, int *ret_alert, void *context)
{
    const unsigned char *bytes = NULL;
    size_t len = 0;
    unsigned char finished = 0;
    bool is_second = SSL_get_peer_finished(ssl, &finished, sizeof(finished)) > 0;
    (void)context;
    *ret_alert = SSL_AD_NO_APPLICATION_PROTOCOL;
    return is_second ||
                   SSL_client_hello_get0_ext(
                       ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &bytes, &len) == 1
               ? SSL_CLIENT_HELLO_SUCCESS
               : SSL_CLIENT_HELLO_ERROR;
}

static const struct srv_misbehave *wrong_of(X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

/* Lets one kind of error pass. */
static int verify(int is_fine, X509_STORE_CTX *store)
{
    const struct srv_misbehave *wrong = wrong_of(store);
    int error = X509_STORE_CTX_get_error(store);
    bool is_let_pass = is_fine != 0 ||
                       (error == X509_V_ERR_CERT_HAS_EXPIRED && wrong->tls_client_expired_taken) ||
                       (error == X509_V_ERR_INVALID_PURPOSE && wrong->tls_client_purpose_ignored) ||
                       (error != X509_V_ERR_CERT_HAS_EXPIRED &&
                        error != X509_V_ERR_INVALID_PURPOSE && wrong->tls_client_of_any_authority);
    if (is_let_pass) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
    }
    return is_let_pass;
}

static void spoil_certificates(SSL_CTX *context, const struct srv_misbehave *wrong)
{
    int mode = SSL_CTX_get_verify_mode(context);
    if (mode != SSL_VERIFY_NONE && wrong->tls_client_optional) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    }
    if (mode != SSL_VERIFY_NONE &&
        (wrong->tls_client_expired_taken || wrong->tls_client_purpose_ignored ||
         wrong->tls_client_of_any_authority)) {
        SSL_CTX_set_verify(context, mode, verify);
    }
}

bool srv_tls_spoil(SSL_CTX *context, const struct srv_misbehave *wrong)
{
    bool is_done = true;
    if (wrong == NULL) {
        return true;
    }
    SSL_CTX_set_app_data(context, (void *)(uintptr_t)wrong);
    if (wrong->tls_prefers_http1) {
        SSL_CTX_set_alpn_select_cb(context, choose_http1, NULL);
    }
    if (wrong->tls_any_protocol) {
        SSL_CTX_set_alpn_select_cb(context, choose_any, NULL);
        SSL_CTX_set_client_hello_cb(context, take_any_hello, NULL);
    }
    if (wrong->tls_old_versions) {
        SSL_CTX_set_security_level(context, 0);
        is_done = SSL_CTX_set_min_proto_version(context, TLS1_VERSION) == 1;
    }
    if (wrong->tls_old_versions || wrong->tls_weak_ciphers) {
        SSL_CTX_set_security_level(context, 0);
        is_done = is_done && SSL_CTX_set_cipher_list(context, "ALL:!aNULL:!eNULL") == 1;
    }
    if (wrong->tls_renegotiates) {
        (void)SSL_CTX_clear_options(context, SSL_OP_NO_RENEGOTIATION);
        (void)SSL_CTX_set_options(context, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
        SSL_CTX_set_client_hello_cb(context, take_second_hello, NULL);
    }
    spoil_certificates(context, wrong);
    return is_done;
}

bool srv_tls_loses(const struct srv_misbehave *wrong, struct sl_span plain)
{
    if (wrong == NULL) {
        return false;
    }
    return wrong->tls_small_records_lost && plain.len < FRAME_HEAD;
}
