/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/http2/detect.h"

#include "inspector/http2/frame_guess.h"
#include "tests/support/cmocka_all.h"

#define SETTINGS      "\0\0\0\4\0\0\0\0\0"
#define SETTINGS_SIZE 9
#define PING          "\0\0\x08\6\0\0\0\0\0abcdefgh"
#define PING_SIZE     17
/* :method POST, :scheme http, by the static table, and a literal path */
#define REQUEST      "\0\0\5\1\4\0\0\0\1\x83\x86\x04\1/"
#define REQUEST_SIZE 14
/* :status 200 */
#define RESPONSE      "\0\0\1\1\4\0\0\0\1\x88"
#define RESPONSE_SIZE 10

static const struct sl_at now = {0};

static enum ins_detect_verdict data(struct ins_detect *detect, int side, bool saw_start,
                                    const void *bytes, size_t len)
{
    return ins_detect_data(detect, side, saw_start, sl_span(bytes, len), &now);
}

static void expect_client(struct ins_detect *detect, int client, bool is_midway)
{
    assert_int_equal(ins_detect_client(detect), client);
    assert_int_equal(ins_detect_is_midway(detect), is_midway);
    ins_detect_free(detect);
}

static void the_preface_makes_its_sender_the_client(void **state)
{
    (void)state;
    for (int side = 0; side < 2; side++) {
        for (size_t cut = 1; cut < SL_H2_PREFACE_SIZE; cut++) {
            struct ins_detect *detect = ins_detect_new(-1);
            assert_int_equal(data(detect, side, true, SL_H2_PREFACE, cut), INS_DETECT_UNDECIDED);
            assert_int_equal(
                data(detect, side, true, &SL_H2_PREFACE[cut], SL_H2_PREFACE_SIZE - cut),
                INS_DETECT_HTTP2);
            assert_int_equal(ins_detect_held(detect), SL_H2_PREFACE_SIZE);
            expect_client(detect, side, false);
        }
    }
}

static void a_server_may_speak_first(void **state)
{
    (void)state;
    struct ins_detect *detect = ins_detect_new(0);
    assert_int_equal(data(detect, 1, true, SETTINGS, SETTINGS_SIZE), INS_DETECT_UNDECIDED);
    assert_int_equal(data(detect, 0, true, SL_H2_PREFACE, SL_H2_PREFACE_SIZE), INS_DETECT_HTTP2);
    expect_client(detect, 0, false);
    /* and the client may never come to speak */
    detect = ins_detect_new(0);
    assert_int_equal(data(detect, 1, true, SETTINGS, SETTINGS_SIZE), INS_DETECT_UNDECIDED);
    assert_int_equal(ins_detect_decide(detect), INS_DETECT_HTTP2);
    expect_client(detect, 0, true);
    /* or its first bytes may be lost */
    detect = ins_detect_new(0);
    assert_int_equal(data(detect, 1, true, SETTINGS, SETTINGS_SIZE), INS_DETECT_UNDECIDED);
    assert_int_equal(ins_detect_gap(detect, 0, 50, &now), INS_DETECT_HTTP2);
    expect_client(detect, 0, true);
}

static void other_protocols_are_told_by_their_first_bytes(void **state)
{
    (void)state;
    static const char *const beginnings[] = {"GET / HTTP/1.1\r\n", "\x16\x03\x01\x02\x03\x01xxxx",
                                             "PRI * HTTP/1.1\r\n", "SSH-2.0-OpenSSH_9.2\r\n"};
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        struct ins_detect *detect = ins_detect_new(0);
        assert_int_equal(data(detect, 0, true, beginnings[i], strlen(beginnings[i])),
                         INS_DETECT_OTHER);
        ins_detect_free(detect);
    }
}

static void header_blocks_tell_the_roles_in_mid_connection(void **state)
{
    (void)state;
    struct ins_detect *detect = ins_detect_new(-1);
    assert_int_equal(data(detect, 0, false, "half a frame of something", 25), INS_DETECT_UNDECIDED);
    assert_int_equal(data(detect, 0, false, PING RESPONSE, PING_SIZE + RESPONSE_SIZE),
                     INS_DETECT_HTTP2);
    expect_client(detect, 1, true);
    detect = ins_detect_new(-1);
    assert_int_equal(data(detect, 1, false, PING, PING_SIZE), INS_DETECT_UNDECIDED);
    assert_int_equal(data(detect, 0, false, REQUEST, REQUEST_SIZE), INS_DETECT_HTTP2);
    expect_client(detect, 0, true);
}

