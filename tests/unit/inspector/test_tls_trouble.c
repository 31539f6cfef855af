/* SPDX-License-Identifier: Apache-2.0 */
/* TLS with something missing: secrets that come late or never, bytes that were not captured, a beginning not seen. */
#include "tests/unit/inspector/tls_reader.h"

enum {
    LINES = 60,
    LINE_SIZE = 300,
};

struct world {
    struct test_tls_peers peers;
    struct test_tls_talk talk;
    struct test_reader reader;
};

static struct sl_span line(int number)
{
    static char text[LINE_SIZE];
    memset(text, 'a' + number % 26, sizeof(text));
    (void)snprintf(text, sizeof(text), "[%d]", number);
    text[sizeof(text) - 1] = '\n';
    return sl_span(text, sizeof(text));
}

static void chat(struct test_tls_talk *talk)
{
    for (int i = 0; i < LINES; i++) {
        test_tls_talk_say(talk, i % 2, line(i));
    }
}

static void begin(struct world *world, const struct test_tls_wish_list *wishes)
{
    test_tls_peers_init(&world->peers, wishes);
    test_tls_talk_init(&world->talk, &world->peers, false);
    test_tls_talk_shake(&world->talk);
    chat(&world->talk);
    reader_init(&world->reader);
}

static void finish(struct world *world)
{
    reader_release(&world->reader);
    test_tls_talk_release(&world->talk);
    test_tls_peers_release(&world->peers);
}

static const struct test_tls_wish_list kinds[] = {
    {.version = TLS1_3_VERSION},
    {.version = TLS1_3_VERSION, .ciphers = "TLS_CHACHA20_POLY1305_SHA256"},
    {.version = TLS1_2_VERSION, .ciphers = "ECDHE-RSA-AES128-GCM-SHA256"},
    {.version = TLS1_2_VERSION, .ciphers = "ECDHE-RSA-AES128-SHA256"},
    {.version = TLS1_2_VERSION, .ciphers = "AES256-SHA", .has_no_encrypt_then_mac = true},
};

enum {
    KINDS = sizeof(kinds) / sizeof(kinds[0]),
};

static void feed_piece(struct world *world, size_t index)
{
    const struct sl_at at = {.packet = index + 1};
    ins_tls_data(world->reader.tls, world->talk.pieces[index].side, talk_piece(&world->talk, index),
                 &at);
}

static void secrets_may_come_at_any_time(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        static struct world world;
        begin(&world, &kinds[kind]);
        for (size_t when = 0; when <= world.talk.count; when++) {
            struct test_reader *reader = &world.reader;
            reader_release(reader);
            reader_init(reader);
            reader_begin(reader);
            for (size_t i = 0; i < world.talk.count; i++) {
                if (i == when) {
                    reader_learn(reader, sl_buf_span(&world.peers.keylog));
                }
                feed_piece(&world, i);
            }
            reader_learn(reader, sl_buf_span(&world.peers.keylog));
            ins_tls_all_use(reader->all, reader->keys);
            reader_expect_sent(reader, &world.talk);
            (void)ins_tls_end(reader->tls);
            assert_int_equal(reader->gaps[0] + reader->gaps[1], 0);
        }
        finish(&world);
    }
}

static void held_data_keep_their_packet_and_order(void **state)
{
    (void)state;
    static struct world world;
    begin(&world, &kinds[0]);
    reader_begin(&world.reader);
    for (size_t i = 0; i < world.talk.count; i++) {
        feed_piece(&world, i);
    }
    ins_tls_close(world.reader.tls, 0, false, &(struct sl_at){.packet = 1000});
    assert_int_equal(world.reader.closes[0], 0);
    reader_learn(&world.reader, sl_buf_span(&world.peers.keylog));
    ins_tls_all_use(world.reader.all, world.reader.keys);
    assert_int_equal(world.reader.last_at.packet, world.talk.count);
    assert_int_equal(world.reader.closes[0], 1);
    (void)ins_tls_end(world.reader.tls);
    finish(&world);
}

