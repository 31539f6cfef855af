/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tls_talk.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"

enum {
    RSA_BITS = 2048,
    HOUR_S = 3600,
    KEYLOG_MAX = 64 * 1024,
    ROUNDS_MAX = 64,
    READ_SIZE = 4096,
};

static void must(bool is_done, const char *what)
{
    if (!is_done) {
        ERR_print_errors_fp(stderr);
        fail_msg("%s", what);
    }
}

static void on_keylog(const SSL *ssl, const char *line)
{
    struct test_tls_peers *peers = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    (void)sl_buf_add_str(&peers->keylog, line);
    (void)sl_buf_add_str(&peers->keylog, "\n");
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct test_tls_peers *peers = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    SSL_SESSION_free(peers->session);
    peers->session = session;
    return 1;
}

/* One key of each kind does for all tests. */
static EVP_PKEY *key_of(bool is_ecdsa)
{
    static EVP_PKEY *keys[2];
    if (keys[is_ecdsa] == NULL) {
        keys[is_ecdsa] = is_ecdsa ? EVP_EC_gen("P-256") : EVP_RSA_gen(RSA_BITS);
        must(keys[is_ecdsa] != NULL, "a key");
    }
    return keys[is_ecdsa];
}

static void certify(SSL_CTX *context, bool is_ecdsa)
{
    EVP_PKEY *key = key_of(is_ecdsa);
    X509 *cert = X509_new();
    must(cert != NULL && X509_set_version(cert, X509_VERSION_3) == 1, "X509_new");
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -HOUR_S);
    X509_gmtime_adj(X509_getm_notAfter(cert), HOUR_S);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    must(X509_sign(cert, key, EVP_sha256()) > 0, "X509_sign");
    must(SSL_CTX_use_certificate(context, cert) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1,
         "certificate");
    X509_free(cert);
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned in_len, void *owner)
{
    (void)ssl;
    (void)owner;
    (void)in_len;
    *out = in + 1; /* the first one */
    *out_len = in[0];
    return SSL_TLSEXT_ERR_OK;
}

static void set_up(SSL_CTX *context, struct test_tls_peers *peers,
                   const struct test_tls_wish_list *wishes)
{
    must(context != NULL, "SSL_CTX_new");
    SSL_CTX_set_app_data(context, peers);
    SSL_CTX_set_security_level(context, 0);
    must(SSL_CTX_set_min_proto_version(context, wishes->version) == 1 &&
             SSL_CTX_set_max_proto_version(context, wishes->version) == 1,
         "version");
    if (wishes->ciphers != NULL) {
        must((wishes->version == TLS1_3_VERSION
                  ? SSL_CTX_set_ciphersuites(context, wishes->ciphers)
                  : SSL_CTX_set_cipher_list(context, wishes->ciphers)) == 1,
             wishes->ciphers);
    }
    uint64_t options = SSL_OP_ALLOW_CLIENT_RENEGOTIATION;
    options |= wishes->has_no_tickets ? SSL_OP_NO_TICKET : 0;
    options |= wishes->has_no_encrypt_then_mac ? SSL_OP_NO_ENCRYPT_THEN_MAC : 0;
    SSL_CTX_set_options(context, options);
    if (wishes->padding > 0) {
        must(SSL_CTX_set_block_padding(context, wishes->padding) == 1, "padding");
    }
}

