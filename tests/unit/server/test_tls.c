/* SPDX-License-Identifier: Apache-2.0 */
/* The byte filter against OpenSSL's own client in memory. */
#include "reference-server/frontend/h2/tls_source.h"
#include "tests/unit/server/tls_pair.h"

/* --- the handshake --- */

static void both_versions_carry_plaintext_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct pair pair;
        pair_open(&pair, plain_context, versions[i]);
        assert_string_equal(srv_tls_version(pair.tls), i == 0 ? "TLSv1.2" : "TLSv1.3");
        assert_non_null(strstr(srv_tls_cipher(pair.tls), "AES"));
        client_writes(&pair, "to the server", 13);
        assert_int_equal(srv_tls_write(pair.tls, sl_span_str("to the client"), &pair.to_client),
                         SL_OK);
        exchange(&pair);
        assert_int_equal(pair.status, SL_OK);
        test_span_is(sl_buf_span(&pair.at_server), "to the server");
        test_span_is(sl_buf_span(&pair.at_client), "to the client");
        const unsigned char *alpn = NULL;
        unsigned alpn_len = 0;
        SSL_get0_alpn_selected(pair.client.ssl, &alpn, &alpn_len);
        test_span_is(sl_span(alpn, alpn_len), "h2");
        pair_release(&pair);
    }
}

struct refusal_case {
    const char *name;
    struct test_tls_client_config client;
    enum srv_tls_failure why;
    int alert; /* that the client gets */
};

static void a_handshake_without_common_ground_is_refused_by_its_alert(void **state)
{
    static const struct refusal_case cases[] = {
        {"no ALPN, 1.3",
         {.version = TLS1_3_VERSION},
         SRV_TLS_FAILURE_NO_H2,
         SSL_AD_NO_APPLICATION_PROTOCOL},
        {"no ALPN, 1.2",
         {.version = TLS1_2_VERSION},
         SRV_TLS_FAILURE_NO_H2,
         SSL_AD_NO_APPLICATION_PROTOCOL},
        {"http/1.1 only",
         {.alpn = "\10http/1.1"},
         SRV_TLS_FAILURE_NO_H2,
         SSL_AD_NO_APPLICATION_PROTOCOL},
        {"names like h2",
         {.alpn = "\3h2c\1h\2H2\5h2-14"},
         SRV_TLS_FAILURE_NO_H2,
         SSL_AD_NO_APPLICATION_PROTOCOL},
        {"TLS 1.1",
         {.version = TLS1_1_VERSION, .alpn = H2},
         SRV_TLS_FAILURE_NO_COMMON,
         SSL_AD_PROTOCOL_VERSION},
        {"CBC",
         {.version = TLS1_2_VERSION, .alpn = H2, .ciphers = "ECDHE-ECDSA-AES128-SHA256"},
         SRV_TLS_FAILURE_NO_COMMON,
         SSL_AD_HANDSHAKE_FAILURE},
        {"no forward secrecy",
         {.version = TLS1_2_VERSION, .alpn = H2, .ciphers = "AES128-GCM-SHA256"},
         SRV_TLS_FAILURE_NO_COMMON,
         SSL_AD_HANDSHAKE_FAILURE},
        {"CCM",
         {.version = TLS1_2_VERSION, .alpn = H2, .ciphers = "ECDHE-ECDSA-AES128-CCM"},
         SRV_TLS_FAILURE_NO_COMMON,
         SSL_AD_HANDSHAKE_FAILURE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pair pair;
        pair_init(&pair, plain_context, &cases[i].client);
        exchange(&pair);
        if (pair.status != SL_IO || srv_tls_state(pair.tls) != SRV_TLS_FAILED ||
            srv_tls_why(pair.tls) != cases[i].why || pair.client.alert != cases[i].alert) {
            fail_msg("%s: status %d, state %d, %s, alert %d, \"%s\"", cases[i].name, pair.status,
                     srv_tls_state(pair.tls), srv_tls_failure_word(srv_tls_why(pair.tls)),
                     pair.client.alert, pair.error.text);
        }
        feed_server(&pair, sl_span_str("more"));
        assert_int_equal(pair.status, SL_IO);
        assert_int_equal(srv_tls_write(pair.tls, sl_span_str("x"), &pair.to_client), SL_STATE);
        pair_release(&pair);
    }
}

static void h2_is_chosen_wherever_it_stands_in_the_list(void **state)
{
    static const char *const lists[] = {H2, "\10http/1.1" H2, H2 "\10http/1.1"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct pair pair;
        pair_init(&pair, plain_context, &(struct test_tls_client_config){.alpn = lists[i]});
        exchange(&pair);
        assert_int_equal(srv_tls_state(pair.tls), SRV_TLS_OPEN);
        pair_release(&pair);
    }
}

/* RFC 9110 7.4 */
static void an_authority_is_ours_when_the_certificate_is_for_it(void **state)
{
    static const struct {
        const char *authority;
        bool is_ours;
    } cases[] = {
        {"localhost", true},
        {"LOCALHOST:443", true},
        {"127.0.0.1:50051", true},
        {"other.example", false},
        {"localhost.example", false},
        {"127.0.0.2", false},
        {"[::2]:1", false},
        {"", false},
        {":1", false},
        {"[", false},
    };
    struct pair pair;
    (void)state;
    pair_open(&pair, plain_context, TLS1_3_VERSION);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (srv_tls_is_for(pair.tls, sl_span_str(cases[i].authority)) != cases[i].is_ours) {
            fail_msg("'%s'", cases[i].authority);
        }
    }
    assert_false(srv_tls_is_for(pair.tls, sl_span("localhost\0", 10)));
    pair_release(&pair);
}

