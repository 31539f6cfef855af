/* SPDX-License-Identifier: Apache-2.0 */
/* Accept-sets: what came of a stream and its connection, against the words for it. */
#include "harness/raw/outcome_set.h"

#include "lib/wire/grpc_status.h"
#include "tests/support/cmocka_all.h"

enum {
    STREAM = 3,
};

static void words_are_checked_before_the_run(void **state)
{
    (void)state;
    static const struct {
        const char *word;
        bool is_valid;
        bool may_close; /* of a valid one */
    } cases[] = {
        {"served", true, false},
        {"closed", true, true},
        {"ignored", true, false},
        {"status INTERNAL", true, false},
        {"status *", true, false},
        {"status error", true, false},
        {"status Internal", false, false},
        {"status NONSENSE", false, false},
        {"status", false, false},
        {"status ", false, false},
        {"http 404", true, false},
        {"http error", true, false},
        {"http 4x4", false, false},
        {"http 1000", false, false},
        {"http *", false, false},
        {"stream PROTOCOL_ERROR", true, true},
        {"stream *", true, true},
        {"stream NONE", false, false},
        {"connection FRAME_SIZE_ERROR", true, true},
        {"connection *", true, true},
        {"connection", false, false},
        {"goaway ENHANCE_YOUR_CALM", true, true},
        {"goaway HTTP_1_1_REQUIRED", true, true},
        {"goaway 11", false, false},
        {"streams *", false, false},
        {"unreadable", true, true},
        {"Served", false, false},
        {"", false, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (har_outcome_is_valid(cases[i].word) != cases[i].is_valid ||
            (cases[i].is_valid && har_outcome_may_close(cases[i].word) != cases[i].may_close)) {
            fail_msg("'%s'", cases[i].word);
        }
    }
}

/* Words in the order of the columns below. */
static const char *const words[] = {
    "served",                    /* s */
    "closed",                    /* c */
    "status INTERNAL",           /* i */
    "status *",                  /* a */
    "http 400",                  /* h */
    "stream PROTOCOL_ERROR",     /* p */
    "stream *",                  /* r */
    "connection PROTOCOL_ERROR", /* q */
    "connection *",              /* k */
    "goaway PROTOCOL_ERROR",     /* g */
    "goaway *",                  /* w */
    "unreadable",                /* u */
    "status error",              /* e */
    "http error",                /* t */
    "ignored",                   /* never by what came */
};
static const char letters[] = "sciahprqkgwuet-";

/* A status, and a reset behind it. */
static const struct har_wire_stream early = {.has_status = true,
                                             .status = SL_GRPC_INTERNAL,
                                             .is_reset = true,
                                             .reset_code = SL_H2_NO_ERROR,
                                             .is_ended = true};

/* A reset that tells of no error, by itself and behind a refusal. */
static const struct har_wire_stream unsaid = {
    .is_reset = true, .reset_code = SL_H2_NO_ERROR, .is_ended = true};
static const struct har_wire_stream refused = {
    .http_status = 400, .is_reset = true, .reset_code = SL_H2_NO_ERROR, .is_ended = true};
static const struct har_wire_stream cancelled = {
    .is_reset = true, .reset_code = SL_H2_CANCEL, .is_ended = true};
static const struct har_wire_stream unknown_reset = {
    .is_reset = true, .reset_code = 0xffffffff, .is_ended = true};
static const struct har_wire_stream page_of_200 = {.http_status = 200, .is_ended = true};
static const struct har_wire_stream bad_request = {.http_status = 400, .is_ended = true};

static void each_word_means_what_it_says_and_nothing_else(void **state)
{
    (void)state;
    static const struct har_wire_stream ok = {.has_status = true, .is_ended = true};
    static const struct har_wire_stream no_more = {
        .has_status = true, .is_ended = true, .is_reset = true, .reset_code = SL_H2_NO_ERROR};
    static const struct har_wire_stream internal = {
        .has_status = true, .status = SL_GRPC_INTERNAL, .is_ended = true};
    static const struct har_wire_stream beyond = {
        .has_status = true, .status = 99, .is_ended = true};
    static const struct har_wire_stream headers_only = {.http_status = 400};
    static const struct har_wire_stream reset = {
        .is_reset = true, .reset_code = SL_H2_PROTOCOL_ERROR, .is_ended = true};
    static const struct {
        const char *name;
        struct har_wire_outcome seen;
        const char *matching; /* letters of the words */
        const char *told;
    } cases[] = {
        {"nothing", {.end_text = ""}, "", ""},
        {"ok", {.stream = &ok, .end_text = ""}, "sa", "status OK"},
        {"ok, and no more of the request",
         {.stream = &no_more, .end_text = ""},
         "sa",
         "status OK, RST_STREAM NO_ERROR"},
        {"internal", {.stream = &internal, .end_text = ""}, "iae", "status INTERNAL"},
        {"out of range", {.stream = &beyond, .end_text = ""}, "ae", "status unknown"},
        {"http", {.stream = &bad_request, .end_text = ""}, "ht", "HTTP 400 without grpc-status"},
        {"a page", {.stream = &page_of_200, .end_text = ""}, "", "HTTP 200 without grpc-status"},
        {"headers alone",
         {.stream = &headers_only, .end_text = ""},
         "",
         "HTTP 400 without grpc-status"},
        {"reset", {.stream = &reset, .end_text = ""}, "pr", "RST_STREAM PROTOCOL_ERROR"},
        {"a reset behind a status",
         {.stream = &early, .end_text = ""},
         "iaer",
         "status INTERNAL, RST_STREAM NO_ERROR"},
        {"other reset", {.stream = &cancelled, .end_text = ""}, "r", "RST_STREAM CANCEL"},
        {"a reset that tells of no error",
         {.stream = &unsaid, .end_text = ""},
         "",
         "RST_STREAM NO_ERROR"},
        {"a reset behind a refusal of HTTP",
         {.stream = &refused, .end_text = ""},
         "htr",
         "RST_STREAM NO_ERROR"},
        {"unknown reset",
         {.stream = &unknown_reset, .end_text = ""},
         "r",
         "RST_STREAM of unknown code"},
        {"goaway",
         {.has_goaway = true, .goaway = SL_H2_PROTOCOL_ERROR, .end_text = ""},
         "prqkgw",
         "GOAWAY PROTOCOL_ERROR"},
        {"a goaway without an error, and the connection goes on",
         {.has_goaway = true, .goaway = SL_H2_NO_ERROR, .is_ending = true, .end_text = ""},
         "w",
         "GOAWAY NO_ERROR"},
        {"unknown goaway",
         {.has_goaway = true, .goaway = 77, .end_text = ""},
         "rkw",
         "GOAWAY of unknown code"},
        {"closed", {.is_closed = true, .end_text = "reset"}, "cqk", "connection ended (reset)"},
        {"closed after another goaway",
         {.is_closed = true, .has_goaway = true, .goaway = SL_H2_NO_ERROR, .end_text = "end"},
         "crkw",
         "GOAWAY NO_ERROR, connection ended (end)"},
        {"reset and goaway",
         {.stream = &cancelled, .has_goaway = true, .goaway = SL_H2_PROTOCOL_ERROR, .end_text = ""},
         "prqkgw",
         "RST_STREAM CANCEL, GOAWAY PROTOCOL_ERROR"},
        {"no HTTP/2",
         {.is_unreadable = true, .stream = &ok, .end_text = "garbage"},
         "u",
         "status OK, connection ended (garbage)"},
        {"no HTTP/2 behind a goaway",
         {.is_unreadable = true,
          .has_goaway = true,
          .goaway = SL_H2_PROTOCOL_ERROR,
          .end_text = "x"},
         "u",
         "GOAWAY PROTOCOL_ERROR, connection ended (x)"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[160];
        for (size_t j = 0; j < sizeof(words) / sizeof(words[0]); j++) {
            bool is_wanted = strchr(cases[i].matching, letters[j]) != NULL;
            if (har_outcome_matches(words[j], &cases[i].seen) != is_wanted) {
                fail_msg("%s: '%s'", cases[i].name, words[j]);
            }
        }
        har_outcome_tell(&cases[i].seen, text, sizeof(text));
        if (strcmp(text, cases[i].told) != 0) {
            fail_msg("%s: '%s'", cases[i].name, text);
        }
    }
}

static void what_was_seen_is_named_by_what_the_word_is_about(void **state)
{
    (void)state;
    static const struct har_wire_stream ok = {.has_status = true, .is_ended = true};
    static const struct har_wire_stream reset = {
        .is_reset = true, .reset_code = SL_H2_PROTOCOL_ERROR, .is_ended = true};
    static const struct har_wire_stream unknown = {.is_reset = true, .reset_code = 77};
    static const struct har_wire_stream page = {.http_status = 415, .is_ended = true};
    static const struct {
        const char *word; /* NULL: none matches */
        struct har_wire_outcome seen;
        const char *name;
    } cases[] = {
        {"served", {.stream = &ok}, "grpc-status 0"},
        {"http error", {.stream = &page}, "HTTP 415"},
        {"stream *", {.stream = &reset}, "RST_STREAM(PROTOCOL_ERROR)"},
        {"stream *", {.stream = &unknown}, "RST_STREAM(77)"},
        {"status error", {.stream = &early}, "grpc-status 13"},
        {"stream *", {.stream = &early}, "RST_STREAM(NO_ERROR)"},
        {NULL, {.stream = &early}, "grpc-status 13"},
        /* Whether more came in the same moment makes no difference. */
        {"stream *", {.stream = &reset, .has_goaway = true}, "RST_STREAM(PROTOCOL_ERROR)"},
        {"stream *", {.has_goaway = true, .goaway = 2}, "GOAWAY(INTERNAL_ERROR)"},
        {"stream *", {.stream = &ok, .has_goaway = true}, "GOAWAY(NO_ERROR)"},
        {"connection *",
         {.stream = &reset, .has_goaway = true, .is_closed = true},
         "GOAWAY(NO_ERROR)"},
        {"connection *", {.stream = &ok, .is_closed = true}, "connection closed"},
        {"closed", {.stream = &ok, .is_closed = true}, "connection closed"},
        {"ignored", {.is_anything = false}, "nothing"},
        {"unreadable", {.is_unreadable = true, .stream = &ok}, "bytes that are no HTTP/2"},
        {NULL, {.is_anything = false}, "nothing in time"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[64];
        har_outcome_say(cases[i].word, &cases[i].seen, text, sizeof(text));
        if (strcmp(text, cases[i].name) != 0) {
            fail_msg("%zu: '%s'", i, text);
        }
    }
}

static void each_word_is_read_out_for_people(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"served", "grpc-status 0"},
        {"status error", "the grpc-status of an error"},
        {"status INTERNAL", "grpc-status INTERNAL"},
        {"http error", "an HTTP error"},
        {"http 415", "HTTP 415"},
        {"stream *", "RST_STREAM"},
        {"stream CANCEL", "RST_STREAM(CANCEL)"},
        {"connection *", "GOAWAY or the end of the connection"},
        {"connection PROTOCOL_ERROR", "GOAWAY(PROTOCOL_ERROR) or the end of the connection"},
        {"goaway *", "GOAWAY"},
        {"goaway NO_ERROR", "GOAWAY(NO_ERROR)"},
        {"closed", "the end of the connection"},
        {"ignored", "no answer to it"},
        {"unreadable", "an answer that is no HTTP/2"},
    };
    char text[80];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(har_outcome_is_valid(cases[i][0]));
        har_outcome_read(cases[i][0], text, sizeof(text));
        assert_string_equal(text, cases[i][1]);
    }
    har_outcome_read("connection *", text, 7);
    assert_string_equal(text, "GOAWAY");
}

