/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of responses, their fields and their status: bytes that break them, and near misses. */
#include <stdio.h>

#include "lib/wire/hpack.h"
#include "lib/wire/observer.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/talk.h"

#define REQUEST  SL_DIR_REQUEST
#define RESPONSE SL_DIR_RESPONSE
#define END      SL_H2_FLAG_END_STREAM
#define OK_END   "grpc-status: 0\n"

/* One answer: a head (or NULL), a message between (or NULL), trailers (or NULL), and what is expected of them. */
struct answer {
    const char *head, *message, *trailers, *expected;
};

static void answer(struct test_talk *talk, const struct answer *row)
{
    if (row->head != NULL) {
        test_talk_headers(talk, RESPONSE, 1, 0, row->head);
    }
    if (row->message != NULL) {
        test_talk_message(talk, RESPONSE, 1, row->trailers == NULL ? END : 0, row->message);
    }
    if (row->trailers != NULL) {
        test_talk_headers(talk, RESPONSE, 1, END, row->trailers);
    }
}

static void judge_answers(const struct answer *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct test_talk talk;
        test_talk_begin(&talk);
        answer(&talk, &rows[i]);
        char expected[300];
        bool is_found = rows[i].expected[0] != '!';
        (void)snprintf(expected, sizeof(expected), "%s%s\n", is_found ? "finding " : "",
                       rows[i].expected);
        test_talk_judge(&talk, expected);
    }
}

#define JUDGE(rows) judge_answers(rows, sizeof(rows) / sizeof((rows)[0]))

/* ---- CALL-01, CALL-04 ---- */

static void a_response_that_is_no_grpc_is_found(void **state)
{
    (void)state;
    static const struct answer rows[] = {
        {":status: 201\ncontent-type: application/grpc\n", "y", OK_END,
         "CALL-01 server stream 1: a response with grpc-status 0 has :status 201"},
        {NULL, NULL, ":status: 103\n",
         "CALL-01 server stream 1: a response ended with :status 103, which announces another one"},
        {":status: 200\n", "y", OK_END,
         "CALL-01 server stream 1: a response with :status 200 has no content-type"},
        {":status: 200\ncontent-type: text/html\n", "y", OK_END,
         "CALL-01 server stream 1: a gRPC call was answered with :status 200 and content-type "
         "\"text/html\""},
        {":status: 200\ncontent-type: application/grpc-web+proto\n", "y", OK_END,
         "CALL-01 server stream 1: a gRPC call was answered with :status 200 and content-type "
         "\"application/grpc-web+proto\""},
        {":status: 200\ncontent-type: text/html\n", "<html>", NULL,
         "CALL-01 server stream 1: a gRPC call was answered with :status 200 and content-type "
         "\"text/html\""},
        {NULL, NULL, ":status: 200\ncontent-type: text/plain\ngrpc-status: 5\n",
         "CALL-01 server stream 1: a gRPC call was answered with :status 200 and content-type "
         "\"text/plain\""},
    };
    JUDGE(rows);
}

static void trailers_only_that_are_no_response_are_found(void **state)
{
    (void)state;
    static const struct answer rows[] = {
        {NULL, NULL, "content-type: application/grpc\ngrpc-status: 12\n",
         "CALL-04 server stream 1: a response of trailers only has no :status"},
        {NULL, NULL, ":status: 200\ngrpc-status: 12\n",
         "CALL-04 server stream 1: a response of trailers only has no content-type"},
        {TEST_RESPONSE_FIELDS, NULL, TEST_RESPONSE_FIELDS "grpc-status: 12\n",
         "CALL-04 server stream 1: a response without messages came in two blocks with :status "
         "each"},
    };
    JUDGE(rows);
}