struct certificate_case {
    const char *cert; /* NULL: none */
    bool is_taken;
    const char *text; /* of the error */
};

static void mutual_tls_takes_the_right_certificates_only(void **state)
{
    static const struct certificate_case cases[] = {
        {"client", true, ""},
        {"unlimited", true, ""},
        {NULL, false, "no certificate"},
        {"unknown", false, "issuer"},
        {"expired", false, "expired"},
        {"early", false, "not yet valid"},
        {"wrong-usage", false, "purpose"},
    };
    (void)state;
    for (size_t i = 0; i < 2 * (sizeof cases / sizeof cases[0]); i++) {
        const struct certificate_case *c = &cases[i / 2];
        char cert[TEST_TLS_PATH_MAX];
        char key[TEST_TLS_PATH_MAX];
        (void)snprintf(cert, sizeof cert, "%s/%s.crt", files.folder, c->cert);
        (void)snprintf(key, sizeof key, "%s/%s.key", files.folder, c->cert);
        struct pair pair;
        pair_init(&pair, mutual_context,
                  &(struct test_tls_client_config){.version = versions[i % 2],
                                                   .alpn = H2,
                                                   .cert = c->cert == NULL ? NULL : cert,
                                                   .key = key});
        exchange(&pair);
        bool is_taken = srv_tls_state(pair.tls) == SRV_TLS_OPEN;
        if (is_taken != c->is_taken ||
            (!is_taken && (srv_tls_why(pair.tls) != SRV_TLS_FAILURE_CERTIFICATE ||
                           pair.client.alert == 0 || strstr(pair.error.text, c->text) == NULL))) {
            fail_msg("%s: %d, %s, \"%s\"", c->cert, is_taken,
                     srv_tls_failure_word(srv_tls_why(pair.tls)), pair.error.text);
        }
        pair_release(&pair);
    }
}

/* The session is what a first connection got; answers whether a second one resumed it. */
static bool is_resumed(SSL_CTX *context, int version)
{
    char cert[TEST_TLS_PATH_MAX];
    char key[TEST_TLS_PATH_MAX];
    (void)snprintf(cert, sizeof cert, "%s/client.crt", files.folder);
    (void)snprintf(key, sizeof key, "%s/client.key", files.folder);
    struct test_tls_client_config config = {
        .version = version, .alpn = H2, .cert = cert, .key = key};
    struct pair first;
    struct pair second;
    pair_init(&first, context, &config);
    exchange(&first);
    config.resumed = first.client.session;
    pair_init(&second, context, &config);
    exchange(&second);
    assert_int_equal(srv_tls_state(second.tls), SRV_TLS_OPEN);
    bool is = SSL_session_reused(second.client.ssl) == 1;
    pair_release(&first);
    pair_release(&second);
    return is;
}

