/* SPDX-License-Identifier: Apache-2.0 */
/* The whole way from packets to records, on a scripted conversation in every disorder. */
#include "inspector/pipeline.h"

#include <jansson.h>

#include "inspector/source/source.h"
#include "inspector/view/views.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/pcap_builder.h"
#include "tests/support/talk.h"
#include "tests/support/talk_packets.h"

#define SECOND UINT64_C(1000000000)

enum {
    CALLS = 3,
};

/* What came out. */
struct outcome {
    struct ins_stats stats;
    struct ins_lines lines;
};

/* Three unary calls on one connection, one of which fails. */
static void script(struct test_talk *talk)
{
    test_talk_init(talk, false);
    for (uint32_t i = 0; i < CALLS; i++) {
        uint32_t stream = 2 * i + 1;
        test_talk_request(talk, stream, "\x0a\x02hi");
        test_talk_headers(talk, SL_DIR_RESPONSE, stream, SL_H2_FLAG_END_HEADERS,
                          TEST_RESPONSE_FIELDS);
        test_talk_message(talk, SL_DIR_RESPONSE, stream, 0, "\x0a\x03you");
        test_talk_headers(
            talk, SL_DIR_RESPONSE, stream, SL_H2_FLAG_END_HEADERS | SL_H2_FLAG_END_STREAM,
            i == 2 ? "grpc-status: 5\ngrpc-message: not%20here\n" : "grpc-status: 0\n");
    }
}

static void begin(struct outcome *outcome, struct ins_pipeline **pipeline, struct ins_view **view,
                  ins_view_new_fn *create, struct sl_pool *pool)
{
    static const struct ins_select all = {0};
    *outcome = (struct outcome){0};
    ins_lines_init(&outcome->lines, -1);
    struct ins_view_config config = {
        .pool = pool, .lines = &outcome->lines, .stats = &outcome->stats, .call_messages = 10};
    *view = create(&config);
    *pipeline = ins_pipeline_new(pool, &all, &outcome->stats, *view);
}

/* Feeds the packets in this order; order may name one twice or leave one out. */
static void run(struct outcome *outcome, const struct test_packets *packets, const size_t *order,
                size_t count, uint32_t link_type, ins_view_new_fn *create)
{
    struct ins_pipeline *pipeline = NULL;
    struct ins_view *view = NULL;
    begin(outcome, &pipeline, &view, create, NULL);
    for (size_t i = 0; i < count; i++) {
        struct ins_packet packet = {
            .bytes = sl_span(packets->items[order[i]].bytes, packets->items[order[i]].len),
            .original_len = (uint32_t)packets->items[order[i]].len,
            .link_type = link_type,
            .number = i + 1,
            .time_ns = (order[i] + 1) * SECOND,
            .has_time = true};
        ins_pipeline_feed(pipeline, &packet);
    }
    ins_pipeline_finish(pipeline);
    ins_pipeline_free(pipeline);
    ins_view_free(view);
}

static void release(struct outcome *outcome)
{
    ins_stats_release(&outcome->stats);
    ins_lines_release(&outcome->lines);
}

static void expect_all(const struct outcome *outcome)
{
    assert_int_equal(outcome->stats.calls, CALLS);
    assert_int_equal(outcome->stats.messages[SL_DIR_REQUEST], CALLS);
    assert_int_equal(outcome->stats.messages[SL_DIR_RESPONSE], CALLS);
    assert_int_equal(outcome->stats.statuses.by_code[0], CALLS - 1);
    assert_int_equal(outcome->stats.statuses.by_code[5], 1);
    assert_false(ins_stats_has_loss(&outcome->stats));
}

static void in_order(size_t order[TEST_PACKETS_MAX], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        order[i] = i;
    }
}