void test_tls_peers_init(struct test_tls_peers *peers, const struct test_tls_wish_list *wishes)
{
    *peers = (struct test_tls_peers){
        .contexts = {SSL_CTX_new(TLS_client_method()), SSL_CTX_new(TLS_server_method())}};
    sl_buf_init(&peers->keylog, KEYLOG_MAX);
    SSL_CTX *client = peers->contexts[TEST_TLS_CLIENT];
    SSL_CTX *server = peers->contexts[TEST_TLS_SERVER];
    set_up(client, peers, wishes);
    set_up(server, peers, wishes);
    SSL_CTX_set_keylog_callback(client, on_keylog);
    SSL_CTX_set_session_cache_mode(client, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(client, on_session);
    must(SSL_CTX_set_alpn_protos(client, (const unsigned char *)"\2h2", 3) == 0, "alpn");
    certify(server, wishes->is_ecdsa);
    SSL_CTX_set_dh_auto(server, 1);
    SSL_CTX_set_alpn_select_cb(server, choose_alpn, NULL);
    must(SSL_CTX_set_session_id_context(server, (const unsigned char *)"t", 1) == 1, "context");
    must(SSL_CTX_set_max_early_data(server, wishes->early_data_max) == 1, "early data");
    if (wishes->groups != NULL) {
        char *groups = sl_strdup(wishes->groups); /* OpenSSL's macro takes the const away */
        must(SSL_CTX_set1_groups_list(server, groups) == 1, groups);
        sl_free(groups);
    }
}

void test_tls_peers_release(struct test_tls_peers *peers)
{
    SSL_SESSION_free(peers->session);
    SSL_CTX_free(peers->contexts[0]);
    SSL_CTX_free(peers->contexts[1]);
    sl_buf_release(&peers->keylog);
}

void test_tls_talk_init(struct test_tls_talk *talk, struct test_tls_peers *peers, bool is_resuming)
{
    *talk = (struct test_tls_talk){.peers = peers};
    sl_buf_init(&talk->wire, TEST_TLS_WIRE_MAX);
    for (int side = 0; side < 2; side++) {
        sl_buf_init(&talk->sent[side], TEST_TLS_WIRE_MAX);
        talk->ssl[side] = SSL_new(peers->contexts[side]);
        must(talk->ssl[side] != NULL, "SSL_new");
        SSL_set_bio(talk->ssl[side], BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    }
    SSL_set_connect_state(talk->ssl[TEST_TLS_CLIENT]);
    SSL_set_accept_state(talk->ssl[TEST_TLS_SERVER]);
    char host[] = "chat.example";
    SSL_set_tlsext_host_name(talk->ssl[TEST_TLS_CLIENT], host);
    if (is_resuming) {
        must(peers->session != NULL &&
                 SSL_set_session(talk->ssl[TEST_TLS_CLIENT], peers->session) == 1,
             "session");
    }
}

void test_tls_talk_release(struct test_tls_talk *talk)
{
    for (int side = 0; side < 2; side++) {
        SSL_free(talk->ssl[side]);
        sl_buf_release(&talk->sent[side]);
    }
    sl_buf_release(&talk->wire);
    ERR_clear_error();
}

/* What side has written goes to the other one; false when there was nothing. */
static bool carry(struct test_tls_talk *talk, int side)
{
    uint8_t bytes[READ_SIZE];
    int got = 0;
    bool has_carried = false;
    while ((got = BIO_read(SSL_get_wbio(talk->ssl[side]), bytes, sizeof(bytes))) > 0) {
        has_carried = true;
        must(sl_buf_add(&talk->wire, bytes, (size_t)got) == SL_OK, "room on the wire");
        (void)BIO_write(SSL_get_rbio(talk->ssl[1 - side]), bytes, got);
    }
    if (has_carried) {
        must(talk->count < TEST_TLS_PIECES_MAX, "room for a piece");
        talk->pieces[talk->count++] = (struct test_tls_piece){side, talk->wire.len};
    }
    return has_carried;
}

/* Reads and throws away, which is how tickets and key updates are taken. */
static void listen_to(struct test_tls_talk *talk, int side)
{
    uint8_t bytes[READ_SIZE];
    while (SSL_read(talk->ssl[side], bytes, sizeof(bytes)) > 0) {
    }
    ERR_clear_error();
}

static void settle(struct test_tls_talk *talk)
{
    for (int i = 0; i < ROUNDS_MAX; i++) {
        bool has_moved = false;
        for (int side = 0; side < 2; side++) {
            has_moved = carry(talk, side) || has_moved;
            listen_to(talk, 1 - side);
        }
        if (!has_moved) {
            return;
        }
    }
    fail_msg("the two talk on and on");
}

void test_tls_talk_shake(struct test_tls_talk *talk)
{
    for (int i = 0; i < ROUNDS_MAX; i++) {
        bool is_done = true;
        for (int side = 0; side < 2; side++) {
            is_done = SSL_do_handshake(talk->ssl[side]) == 1 && is_done;
            ERR_clear_error();
            (void)carry(talk, side);
        }
        if (is_done) {
            settle(talk);
            return;
        }
    }
    fail_msg("no handshake");
}

void test_tls_talk_shake_in_vain(struct test_tls_talk *talk)
{
    SSL_set_verify(talk->ssl[TEST_TLS_CLIENT], SSL_VERIFY_PEER, NULL);
    while (SSL_do_handshake(talk->ssl[TEST_TLS_CLIENT]) != 1 && carry(talk, TEST_TLS_CLIENT)) {
        (void)SSL_do_handshake(talk->ssl[TEST_TLS_SERVER]);
        (void)carry(talk, TEST_TLS_SERVER);
    }
    ERR_clear_error();
}

void test_tls_talk_say(struct test_tls_talk *talk, int side, struct sl_span text)
{
    must(SSL_write(talk->ssl[side], text.data, (int)text.len) == (int)text.len, "SSL_write");
    (void)sl_buf_add_span(&talk->sent[side], text);
    settle(talk);
}

void test_tls_talk_say_early(struct test_tls_talk *talk, struct sl_span text)
{
    size_t done = 0;
    must(SSL_write_early_data(talk->ssl[TEST_TLS_CLIENT], text.data, text.len, &done) == 1,
         "SSL_write_early_data");
    (void)carry(talk, TEST_TLS_CLIENT);
    uint8_t bytes[READ_SIZE];
    int result = SSL_read_early_data(talk->ssl[TEST_TLS_SERVER], bytes, sizeof(bytes), &done);
    ERR_clear_error();
    if (result == SSL_READ_EARLY_DATA_SUCCESS) {
        (void)sl_buf_add_span(&talk->sent[TEST_TLS_CLIENT], text);
    }
    (void)carry(talk, TEST_TLS_SERVER);
    while (result == SSL_READ_EARLY_DATA_SUCCESS) {
        (void)SSL_do_handshake(talk->ssl[TEST_TLS_CLIENT]);
        (void)carry(talk, TEST_TLS_CLIENT);
        result = SSL_read_early_data(talk->ssl[TEST_TLS_SERVER], bytes, sizeof(bytes), &done);
    }
    ERR_clear_error();
}

void test_tls_talk_update_keys(struct test_tls_talk *talk, int side, bool is_both)
{
    must(SSL_key_update(talk->ssl[side],
                        is_both ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED) == 1,
         "SSL_key_update");
    (void)SSL_do_handshake(talk->ssl[side]);
    settle(talk);
}

void test_tls_talk_renegotiate(struct test_tls_talk *talk)
{
    must(SSL_renegotiate(talk->ssl[TEST_TLS_CLIENT]) == 1, "SSL_renegotiate");
    (void)SSL_do_handshake(talk->ssl[TEST_TLS_CLIENT]);
    settle(talk);
    must(!SSL_renegotiate_pending(talk->ssl[TEST_TLS_CLIENT]), "renegotiation");
}

void test_tls_talk_close(struct test_tls_talk *talk, int side)
{
    (void)SSL_shutdown(talk->ssl[side]);
    settle(talk);
}
