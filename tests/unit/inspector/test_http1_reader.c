/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/http1/reader.h"

#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/every_split.h"

/* A reader that writes what it tells into a transcript. */
struct decoder {
    struct ins_h1_reader *reader;
    struct sl_buf *text;
};

static enum ins_h1_follow on_head(void *owner, struct ins_h1_head *head, const struct sl_at *at)
{
    struct decoder *decoder = owner;
    (void)at;
    (void)sl_buf_add_str(decoder->text, "head");
    for (size_t i = 0; i < head->fields->count; i++) {
        const struct sl_header *field = &head->fields->fields[i];
        (void)sl_buf_addf(decoder->text, " %.*s=%.*s", SL_SPAN_ARG(field->name),
                          SL_SPAN_ARG(field->value));
    }
    if (head->problem != NULL) {
        (void)sl_buf_addf(decoder->text, " (%s)", head->problem);
    }
    (void)sl_buf_add_u8(decoder->text, '\n');
    if (head->status == 101) {
        return INS_H1_SWITCH;
    }
    return sl_headers_find(head->fields, "x-head") != NULL ? INS_H1_NO_BODY : INS_H1_AS_TOLD;
}

static void on_body(void *owner, struct sl_span bytes, const struct sl_at *at)
{
    struct decoder *decoder = owner;
    (void)at;
    for (size_t i = 0; i < bytes.len; i++) {
        (void)sl_buf_addf(decoder->text, "body %c\n", bytes.data[i]);
    }
}

static void on_missing(void *owner, uint64_t count, const struct sl_at *at)
{
    struct decoder *decoder = owner;
    (void)at;
    (void)sl_buf_addf(decoder->text, "missing %llu\n", (unsigned long long)count);
}

static void on_trailers(void *owner, struct sl_headers *fields, const struct sl_at *at)
{
    struct decoder *decoder = owner;
    (void)at;
    (void)sl_buf_addf(decoder->text, "trailers %zu\n", fields->count);
}

static void on_end(void *owner, const struct sl_at *at)
{
    struct decoder *decoder = owner;
    (void)at;
    (void)sl_buf_add_str(decoder->text, "end\n");
}

static void on_lost(void *owner, const char *why, const struct sl_at *at)
{
    struct decoder *decoder = owner;
    (void)at;
    (void)sl_buf_addf(decoder->text, "lost: %s\n", why == NULL ? "a hole" : why);
}

static void on_switched(void *owner, struct sl_span bytes, const struct sl_at *at)
{
    struct decoder *decoder = owner;
    (void)at;
    for (size_t i = 0; i < bytes.len; i++) {
        (void)sl_buf_addf(decoder->text, "next %c\n", bytes.data[i]);
    }
}

static void on_skipped(void *owner, uint64_t count, const struct sl_at *at)
{
    (void)owner;
    (void)count;
    (void)at;
}

static const struct ins_h1_events events = {
    .head = on_head,
    .body = on_body,
    .missing = on_missing,
    .trailers = on_trailers,
    .end = on_end,
    .lost = on_lost,
    .switched = on_switched,
    .skipped = on_skipped,
};

static const struct sl_at now;

static void *begin(void *context, struct sl_buf *transcript)
{
    struct decoder *decoder = sl_alloc(sizeof(*decoder));
    const enum sl_dir *dir = context;
    decoder->text = transcript;
    decoder->reader = ins_h1_reader_new(*dir, false, &events, decoder);
    return decoder;
}

static void feed(void *context, struct sl_span piece)
{
    struct decoder *decoder = context;
    ins_h1_reader_feed(decoder->reader, piece, &now);
}

static void end(void *context, struct sl_buf *transcript)
{
    struct decoder *decoder = context;
    (void)transcript;
    ins_h1_reader_close(decoder->reader, false, &now);
    ins_h1_reader_free(decoder->reader);
    sl_free(decoder);
}

static const struct test_decoder reader_decoder = {begin, feed, end};

/* The transcript of text in one piece; also in every other cut where it holds no error. */
static void expect(enum sl_dir dir, const char *text, const char *wanted)
{
    struct sl_buf transcript;
    sl_buf_init(&transcript, TEST_TRANSCRIPT_MAX);
    void *decoder = begin(&dir, &transcript);
    feed(decoder, sl_span_str(text));
    end(decoder, &transcript);
    assert_string_equal(sl_buf_str(&transcript), wanted);
    sl_buf_release(&transcript);
    if (strstr(wanted, "lost") == NULL) {
        test_every_split(&reader_decoder, &dir, sl_span_str(text));
    }
}

#define REQUEST(text, wanted)  expect(SL_DIR_REQUEST, text, wanted)
#define RESPONSE(text, wanted) expect(SL_DIR_RESPONSE, text, wanted)
#define POST                   "POST /a.B/C HTTP/1.1\r\n"
#define OK                     "HTTP/1.1 200 OK\r\n"

