/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/observer.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/talk.h"

#define REQUEST  SL_DIR_REQUEST
#define RESPONSE SL_DIR_RESPONSE
#define END      SL_H2_FLAG_END_STREAM

/* How the server or the client ends stream 1 after a request. */
struct end_case {
    const char *name;
    void (*script)(struct test_talk *talk);
    const char *line;
};

static void end_without_trailers(struct test_talk *talk)
{
    test_talk_headers(talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    test_talk_data(talk, RESPONSE, 1, END, sl_span("", 0));
}

static void end_without_status(struct test_talk *talk)
{
    test_talk_headers(talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    test_talk_headers(talk, RESPONSE, 1, END, "x: y\n");
}

static void end_404(struct test_talk *talk)
{
    test_talk_headers(talk, RESPONSE, 1, END, ":status: 404\n");
}

static void end_client_cancel(struct test_talk *talk)
{
    talk->time_ms += 500;
    test_talk_rst(talk, REQUEST, 1, SL_H2_CANCEL);
}

static void end_client_deadline(struct test_talk *talk)
{
    talk->time_ms += 1000;
    test_talk_rst(talk, REQUEST, 1, SL_H2_CANCEL);
}

static void end_client_just_short_of_deadline(struct test_talk *talk)
{
    talk->time_ms += 960;
    test_talk_rst(talk, REQUEST, 1, SL_H2_CANCEL);
}

/* It left its queue when the deadline already ran. */
static void end_client_deadline_after_queueing(struct test_talk *talk)
{
    talk->time_ms += 980;
    test_talk_rst(talk, REQUEST, 1, SL_H2_CANCEL);
}

static void end_server_deadline(struct test_talk *talk)
{
    talk->time_ms += 1001;
    test_talk_rst(talk, RESPONSE, 1, SL_H2_CANCEL);
}

static void end_server_cancel(struct test_talk *talk)
{
    test_talk_rst(talk, RESPONSE, 1, SL_H2_CANCEL);
}

static void end_server_refused(struct test_talk *talk)
{
    test_talk_rst(talk, RESPONSE, 1, SL_H2_REFUSED_STREAM);
}

static void end_server_reset_after_response(struct test_talk *talk)
{
    test_talk_headers(talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    test_talk_message(talk, RESPONSE, 1, 0, "x");
    test_talk_rst(talk, RESPONSE, 1, SL_H2_INTERNAL_ERROR);
}

static void end_no_error_after_trailers(struct test_talk *talk)
{
    test_talk_headers(talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS);
    test_talk_headers(talk, RESPONSE, 1, END, "grpc-status: 0\n");
    test_talk_rst(talk, RESPONSE, 1, SL_H2_NO_ERROR);
}

static void end_goaway(struct test_talk *talk)
{
    test_talk_goaway(talk, RESPONSE, 0, SL_H2_ENHANCE_YOUR_CALM);
}

static void end_graceful_goaway(struct test_talk *talk)
{
    test_talk_goaway(talk, RESPONSE, SL_H2_MAX_WINDOW, SL_H2_NO_ERROR);
    test_talk_goaway(talk, RESPONSE, 1, SL_H2_NO_ERROR);
    test_talk_headers(talk, RESPONSE, 1, END, TEST_RESPONSE_FIELDS "grpc-status: 14\n");
}

static void end_server_closes(struct test_talk *talk)
{
    test_talk_close(talk, RESPONSE, false);
    test_talk_close(talk, REQUEST, false);
}

static void end_client_resets_tcp(struct test_talk *talk)
{
    test_talk_close(talk, REQUEST, true);
}

static void end_one_sided(struct test_talk *talk)
{
    test_talk_close(talk, RESPONSE, false);
}

static void end_status_in_headers(struct test_talk *talk)
{
    test_talk_headers(talk, RESPONSE, 1, 0, TEST_RESPONSE_FIELDS "grpc-status: 7\n");
    test_talk_data(talk, RESPONSE, 1, END, sl_span("", 0));
}

static void end_bad_status(struct test_talk *talk)
{
    test_talk_headers(talk, RESPONSE, 1, END, TEST_RESPONSE_FIELDS "grpc-status: huh\n");
}

static void end_status_99(struct test_talk *talk)
{
    test_talk_headers(talk, RESPONSE, 1, END, TEST_RESPONSE_FIELDS "grpc-status: 99\n");
}

static const struct end_case end_cases[] = {
    {"DATA ends it", end_without_trailers,
     "end stream 1 trailers UNKNOWN from http_status messages 1/0\n"},
    {"trailers without status", end_without_status,
     "end stream 1 trailers UNKNOWN from http_status messages 1/0\n"},
    {"404", end_404, "end stream 1 trailers UNIMPLEMENTED from http_status messages 1/0\n"},
    {"client cancels", end_client_cancel,
     "end stream 1 reset_by_client CANCELLED from rst_stream messages 1/0\n"},
    {"client's deadline", end_client_deadline,
     "end stream 1 reset_by_client DEADLINE_EXCEEDED from rst_stream messages 1/0\n"},
    {"client just short of its deadline", end_client_just_short_of_deadline,
     "end stream 1 reset_by_client CANCELLED from rst_stream messages 1/0\n"},
    {"client's deadline, after queueing", end_client_deadline_after_queueing,
     "end stream 1 reset_by_client DEADLINE_EXCEEDED from rst_stream messages 1/0\n"},
    {"server cancels at the deadline", end_server_deadline,
     "end stream 1 reset_by_server DEADLINE_EXCEEDED from rst_stream messages 1/0\n"},
    {"server cancels", end_server_cancel,
     "end stream 1 reset_by_server CANCELLED from rst_stream messages 1/0\n"},
    {"server refuses", end_server_refused,
     "end stream 1 reset_by_server UNAVAILABLE from rst_stream messages 1/0\n"},
    {"server resets late", end_server_reset_after_response,
     "end stream 1 reset_by_server INTERNAL from rst_stream messages 1/1\n"},
    {"NO_ERROR after trailers", end_no_error_after_trailers,
     "end stream 1 trailers OK from trailers messages 1/0\n!finding\n"},
    {"GOAWAY", end_goaway, "end stream 1 goaway UNAVAILABLE from goaway messages 1/0\n"},
    {"graceful GOAWAY", end_graceful_goaway,
     "end stream 1 trailers UNAVAILABLE from trailers_only messages 1/0\n"},
    {"server closes", end_server_closes,
     "end stream 1 closed_by_server UNAVAILABLE from connection_closed messages 1/0\n"},
    {"client resets TCP", end_client_resets_tcp,
     "end stream 1 closed_by_client UNAVAILABLE from connection_closed messages 1/0\n"},
    {"one side closed, the other not seen to", end_one_sided,
     "end stream 1 closed_by_server UNAVAILABLE from connection_closed messages 1/0\n"},
    {"status in headers", end_status_in_headers,
     "end stream 1 trailers PERMISSION_DENIED from trailers_only messages 1/0\n"},
    {"malformed status", end_bad_status,
     "end stream 1 trailers UNKNOWN from trailers_only messages 1/0\n"},
    {"unknown status", end_status_99, "end stream 1 trailers ? from trailers_only messages 1/0\n"},
};

static void every_end_gives_the_status_that_clients_derive(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof end_cases / sizeof end_cases[0]; i++) {
        print_message("%s\n", end_cases[i].name);
        struct test_talk talk;
        test_talk_init(&talk, false);
        test_talk_headers(&talk, REQUEST, 1, 0, TEST_REQUEST_FIELDS "grpc-timeout: 1S\n");
        test_talk_message(&talk, REQUEST, 1, 0, "x");
        end_cases[i].script(&talk);
        test_talk_expect(&talk, end_cases[i].line);
        test_talk_every_split(&talk);
        test_talk_release(&talk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_end_gives_the_status_that_clients_derive),
    };
    return cmocka_run_group_tests_name("wire/observer_ends", tests, NULL, NULL);
}
