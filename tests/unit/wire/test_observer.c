/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/observer.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/talk.h"

#define REQUEST  SL_DIR_REQUEST
#define RESPONSE SL_DIR_RESPONSE
#define END      SL_H2_FLAG_END_STREAM

static void a_unary_call_is_told_from_begin_to_end(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    talk.has_frames = true;
    test_talk_request(&talk, 1, "ask");
    test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    test_talk_message(&talk, RESPONSE, 1, 0, "answer");
    test_talk_headers(&talk, RESPONSE, 1, END, "grpc-status: 0\n");
    test_talk_expect(&talk,
                     "frame > SETTINGS stream 0 flags 0x00 length 0\n"
                     "begin 1 stream 1 grpc\n"
                     "headers request stream 1 :method=POST :scheme=http :path=/pkg.Svc/Method "
                     ":authority=a te=trailers content-type=application/grpc\n"
                     "prefix request stream 1 flag 0 length 3\n"
                     "message request stream 1 #1 flag 0 'ask'\n"
                     "frame > DATA stream 1 flags 0x01 length 8 messages 1 of call\n"
                     "headers response stream 1 :status=200 content-type=application/grpc\n"
                     "prefix response stream 1 flag 0 length 6\n"
                     "message response stream 1 #1 flag 0 'answer'\n"
                     "frame < DATA stream 1 flags 0x00 length 11 messages 1 of call\n"
                     "headers trailers stream 1 grpc-status=0\n"
                     "end stream 1 trailers OK from trailers messages 1/1\n"
                     "!finding\n!skipped\n");
    test_talk_every_split(&talk);
    test_talk_release(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unary_call_is_told_from_begin_to_end),
    };
    return cmocka_run_group_tests_name("wire/observer", tests, NULL, NULL);
}