static void what_has_no_frames_is_given_up_soon(void **state)
{
    (void)state;
    struct ins_detect *detect = ins_detect_new(-1);
    enum ins_detect_verdict verdict = INS_DETECT_UNDECIDED;
    int segments = 0;
    while (verdict == INS_DETECT_UNDECIDED) {
        verdict = data(detect, 0, false, "no frame begins like this", 25);
        segments++;
    }
    assert_int_equal(verdict, INS_DETECT_OTHER);
    assert_in_range(segments, 2, 20);
    ins_detect_free(detect);
}

static void no_more_is_held_than_the_limit(void **state)
{
    (void)state;
    static uint8_t frames[SL_H2_FRAME_HEADER_SIZE + 8000] = {0, 8000 >> 8, 8000 & 0xff, 0, 0,
                                                             0, 0,         0,           1};
    struct ins_detect *detect = ins_detect_new(-1);
    enum ins_detect_verdict verdict = INS_DETECT_UNDECIDED;
    while (verdict == INS_DETECT_UNDECIDED) {
        verdict = data(detect, 0, false, frames, sizeof(frames));
        assert_true(ins_detect_held(detect) <= INS_DETECT_HOLD + sizeof(frames));
    }
    /* DATA alone, all from one side: that of a server that streams */
    assert_int_equal(verdict, INS_DETECT_HTTP2);
    expect_client(detect, 1, true);
}

static void blocks_show_their_sender_as_far_as_they_are_readable(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *block;
        size_t len;
        enum ins_role role;
    } cases[] = {
        {":method from the static table", "\x83", 1, INS_ROLE_CLIENT},
        {":status from the static table", "\x88", 1, INS_ROLE_SERVER},
        {":status with a literal value", "\x08\3\x34\x30\x39", 5, INS_ROLE_SERVER},
        {"after entries of the dynamic table", "\xbe\xbf\x83", 3, INS_ROLE_CLIENT},
        {"after a table size update", "\x3f\xe1\x1f\x88", 4, INS_ROLE_SERVER},
        {"a literal name", "\x40\x0bgrpc-status\x01\x30", 15, INS_ROLE_SERVER},
        {"a literal name of a request", "\x00\2te\x08trailers", 13, INS_ROLE_CLIENT},
        {"only the dynamic table", "\xbe\xbf\xc0", 3, INS_ROLE_UNKNOWN},
        {"cut inside a string", "\x40\x0bgrpc", 6, INS_ROLE_UNKNOWN},
        {"nothing", "", 0, INS_ROLE_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (ins_header_block_role(sl_span(cases[i].block, cases[i].len)) != cases[i].role) {
            fail_msg("%s", cases[i].name);
        }
    }
}

static void every_cut_of_a_segment_can_be_looked_at(void **state)
{
    (void)state;
    static const char frames[] = PING REQUEST RESPONSE SETTINGS;
    for (size_t len = 0; len < sizeof(frames); len++) {
        struct ins_frame_guess guess = ins_frame_guess(sl_span(frames, len));
        assert_true(guess.frames <= 4);
        assert_int_equal(guess.frames > 0, len >= SL_H2_FRAME_HEADER_SIZE);
    }
    assert_int_equal(ins_frame_guess(sl_span("\0\0\x09\6\0\0\0\0\0", 9)).frames, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_preface_makes_its_sender_the_client),
        cmocka_unit_test(a_server_may_speak_first),
        cmocka_unit_test(other_protocols_are_told_by_their_first_bytes),
        cmocka_unit_test(header_blocks_tell_the_roles_in_mid_connection),
        cmocka_unit_test(what_has_no_frames_is_given_up_soon),
        cmocka_unit_test(no_more_is_held_than_the_limit),
        cmocka_unit_test(blocks_show_their_sender_as_far_as_they_are_readable),
        cmocka_unit_test(every_cut_of_a_segment_can_be_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
