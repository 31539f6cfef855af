/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_TLS_CLIENT_H
#define TEST_TLS_CLIENT_H

/*
 * A TLS client over memory, OpenSSL's own: what a test wants from it and nothing is checked. Its owner moves the bytes.
 */
#include <openssl/ssl.h>

#include "lib/base/buf.h"

enum {
    TEST_TLS_BYTES_MAX = 4 * 1024 * 1024,
};

struct test_tls_client_config {
    int version;            /* TLS1_2_VERSION or TLS1_3_VERSION; 0: any from TLS 1.0 */
    const char *alpn;       /* in wire form, such as "\2h2"; NULL: no ALPN */
    const char *ciphers;    /* of TLS 1.2; NULL: the default */
    const char *cert, *key; /* PEM files; NULL: none */
    SSL_SESSION *resumed;   /* NULL: none */
};

struct test_tls_client {
    SSL_CTX *context;
    SSL *ssl;
    BIO *in, *out;        /* the ssl's */
    SSL_SESSION *session; /* the last one that the server gave */
    int alert;            /* the last one that came; 0: none */
};

void test_tls_client_init(struct test_tls_client *client,
                          const struct test_tls_client_config *config);
void test_tls_client_release(struct test_tls_client *client);

/* Bytes from the server; shakes hands, if that is not done. Plaintext that came is added to plain. */
void test_tls_client_feed(struct test_tls_client *client, struct sl_span cipher,
                          struct sl_buf *plain);

/* Moves the bytes for the server to the end of out; the first call starts the handshake. */
void test_tls_client_take(struct test_tls_client *client, struct sl_buf *out);

#endif
