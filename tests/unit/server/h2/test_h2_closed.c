/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/closed.h"

#include "lib/wire/h2_frame.h"
#include "tests/support/cmocka_all.h"

enum {
    INPUT_MAX = 4096,
    EVERYTHING = 1000, /* as last processed: nothing was refused */
};

static void add(struct sl_buf *input, uint8_t type, uint8_t flags, uint32_t stream, size_t len)
{
    static const uint8_t zeros[64];
    assert_int_equal(sl_h2_write_frame(input, type, flags, stream, sl_span(zeros, len)), SL_OK);
}

static void begin(struct sl_buf *input)
{
    sl_buf_init(input, INPUT_MAX);
    (void)sl_buf_add_str(input, SL_H2_PREFACE);
    add(input, SL_H2_SETTINGS, 0, 0, 0);
}

/* Scans all of input in pieces of a size. The suspects as "type:stream:place", each with a space behind. */
static void scan(struct srv_h2_closed *closed, struct sl_span input, size_t size,
                 struct sl_buf *out)
{
    size_t place = 0;
    while (input.len > 0) {
        struct sl_span piece = sl_span_first(input, size);
        size_t used = 0;
        while (used < piece.len) {
            size_t some = srv_h2_closed_scan(closed, sl_span_from(piece, used));
            used += some;
            if (closed->suspect != 0) {
                (void)sl_buf_addf(out, "%u:%u:%zu ", closed->suspect_type, closed->suspect,
                                  place + used);
            }
        }
        place += piece.len;
        input = sl_span_from(input, piece.len);
    }
}

/* Releases input. The places are those of the last byte of a head, from the end of the first SETTINGS. */
static void check(struct sl_buf *input, const char *expected)
{
    for (size_t size = 1; size <= input->len; size++) {
        struct srv_h2_closed closed;
        struct sl_buf out;
        sl_buf_init(&out, INPUT_MAX);
        srv_h2_closed_init(&closed);
        scan(&closed, sl_buf_span(input), size, &out);
        assert_string_equal(sl_buf_str(&out), expected);
        sl_buf_release(&out);
    }
    sl_buf_release(input);
}

static void usual_calls_are_never_suspected(void **state)
{
    (void)state;
    struct sl_buf input;
    begin(&input);
    for (uint32_t id = 1; id < 20; id += 2) {
        add(&input, SL_H2_HEADERS, SL_H2_FLAG_END_HEADERS, id, 20);
        add(&input, SL_H2_DATA, 0, id, 5);
        add(&input, SL_H2_PING, 0, 0, 8);
        add(&input, SL_H2_WINDOW_UPDATE, 0, 1, 4);
        add(&input, SL_H2_DATA, SL_H2_FLAG_END_STREAM, id, 0);
    }
    add(&input, SL_H2_HEADERS, SL_H2_FLAG_END_HEADERS, 21, 20);
    add(&input, SL_H2_HEADERS, SL_H2_FLAG_END_STREAM, 21, 20); /* trailers */
    check(&input, "");
}

static void frames_behind_the_end_of_a_stream_are_suspected(void **state)
{
    (void)state;
    struct sl_buf input;
    begin(&input);
    add(&input, SL_H2_HEADERS, SL_H2_FLAG_END_STREAM, 1, 0); /* 33 to 41 */
    add(&input, SL_H2_DATA, 0, 1, 10);                       /* 42 to 60 */
    add(&input, SL_H2_HEADERS, 0, 3, 0);                     /* 61 to 69 */
    add(&input, SL_H2_RST_STREAM, 0, 3, 4);                  /* 70 to 82 */
    add(&input, SL_H2_DATA, 0, 3, 0);                        /* 83 to 91 */
    add(&input, SL_H2_HEADERS, 0, 3, 0);                     /* 92 to 100 */
    add(&input, SL_H2_RST_STREAM, 0, 3, 4);
    add(&input, SL_H2_WINDOW_UPDATE, 0, 3, 4);
    add(&input, SL_H2_PRIORITY, 0, 3, 5);
    check(&input, "0:1:50 0:3:91 1:3:100 ");
}

static void an_older_stream_is_asked_for(void **state)
{
    (void)state;
    struct sl_buf input;
    begin(&input);
    add(&input, SL_H2_HEADERS, 0, 5, 0); /* 33 to 41 */
    add(&input, SL_H2_HEADERS, 0, 3, 0); /* 42 to 50 */
    add(&input, SL_H2_HEADERS, 0, 7, 0);
    add(&input, SL_H2_DATA, 0, 5, 0); /* 60 to 68 */
    add(&input, SL_H2_DATA, 0, 2, 0); /* no stream of a client */
    add(&input, SL_H2_DATA, 0, 9, 0); /* idle */
    check(&input, "1:3:50 0:5:68 ");
}

static uint32_t judge(struct srv_h2_closed *closed, uint8_t type, uint32_t id)
{
    closed->suspect = id;
    closed->suspect_type = type;
    return srv_h2_closed_judge(closed, EVERYTHING);
}

static void a_client_that_goes_on_is_told_what_is_wrong(void **state)
{
    (void)state;
    struct srv_h2_closed closed;
    srv_h2_closed_init(&closed);
    closed.newest = 9;
    assert_int_equal(judge(&closed, SL_H2_DATA, 9), SL_H2_STREAM_CLOSED);
    assert_int_equal(judge(&closed, SL_H2_DATA, 5), SL_H2_STREAM_CLOSED);
    assert_int_equal(judge(&closed, SL_H2_HEADERS, 9), SL_H2_STREAM_CLOSED);
    assert_int_equal(judge(&closed, SL_H2_HEADERS, 5), SL_H2_PROTOCOL_ERROR);
    assert_int_equal(srv_h2_closed_judge(&closed, 3),
                     SL_H2_NO_ERROR); /* refused, or behind GOAWAY */
}

static void what_was_on_its_way_when_the_server_reset_passes(void **state)
{
    (void)state;
    struct srv_h2_closed closed;
    srv_h2_closed_init(&closed);
    closed.newest = 999;
    srv_h2_closed_note_reset(&closed, 7);
    assert_int_equal(judge(&closed, SL_H2_DATA, 7), SL_H2_NO_ERROR);
    assert_int_equal(judge(&closed, SL_H2_HEADERS, 7), SL_H2_NO_ERROR);
    assert_int_equal(judge(&closed, SL_H2_DATA, 5), SL_H2_STREAM_CLOSED);
    /* Of many resets the last are known, and the others are not held against the client. */
    for (uint32_t id = 101; id < 101 + 2 * SRV_H2_CLOSED_RESETS; id += 2) {
        srv_h2_closed_note_reset(&closed, id);
        assert_int_equal(judge(&closed, SL_H2_DATA, id), SL_H2_NO_ERROR);
    }
    assert_int_equal(judge(&closed, SL_H2_DATA, 7), SL_H2_NO_ERROR);
    assert_int_equal(judge(&closed, SL_H2_DATA, 5), SL_H2_NO_ERROR);
    assert_int_equal(judge(&closed, SL_H2_DATA, 9), SL_H2_STREAM_CLOSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usual_calls_are_never_suspected),
        cmocka_unit_test(frames_behind_the_end_of_a_stream_are_suspected),
        cmocka_unit_test(an_older_stream_is_asked_for),
        cmocka_unit_test(a_client_that_goes_on_is_told_what_is_wrong),
        cmocka_unit_test(what_was_on_its_way_when_the_server_reset_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
