/* SPDX-License-Identifier: Apache-2.0 */
/* Every suite and every turn of a handshake: what was sent is what is read, however the bytes are cut. */
#include "tests/unit/inspector/tls_reader.h"

enum {
    BULK = 100 * 1000,
};

static struct sl_span bulk(void)
{
    static uint8_t bytes[BULK];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 31 + i / 251);
    }
    return sl_span(bytes, sizeof(bytes));
}

static void exchange(struct test_tls_talk *talk)
{
    test_tls_talk_say(talk, TEST_TLS_CLIENT, sl_span_str("ping"));
    test_tls_talk_say(talk, TEST_TLS_SERVER, sl_span_str("pong"));
    test_tls_talk_say(talk, TEST_TLS_CLIENT, bulk());
    test_tls_talk_say(talk, TEST_TLS_SERVER, bulk());
    test_tls_talk_say(talk, TEST_TLS_SERVER, sl_span_str("x"));
}

/* Reads the talk whole and in several steps; each time all that was sent must come. */
static void expect_read(const struct test_tls_talk *talk, const char *suite)
{
    static const size_t steps[] = {SIZE_MAX, 1, 7, 1448, 16409};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct test_reader reader;
        reader_init(&reader);
        reader_learn(&reader, sl_buf_span(&talk->peers->keylog));
        reader_begin(&reader);
        reader_read(&reader, talk, steps[i]);
        reader_expect_sent(&reader, talk);
        assert_true(ins_tls_end(reader.tls));
        assert_int_equal(reader_outcome(&reader, INS_TLS_DECRYPTED), 1);
        assert_int_equal(reader.gaps[0] + reader.gaps[1], 0);
        assert_int_equal(ins_tls_all_totals(reader.all)->bytes_skipped, 0);
        assert_string_equal(reader.info.sni, "chat.example");
        assert_string_equal(reader.info.alpn, "h2");
        if (suite != NULL) {
            assert_string_equal(reader.info.suite, suite);
        }
        reader_release(&reader);
    }
}

static void reads_every_suite_of_tls_13(void **state)
{
    static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                         "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256",
                                         "TLS_AES_128_CCM_8_SHA256"};
    (void)state;
    for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
        struct test_tls_peers peers;
        struct test_tls_talk talk;
        test_tls_peers_init(
            &peers, &(struct test_tls_wish_list){.version = TLS1_3_VERSION, .ciphers = suites[i]});
        test_tls_talk_init(&talk, &peers, false);
        test_tls_talk_shake(&talk);
        exchange(&talk);
        expect_read(&talk, suites[i]);
        test_tls_talk_release(&talk);
        test_tls_peers_release(&peers);
    }
}