static void decodes_the_same_on_every_link_type_and_ip_version(void **state)
{
    (void)state;
    static const uint32_t types[] = {INS_LINK_NULL, INS_LINK_ETHERNET, INS_LINK_RAW,
                                     INS_LINK_LOOP, INS_LINK_SLL,      INS_LINK_SLL2};
    struct test_talk talk;
    struct test_packets packets;
    size_t order[TEST_PACKETS_MAX];
    script(&talk);
    for (size_t i = 0; i < 2 * sizeof(types) / sizeof(types[0]); i++) {
        struct outcome outcome;
        test_pack(&packets, &talk, types[i / 2], i % 2 == 1);
        in_order(order, packets.count);
        run(&outcome, &packets, order, packets.count, types[i / 2], ins_view_summary_new);
        expect_all(&outcome);
        assert_int_equal(outcome.stats.connections, 1);
        assert_int_equal(outcome.stats.connections_midway, 0);
        release(&outcome);
    }
    test_talk_release(&talk);
}

static void any_two_packets_may_change_places(void **state)
{
    (void)state;
    struct test_talk talk;
    struct test_packets packets;
    size_t order[TEST_PACKETS_MAX];
    script(&talk);
    test_pack(&packets, &talk, INS_LINK_RAW, false);
    for (size_t i = 2; i + 3 < packets.count; i++) {
        for (size_t far = 1; far <= 4 && i + far + 2 < packets.count; far++) {
            struct outcome outcome;
            in_order(order, packets.count);
            order[i] = i + far;
            order[i + far] = i;
            run(&outcome, &packets, order, packets.count, INS_LINK_RAW, ins_view_calls_new);
            expect_all(&outcome);
            release(&outcome);
        }
    }
    test_talk_release(&talk);
}

/* Shuffled as a network with many queues would, to 24 places away. */
static void all_packets_may_be_shuffled(void **state)
{
    (void)state;
    struct test_talk talk;
    struct test_packets packets;
    size_t order[TEST_PACKETS_MAX];
    unsigned seed = 7;
    script(&talk);
    test_pack(&packets, &talk, INS_LINK_RAW, false);
    for (unsigned round = 0; round < 300; round++) {
        struct outcome outcome;
        unsigned keys[TEST_PACKETS_MAX];
        in_order(order, packets.count);
        for (size_t i = 0; i < packets.count; i++) {
            seed = seed * 1103515245U + 12345U;
            keys[i] = (unsigned)i * 100 + seed / 65536 % (100 * (1 + round % 24));
            for (size_t j = i; j > 0 && keys[j - 1] > keys[j]; j--) {
                unsigned key = keys[j];
                size_t place = order[j];
                keys[j] = keys[j - 1];
                order[j] = order[j - 1];
                keys[j - 1] = key;
                order[j - 1] = place;
            }
        }
        run(&outcome, &packets, order, packets.count, INS_LINK_RAW, ins_view_calls_new);
        expect_all(&outcome);
        release(&outcome);
    }
    test_talk_release(&talk);
}

static void any_packet_may_come_twice(void **state)
{
    (void)state;
    struct test_talk talk;
    struct test_packets packets;
    size_t order[TEST_PACKETS_MAX + 1];
    script(&talk);
    test_pack(&packets, &talk, INS_LINK_RAW, false);
    for (size_t i = 0; i < packets.count; i++) {
        struct outcome outcome;
        size_t count = 0;
        for (size_t j = 0; j < packets.count; j++) {
            order[count++] = j;
            if (j == i) {
                order[count++] = j;
            }
        }
        run(&outcome, &packets, order, count, INS_LINK_RAW, ins_view_calls_new);
        expect_all(&outcome);
        release(&outcome);
    }
    test_talk_release(&talk);
}