static void responses_as_they_should_be_are_let_pass(void **state)
{
    (void)state;
    static const struct answer rows[] = {
        {TEST_RESPONSE_FIELDS, "y", OK_END, "!finding"},
        {":status: 200\ncontent-type: Application/gRPC+proto;charset=utf-8\n", "y", OK_END,
         "!finding"},
        {TEST_RESPONSE_FIELDS, NULL, "grpc-status: 5\ngrpc-message: no\n", "!finding"},
        {NULL, NULL, TEST_RESPONSE_FIELDS "grpc-status: 12\n", "!finding"},
        {NULL, NULL, ":status: 503\n", "!finding"},
        {NULL, NULL, ":status: 415\ngrpc-status: 2\n", "!finding"},
        {":status: 502\ncontent-type: text/html\n", "<html>", NULL, "!finding"},
    };
    JUDGE(rows);
}

static void calls_that_are_no_grpc_or_not_seen_whole_are_not_judged(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_init(&talk, false);
    test_talk_headers(&talk, REQUEST, 1, END,
                      ":method: GET\n:scheme: http\n:path: /\n:authority: a\n");
    test_talk_headers(&talk, RESPONSE, 1, END, ":status: 200\ncontent-type: text/html\n");
    test_talk_expect(&talk, "!finding\n");
    test_talk_release(&talk);

    test_talk_begin(&talk);
    test_talk_headers(&talk, RESPONSE, 1, 0, ":status: 200\n");
    test_talk_message(&talk, RESPONSE, 1, 0, "lost");
    test_talk_lose_last(&talk, 4, true);
    test_talk_headers(&talk, RESPONSE, 1, END, "grpc-status: 99\ngrpc-message: %\n");
    test_talk_expect(&talk, "!finding\n");
    test_talk_release(&talk);

    test_talk_init(&talk, true);
    talk.is_midway = true;
    test_talk_headers(&talk, RESPONSE, 1, END, "grpc-status: 99\ngrpc-message: %\n");
    test_talk_expect(&talk, "!finding\n");
    test_talk_release(&talk);
}

/* ---- CALL-02 ---- */

static void trailers_that_never_end_are_found_at_once(void **state)
{
    (void)state;
    struct test_talk talk;
    test_talk_begin(&talk);
    test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    test_talk_message(&talk, RESPONSE, 1, 0, "y");
    test_talk_headers(&talk, RESPONSE, 1, 0, OK_END);
    test_talk_judge(&talk,
                    "finding CALL-02 server stream 1: the second block of the response, with "
                    "grpc-status, came without END_STREAM\n");

    test_talk_begin(&talk); /* blocks of 1xx are none of the response's */
    test_talk_headers(&talk, RESPONSE, 1, 0, ":status: 103\n");
    test_talk_headers(&talk, RESPONSE, 1, 0, ":status: 100\n");
    test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    test_talk_message(&talk, RESPONSE, 1, 0, "y");
    test_talk_headers(&talk, RESPONSE, 1, END, OK_END);
    test_talk_judge(&talk, "!finding\n");
}

/* ---- CALL-15, CALL-16 ---- */

#define REFUSED(message) TEST_RESPONSE_FIELDS "grpc-status: 3\ngrpc-message: " message "\n"
static void messages_that_are_not_encoded_are_found(void **state)
{
    (void)state;
    static const struct answer rows[] = {
        {NULL, NULL, REFUSED("caf\xc3\xa9"),
         "CALL-15 server stream 1: grpc-message has the byte 0xc3 at byte 3, which is not escaped"},
        {NULL, NULL, REFUSED("a\tb"),
         "CALL-15 server stream 1: grpc-message has the byte 0x09 at byte 1, which is not escaped"},
        {NULL, NULL, REFUSED("100% of it"),
         "CALL-15 server stream 1: grpc-message has a % at byte 3 that begins no escape"},
        {NULL, NULL, REFUSED("half %4"),
         "CALL-15 server stream 1: grpc-message has a % at byte 5 that begins no escape"},
        {NULL, NULL, REFUSED("a%20b"),
         "CALL-15 (S) server stream 1: grpc-message escapes characters that need not be"},
        {NULL, NULL, REFUSED("caf%E9"),
         "CALL-15 server stream 1: grpc-message is no UTF-8 behind its escapes"},
        {NULL, NULL, REFUSED("caf%C3%a9, 100%25 ~!\"#$&'()"), "!finding"},
        {NULL, NULL, REFUSED(""), "!finding"},
    };
    JUDGE(rows);
}

