/* SPDX-License-Identifier: Apache-2.0 */
/* The filter of frames: where no deviation bites, what goes in comes out, however it is cut. */
#include "reference-server/frontend/h2/wire/wire.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/talk.h"

#define REQUEST  SL_DIR_REQUEST
#define RESPONSE SL_DIR_RESPONSE
#define END      SL_H2_FLAG_END_STREAM

/* Two calls with what may come beside them. */
static void hold_talk(struct test_talk *talk)
{
    test_talk_init(talk, false);
    test_talk_request(talk, 1, "hello");
    test_talk_headers(talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS "x: y\n");
    test_talk_window_update(talk, RESPONSE, 0, 10);
    const struct sl_h2_frame_header padded = {
        .length = 9, .type = SL_H2_DATA, .flags = SL_H2_FLAG_PADDED, .stream = 1};
    test_talk_frame(talk, RESPONSE, &padded, "\3\0\0\0\0\0\0\0");
    const struct sl_h2_frame_header unknown = {
        .length = 3, .type = 0xee, .flags = 0xff, .stream = 77};
    test_talk_frame(talk, REQUEST, &unknown, "abc");
    test_talk_frame(talk, RESPONSE, &unknown, "abc");
    test_talk_ping(talk, REQUEST, false, 7);
    test_talk_ping(talk, RESPONSE, true, 7);
    test_talk_headers(talk, RESPONSE, 1, END, "grpc-status: 0\n");
    test_talk_request(talk, 3, "again");
    test_talk_headers(talk, RESPONSE, 3, END, TEST_RESPONSE_FIELDS "grpc-status: 5\n");
    test_talk_rst(talk, REQUEST, 3, SL_H2_CANCEL);
}

static void pass(struct srv_wire *wire, enum sl_dir dir, struct sl_span bytes, struct sl_buf out[2])
{
    if (bytes.len == 0) {
        return;
    }
    if (dir == REQUEST) {
        srv_wire_in(wire, bytes, &out[REQUEST]);
        srv_wire_out(wire, sl_span(NULL, 0), &out[RESPONSE]);
    } else {
        srv_wire_out(wire, bytes, &out[RESPONSE]);
    }
}

/* The talk through a filter, in its segments, each cut at cut and into steps. */
static void filter(const struct srv_misbehave *wrong, const struct test_talk *talk, size_t cut,
                   size_t step, struct sl_buf out[2])
{
    struct srv_wire *wire = srv_wire_new(wrong);
    assert_non_null(wire);
    size_t begin = 0;
    for (size_t i = 0; i < talk->count; i++) {
        struct sl_span all = sl_span_first(sl_buf_span(&talk->bytes), talk->segments[i].end);
        struct sl_span rest = sl_span_from(all, begin);
        if (cut > begin && cut < talk->segments[i].end) {
            pass(wire, talk->segments[i].dir, sl_span_first(rest, cut - begin), out);
            rest = sl_span_from(rest, cut - begin);
        }
        while (rest.len > 0) {
            struct sl_span piece = step < rest.len ? sl_span_first(rest, step) : rest;
            pass(wire, talk->segments[i].dir, piece, out);
            rest = sl_span_from(rest, piece.len);
        }
        begin = talk->segments[i].end;
    }
    srv_wire_free(wire);
}

static void expect_same(const struct srv_misbehave *wrong, bool is_in_kept, size_t cut, size_t step)
{
    struct test_talk talk;
    struct sl_buf sent[2];
    struct sl_buf out[2];
    hold_talk(&talk);
    for (size_t i = 0; i < 2; i++) {
        sl_buf_init(&sent[i], SRV_WIRE_MAX);
        sl_buf_init(&out[i], SRV_WIRE_MAX);
    }
    size_t begin = 0;
    for (size_t i = 0; i < talk.count; i++) {
        struct sl_span all = sl_span_first(sl_buf_span(&talk.bytes), talk.segments[i].end);
        (void)sl_buf_add_span(&sent[talk.segments[i].dir], sl_span_from(all, begin));
        begin = talk.segments[i].end;
    }
    filter(wrong, &talk, cut, step, out);
    assert_true(sl_span_equal(sl_buf_span(&sent[RESPONSE]), sl_buf_span(&out[RESPONSE])));
    if (is_in_kept) {
        assert_true(sl_span_equal(sl_buf_span(&sent[REQUEST]), sl_buf_span(&out[REQUEST])));
    }
    for (size_t i = 0; i < 2; i++) {
        sl_buf_release(&sent[i]);
        sl_buf_release(&out[i]);
    }
    test_talk_release(&talk);
}

static void expect_same_in_pieces(const struct srv_misbehave *wrong, bool is_in_kept)
{
    struct test_talk talk;
    hold_talk(&talk);
    size_t len = talk.bytes.len;
    test_talk_release(&talk);
    for (size_t cut = 0; cut < len; cut++) {
        expect_same(wrong, is_in_kept, cut, SIZE_MAX);
    }
    for (size_t step = 1; step < 12; step++) {
        expect_same(wrong, is_in_kept, 0, step);
    }
}

static void without_a_deviation_there_is_no_filter(void **state)
{
    (void)state;
    const struct srv_misbehave right = {0};
    assert_null(srv_wire_new(&right));
    srv_wire_free(NULL);
}

static void frames_pass_as_they_came(void **state)
{
    (void)state;
    expect_same_in_pieces(&(struct srv_misbehave){.goaway_never = true}, true);
}

/* The encoder of the filter writes the same block again from the same fields. */
static void blocks_that_are_read_pass(void **state)
{
    (void)state;
    expect_same_in_pieces(&(struct srv_misbehave){.details_no_base64 = true}, true);
    expect_same_in_pieces(&(struct srv_misbehave){.path_query_cut = true}, true);
}

/* The session is told of windows of its own; what it sends within the client's passes. */
static void what_the_windows_allow_passes_the_ledger(void **state)
{
    (void)state;
    expect_same_in_pieces(&(struct srv_misbehave){.window_one_more = true}, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_deviation_there_is_no_filter),
        cmocka_unit_test(frames_pass_as_they_came),
        cmocka_unit_test(blocks_that_are_read_pass),
        cmocka_unit_test(what_the_windows_allow_passes_the_ledger),
    };
    return cmocka_run_group_tests_name("server/h2_wire", tests, NULL, NULL);
}