static void a_head_becomes_fields_like_those_of_http2(void **state)
{
    (void)state;
    REQUEST("\r\n" POST "Host: h:1\r\nX-A:  b c \t\r\nX-Empty:\r\n\r\n",
            "head :method=POST :path=/a.B/C :authority=h:1 x-a=b c x-empty=\nend\n");
    REQUEST("GET http://h/p?q HTTP/1.0\nHost: other\n\n",
            "head :method=GET :path=/p?q :authority=h\nend\n");
    RESPONSE("HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n",
             "head :status=204 content-length=3\nend\n");
}

static void bodies_end_where_their_length_says(void **state)
{
    (void)state;
    REQUEST(POST "Content-Length: 2\r\n\r\nab" POST "\r\n",
            "head :method=POST :path=/a.B/C content-length=2\nbody a\nbody b\nend\n"
            "head :method=POST :path=/a.B/C\nend\n");
    RESPONSE(OK "\r\nab", "head :status=200\nbody a\nbody b\nend\n");
    RESPONSE(OK "Content-Length: 0\r\n\r\n" OK "Content-Length: 1, 1\r\n\r\nx",
             "head :status=200 content-length=0\nend\n"
             "head :status=200 content-length=1, 1\nbody x\nend\n");
    RESPONSE("HTTP/1.1 100 Continue\r\n\r\n" OK "X-Head: 1\r\nContent-Length: 9\r\n\r\n"
             "HTTP/1.1 304 Not Modified\r\n\r\n",
             "head :status=100\nend\nhead :status=200 x-head=1 content-length=9\nend\n"
             "head :status=304\nend\n");
}

static void chunks_are_taken_off(void **state)
{
    (void)state;
    RESPONSE(OK "Transfer-Encoding: gzip, Chunked\r\n\r\n2;a=\"b\"\r\nab\r\n0001\r\nc\r\n0\r\n\r\n",
             "head :status=200 transfer-encoding=gzip, Chunked\nbody a\nbody b\nbody c\nend\n");
    REQUEST(POST "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: 1\r\ny: 2\r\n\r\n" POST
                 "\r\n",
            "head :method=POST :path=/a.B/C transfer-encoding=chunked\nbody a\ntrailers 2\nend\n"
            "head :method=POST :path=/a.B/C\nend\n");
}

static void lengths_that_contradict_each_other_are_told(void **state)
{
    (void)state;
    REQUEST(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            "head :method=POST :path=/a.B/C content-length=5 transfer-encoding=chunked "
            "(both Transfer-Encoding and Content-Length are there)\nbody a\nend\n");
    REQUEST(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
            "lost: its Content-Lengths contradict each other\n");
    REQUEST(POST "Transfer-Encoding: gzip\r\n\r\n",
            "lost: the length of a request is not told: its last coding is not chunked\n");
}

static void what_is_no_http_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"POST /x\r\n\r\n", "lost: a request line is malformed\n"},
        {"POST  /x HTTP/1.1\r\n\r\n", "lost: a request line is malformed\n"},
        {"PO(T /x HTTP/1.1\r\n\r\n", "lost: a request line is malformed\n"},
        {"POST /x HTTP/2.0\r\n\r\n", "lost: a request line is malformed\n"},
        {"POST /\x01 HTTP/1.1\r\n\r\n", "lost: a request line is malformed\n"},
        {POST "a : b\r\n\r\n", "lost: a field line is malformed\n"},
        {POST "a\r\n\r\n", "lost: a field line is malformed\n"},
        {POST ": b\r\n\r\n", "lost: a field line is malformed\n"},
        {POST "a: b\r\n c\r\n\r\n", "lost: a field line is malformed\n"},
        {POST "a: b\rc\r\n\r\n", "lost: a field line holds control characters\n"},
        {POST "Content-Length: -1\r\n\r\n", "lost: a Content-Length is no number\n"},
        {POST "Content-Length: 1234567890123456789\r\n\r\n",
         "lost: a Content-Length is no number\n"},
        {POST "Content-Length: \r\n\r\n", "lost: a Content-Length is no number\n"},
        {"\r\n\r\n\n\n\n", "lost: empty lines stand where a message should begin\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        REQUEST(cases[i].text, cases[i].wanted);
    }
    RESPONSE("HTTP/1.1 20 OK\r\n\r\n", "lost: a status line is malformed\n");
    RESPONSE("HTTP/1.1 099 OK\r\n\r\n", "lost: a status line is malformed\n");
    RESPONSE(
        OK "Transfer-Encoding: chunked\r\n\r\ng\r\n",
        "head :status=200 transfer-encoding=chunked\nlost: the size of a chunk is malformed\n");
    RESPONSE(
        OK "Transfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
        "head :status=200 transfer-encoding=chunked\nlost: the size of a chunk is malformed\n");
    RESPONSE(OK "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
             "head :status=200 transfer-encoding=chunked\nbody a\n"
             "lost: a chunk is longer than its size\n");
}