static void codes_that_grpc_does_not_define_are_found(void **state)
{
    (void)state;
    static const struct answer rows[] = {
        {NULL, NULL, TEST_RESPONSE_FIELDS "grpc-status: 17\n",
         "CALL-16 (S) server stream 1: grpc-status is 17, which is none of gRPC's codes (0 to 16)"},
        {NULL, NULL, TEST_RESPONSE_FIELDS "grpc-status: 16\n", "!finding"},
    };
    JUDGE(rows);
}

/* ---- CALL-19 ---- */

static void a_reset_in_place_of_the_status_is_found(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct test_talk talk;
        test_talk_begin(&talk);
        test_talk_headers(&talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
        test_talk_message(&talk, RESPONSE, 1, 0, "y");
        if (i == 1) {
            test_talk_headers(&talk, RESPONSE, 1, END, OK_END);
        } else if (i == 2) {
            test_talk_rst(&talk, REQUEST, 1, SL_H2_CANCEL);
        } else if (i == 3) {
            test_talk_goaway(&talk, RESPONSE, 1, SL_H2_NO_ERROR);
        }
        test_talk_rst(&talk, RESPONSE, 1, i == 4 ? SL_H2_CANCEL : SL_H2_NO_ERROR);
        test_talk_judge(&talk, i == 0 ? "finding CALL-19 server stream 1: the server sent "
                                        "RST_STREAM(NO_ERROR) on stream 1 before its trailers\n"
                                      : "!finding CALL-19\n");
    }
}

/* ---- CALL-22 ---- */

struct field {
    const char *name, *value;
};

/* A block of literals, as no encoder would write it; fields end at a NULL name. */
static void send_raw(struct test_talk *talk, uint8_t flags, const struct field *fields)
{
    struct sl_buf block;
    sl_buf_init(&block, 4096);
    for (; fields->name != NULL; fields++) {
        assert_int_equal(sl_hpack_write_literal(&block, SL_HPACK_WITHOUT_INDEXING,
                                                sl_span_str(fields->name),
                                                sl_span_str(fields->value)),
                         SL_OK);
    }
    const struct sl_h2_frame_header header = {.length = (uint32_t)block.len,
                                              .type = SL_H2_HEADERS,
                                              .flags = flags | SL_H2_FLAG_END_HEADERS,
                                              .stream = 1};
    test_talk_frame(talk, RESPONSE, &header, block.data);
    sl_buf_release(&block);
}

#define HEAD                               \
    {":status", "200"},                    \
    {                                      \
        "content-type", "application/grpc" \
    }

