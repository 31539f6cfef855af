/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_TLS_PAIR_H
#define TEST_TLS_PAIR_H

/* A byte filter, OpenSSL's own client in memory, and the bytes between them, for the tests of the filter. */
#include "lib/base/alloc.h"
#include "reference-server/frontend/h2/tls.h"
#include "reference-server/frontend/h2/tls_context.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/tls_client.h"
#include "tests/support/tls_files.h"

#define H2 "\2h2"

static struct test_tls_files files;
static SSL_CTX *plain_context;  /* asks for no certificate */
static SSL_CTX *mutual_context; /* asks for one of the CA */

static SSL_CTX *new_context(const char *client_ca)
{
    struct sl_error error = {0};
    const struct srv_tls_files names = {test_tls_path(&files, "server.crt"),
                                        test_tls_path(&files, "server.key"), client_ca};
    SSL_CTX *context = srv_tls_context_new(&names, NULL, &error);
    if (context == NULL) {
        fail_msg("%s", error.text);
    }
    return context;
}

static int make_all(void **state)
{
    static const struct test_tls_wish wishes[] = {
        {.name = "ca"},
        {.name = "stranger"},
        {.name = "server", .issuer = "ca", .usage = "serverAuth"},
        {.name = "client", .issuer = "ca", .usage = "clientAuth"},
        {.name = "unlimited", .issuer = "ca"},
        {.name = "unknown", .issuer = "stranger", .usage = "clientAuth"},
        {.name = "wrong-usage", .issuer = "ca", .usage = "serverAuth"},
        {.name = "expired", .issuer = "ca", .usage = "clientAuth", .from_s = -7200, .to_s = -60},
        {.name = "early", .issuer = "ca", .usage = "clientAuth", .from_s = 3600, .to_s = 7200},
    };
    (void)state;
    test_tls_files_init(&files);
    for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++) {
        test_tls_make(&files, &wishes[i]);
    }
    plain_context = new_context(NULL);
    mutual_context = new_context(test_tls_path(&files, "ca.crt"));
    return 0;
}

static int remove_all(void **state)
{
    (void)state;
    SSL_CTX_free(plain_context);
    SSL_CTX_free(mutual_context);
    test_tls_files_remove(&files);
    return 0;
}

struct pair {
    struct srv_tls *tls;
    struct test_tls_client client;
    struct sl_buf to_server, to_client; /* cipher bytes under way */
    struct sl_buf at_server, at_client; /* plaintext that arrived */
    enum sl_status status;              /* of the last feed */
    struct sl_error error;
};

static void pair_init_of(struct pair *pair, struct srv_tls *tls,
                         const struct test_tls_client_config *config)
{
    *pair = (struct pair){.tls = tls};
    test_tls_client_init(&pair->client, config);
    sl_buf_init(&pair->to_server, TEST_TLS_BYTES_MAX);
    sl_buf_init(&pair->to_client, TEST_TLS_BYTES_MAX);
    sl_buf_init(&pair->at_server, TEST_TLS_BYTES_MAX);
    sl_buf_init(&pair->at_client, TEST_TLS_BYTES_MAX);
}

static void pair_init(struct pair *pair, SSL_CTX *context,
                      const struct test_tls_client_config *config)
{
    pair_init_of(pair, srv_tls_new(context), config);
}

static void pair_release(struct pair *pair)
{
    srv_tls_free(pair->tls);
    test_tls_client_release(&pair->client);
    sl_buf_release(&pair->to_server);
    sl_buf_release(&pair->to_client);
    sl_buf_release(&pair->at_server);
    sl_buf_release(&pair->at_client);
}

/* An exact copy on the heap, so that the sanitizers see a read past it. */
static void feed_server(struct pair *pair, struct sl_span cipher)
{
    uint8_t *copy = sl_alloc(cipher.len + 1);
    copy = sl_realloc(copy, cipher.len == 0 ? 1 : cipher.len);
    memcpy(copy, cipher.data == NULL ? (const uint8_t *)"" : cipher.data, cipher.len);
    pair->status = srv_tls_feed(pair->tls, sl_span(copy, cipher.len), &pair->at_server,
                                &pair->to_client, &pair->error);
    sl_free(copy);
}

/* Lets the server have what the client sends, in pieces: the first of first bytes, the others of step. */
static void to_server(struct pair *pair, size_t first, size_t step)
{
    test_tls_client_take(&pair->client, &pair->to_server);
    struct sl_span rest = sl_buf_span(&pair->to_server);
    size_t piece = first;
    while (rest.len > 0) {
        feed_server(pair, sl_span_first(rest, piece));
        rest = sl_span_from(rest, piece);
        piece = step;
    }
    sl_buf_clear(&pair->to_server);
}

static void to_client(struct pair *pair)
{
    test_tls_client_feed(&pair->client, sl_buf_span(&pair->to_client), &pair->at_client);
    sl_buf_clear(&pair->to_client);
}

/* Until neither has anything to say. */
static void exchange(struct pair *pair)
{
    do {
        to_server(pair, SIZE_MAX, SIZE_MAX);
        to_client(pair);
    } while (BIO_ctrl_pending(pair->client.out) > 0);
}

static void pair_open(struct pair *pair, SSL_CTX *context, int version)
{
    pair_init(pair, context, &(struct test_tls_client_config){.version = version, .alpn = H2});
    exchange(pair);
    assert_int_equal(srv_tls_state(pair->tls), SRV_TLS_OPEN);
}

static void client_writes(struct pair *pair, const void *bytes, size_t len)
{
    assert_int_equal(SSL_write(pair->client.ssl, bytes, (int)len), (int)len);
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

#endif