static void without_secrets_nothing_is_handed_on_and_told_why(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        static struct world world;
        begin(&world, &kinds[kind]);
        reader_begin(&world.reader);
        reader_read(&world.reader, &world.talk, SIZE_MAX);
        assert_false(ins_tls_end(world.reader.tls));
        assert_int_equal(reader_outcome(&world.reader, INS_TLS_NO_KEYS), 1);
        assert_int_equal(world.reader.got[0].len + world.reader.got[1].len, 0);
        finish(&world);
    }
}

/* What is got is what was sent, but for what one "<gap>" stands for. */
static void expect_hole(const struct sl_buf *got, const struct sl_buf *sent, size_t lost_max)
{
    static const char mark[] = "<gap>";
    const size_t mark_len = sizeof(mark) - 1;
    const uint8_t *hole = got->len == 0 ? NULL : memmem(got->data, got->len, mark, mark_len);
    assert_non_null(hole);
    size_t before = (size_t)(hole - got->data);
    size_t after = got->len - before - mark_len;
    assert_true(before + after <= sent->len);
    assert_memory_equal(got->data, sent->data, before);
    assert_memory_equal(hole + mark_len, sent->data + sent->len - after, after);
    if (sent->len - before - after > lost_max) {
        fail_msg("lost %zu bytes, not %zu", sent->len - before - after, lost_max);
    }
}

/* Loses each piece of data in turn, as a whole or in part. */
static void a_loss_costs_the_records_that_it_hit(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        static struct world world;
        begin(&world, &kinds[kind]);
        size_t first = world.talk.count - LINES;
        for (size_t lost = first; lost < world.talk.count; lost++) {
            struct test_reader *reader = &world.reader;
            reader_release(reader);
            reader_init(reader);
            reader_learn(reader, sl_buf_span(&world.peers.keylog));
            reader_begin(reader);
            int side = world.talk.pieces[lost].side;
            for (size_t i = 0; i < world.talk.count; i++) {
                struct sl_span piece = talk_piece(&world.talk, i);
                if (i != lost) {
                    feed_piece(&world, i);
                    continue;
                }
                const struct sl_at at = {.packet = i + 1};
                size_t from = lost % 3 == 0 ? 0 : 9;
                size_t len = lost % 3 == 2 ? piece.len - 9 : 100;
                ins_tls_data(reader->tls, side, sl_span_first(piece, from), &at);
                ins_tls_gap(reader->tls, side, lost % 2 == 0 ? 0 : len, &at);
                ins_tls_data(reader->tls, side, sl_span_from(piece, from + len), &at);
            }
            (void)ins_tls_end(reader->tls);
            assert_int_equal(reader->gaps[side], 1);
            assert_int_equal(reader->gaps[1 - side], 0);
            expect_hole(&reader->got[side], &world.talk.sent[side], LINE_SIZE);
            assert_int_equal(reader_outcome(reader, INS_TLS_DECRYPTED), 1);
        }
        finish(&world);
    }
}

static void a_loss_in_the_handshake_costs_no_data(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        static struct world world;
        begin(&world, &kinds[kind]);
        /* tickets of TLS 1.3 come in records that might be data */
        size_t end = kinds[kind].version == TLS1_3_VERSION ? 3 : world.talk.count - LINES;
        for (size_t lost = 1; lost < end; lost++) {
            struct test_reader *reader = &world.reader;
            reader_release(reader);
            reader_init(reader);
            reader_learn(reader, sl_buf_span(&world.peers.keylog));
            reader_begin(reader);
            for (size_t i = 0; i < world.talk.count; i++) {
                struct sl_span piece = talk_piece(&world.talk, i);
                const struct sl_at at = {.packet = i + 1};
                int side = world.talk.pieces[i].side;
                size_t kept = side == TEST_TLS_SERVER ? 200 : 0; /* its ServerHello */
                if (i != lost || piece.len < kept) {
                    feed_piece(&world, i);
                    continue;
                }
                ins_tls_data(reader->tls, side, sl_span_first(piece, kept), &at);
                ins_tls_gap(reader->tls, side, piece.len - kept, &at);
            }
            (void)ins_tls_end(reader->tls);
            reader_expect_sent(reader, &world.talk);
            assert_int_equal(reader_outcome(reader, INS_TLS_DECRYPTED), 1);
        }
        finish(&world);
    }
}