static void sessions_are_resumed_but_not_under_mutual_tls(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_true(is_resumed(plain_context, versions[i]));
        assert_false(is_resumed(mutual_context, versions[i]));
    }
}

/* --- writing and the end --- */

static size_t count_records(struct sl_span cipher)
{
    size_t count = 0;
    while (cipher.len >= 5) {
        cipher = sl_span_from(cipher, 5 + (size_t)(cipher.data[3] << 8 | cipher.data[4]));
        count++;
    }
    return count;
}

static void a_write_takes_as_few_records_as_it_can_and_all_or_nothing(void **state)
{
    static const size_t sizes[] = {0, 1, 16384, 16385, 100000};
    static uint8_t bytes[100000];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct pair pair;
        pair_open(&pair, plain_context, versions[i]);
        for (size_t j = 0; j < sizeof sizes / sizeof sizes[0]; j++) {
            struct sl_span plain = sl_span(bytes, sizes[j]);
            assert_int_equal(srv_tls_write(pair.tls, plain, &pair.to_client), SL_OK);
            assert_int_equal(count_records(sl_buf_span(&pair.to_client)),
                             (sizes[j] + SRV_TLS_RECORD_MAX - 1) / SRV_TLS_RECORD_MAX);
            assert_true(pair.to_client.len <= srv_tls_cipher_max(sizes[j]));
            to_client(&pair);
            assert_int_equal(pair.at_client.len, sizes[j]);
            sl_buf_clear(&pair.at_client);
        }
        struct sl_buf small;
        sl_buf_init(&small, srv_tls_cipher_max(1000) - 1);
        assert_int_equal(srv_tls_write(pair.tls, sl_span(bytes, 1000), &small), SL_LIMIT);
        assert_int_equal(small.len, 0);
        sl_buf_release(&small);
        assert_int_equal(srv_tls_write(pair.tls, sl_span_str("still"), &pair.to_client), SL_OK);
        to_client(&pair);
        test_span_is(sl_buf_span(&pair.at_client), "still");
        pair_release(&pair);
    }
}

static void the_end_is_told_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct pair pair;
        pair_open(&pair, plain_context, versions[i]);
        client_writes(&pair, "last", 4);
        (void)SSL_shutdown(pair.client.ssl);
        to_server(&pair, SIZE_MAX, SIZE_MAX);
        assert_int_equal(pair.status, SL_CLOSED);
        assert_int_equal(srv_tls_state(pair.tls), SRV_TLS_ENDED);
        test_span_is(sl_buf_span(&pair.at_server), "last");
        feed_server(&pair, sl_span_str("after the end"));
        assert_int_equal(pair.status, SL_CLOSED);
        assert_int_equal(srv_tls_write(pair.tls, sl_span_str("bye"), &pair.to_client), SL_OK);
        srv_tls_close(pair.tls, &pair.to_client);
        assert_int_equal(srv_tls_write(pair.tls, sl_span_str("x"), &pair.to_client), SL_STATE);
        size_t len = pair.to_client.len;
        srv_tls_close(pair.tls, &pair.to_client);
        assert_int_equal(pair.to_client.len, len);
        to_client(&pair);
        assert_int_equal(SSL_get_shutdown(pair.client.ssl),
                         SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        pair_release(&pair);
    }
}

static void a_buffer_of_ours_that_is_full_fails_the_connection(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, plain_context, &(struct test_tls_client_config){.alpn = H2});
    sl_buf_init(&pair.to_client, 100);
    to_server(&pair, SIZE_MAX, SIZE_MAX);
    assert_int_equal(pair.status, SL_IO);
    assert_int_equal(srv_tls_why(pair.tls), SRV_TLS_FAILURE_LIMIT);
    pair_release(&pair);
    pair_open(&pair, plain_context, TLS1_3_VERSION);
    sl_buf_init(&pair.at_server, 100);
    client_writes(&pair, "x", 1);
    to_server(&pair, SIZE_MAX, SIZE_MAX);
    assert_int_equal(pair.status, SL_IO);
    assert_int_equal(srv_tls_why(pair.tls), SRV_TLS_FAILURE_LIMIT);
    pair_release(&pair);
}