static void heads_that_are_malformed_are_found(void **state)
{
    (void)state;
    static const struct {
        struct field fields[6];
        const char *text;
    } rows[] = {
        {{HEAD, {"X-Served-By", "a"}}, "a field \"X-Served-By\" whose name has capital letters"},
        {{HEAD, {"", "nothing"}}, "a field \"\" without a name"},
        {{HEAD, {"x y", "a"}}, "a field \"x y\" whose name has a byte that no name may have"},
        {{HEAD, {"connection", "close"}},
         "a field \"connection\" that is of an HTTP/1.1 connection"},
        {{HEAD, {"transfer-encoding", "chunked"}},
         "a field \"transfer-encoding\" that is of an HTTP/1.1 connection"},
        {{{"content-type", "application/grpc"}, {":status", "200"}},
         "a field \":status\" that comes behind other fields"},
        {{{":status", "200"}, {":status", "200"}, {"content-type", "application/grpc"}},
         "a field \":status\" more than once"},
        {{{":status", "200"}, {":path", "/"}, {"content-type", "application/grpc"}},
         "a field \":path\" that no response has"},
        {{HEAD, {"x-served-by", "a\r\nx-evil: 1"}},
         "a field \"x-served-by\" whose value has CR, LF or NUL in it"},
        {{{"content-type", "application/grpc"}}, "no :status"},
        {{{":status", "0200"}, {"content-type", "application/grpc"}},
         "a field \":status\" whose value is no number of three digits"},
        {{{":status", "2O0"}, {"content-type", "application/grpc"}},
         "a field \":status\" whose value is no number of three digits"},
        {{HEAD, {"x-served_by.1", "a\tb \xc3\xa9"}, {"content-length", "6"}}, NULL},
        {{HEAD, {"te", "trailers"}, {"x", ""}}, NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct test_talk talk;
        char expected[200] = "!finding CALL-22\n";
        test_talk_begin(&talk);
        send_raw(&talk, 0, rows[i].fields);
        test_talk_message(&talk, RESPONSE, 1, 0, "y");
        test_talk_headers(&talk, RESPONSE, 1, END, OK_END);
        if (rows[i].text != NULL) {
            (void)snprintf(expected, sizeof(expected),
                           "finding CALL-22 server stream 1: the response has %s\n", rows[i].text);
        }
        test_talk_judge(&talk, expected);
    }
}

static void white_space_around_a_value_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
        bool is_told;
    } rows[] = {
        {"x-served-by", " a", true},    {"x-served-by", "a\t", true}, {"x-served-by", "a b", false},
        {"grpc-message", " a ", false}, {"x-served-by", "", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct test_talk talk;
        test_talk_begin(&talk);
        send_raw(&talk, 0,
                 (const struct field[]){HEAD, {rows[i].name, rows[i].value}, {NULL, NULL}});
        test_talk_message(&talk, RESPONSE, 1, 0, "y");
        test_talk_headers(&talk, RESPONSE, 1, END, OK_END);
        test_talk_judge(&talk,
                        rows[i].is_told
                            ? "finding CALL-22 (S) server stream 1: the response has a field "
                              "\"x-served-by\" whose value begins or ends with white space\n"
                            : "!finding\n");
    }
}

static void pseudo_header_fields_of_trailers_are_found(void **state)
{
    (void)state;
    static const struct answer rows[] = {
        {TEST_RESPONSE_FIELDS, "y", ":status: 200\ngrpc-status: 0\n",
         "CALL-22 server stream 1: the response has a field \":status\" that stands in trailers"},
        {NULL, NULL, ":status: 103\ncontent-type: application/grpc\ngrpc-status: 5\n",
         "CALL-22 server stream 1: the response has a field \":status\" of an interim response, "
         "and ends the stream"},
        {TEST_RESPONSE_FIELDS, "y", "grpc-status: 0\nupgrade: h2c\n",
         "CALL-22 server stream 1: the response has a field \"upgrade\" that is of an HTTP/1.1 "
         "connection"},
    };
    JUDGE(rows);
}