static void a_lost_hello_is_told(void **state)
{
    (void)state;
    for (size_t lost = 0; lost < 2; lost++) {
        static struct world world;
        begin(&world, &kinds[0]);
        reader_learn(&world.reader, sl_buf_span(&world.peers.keylog));
        reader_begin(&world.reader);
        for (size_t i = 0; i < world.talk.count; i++) {
            if (i == lost) {
                ins_tls_gap(world.reader.tls, world.talk.pieces[i].side, 0,
                            &(struct sl_at){.packet = 1});
            } else {
                feed_piece(&world, i);
            }
        }
        assert_true(ins_tls_is_over(world.reader.tls));
        assert_false(ins_tls_end(world.reader.tls));
        assert_int_equal(reader_outcome(&world.reader, INS_TLS_DAMAGED), 1);
        finish(&world);
    }
}

static void a_capture_that_begins_midway_is_told(void **state)
{
    (void)state;
    for (size_t first = 1; first < 6; first++) {
        static struct world world;
        begin(&world, &kinds[first % KINDS]);
        reader_learn(&world.reader, sl_buf_span(&world.peers.keylog));
        struct ins_head head = {.bytes = talk_piece(&world.talk, first)};
        assert_int_not_equal(ins_tls_claim(&head), INS_CLAIM_NO);
        reader_begin(&world.reader);
        for (size_t i = first; i < world.talk.count; i++) {
            feed_piece(&world, i);
        }
        assert_false(ins_tls_end(world.reader.tls));
        assert_int_equal(reader_outcome(&world.reader, INS_TLS_MIDWAY), 1);
        finish(&world);
    }
}

static void what_came_before_tls_is_passed_over(void **state)
{
    (void)state;
    static struct world world;
    begin(&world, &kinds[0]);
    reader_learn(&world.reader, sl_buf_span(&world.peers.keylog));
    reader_begin(&world.reader);
    ins_tls_data(world.reader.tls, 0, sl_span_str("PROXY TCP4 ..."), &(struct sl_at){.packet = 1});
    reader_read(&world.reader, &world.talk, SIZE_MAX);
    reader_expect_sent(&world.reader, &world.talk);
    assert_true(ins_tls_end(world.reader.tls));
    finish(&world);
}

static void wrong_secrets_open_nothing(void **state)
{
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        static struct world world;
        begin(&world, &kinds[kind]);
        struct sl_buf *keylog = &world.peers.keylog;
        for (size_t i = 1; i < keylog->len; i++) {
            if (keylog->data[i] == '\n') {
                keylog->data[i - 1] = keylog->data[i - 1] == '0' ? '1' : '0';
            }
        }
        reader_learn(&world.reader, sl_buf_span(keylog));
        reader_begin(&world.reader);
        reader_read(&world.reader, &world.talk, SIZE_MAX);
        assert_false(ins_tls_end(world.reader.tls));
        assert_int_equal(reader_outcome(&world.reader, INS_TLS_DAMAGED), 1);
        finish(&world);
    }
}

static void sessions_are_resumed_by_what_the_capture_showed(void **state)
{
    (void)state;
    for (int has_no_tickets = 0; has_no_tickets < 2; has_no_tickets++) {
        static struct world world;
        begin(&world, &(struct test_tls_wish_list){.version = TLS1_2_VERSION,
                                                   .has_no_tickets = has_no_tickets != 0});
        test_tls_talk_close(&world.talk, TEST_TLS_CLIENT);
        test_tls_talk_close(&world.talk, TEST_TLS_SERVER);
        reader_learn(&world.reader, sl_buf_span(&world.peers.keylog));
        for (int i = 0; i < 3; i++) {
            reader_begin(&world.reader);
            reader_read(&world.reader, &world.talk, SIZE_MAX);
            (void)ins_tls_end(world.reader.tls);
            reader_expect_sent(&world.reader, &world.talk);
            /* the key log has only the first one */
            test_tls_talk_release(&world.talk);
            test_tls_talk_init(&world.talk, &world.peers, true);
            test_tls_talk_shake(&world.talk);
            assert_true(SSL_session_reused(world.talk.ssl[TEST_TLS_CLIENT]));
            chat(&world.talk);
            test_tls_talk_close(&world.talk, TEST_TLS_CLIENT);
            test_tls_talk_close(&world.talk, TEST_TLS_SERVER);
        }
        finish(&world);
    }
}