/* Each packet again, with its last byte changed: that of a frame in it. */
static void bytes_that_come_again_changed_are_told_by_the_calls_they_hit(void **state)
{
    (void)state;
    struct test_talk talk;
    struct test_packets packets;
    size_t told = 0;
    script(&talk);
    test_pack(&packets, &talk, INS_LINK_RAW, false);
    for (size_t i = 2; i < packets.count; i++) {
        if (!packets.items[i].has_data) {
            continue;
        }
        struct test_packets changed = packets;
        struct outcome outcome;
        size_t order[TEST_PACKETS_MAX + 1];
        memmove(&changed.items[i + 2], &changed.items[i + 1],
                (packets.count - i - 1) * sizeof(packets.items[0]));
        changed.items[i + 1] = changed.items[i];
        changed.items[i + 1].bytes[changed.items[i + 1].len - 1] ^= 1;
        changed.count++;
        in_order(order, changed.count);
        run(&outcome, &changed, order, changed.count, INS_LINK_RAW, ins_view_calls_new);
        expect_all(&outcome);
        assert_int_equal(outcome.stats.tcp.conflicting, 1);
        size_t told_before = told;
        for (const char *at = sl_buf_str(&outcome.lines.buf);
             (at = strstr(at, "\"bytes_conflicting\"")) != NULL; at++) {
            told++;
        }
        assert_true(told - told_before <= 1);
        release(&outcome);
    }
    /* Of a call's five packets the last comes again when its record has been written. */
    assert_int_equal(told, 4 * CALLS);
    test_talk_release(&talk);
}

static void a_lost_packet_is_told(void **state)
{
    (void)state;
    struct test_talk talk;
    struct test_packets packets;
    size_t order[TEST_PACKETS_MAX];
    script(&talk);
    test_pack(&packets, &talk, INS_LINK_RAW, false);
    for (size_t lost = 0; lost < packets.count; lost++) {
        struct outcome outcome;
        size_t count = 0;
        for (size_t j = 0; j < packets.count; j++) {
            if (j != lost) {
                order[count++] = j;
            }
        }
        run(&outcome, &packets, order, count, INS_LINK_RAW, ins_view_calls_new);
        if (packets.items[lost].has_data) {
            assert_true(outcome.stats.gaps > 0);
            assert_true(outcome.stats.bytes_missing > 0);
        } else {
            expect_all(&outcome);
        }
        assert_int_equal(outcome.stats.connections, 1);
        release(&outcome);
    }
    test_talk_release(&talk);
}

static void every_cut_of_the_capture_gives_records_that_are_json(void **state)
{
    (void)state;
    static ins_view_new_fn *const views[] = {ins_view_calls_new, ins_view_messages_new,
                                             ins_view_frames_new, ins_view_summary_new};
    struct test_talk talk;
    struct test_packets packets;
    struct test_capture capture;
    struct sl_pool *pool = sl_pool_new();
    sl_pool_add_builtin(pool);
    assert_int_equal(sl_pool_link(pool, NULL), SL_OK);
    script(&talk);
    test_pack(&packets, &talk, INS_LINK_ETHERNET, false);
    test_capture_init(&capture, TEST_PCAP_US_LE, INS_LINK_ETHERNET);
    for (size_t i = 0; i < packets.count; i++) {
        test_capture_packet(&capture, (i + 1) * SECOND,
                            sl_span(packets.items[i].bytes, packets.items[i].len), 0);
    }
    for (size_t len = 24; len <= capture.bytes.len; len++) {
        struct outcome outcome;
        struct ins_pipeline *pipeline = NULL;
        struct ins_view *view = NULL;
        struct ins_source *source = NULL;
        begin(&outcome, &pipeline, &view, views[len % 4], pool);
        assert_int_equal(
            ins_source_new(ins_input_memory(sl_span(capture.bytes.data, len)), &source, NULL),
            SL_OK);
        struct ins_packet packet;
        struct ins_damage damage;
        enum sl_status status = SL_OK;
        while ((status = ins_source_next(source, &packet, &damage)) != SL_CLOSED) {
            if (status == SL_OK) {
                ins_pipeline_feed(pipeline, &packet);
            }
        }
        ins_pipeline_finish(pipeline);
        const char *line = sl_buf_str(&outcome.lines.buf);
        while (*line != '\0') {
            json_error_t error;
            const char *end = strchr(line, '\n');
            assert_non_null(end);
            json_t *json = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, &error);
            assert_non_null(json);
            json_decref(json);
            line = end + 1;
        }
        ins_source_free(source);
        ins_pipeline_free(pipeline);
        ins_view_free(view);
        release(&outcome);
    }
    sl_pool_free(pool);
    test_capture_release(&capture);
    test_talk_release(&talk);
}

