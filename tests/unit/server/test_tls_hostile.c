/* SPDX-License-Identifier: Apache-2.0 */
/* The byte filter against clients that send what they should not, or in pieces. */
#include "tests/unit/server/tls_pair.h"

static void it_does_not_matter_how_the_bytes_are_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        size_t longest = 1;
        /* The cut is at the same place of every flight; 0: byte by byte. */
        for (size_t cut = 0; cut < longest; cut += cut < 100 ? 1 : 7) {
            struct pair pair;
            size_t first = cut == 0 ? 1 : cut;
            pair_init(&pair, plain_context,
                      &(struct test_tls_client_config){.version = versions[i], .alpn = H2});
            for (int flight = 0; flight < 4; flight++) {
                test_tls_client_take(&pair.client, &pair.to_server);
                longest = pair.to_server.len > longest ? pair.to_server.len : longest;
                to_server(&pair, first, cut == 0 ? 1 : SIZE_MAX);
                to_client(&pair);
            }
            client_writes(&pair, "one", 3);
            client_writes(&pair, "two", 3);
            to_server(&pair, first, cut == 0 ? 1 : SIZE_MAX);
            test_span_is(sl_buf_span(&pair.at_server), "onetwo");
            pair_release(&pair);
        }
    }
}

static void a_handshake_that_was_cut_short_waits(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, plain_context, &(struct test_tls_client_config){.alpn = H2});
    test_tls_client_take(&pair.client, &pair.to_server);
    for (size_t len = 0; len < pair.to_server.len; len++) {
        struct pair cut;
        pair_init(&cut, plain_context, &(struct test_tls_client_config){.alpn = H2});
        feed_server(&cut, sl_span_first(sl_buf_span(&pair.to_server), len));
        assert_int_equal(cut.status, SL_OK);
        assert_int_equal(srv_tls_state(cut.tls), SRV_TLS_SHAKING);
        assert_int_equal(cut.to_client.len, 0);
        assert_int_equal(srv_tls_write(cut.tls, sl_span_str("x"), &cut.to_client), SL_STATE);
        pair_release(&cut);
    }
    pair_release(&pair);
}

static void what_is_no_tls_is_told_apart(void **state)
{
    static const char *const inputs[] = {
        "GET / HTTP/1.1\r\nhost: x\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",           "\377\377\377\377\377\377\377\377\377\377\377",
        "\26\3\1\377\377\1\1\1\1\1\1\1\1\1", /* a record of 65535 bytes */
    };
    (void)state;
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        struct pair pair;
        pair_init(&pair, plain_context, &(struct test_tls_client_config){.alpn = H2});
        feed_server(&pair, sl_span_str(inputs[i]));
        assert_int_equal(pair.status, SL_IO);
        assert_string_equal(srv_tls_failure_word(srv_tls_why(pair.tls)), "no_tls");
        assert_int_equal(pair.at_server.len, 0);
        pair_release(&pair);
    }
}

static void a_changed_bit_ends_the_connection_behind_what_came_before(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct pair pair;
        pair_open(&pair, plain_context, versions[i]);
        client_writes(&pair, "good", 4);
        client_writes(&pair, "evil", 4);
        test_tls_client_take(&pair.client, &pair.to_server);
        pair.to_server.data[pair.to_server.len - 1] ^= 1;
        to_server(&pair, SIZE_MAX, SIZE_MAX);
        assert_int_equal(pair.status, SL_IO);
        assert_int_equal(srv_tls_why(pair.tls), SRV_TLS_FAILURE_PROTOCOL);
        test_span_is(sl_buf_span(&pair.at_server), "good");
        to_client(&pair);
        assert_int_equal(pair.client.alert, SSL_AD_BAD_RECORD_MAC);
        pair_release(&pair);
    }
}

static void an_alert_of_the_client_is_told(void **state)
{
    static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 48}; /* fatal: unknown_ca */
    (void)state;
    struct pair pair;
    pair_init(&pair, plain_context,
              &(struct test_tls_client_config){.version = TLS1_2_VERSION, .alpn = H2});
    to_server(&pair, SIZE_MAX, SIZE_MAX);
    feed_server(&pair, sl_span(alert, sizeof alert));
    assert_int_equal(pair.status, SL_IO);
    assert_int_equal(srv_tls_why(pair.tls), SRV_TLS_FAILURE_ALERTED);
    pair_release(&pair);
}

static void a_renegotiation_is_the_end_but_for_a_last_word(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, plain_context, TLS1_2_VERSION);
    client_writes(&pair, "before", 6);
    assert_int_equal(SSL_renegotiate(pair.client.ssl), 1);
    (void)SSL_do_handshake(pair.client.ssl);
    to_server(&pair, SIZE_MAX, SIZE_MAX);
    assert_int_equal(pair.status, SL_IO);
    assert_int_equal(srv_tls_why(pair.tls), SRV_TLS_FAILURE_RENEGOTIATION);
    test_span_is(sl_buf_span(&pair.at_server), "before");
    assert_int_equal(srv_tls_write(pair.tls, sl_span_str("goaway"), &pair.to_client), SL_OK);
    to_client(&pair);
    assert_int_equal(pair.client.alert, SSL_AD_NO_RENEGOTIATION);
    pair_release(&pair);
}

static void key_updates_without_end_are_a_flood(void **state)
{
    (void)state;
    struct pair pair;
    pair_open(&pair, plain_context, TLS1_3_VERSION);
    for (int i = 0; i < 3 * SRV_TLS_IDLE_MESSAGES_MAX; i++) { /* with data they are none */
        assert_int_equal(SSL_key_update(pair.client.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        client_writes(&pair, "x", 1);
        exchange(&pair);
        assert_int_equal(pair.status, SL_OK);
    }
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(SSL_key_update(pair.client.ssl, SSL_KEY_UPDATE_NOT_REQUESTED), 1);
        assert_int_equal(SSL_do_handshake(pair.client.ssl), 1);
    }
    to_server(&pair, SIZE_MAX, SIZE_MAX);
    assert_int_equal(pair.status, SL_IO);
    assert_int_equal(srv_tls_why(pair.tls), SRV_TLS_FAILURE_FLOOD);
    assert_int_equal(srv_tls_write(pair.tls, sl_span_str("goaway"), &pair.to_client), SL_OK);
    to_client(&pair);
    test_span_is(sl_buf_span(&pair.at_client), "goaway");
    pair_release(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_does_not_matter_how_the_bytes_are_cut),
        cmocka_unit_test(a_handshake_that_was_cut_short_waits),
        cmocka_unit_test(what_is_no_tls_is_told_apart),
        cmocka_unit_test(a_changed_bit_ends_the_connection_behind_what_came_before),
        cmocka_unit_test(an_alert_of_the_client_is_told),
        cmocka_unit_test(a_renegotiation_is_the_end_but_for_a_last_word),
        cmocka_unit_test(key_updates_without_end_are_a_flood),
    };
    return cmocka_run_group_tests_name("tls_hostile", tests, make_all, remove_all);
}