static void early_data_that_was_rejected_is_no_data(void **state)
{
    (void)state;
    static struct world world;
    begin(&world, &(struct test_tls_wish_list){.version = TLS1_3_VERSION, .early_data_max = 4096});
    test_tls_talk_close(&world.talk, TEST_TLS_CLIENT);
    test_tls_talk_close(&world.talk, TEST_TLS_SERVER);
    test_tls_talk_release(&world.talk);
    SSL_CTX_set_max_early_data(world.peers.contexts[TEST_TLS_SERVER], 0);
    SSL_CTX_set_recv_max_early_data(world.peers.contexts[TEST_TLS_SERVER], 4096);
    test_tls_talk_init(&world.talk, &world.peers, true);
    test_tls_talk_say_early(&world.talk, sl_span_str("nobody reads this"));
    test_tls_talk_shake(&world.talk);
    assert_int_equal(SSL_get_early_data_status(world.talk.ssl[TEST_TLS_CLIENT]),
                     SSL_EARLY_DATA_REJECTED);
    chat(&world.talk);
    reader_learn(&world.reader, sl_buf_span(&world.peers.keylog));
    reader_begin(&world.reader);
    reader_read(&world.reader, &world.talk, SIZE_MAX);
    reader_expect_sent(&world.reader, &world.talk);
    (void)ins_tls_end(world.reader.tls);
    assert_int_equal(world.reader.gaps[0] + world.reader.gaps[1], 0);
    finish(&world);
}

static void alerts_say_why_a_handshake_failed(void **state)
{
    enum {
        SELF_SIGNED = 48, /* unknown_ca */
    };
    (void)state;
    for (int kind = 0; kind < KINDS; kind++) {
        static struct world world;
        test_tls_peers_init(&world.peers, &kinds[kind]);
        test_tls_talk_init(&world.talk, &world.peers, false);
        test_tls_talk_shake_in_vain(&world.talk);
        reader_init(&world.reader);
        reader_learn(&world.reader, sl_buf_span(&world.peers.keylog));
        reader_begin(&world.reader);
        reader_read(&world.reader, &world.talk, SIZE_MAX);
        assert_false(ins_tls_end(world.reader.tls));
        assert_int_equal(ins_tls_all_totals(world.reader.all)->alerts[SELF_SIGNED], 1);
        assert_string_equal(ins_tls_alert_name(SELF_SIGNED), "unknown_ca");
        bool is_sealed = kinds[kind].version == TLS1_3_VERSION;
        assert_int_equal(
            reader_outcome(&world.reader, is_sealed ? INS_TLS_DECRYPTED : INS_TLS_UNFINISHED), 1);
        finish(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_may_come_at_any_time),
        cmocka_unit_test(held_data_keep_their_packet_and_order),
        cmocka_unit_test(without_secrets_nothing_is_handed_on_and_told_why),
        cmocka_unit_test(a_loss_costs_the_records_that_it_hit),
        cmocka_unit_test(a_loss_in_the_handshake_costs_no_data),
        cmocka_unit_test(a_lost_hello_is_told),
        cmocka_unit_test(a_capture_that_begins_midway_is_told),
        cmocka_unit_test(what_came_before_tls_is_passed_over),
        cmocka_unit_test(wrong_secrets_open_nothing),
        cmocka_unit_test(sessions_are_resumed_by_what_the_capture_showed),
        cmocka_unit_test(early_data_that_was_rejected_is_no_data),
        cmocka_unit_test(alerts_say_why_a_handshake_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