static void a_connection_outlives_its_context(void **state)
{
    (void)state;
    SSL_CTX *context = new_context(NULL);
    struct pair pair;
    pair_open(&pair, context, TLS1_3_VERSION);
    SSL_CTX_free(context);
    client_writes(&pair, "still here", 10);
    exchange(&pair);
    test_span_is(sl_buf_span(&pair.at_server), "still here");
    pair_release(&pair);
}

static void copy_file(const char *from, const char *to)
{
    char text[8192];
    FILE *file = fopen(test_tls_path(&files, from), "r");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[len] = '\0';
    test_tls_write(&files, to, text);
}

/* The common name that a new connection is shown. */
static void is_shown(struct srv_tls_source *source, const char *expected)
{
    struct pair pair;
    char name[64] = "";
    pair_init_of(&pair, srv_tls_source_accept(source),
                 &(struct test_tls_client_config){.alpn = H2});
    exchange(&pair);
    X509 *shown = SSL_get1_peer_certificate(pair.client.ssl);
    X509_NAME_get_text_by_NID(X509_get_subject_name(shown), NID_commonName, name, sizeof name);
    assert_string_equal(name, expected);
    X509_free(shown);
    pair_release(&pair);
}

static void a_reload_is_for_new_connections_and_for_good_files_only(void **state)
{
    (void)state;
    struct sl_error error = {0};
    char cert[TEST_TLS_PATH_MAX];
    char key[TEST_TLS_PATH_MAX];
    (void)snprintf(cert, sizeof cert, "%s/live.crt", files.folder);
    (void)snprintf(key, sizeof key, "%s/live.key", files.folder);
    copy_file("server.crt", "live.crt");
    copy_file("server.key", "live.key");
    struct srv_tls_source *source =
        srv_tls_source_new(&(struct srv_tls_files){cert, key, NULL}, NULL, NULL, &error);
    assert_non_null(source);
    struct pair old;
    pair_init_of(&old, srv_tls_source_accept(source), &(struct test_tls_client_config){.alpn = H2});
    exchange(&old);
    copy_file("client.crt", "live.crt"); /* of which the key is another one */
    assert_int_equal(srv_tls_source_reload(source, &error), SL_IO);
    assert_non_null(strstr(error.text, "live.key"));
    is_shown(source, "server");
    copy_file("client.key", "live.key");
    assert_int_equal(srv_tls_source_reload(source, &error), SL_OK);
    is_shown(source, "client");
    srv_tls_source_free(source);
    client_writes(&old, "still here", 10);
    exchange(&old);
    test_span_is(sl_buf_span(&old.at_server), "still here");
    pair_release(&old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_versions_carry_plaintext_both_ways),
        cmocka_unit_test(a_handshake_without_common_ground_is_refused_by_its_alert),
        cmocka_unit_test(h2_is_chosen_wherever_it_stands_in_the_list),
        cmocka_unit_test(an_authority_is_ours_when_the_certificate_is_for_it),
        cmocka_unit_test(mutual_tls_takes_the_right_certificates_only),
        cmocka_unit_test(sessions_are_resumed_but_not_under_mutual_tls),
        cmocka_unit_test(a_write_takes_as_few_records_as_it_can_and_all_or_nothing),
        cmocka_unit_test(the_end_is_told_both_ways),
        cmocka_unit_test(a_buffer_of_ours_that_is_full_fails_the_connection),
        cmocka_unit_test(a_connection_outlives_its_context),
        cmocka_unit_test(a_reload_is_for_new_connections_and_for_good_files_only),
    };
    return cmocka_run_group_tests_name("tls", tests, make_all, remove_all);
}