/* gRPC proposal G1: a NUL and the bytes as they are, for a client that takes them. */
static void true_binary_is_for_those_who_take_it(void **state)
{
    (void)state;
    for (int is_taken = 0; is_taken < 2; is_taken++) {
        struct test_talk talk;
        struct sl_buf block;
        test_talk_init(&talk, false);
        test_talk_settings(&talk, REQUEST, 0xfe03, (uint32_t)is_taken);
        test_talk_request(&talk, 1, "x");
        sl_buf_init(&block, 4096);
        const struct sl_header fields[] = {
            {.name = sl_span_str(":status"), .value = sl_span_str("200")},
            {.name = sl_span_str("content-type"), .value = sl_span_str("application/grpc")},
            {.name = sl_span_str("grpc-status"), .value = sl_span_str("3")},
            {.name = sl_span_str("x-bin"), .value = sl_span("\0\r\n*", 4)},
            {.name = sl_span_str("grpc-status-details-bin"), .value = sl_span("\0\10\7", 3)},
        };
        for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
            assert_int_equal(sl_hpack_write_literal(&block, SL_HPACK_WITHOUT_INDEXING,
                                                    fields[i].name, fields[i].value),
                             SL_OK);
        }
        const struct sl_h2_frame_header header = {.length = (uint32_t)block.len,
                                                  .type = SL_H2_HEADERS,
                                                  .flags = END | SL_H2_FLAG_END_HEADERS,
                                                  .stream = 1};
        test_talk_frame(&talk, RESPONSE, &header, block.data);
        sl_buf_release(&block);
        test_talk_judge(
            &talk,
            is_taken == 0
                ? "finding CALL-22 server stream 1: the response has a field \"x-bin\" whose "
                  "value has CR, LF or NUL in it\n"
                  "finding META-02 server stream 1: the value of x-bin in the response is no "
                  "base64\n"
                  "finding META-13 server stream 1: grpc-status-details-bin is no base64\n"
                : "finding META-13 server stream 1: grpc-status-details-bin has the code 7, and "
                  "grpc-status is 3\n!finding CALL-22\n!finding META-02\n");
    }
}

static void a_content_length_that_lies_is_found(void **state)
{
    (void)state;
    static const struct answer rows[] = {
        {TEST_RESPONSE_FIELDS "content-length: 1\n", "y", OK_END,
         "CALL-22 server stream 1: content-length is \"1\", and 6 bytes came"},
        {TEST_RESPONSE_FIELDS "content-length: six\n", "y", OK_END,
         "CALL-22 server stream 1: content-length is \"six\", and 6 bytes came"},
        {NULL, NULL, TEST_RESPONSE_FIELDS "content-length: 6\ngrpc-status: 5\n",
         "CALL-22 server stream 1: content-length is \"6\", and 0 bytes came"},
        {TEST_RESPONSE_FIELDS "content-length: 6\n", "y", OK_END, "!finding"},
        {NULL, NULL, TEST_RESPONSE_FIELDS "content-length: 0\ngrpc-status: 5\n", "!finding"},
        {":status: 304\ncontent-length: 6\n", NULL, "x: y\n", "!finding"},
    };
    JUDGE(rows);
}

/* ---- META-02, META-13 ---- */

static void binary_values_that_are_no_base64_are_found(void **state)
{
    (void)state;
    static const struct answer rows[] = {
        {TEST_RESPONSE_FIELDS "x-bin: *\n", "y", OK_END,
         "META-02 server stream 1: the value of x-bin in the response is no base64"},
        {TEST_RESPONSE_FIELDS "x-bin: AAE,A\n", "y", OK_END,
         "META-02 server stream 1: the value of x-bin in the response is no base64"},
        {TEST_RESPONSE_FIELDS "x-bin: AA_-\n", "y", OK_END,
         "META-02 server stream 1: the value of x-bin in the response is no base64"},
        {TEST_RESPONSE_FIELDS "x-bin: AAE=\n", "y", OK_END,
         "META-02 (S) server stream 1: the value of x-bin in the response is sent with padding"},
        {TEST_RESPONSE_FIELDS "x-bin: AAE,AAEC,+/\ny-bin: \n-bin: *\nx-bind: *\n", "y", OK_END,
         "!finding"},
    };
    JUDGE(rows);
}

#define DETAILS(value) TEST_RESPONSE_FIELDS "grpc-status: 3\ngrpc-status-details-bin: " value "\n"

