/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tls_client.h"

#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>

static void must(bool is_done, const char *what)
{
    if (!is_done) {
        (void)fprintf(stderr, "%s failed\n", what);
        abort();
    }
}

static void on_message(int is_ours, int version, int type, const void *bytes, size_t len, SSL *ssl,
                       void *context)
{
    struct test_tls_client *client = context;
    (void)version;
    (void)ssl;
    if (!is_ours && type == SSL3_RT_ALERT && len == 2) {
        client->alert = ((const uint8_t *)bytes)[1];
    }
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct test_tls_client *client = SSL_get_app_data(ssl);
    SSL_SESSION_free(client->session);
    client->session = session;
    return 1;
}

void test_tls_client_init(struct test_tls_client *client,
                          const struct test_tls_client_config *config)
{
    *client = (struct test_tls_client){.context = SSL_CTX_new(TLS_client_method())};
    SSL_CTX *context = client->context;
    must(context != NULL, "SSL_CTX_new");
    SSL_CTX_set_security_level(context, 0); /* it may offer what nobody should */
    SSL_CTX_set_min_proto_version(context, config->version == 0 ? TLS1_VERSION : config->version);
    SSL_CTX_set_max_proto_version(context, config->version);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, on_session);
    if (config->ciphers != NULL) {
        must(SSL_CTX_set_cipher_list(context, config->ciphers) == 1, config->ciphers);
    }
    if (config->cert != NULL) {
        must(SSL_CTX_use_certificate_chain_file(context, config->cert) == 1, config->cert);
        must(SSL_CTX_use_PrivateKey_file(context, config->key, SSL_FILETYPE_PEM) == 1, config->key);
    }
    client->ssl = SSL_new(context);
    client->in = BIO_new(BIO_s_mem());
    client->out = BIO_new(BIO_s_mem());
    must(client->ssl != NULL && client->in != NULL && client->out != NULL, "SSL_new");
    SSL_set_bio(client->ssl, client->in, client->out);
    SSL_set_app_data(client->ssl, client);
    SSL_set_msg_callback(client->ssl, on_message);
    SSL_set_msg_callback_arg(client->ssl, client);
    if (config->alpn != NULL) {
        must(SSL_set_alpn_protos(client->ssl, (const unsigned char *)config->alpn,
                                 (unsigned)strlen(config->alpn)) == 0,
             "SSL_set_alpn_protos");
    }
    if (config->resumed != NULL) {
        must(SSL_set_session(client->ssl, config->resumed) == 1, "SSL_set_session");
    }
    SSL_set_connect_state(client->ssl);
}

void test_tls_client_release(struct test_tls_client *client)
{
    SSL_free(client->ssl);
    SSL_SESSION_free(client->session);
    SSL_CTX_free(client->context);
    ERR_clear_error();
}

void test_tls_client_feed(struct test_tls_client *client, struct sl_span cipher,
                          struct sl_buf *plain)
{
    char bytes[16 * 1024];
    int got = 0;
    if (cipher.len > 0) {
        must(BIO_write(client->in, cipher.data, (int)cipher.len) == (int)cipher.len, "BIO_write");
    }
    while ((got = SSL_read(client->ssl, bytes, sizeof bytes)) > 0) {
        must(sl_buf_add(plain, bytes, (size_t)got) == SL_OK, "sl_buf_add");
    }
    ERR_clear_error();
}

void test_tls_client_take(struct test_tls_client *client, struct sl_buf *out)
{
    char bytes[16 * 1024];
    int got = 0;
    if (!SSL_is_init_finished(client->ssl)) {
        (void)SSL_do_handshake(client->ssl);
    }
    while ((got = BIO_read(client->out, bytes, sizeof bytes)) > 0) {
        must(sl_buf_add(out, bytes, (size_t)got) == SL_OK, "sl_buf_add");
    }
    ERR_clear_error();
}
