/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS client against OpenSSL's own server in memory, and both transports over it against the
 * reference server. */
#include "harness/transport/tls.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "harness/target/process.h"
#include "harness/target/ready.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/wire/grpc_status.h"
#include "tests/unit/harness/client.h"

struct files {
    char cert[64], key[64];
};

static struct files files;       /* of 127.0.0.1 and localhost, valid */
static struct files other_files; /* of nobody that is asked for */

static void add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
}

/* A self-signed certificate for these names, which serves as its own CA. */
static void make_files(struct files *out, const char *stem, const char *names)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)stem, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(cert, NID_subject_alt_name, names);
    X509_sign(cert, key, EVP_sha256());
    snprintf(out->cert, sizeof out->cert, "/tmp/test_tls_%s_%d.pem", stem, (int)getpid());
    snprintf(out->key, sizeof out->key, "/tmp/test_tls_%s_%d.key", stem, (int)getpid());
    FILE *file = fopen(out->cert, "w");
    assert_non_null(file);
    PEM_write_X509(file, cert);
    fclose(file);
    file = fopen(out->key, "w");
    assert_non_null(file);
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static int make_all(void **state)
{
    (void)state;
    make_files(&files, "good", "IP:127.0.0.1,DNS:localhost");
    make_files(&other_files, "other", "DNS:elsewhere.example");
    return 0;
}

static int remove_all(void **state)
{
    (void)state;
    unlink(files.cert);
    unlink(files.key);
    unlink(other_files.cert);
    unlink(other_files.key);
    return 0;
}

/* --- in memory --- */

struct memory_server {
    SSL_CTX *context;
    SSL *ssl;
    BIO *in, *out;
    const char *protocol; /* that it chooses by ALPN; NULL: none */
};

static int choose(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                  const unsigned char *in, unsigned in_len, void *data)
{
    const struct memory_server *server = data;
    (void)ssl;
    (void)in;
    (void)in_len;
    if (server->protocol == NULL) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    *out = (const unsigned char *)server->protocol;
    *out_len = (unsigned char)strlen(server->protocol);
    return SSL_TLSEXT_ERR_OK;
}

static void server_init(struct memory_server *server, const struct files *own)
{
    server->context = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate_chain_file(server->context, own->cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(server->context, own->key, SSL_FILETYPE_PEM), 1);
    SSL_CTX_set_alpn_select_cb(server->context, choose, server);
    server->ssl = SSL_new(server->context);
    server->in = BIO_new(BIO_s_mem());
    server->out = BIO_new(BIO_s_mem());
    SSL_set_bio(server->ssl, server->in, server->out);
    SSL_set_accept_state(server->ssl);
}

static void server_release(struct memory_server *server)
{
    SSL_free(server->ssl);
    SSL_CTX_free(server->context);
}

/* Moves what each side has for the other. */
static void exchange(struct har_tls_session *session, struct memory_server *server)
{
    struct sl_buf buf;
    uint8_t bytes[20000];
    sl_buf_init(&buf, 1 << 20);
    assert_int_equal(har_tls_session_output(session, &buf), SL_OK);
    if (buf.len > 0) {
        BIO_write(server->in, buf.data, (int)buf.len);
    }
    (void)SSL_do_handshake(server->ssl);
    int count = BIO_read(server->out, bytes, sizeof bytes);
    if (count > 0) {
        har_tls_session_receive(session, sl_span(bytes, (size_t)count));
    }
    sl_buf_release(&buf);
}

static enum sl_status handshake(struct har_tls_session *session, struct memory_server *server,
                                struct sl_error *error)
{
    enum sl_status status = SL_AGAIN;
    for (int i = 0; i < 10 && status == SL_AGAIN; i++) {
        status = har_tls_session_handshake(session, error);
        exchange(session, server);
    }
    return status;
}

struct handshake_case {
    const char *name;
    const struct files *server;
    const char *protocol;
    const char *ca;
    const char *host;
    enum sl_status status;
    const char *text; /* of the error */
};