static void details_that_contradict_the_status_are_found(void **state)
{
    (void)state;
    static const struct answer rows[] = {
        {NULL, NULL, DETAILS("*(not base64)*"),
         "META-13 server stream 1: grpc-status-details-bin is no base64"},
        {NULL, NULL, DETAILS("CAc"),
         "META-13 server stream 1: grpc-status-details-bin has the code 7, and grpc-status is 3"},
        {NULL, NULL, DETAILS("CA"),
         "META-13 server stream 1: grpc-status-details-bin is no google.rpc.Status"},
        {NULL, NULL, DETAILS("CAMSBW5v"),
         "META-13 server stream 1: grpc-status-details-bin is no google.rpc.Status"},
        {NULL, NULL, DETAILS("CAMSAm5v"), "!finding"}, /* {code: 3, message: "no"} */
        {NULL, NULL, DETAILS("CAM="), "!finding META-13"},
        {NULL, NULL, DETAILS("EgJubw"), /* a message alone: the code is 0, and clients compare it */
         "META-13 server stream 1: grpc-status-details-bin has the code 0, and grpc-status is 3"},
        {NULL, NULL, DETAILS(""), "!finding"},
    };
    JUDGE(rows);
}

static void an_encoding_refused_without_a_list_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *encoding, *answer, *expected;
    } rows[] = {
        {"grpc-encoding: lzma\n", "grpc-message: unknown grpc-encoding\n",
         "finding FRM-08 server stream 1: the encoding \"lzma\" was refused without "
         "grpc-accept-encoding\n"},
        {"grpc-encoding: lzma\n",
         "grpc-message: Compression is no\ngrpc-accept-encoding: gzip, lzma\n",
         "finding FRM-08 server stream 1: the encoding \"lzma\" was refused, and "
         "grpc-accept-encoding names it\n"},
        {"grpc-encoding: lzma\n",
         "grpc-message: unknown encoding\ngrpc-accept-encoding: gzip,lzma2\n", "!finding\n"},
        {"grpc-encoding: lzma\n", "grpc-message: unknown method\n", "!finding\n"},
        {"grpc-encoding: identity\n", "grpc-message: method Encoding\n", "!finding\n"},
        {"", "grpc-message: method Encoding\n", "!finding\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct test_talk talk;
        char fields[300];
        test_talk_init(&talk, false);
        (void)snprintf(fields, sizeof(fields), "%s%s", TEST_REQUEST_FIELDS, rows[i].encoding);
        test_talk_headers(&talk, REQUEST, 1, 0, fields);
        test_talk_message(&talk, REQUEST, 1, END, "x");
        (void)snprintf(fields, sizeof(fields), "%sgrpc-status: 12\n%s", TEST_RESPONSE_FIELDS,
                       rows[i].answer);
        test_talk_headers(&talk, RESPONSE, 1, END, fields);
        test_talk_judge(&talk, rows[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_response_that_is_no_grpc_is_found),
        cmocka_unit_test(trailers_only_that_are_no_response_are_found),
        cmocka_unit_test(responses_as_they_should_be_are_let_pass),
        cmocka_unit_test(calls_that_are_no_grpc_or_not_seen_whole_are_not_judged),
        cmocka_unit_test(trailers_that_never_end_are_found_at_once),
        cmocka_unit_test(messages_that_are_not_encoded_are_found),
        cmocka_unit_test(codes_that_grpc_does_not_define_are_found),
        cmocka_unit_test(a_reset_in_place_of_the_status_is_found),
        cmocka_unit_test(heads_that_are_malformed_are_found),
        cmocka_unit_test(white_space_around_a_value_is_told),
        cmocka_unit_test(pseudo_header_fields_of_trailers_are_found),
        cmocka_unit_test(true_binary_is_for_those_who_take_it),
        cmocka_unit_test(a_content_length_that_lies_is_found),
        cmocka_unit_test(binary_values_that_are_no_base64_are_found),
        cmocka_unit_test(details_that_contradict_the_status_are_found),
        cmocka_unit_test(an_encoding_refused_without_a_list_is_found),
    };
    return cmocka_run_group_tests_name("wire/rules_response", tests, NULL, NULL);
}