static void heads_and_lines_are_bounded(void **state)
{
    (void)state;
    static char text[INS_H1_HEAD_MAX + 64];
    memset(text, 'a', sizeof(text));
    memcpy(text, POST "x: ", strlen(POST) + 3);
    text[sizeof(text) - 1] = '\0';
    REQUEST(text, "lost: a head is too large\n");
    static const char chunked[] = OK "Transfer-Encoding: chunked\r\n\r\n1;";
    memset(text, 'a', sizeof(text));
    memcpy(text, chunked, sizeof(chunked) - 1);
    text[sizeof(chunked) + INS_H1_LINE_MAX] = '\0';
    RESPONSE(text, "head :status=200 transfer-encoding=chunked\n"
                   "lost: the line of a chunk is too long\n");
}

static void reading_goes_on_where_a_piece_begins_a_message(void **state)
{
    (void)state;
    enum sl_dir dir = SL_DIR_RESPONSE;
    struct sl_buf transcript;
    sl_buf_init(&transcript, TEST_TRANSCRIPT_MAX);
    struct decoder *decoder = begin(&dir, &transcript);
    feed(decoder, sl_span_str(OK "Content-Length: 5\r\n\r\na"));
    ins_h1_reader_gap(decoder->reader, 4, &now);
    feed(decoder, sl_span_str(OK "Transfer-Encoding: chunked\r\n\r\n3\r\na"));
    ins_h1_reader_gap(decoder->reader, 2, &now);
    feed(decoder, sl_span_str("\r\n2\r\na"));
    ins_h1_reader_gap(decoder->reader, 2, &now);
    feed(decoder, sl_span_str("0\r\n\r\n"));
    feed(decoder, sl_span_str("HTTP/1.1 nothing"));
    feed(decoder, sl_span_str("HTTP/1.1 204 \r\n\r\n" OK));
    ins_h1_reader_gap(decoder->reader, 0, &now);
    end(decoder, &transcript);
    assert_string_equal(sl_buf_str(&transcript),
                        "head :status=200 content-length=5\nbody a\nmissing 4\nend\n"
                        "head :status=200 transfer-encoding=chunked\nbody a\nmissing 2\nbody a\n"
                        "lost: a hole\nhead :status=204\nend\nlost: a hole\n");
    sl_buf_release(&transcript);
}

static void what_follows_a_switch_is_handed_on(void **state)
{
    (void)state;
    RESPONSE("HTTP/1.1 101 Switching Protocols\r\n\r\nHi\r\n\r\n",
             "head :status=101\nnext H\nnext i\nnext \r\nnext \n\nnext \r\nnext \n\n");
}

static void start_lines_are_recognised(void **state)
{
    (void)state;
    static const struct {
        enum sl_dir dir;
        const char *text;
        enum ins_h1_start wanted;
    } cases[] = {
        {SL_DIR_REQUEST, "", INS_H1_NO_START},
        {SL_DIR_REQUEST, "POS", INS_H1_MAY_START},
        {SL_DIR_REQUEST, "POST /", INS_H1_MAY_START},
        {SL_DIR_REQUEST, "POST / HTTP/1.1\n", INS_H1_START},
        {SL_DIR_REQUEST, "POST / HTTP/1.1\r\nab", INS_H1_START},
        {SL_DIR_REQUEST, "POST / HTTP/2.0\r\n", INS_H1_NO_START},
        {SL_DIR_REQUEST, "PRI * HTTP/2.0\r\n\r\n", INS_H1_NO_START},
        {SL_DIR_REQUEST, "PRI ", INS_H1_NO_START},
        {SL_DIR_REQUEST, "post / HTTP/1.1\r\n", INS_H1_NO_START},
        {SL_DIR_REQUEST, "EHLO mail.example.org\r\n", INS_H1_NO_START},
        {SL_DIR_REQUEST, "\x16\x03\x01", INS_H1_NO_START},
        {SL_DIR_RESPONSE, "HTT", INS_H1_MAY_START},
        {SL_DIR_RESPONSE, "HTTP/1.1 200", INS_H1_MAY_START},
        {SL_DIR_RESPONSE, "HTTP/1.1 200 OK\r\n", INS_H1_START},
        {SL_DIR_RESPONSE, "HTTP/2 200\r\n", INS_H1_NO_START},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(ins_h1_start_line(cases[i].dir, sl_span_str(cases[i].text)),
                         cases[i].wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_becomes_fields_like_those_of_http2),
        cmocka_unit_test(bodies_end_where_their_length_says),
        cmocka_unit_test(chunks_are_taken_off),
        cmocka_unit_test(lengths_that_contradict_each_other_are_told),
        cmocka_unit_test(what_is_no_http_is_refused),
        cmocka_unit_test(heads_and_lines_are_bounded),
        cmocka_unit_test(reading_goes_on_where_a_piece_begins_a_message),
        cmocka_unit_test(what_follows_a_switch_is_handed_on),
        cmocka_unit_test(start_lines_are_recognised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
