/* SPDX-License-Identifier: Apache-2.0 */
/* CONN-01, CONN-02: answers to SETTINGS and PING that are missing, late or invented. */
#include "lib/wire/observer.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/talk.h"

#define REQUEST  SL_DIR_REQUEST
#define RESPONSE SL_DIR_RESPONSE
#define END      SL_H2_FLAG_END_STREAM

static void what_is_not_acknowledged_is_found(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct test_talk talk;
        test_talk_init(&talk, false);
        if (i % 2 == 0) {
            test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, 70000);
        } else {
            test_talk_ping(&talk, REQUEST, false, 0x1234);
        }
        test_talk_request(&talk, 1, "x");
        if (i < 2) { /* without an answer nothing shows that it had it */
            test_talk_headers(&talk, RESPONSE, 1, END, TEST_RESPONSE_FIELDS "grpc-status: 0\n");
        }
        talk.time_ms += 1001;
        test_talk_close(&talk, RESPONSE, false);
        test_talk_judge(
            &talk, i == 0   ? "finding CONN-01 server stream 0: the server has not acknowledged "
                              "1 SETTINGS, though it has answered what came after them\n"
                   : i == 1 ? "finding CONN-02 server stream 0: the server has not acknowledged "
                              "the PING of 0000000000001234, though it has answered what came "
                              "after it\n"
                            : "!finding\n");
    }
}

/* RFC 9113 6.5.3: "a reasonable amount of time". A stack whose writers are tasks of their own answers later frames first. */
static void what_is_acknowledged_within_a_second_is_no_finding(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t after_ms;
        bool is_capture, is_acked, is_closed, is_found;
    } cases[] = {
        {"a late ack", 900, false, true, true, false},
        {"a late ack in a capture", 900, true, true, true, false},
        {"a later one", 1100, false, true, true, true},
        {"a connection that the harness ended early", 100, false, false, true, false},
        {"one that ended in a capture, so that none can come", 100, true, false, true, true},
        {"none, and the server sends on", 1100, false, false, false, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_talk talk;
        test_talk_init(&talk, false);
        talk.is_capture = cases[i].is_capture;
        test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, 70000);
        test_talk_request(&talk, 1, "x");
        test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
        for (int message = 0; message < 20; message++) {
            test_talk_message(&talk, RESPONSE, 1, 0, "y");
        }
        talk.time_ms += cases[i].after_ms;
        test_talk_message(&talk, RESPONSE, 1, 0, "y");
        if (cases[i].is_acked) {
            test_talk_settings_ack(&talk, RESPONSE);
        }
        if (cases[i].is_closed) {
            test_talk_close(&talk, RESPONSE, false);
        }
        print_message("%s\n", cases[i].name);
        test_talk_judge(&talk, cases[i].is_found
                                   ? "finding CONN-01 server stream 0: the server has not "
                                     "acknowledged 1 SETTINGS, though it has answered what came "
                                     "after them\n"
                                   : "!finding CONN\n");
    }
}

/* RFC 9113 6.7: acks of PINGs go before everything else; the gRPC C core sends 1000 before that of SETTINGS. */
static void acks_of_pings_may_overtake_that_of_settings(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct test_talk talk;
        test_talk_init(&talk, false);
        test_talk_settings(&talk, REQUEST, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, 70000);
        for (int ping = 0; ping < 100; ping++) {
            test_talk_ping(&talk, REQUEST, false, 7);
        }
        for (int ping = 0; ping < 100; ping++) {
            test_talk_ping(&talk, RESPONSE, true, 7);
        }
        if (i == 0) {
            test_talk_settings_ack(&talk, RESPONSE);
        } else { /* whoever gives up owes nothing */
            test_talk_goaway(&talk, RESPONSE, 0, SL_H2_ENHANCE_YOUR_CALM);
            test_talk_close(&talk, RESPONSE, false);
        }
        test_talk_judge(&talk, "!finding\n");
    }
}

/* Of more PINGs of the same bytes than are followed, nobody knows which an ack belongs to. */
static void acks_of_a_flood_of_pings_prove_nothing(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_begin(&talk);
    for (int ping = 0; ping < 100; ping++) {
        test_talk_ping(&talk, REQUEST, false, 7);
    }
    test_talk_rst(&talk, REQUEST, 1, SL_H2_CANCEL);
    test_talk_ping(&talk, REQUEST, false, 7);
    test_talk_ping(&talk, RESPONSE, true, 7); /* of the first */
    for (int ping = 0; ping < 20; ping++) {
        test_talk_ping(&talk, RESPONSE, true, 7);
    }
    test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    test_talk_judge(&talk, "!finding\n");
}

static void an_ack_of_nothing_is_found(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_begin(&talk);
    test_talk_ping(&talk, REQUEST, false, 7);
    test_talk_ping(&talk, RESPONSE, true, 7);
    test_talk_ping(&talk, RESPONSE, true, 7);
    test_talk_settings_ack(&talk, RESPONSE);
    const struct sl_h2_frame_header loaded = {
        .length = 6, .type = SL_H2_SETTINGS, .flags = SL_H2_FLAG_ACK};
    test_talk_frame(&talk, RESPONSE, &loaded, "\0\4\0\0\377\377");
    test_talk_judge(
        &talk, "finding CONN-02 server stream 0: the server acknowledged a PING of "
               "0000000000000007, which did not come, or was acknowledged before\n"
               "finding CONN-17 server stream 0: the server acknowledged SETTINGS once more than "
               "there were\n"
               "finding CONN-17 server stream 0: the server sent a SETTINGS ack of 6 bytes, not "
               "an empty one\n");
    test_talk_begin(&talk); /* a capture that swapped the two */
    talk.is_capture = true;
    test_talk_ping(&talk, RESPONSE, true, 9);
    test_talk_ping(&talk, REQUEST, false, 9);
    test_talk_headers(&talk, RESPONSE, 1, END, TEST_RESPONSE_FIELDS "grpc-status: 0\n");
    test_talk_expect(&talk, "!finding\n");
    test_talk_release(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_acknowledged_is_found),
        cmocka_unit_test(what_is_acknowledged_within_a_second_is_no_finding),
        cmocka_unit_test(acks_of_pings_may_overtake_that_of_settings),
        cmocka_unit_test(acks_of_a_flood_of_pings_prove_nothing),
        cmocka_unit_test(an_ack_of_nothing_is_found),
    };
    return cmocka_run_group_tests_name("wire/rules_acks", tests, NULL, NULL);
}