/* Everything before a packet was not captured. */
static void a_capture_may_begin_anywhere(void **state)
{
    (void)state;
    struct test_talk talk;
    struct test_packets packets;
    size_t order[TEST_PACKETS_MAX];
    script(&talk);
    test_pack(&packets, &talk, INS_LINK_RAW, false);
    in_order(order, packets.count);
    for (size_t first = 1; first < packets.count; first++) {
        struct outcome outcome;
        run(&outcome, &packets, order + first, packets.count - first, INS_LINK_RAW,
            ins_view_calls_new);
        assert_true(outcome.stats.calls <= CALLS);
        assert_int_equal(outcome.stats.gaps, 0);
        if (first <= 2) {
            expect_all(&outcome);
        } else if (first + 10 < packets.count) {
            assert_int_equal(outcome.stats.connections_midway, 1);
        }
        release(&outcome);
    }
    test_talk_release(&talk);
}

/* Who sends more DATA counts as the server, until a header block shows that it was the client. */
static void a_wrong_guess_of_the_client_is_taken_back(void **state)
{
    (void)state;
    struct test_talk talk;
    struct test_packets packets;
    size_t order[TEST_PACKETS_MAX];
    static char upload[1800];
    memset(upload, 'x', sizeof(upload) - 1);
    test_talk_init(&talk, true);
    for (int i = 0; i < 40; i++) {
        test_talk_message(&talk, SL_DIR_REQUEST, 1, 0, upload);
    }
    test_talk_request(&talk, 3, "\x0a\x02hi");
    test_talk_headers(&talk, SL_DIR_RESPONSE, 3, SL_H2_FLAG_END_HEADERS, TEST_RESPONSE_FIELDS);
    test_talk_message(&talk, SL_DIR_RESPONSE, 3, 0, "\x0a\x03you");
    test_talk_headers(&talk, SL_DIR_RESPONSE, 3, SL_H2_FLAG_END_HEADERS | SL_H2_FLAG_END_STREAM,
                      "grpc-status: 0\n");
    test_pack(&packets, &talk, INS_LINK_RAW, false);
    in_order(order, packets.count);
    struct outcome outcome;
    run(&outcome, &packets, order + 4, packets.count - 4, INS_LINK_RAW, ins_view_calls_new);
    assert_int_equal(outcome.stats.connections, 1);
    assert_int_equal(outcome.stats.statuses.by_code[0], 1);
    assert_int_equal(outcome.stats.messages[SL_DIR_REQUEST], 1);
    sl_buf_add_u8(&outcome.lines.buf, 0);
    char *guessed = (char *)outcome.lines.buf.data;
    char *known = strstr(guessed, "\"stream\":3,");
    assert_non_null(known);
    *known++ = '\0';
    assert_non_null(strstr(guessed, "\"code\":\"roles_guessed\""));
    assert_null(strstr(known, "roles_guessed"));
    assert_non_null(strstr(known, "\"client\":\"10.0.0.1:40000\""));
    release(&outcome);
    test_talk_release(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_the_same_on_every_link_type_and_ip_version),
        cmocka_unit_test(any_two_packets_may_change_places),
        cmocka_unit_test(all_packets_may_be_shuffled),
        cmocka_unit_test(any_packet_may_come_twice),
        cmocka_unit_test(bytes_that_come_again_changed_are_told_by_the_calls_they_hit),
        cmocka_unit_test(a_lost_packet_is_told),
        cmocka_unit_test(every_cut_of_the_capture_gives_records_that_are_json),
        cmocka_unit_test(a_capture_may_begin_anywhere),
        cmocka_unit_test(a_wrong_guess_of_the_client_is_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