static void what_is_told_of_an_end_is_cut(void **state)
{
    (void)state;
    static const struct har_wire_stream reset = {.is_reset = true,
                                                 .reset_code = SL_H2_HTTP_1_1_REQUIRED};
    char end[160];
    char text[160];
    memset(end, 'e', sizeof(end) - 1);
    end[sizeof(end) - 1] = '\0';
    const struct har_wire_outcome seen = {.stream = &reset,
                                          .has_goaway = true,
                                          .goaway = SL_H2_HTTP_1_1_REQUIRED,
                                          .is_closed = true,
                                          .end_text = end};
    for (size_t size = 1; size <= sizeof(text); size++) {
        har_outcome_tell(&seen, text, size);
        assert_true(strlen(text) < size);
    }
    assert_int_equal(text[strlen(text) - 1], ')');
}

/* An actor whose last stream is STREAM, on a link. */
static void an_outcome_is_of_the_last_stream_and_its_connection(void **state)
{
    (void)state;
    struct har_link link = {.end_text = "gone"};
    struct har_actor actor = {.link = &link, .raw_told = STREAM};
    assert_false(har_outcome_of(&actor).is_anything);

    har_wire_stream(&link.wire, STREAM + 2)->is_ended = true;
    assert_false(har_outcome_of(&actor).is_anything);

    struct har_wire_stream *stream = har_wire_stream(&link.wire, STREAM);
    stream->http_status = 200; /* headers are no end */
    assert_false(har_outcome_of(&actor).is_anything);
    assert_null(har_outcome_of(&actor).stream);
    stream->has_status = true;
    assert_ptr_equal(har_outcome_of(&actor).stream, stream);
    assert_true(har_outcome_of(&actor).is_anything);
    har_wire_clear(&link.wire);

    link.wire.frames[SL_H2_GOAWAY] = 1;
    link.wire.goaway_code = SL_H2_CANCEL;
    assert_true(har_outcome_of(&actor).has_goaway && har_outcome_of(&actor).is_anything);
    assert_int_equal(har_outcome_of(&actor).goaway, SL_H2_CANCEL);
    har_wire_clear(&link.wire);

    link.has_ended = true;
    link.how = HAR_CONN_FIN;
    assert_true(har_outcome_of(&actor).is_closed && !har_outcome_of(&actor).is_unreadable);
    link.how = HAR_CONN_ERROR;
    assert_true(!har_outcome_of(&actor).is_closed && har_outcome_of(&actor).is_unreadable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_checked_before_the_run),
        cmocka_unit_test(each_word_means_what_it_says_and_nothing_else),
        cmocka_unit_test(what_was_seen_is_named_by_what_the_word_is_about),
        cmocka_unit_test(each_word_is_read_out_for_people),
        cmocka_unit_test(what_is_told_of_an_end_is_cut),
        cmocka_unit_test(an_outcome_is_of_the_last_stream_and_its_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