static void handshakes_succeed_only_with_the_right_server(void **state)
{
    const struct handshake_case cases[] = {
        {"by address", &files, "h2", files.cert, "127.0.0.1", SL_OK, ""},
        {"by name", &files, "h2", files.cert, "localhost", SL_OK, ""},
        {"no ALPN", &files, NULL, files.cert, "localhost", SL_UNSUPPORTED, "did not choose h2"},
        {"another host", &files, "h2", files.cert, "example.com", SL_UNSUPPORTED,
         "ostname mismatch"},
        {"another address", &files, "h2", files.cert, "127.0.0.2", SL_UNSUPPORTED,
         "IP address mismatch"},
        {"unknown CA", &files, "h2", other_files.cert, "localhost", SL_UNSUPPORTED, "self-signed"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct handshake_case *c = &cases[i];
        struct memory_server server = {.protocol = c->protocol};
        struct har_tls_config config = {.ca_file = c->ca};
        struct har_tls *tls = NULL;
        struct sl_error error = {0};
        server_init(&server, c->server);
        assert_int_equal(har_tls_new(&config, &tls, &error), SL_OK);
        struct har_tls_session *session = har_tls_session_new(tls, c->host);
        har_tls_free(tls); /* the session keeps what it needs */
        enum sl_status status = handshake(session, &server, &error);
        if (status != c->status || strstr(error.text, c->text) == NULL) {
            fail_msg("%s: status %d, \"%s\"", c->name, status, error.text);
        }
        har_tls_session_free(session);
        server_release(&server);
    }
}

static void plaintext_passes_both_ways_and_the_end_is_told(void **state)
{
    (void)state;
    struct memory_server server = {.protocol = "h2"};
    struct har_tls_config config = {.ca_file = files.cert};
    struct har_tls *tls = NULL;
    struct sl_error error = {0};
    char bytes[64];
    size_t len = 0;
    uint8_t large[40000] = {0};
    server_init(&server, &files);
    assert_int_equal(har_tls_new(&config, &tls, &error), SL_OK);
    struct har_tls_session *session = har_tls_session_new(tls, "localhost");
    assert_int_equal(handshake(session, &server, &error), SL_OK);
    assert_int_equal(har_tls_session_write(session, sl_span(large, sizeof large), &error), SL_OK);
    exchange(session, &server);
    size_t total = 0;
    for (int count = 1; count > 0;) {
        count = SSL_read(server.ssl, large, sizeof large);
        total += count > 0 ? (size_t)count : 0;
    }
    assert_int_equal(total, sizeof large);
    SSL_write(server.ssl, "answer", 6);
    exchange(session, &server);
    assert_int_equal(har_tls_session_read(session, bytes, sizeof bytes, &len, &error), SL_OK);
    test_span_is(sl_span(bytes, len), "answer");
    assert_int_equal(har_tls_session_read(session, bytes, sizeof bytes, &len, &error), SL_AGAIN);
    SSL_shutdown(server.ssl);
    exchange(session, &server);
    assert_int_equal(har_tls_session_read(session, bytes, sizeof bytes, &len, &error), SL_CLOSED);
    har_tls_session_finish(session);
    har_tls_session_free(session);
    har_tls_free(tls);
    server_release(&server);
}

static void garbage_is_a_failure(void **state)
{
    (void)state;
    struct har_tls_config config = {.ca_file = files.cert};
    struct har_tls *tls = NULL;
    struct sl_error error = {0};
    assert_int_equal(har_tls_new(&config, &tls, &error), SL_OK);
    struct har_tls_session *session = har_tls_session_new(tls, "localhost");
    assert_int_equal(har_tls_session_handshake(session, &error), SL_AGAIN);
    har_tls_session_receive(session, sl_span_str("HTTP/1.1 400 Bad Request\r\n\r\n"));
    assert_int_equal(har_tls_session_handshake(session, &error), SL_UNSUPPORTED);
    assert_non_null(strstr(error.text, "does not speak TLS"));
    har_tls_session_free(session);
    har_tls_free(tls);
}

static void files_that_cannot_be_used_are_named(void **state)
{
    const struct har_tls_config cases[] = {
        {.ca_file = "/no/such/ca.pem"},
        {.ca_file = files.cert, .cert_file = files.cert},
        {.ca_file = files.cert, .cert_file = "/no/such/cert.pem", .key_file = files.key},
        {.ca_file = files.cert, .cert_file = files.cert, .key_file = other_files.key},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct har_tls *tls = NULL;
        struct sl_error error = {0};
        assert_int_equal(har_tls_new(&cases[i], &tls, &error), SL_USAGE);
        assert_null(tls);
        assert_int_not_equal(error.text[0], '\0');
    }
}

/* --- over a socket --- */

static void on_ready(void *owner, struct har_ready *ready, enum sl_status status, const char *text)
{
    if (status != SL_OK) {
        fail_msg("not ready: %s", text);
    }
    *(bool *)owner = true;
    har_ready_free(ready);
}

static void both_transports_run_over_tls(void **state)
{
    static const enum har_transport transports[] = {HAR_TRANSPORT_H2, HAR_TRANSPORT_GRPC};
    char command[512];
    struct har_tls *tls = NULL;
    struct har_process *process = NULL;
    struct sl_error error = {0};
    bool is_ready = false;
    (void)state;
    struct har_tls_config tls_config = {.ca_file = files.cert};
    assert_int_equal(har_tls_new(&tls_config, &tls, &error), SL_OK);
    struct client *client = client_new(&(struct peer_script){0});
    snprintf(command, sizeof command,
             "exec " SLUICE_SERVER " --listen 127.0.0.1:{port} --tls-cert %s --tls-key %s",
             files.cert, files.key);
    struct har_process_config process_config = {.command = command};
    assert_int_equal(har_process_new(&client->loop, &process_config, &process, &error), SL_OK);
    for (size_t i = 0; i < 2; i++) {
        struct har_conn_config config = client_config(client, transports[i]);
        config.port = har_process_port(process);
        config.tls = tls;
        struct har_ready_config ready = {
            .conn = config,
            .method = "/chat.v1.ChatService/SendMessage",
            .timeout_ns = 30 * SL_SECOND,
            .done = on_ready,
            .owner = &is_ready,
        };
        is_ready = false;
        (void)har_ready_new(&client->loop, &ready);
        client_until(client, is_ready);
    }
    /* In plaintext the same port is no gRPC server. */
    struct har_conn_config config = client_config(client, HAR_TRANSPORT_H2);
    config.port = har_process_port(process);
    client_connect(client, &config);
    struct record *record = client_call(client, "/chat.v1.ChatService/SendMessage", "");
    client_until(client, client->ended == 1);
    assert_int_equal(record->code, SL_GRPC_UNAVAILABLE);
    har_process_free(process);
    har_tls_free(tls);
    client_free(client);
}

static void a_server_without_tls_is_a_tls_failure(void **state)
{
    struct har_tls *tls = NULL;
    struct sl_error error = {0};
    (void)state;
    struct har_tls_config tls_config = {.ca_file = files.cert};
    assert_int_equal(har_tls_new(&tls_config, &tls, &error), SL_OK);
    struct client *client = client_new(&(struct peer_script){.greeting = "SSH-2.0-x\r\n"});
    struct har_conn_config config = client_config(client, HAR_TRANSPORT_GRPC);
    config.tls = tls;
    client_connect(client, &config);
    struct record *record = client_call(client, "/t/Echo", "x");
    client_until(client, client->ended == 1);
    assert_int_equal(client->how, HAR_CONN_UNFIT);
    assert_int_equal(client->connected, 0);
    assert_int_equal(record->code, SL_GRPC_UNAVAILABLE);
    har_tls_free(tls);
    client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handshakes_succeed_only_with_the_right_server),
        cmocka_unit_test(plaintext_passes_both_ways_and_the_end_is_told),
        cmocka_unit_test(garbage_is_a_failure),
        cmocka_unit_test(files_that_cannot_be_used_are_named),
        cmocka_unit_test(both_transports_run_over_tls),
        cmocka_unit_test(a_server_without_tls_is_a_tls_failure),
    };
    return cmocka_run_group_tests_name("tls", tests, make_all, remove_all);
}