static const struct {
    const char *openssl, *iana;
    bool is_ecdsa;
} suites_12[] = {
    {"AES128-GCM-SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256", false},
    {"AES256-GCM-SHA384", "TLS_RSA_WITH_AES_256_GCM_SHA384", false},
    {"AES128-CCM", "TLS_RSA_WITH_AES_128_CCM", false},
    {"AES256-CCM8", "TLS_RSA_WITH_AES_256_CCM_8", false},
    {"AES128-SHA", "TLS_RSA_WITH_AES_128_CBC_SHA", false},
    {"AES256-SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA256", false},
    {"DHE-RSA-AES128-GCM-SHA256", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", false},
    {"DHE-RSA-AES256-GCM-SHA384", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", false},
    {"DHE-RSA-AES256-CCM", "TLS_DHE_RSA_WITH_AES_256_CCM", false},
    {"DHE-RSA-AES128-CCM8", "TLS_DHE_RSA_WITH_AES_128_CCM_8", false},
    {"DHE-RSA-AES256-SHA", "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", false},
    {"DHE-RSA-CHACHA20-POLY1305", "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", false},
    {"ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", false},
    {"ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", false},
    {"ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", false},
    {"ECDHE-RSA-AES128-SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", false},
    {"ECDHE-RSA-AES128-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", false},
    {"ECDHE-RSA-AES256-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", false},
    {"ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", true},
    {"ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", true},
    {"ECDHE-ECDSA-AES128-CCM", "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", true},
    {"ECDHE-ECDSA-AES256-CCM8", "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8", true},
    {"ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", true},
    {"ECDHE-ECDSA-AES256-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", true},
};

static void reads_every_suite_of_tls_12(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * sizeof(suites_12) / sizeof(suites_12[0]); i++) {
        struct test_tls_peers peers;
        struct test_tls_talk talk;
        test_tls_peers_init(&peers,
                            &(struct test_tls_wish_list){.version = TLS1_2_VERSION,
                                                         .ciphers = suites_12[i / 2].openssl,
                                                         .is_ecdsa = suites_12[i / 2].is_ecdsa,
                                                         .has_no_encrypt_then_mac = i % 2 == 1});
        test_tls_talk_init(&talk, &peers, false);
        test_tls_talk_shake(&talk);
        exchange(&talk);
        expect_read(&talk, suites_12[i / 2].iana);
        test_tls_talk_release(&talk);
        test_tls_peers_release(&peers);
    }
}

/* Runs a talk of these wishes through turn, and reads it. */
static void expect_turn(const struct test_tls_wish_list *wishes, bool is_resuming,
                        void (*turn)(struct test_tls_talk *talk))
{
    struct test_tls_peers peers;
    static struct test_tls_talk talk;
    test_tls_peers_init(&peers, wishes);
    if (is_resuming) {
        test_tls_talk_init(&talk, &peers, false);
        test_tls_talk_shake(&talk);
        test_tls_talk_close(&talk, TEST_TLS_CLIENT);
        test_tls_talk_close(&talk, TEST_TLS_SERVER);
        test_tls_talk_release(&talk);
        sl_buf_clear(&peers.keylog);
    }
    test_tls_talk_init(&talk, &peers, is_resuming);
    turn(&talk);
    if (is_resuming) {
        assert_true(SSL_session_reused(talk.ssl[TEST_TLS_CLIENT]));
    }
    expect_read(&talk, NULL);
    test_tls_talk_release(&talk);
    test_tls_peers_release(&peers);
}

static void shake_and_exchange(struct test_tls_talk *talk)
{
    test_tls_talk_shake(talk);
    exchange(talk);
}

static void update_keys(struct test_tls_talk *talk)
{
    test_tls_talk_shake(talk);
    exchange(talk);
    test_tls_talk_update_keys(talk, TEST_TLS_CLIENT, false);
    exchange(talk);
    test_tls_talk_update_keys(talk, TEST_TLS_SERVER, false);
    test_tls_talk_update_keys(talk, TEST_TLS_SERVER, false);
    exchange(talk);
    test_tls_talk_update_keys(talk, TEST_TLS_CLIENT, true);
    exchange(talk);
}

static void follows_key_updates_of_both_sides(void **state)
{
    (void)state;
    expect_turn(&(struct test_tls_wish_list){.version = TLS1_3_VERSION}, false, update_keys);
    expect_turn(&(struct test_tls_wish_list){.version = TLS1_3_VERSION,
                                             .ciphers = "TLS_CHACHA20_POLY1305_SHA256"},
                false, update_keys);
}

static void follows_a_hello_retry_request(void **state)
{
    (void)state;
    expect_turn(&(struct test_tls_wish_list){.version = TLS1_3_VERSION, .groups = "P-384"}, false,
                shake_and_exchange);
}

static void takes_padding_off(void **state)
{
    (void)state;
    expect_turn(&(struct test_tls_wish_list){.version = TLS1_3_VERSION, .padding = 512}, false,
                shake_and_exchange);
}

static void reads_resumed_sessions(void **state)
{
    (void)state;
    expect_turn(&(struct test_tls_wish_list){.version = TLS1_3_VERSION}, true, shake_and_exchange);
    expect_turn(&(struct test_tls_wish_list){.version = TLS1_2_VERSION}, true, shake_and_exchange);
    expect_turn(&(struct test_tls_wish_list){.version = TLS1_2_VERSION, .has_no_tickets = true},
                true, shake_and_exchange);
}

static void say_early(struct test_tls_talk *talk)
{
    test_tls_talk_say_early(talk, sl_span_str("early bird"));
    test_tls_talk_shake(talk);
    exchange(talk);
}

static void reads_early_data(void **state)
{
    (void)state;
    expect_turn(&(struct test_tls_wish_list){.version = TLS1_3_VERSION, .early_data_max = 4096},
                true, say_early);
}

static void renegotiate(struct test_tls_talk *talk)
{
    test_tls_talk_shake(talk);
    exchange(talk);
    test_tls_talk_renegotiate(talk);
    exchange(talk);
}

static void follows_a_renegotiation(void **state)
{
    (void)state;
    expect_turn(&(struct test_tls_wish_list){.version = TLS1_2_VERSION}, false, renegotiate);
    expect_turn(&(struct test_tls_wish_list){.version = TLS1_2_VERSION,
                                             .ciphers = "ECDHE-RSA-AES128-SHA256"},
                false, renegotiate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_suite_of_tls_13),
        cmocka_unit_test(reads_every_suite_of_tls_12),
        cmocka_unit_test(follows_key_updates_of_both_sides),
        cmocka_unit_test(follows_a_hello_retry_request),
        cmocka_unit_test(takes_padding_off),
        cmocka_unit_test(reads_resumed_sessions),
        cmocka_unit_test(reads_early_data),
        cmocka_unit_test(follows_a_renegotiation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
