/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proxy/framing.h"
#include "lib/base/clock.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/talk.h"

enum {
    OUT_MAX = 1 << 20,
};

struct fixture {
    struct har_framing *framing;
    struct sl_buf out[2];
    uint64_t frames[2], messages[2], calls, delayed_ns;
    bool is_applied;
    uint64_t now_ns;
};

static void on_pass(void *owner, enum sl_dir dir, struct sl_span bytes, uint64_t delay_ns)
{
    struct fixture *fixture = owner;
    fixture->delayed_ns = delay_ns > fixture->delayed_ns ? delay_ns : fixture->delayed_ns;
    (void)sl_buf_add_span(&fixture->out[dir], bytes);
}

static void on_frame(void *owner, enum sl_dir dir, uint32_t stream, struct sl_span path)
{
    (void)stream;
    (void)path;
    ((struct fixture *)owner)->frames[dir]++;
}

static void on_message(void *owner, enum sl_dir dir, uint32_t stream, struct sl_span path)
{
    (void)stream;
    assert_true(sl_span_is(path, "/pkg.Svc/Method"));
    ((struct fixture *)owner)->messages[dir]++;
}

static void on_call(void *owner, uint32_t stream, struct sl_span path)
{
    (void)stream;
    (void)path;
    ((struct fixture *)owner)->calls++;
}

static void on_applied(void *owner, uint64_t id)
{
    assert_int_equal(id, 1);
    ((struct fixture *)owner)->is_applied = true;
}

static const struct har_framing_handler handler = {.pass = on_pass,
                                                   .frame = on_frame,
                                                   .message = on_message,
                                                   .call = on_call,
                                                   .applied = on_applied};

static void begin(struct fixture *fixture)
{
    *fixture = (struct fixture){.now_ns = SL_SECOND};
    fixture->framing = har_framing_new(&handler, fixture);
    for (int dir = 0; dir < 2; dir++) {
        sl_buf_init(&fixture->out[dir], OUT_MAX);
    }
}

static void end(struct fixture *fixture)
{
    har_framing_free(fixture->framing);
    for (int dir = 0; dir < 2; dir++) {
        sl_buf_release(&fixture->out[dir]);
    }
}

/* Two calls: a unary one, and a stream of three messages with the control frames of a real one. */
static void script(struct test_talk *talk)
{
    test_talk_init(talk, false);
    test_talk_request(talk, 1, "one");
    test_talk_window_update(talk, SL_DIR_RESPONSE, 0, 8);
    test_talk_headers(talk, SL_DIR_RESPONSE, 1, SL_H2_FLAG_END_HEADERS, TEST_RESPONSE_FIELDS);
    test_talk_message(talk, SL_DIR_RESPONSE, 1, 0, "reply");
    test_talk_headers(talk, SL_DIR_RESPONSE, 1, SL_H2_FLAG_END_HEADERS | SL_H2_FLAG_END_STREAM,
                      "grpc-status: 0\n");
    test_talk_request(talk, 3, "two");
    test_talk_headers(talk, SL_DIR_RESPONSE, 3, SL_H2_FLAG_END_HEADERS, TEST_RESPONSE_FIELDS);
    for (int i = 0; i < 3; i++) {
        test_talk_ping(talk, SL_DIR_RESPONSE, false, (uint64_t)i);
        test_talk_message(talk, SL_DIR_RESPONSE, 3, 0, "piece");
        test_talk_ping(talk, SL_DIR_REQUEST, true, (uint64_t)i);
        test_talk_window_update(talk, SL_DIR_REQUEST, 3, 10);
    }
    test_talk_rst(talk, SL_DIR_REQUEST, 3, SL_H2_CANCEL);
    test_talk_goaway(talk, SL_DIR_RESPONSE, 3, SL_H2_NO_ERROR);
}

static void feed(struct fixture *fixture, const struct test_talk *talk, size_t piece)
{
    size_t at = 0;
    for (size_t i = 0; i < talk->count; i++) {
        while (at < talk->segments[i].end) {
            size_t left = talk->segments[i].end - at;
            struct sl_span bytes = sl_span(talk->bytes.data + at, left < piece ? left : piece);
            har_framing_feed(fixture->framing, talk->segments[i].dir, bytes, fixture->now_ns);
            at += bytes.len;
        }
    }
}

static void finish(struct fixture *fixture)
{
    har_framing_finish(fixture->framing, SL_DIR_REQUEST, fixture->now_ns);
    har_framing_finish(fixture->framing, SL_DIR_RESPONSE, fixture->now_ns);
}

/* "SETTINGS0 HEADERS1 DATA1 ..." of what was passed; '!' where the bytes are no frames. */
static const char *names(const struct fixture *fixture, enum sl_dir dir, char text[1024])
{
    struct sl_span rest = sl_buf_span(&fixture->out[dir]);
    size_t used = 0;
    text[0] = '\0';
    rest = sl_span_from(rest, dir == SL_DIR_REQUEST ? SL_H2_PREFACE_SIZE : 0);
    while (rest.len > 0) {
        struct sl_h2_frame_header header;
        if (sl_h2_frame_header_read(rest, &header) != SL_OK || header.length + 9 > rest.len ||
            sl_h2_type_name(header.type) == NULL) {
            (void)snprintf(text + used, 1024 - used, "!");
            break;
        }
        used += (size_t)snprintf(text + used, 1024 - used, "%s%s%u", used == 0 ? "" : " ",
                                 sl_h2_type_name(header.type), (unsigned)header.stream);
        rest = sl_span_from(rest, 9 + header.length);
    }
    return text;
}

static void every_byte_passes_as_it_came_in_pieces_of_any_size(void **state)
{
    static const size_t pieces[] = {1, 2, 3, 5, 8, 9, 10, 13, 64, 100000};
    struct test_talk talk;
    (void)state;
    script(&talk);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct fixture fixture;
        struct sl_buf wanted[2];
        size_t at = 0;
        begin(&fixture);
        for (int dir = 0; dir < 2; dir++) {
            sl_buf_init(&wanted[dir], OUT_MAX);
        }
        for (size_t k = 0; k < talk.count; k++) {
            (void)sl_buf_add(&wanted[talk.segments[k].dir], talk.bytes.data + at,
                             talk.segments[k].end - at);
            at = talk.segments[k].end;
        }
        feed(&fixture, &talk, pieces[i]);
        for (int dir = 0; dir < 2; dir++) {
            assert_true(sl_span_equal(sl_buf_span(&fixture.out[dir]), sl_buf_span(&wanted[dir])));
            sl_buf_release(&wanted[dir]);
        }
        assert_int_equal(fixture.calls, 2);
        assert_int_equal(fixture.messages[SL_DIR_REQUEST], 2);
        assert_int_equal(fixture.messages[SL_DIR_RESPONSE], 4);
        assert_int_equal(fixture.delayed_ns, 0);
        end(&fixture);
    }
    test_talk_release(&talk);
}

#define REQUEST_ALL                                                                                \
    "SETTINGS0 SETTINGS0 HEADERS1 DATA1 HEADERS3 DATA3 PING0 WINDOW_UPDATE3 PING0 WINDOW_UPDATE3 " \
    "PING0 WINDOW_UPDATE3 RST_STREAM3"
#define RESPONSE_ALL                                                                               \
    "SETTINGS0 SETTINGS0 WINDOW_UPDATE0 HEADERS1 DATA1 HEADERS1 HEADERS3 PING0 DATA3 PING0 DATA3 " \
    "PING0 "                                                                                       \
    "DATA3 "                                                                                       \
    "GOAWAY0"

static void a_fault_changes_its_frames_and_no_others(void **state)
{
    static const struct {
        const char *fault, *request, *response;
    } cases[] = {
        {"{\"frame\":\"PING\",\"do\":\"drop\",\"ack\":\"no\"}", REQUEST_ALL,
         "SETTINGS0 SETTINGS0 WINDOW_UPDATE0 HEADERS1 DATA1 HEADERS1 HEADERS3 DATA3 DATA3 DATA3 "
         "GOAWAY0"},
        {"{\"frame\":\"PING\",\"do\":\"drop\",\"dir\":\"to_server\",\"nth\":2}",
         "SETTINGS0 SETTINGS0 HEADERS1 DATA1 HEADERS3 DATA3 PING0 WINDOW_UPDATE3 WINDOW_UPDATE3 "
         "PING0 WINDOW_UPDATE3 RST_STREAM3",
         RESPONSE_ALL},
        {"{\"frame\":\"WINDOW_UPDATE\",\"do\":\"drop\",\"stream\":3,\"count\":2}",
         "SETTINGS0 SETTINGS0 HEADERS1 DATA1 HEADERS3 DATA3 PING0 PING0 PING0 WINDOW_UPDATE3 "
         "RST_STREAM3",
         RESPONSE_ALL},
        {"{\"frame\":\"WINDOW_UPDATE\",\"do\":\"drop\",\"method\":\"Other\"}", REQUEST_ALL,
         RESPONSE_ALL},
        {"{\"frame\":\"RST_STREAM\",\"do\":\"drop\",\"method\":\"Method\"}",
         "SETTINGS0 SETTINGS0 HEADERS1 DATA1 HEADERS3 DATA3 PING0 WINDOW_UPDATE3 PING0 "
         "WINDOW_UPDATE3 PING0 WINDOW_UPDATE3",
         RESPONSE_ALL},
        {"{\"frame\":\"PING\",\"do\":\"drop\",\"dir\":\"to_client\",\"message\":2}", REQUEST_ALL,
         "SETTINGS0 SETTINGS0 WINDOW_UPDATE0 HEADERS1 DATA1 HEADERS1 HEADERS3 PING0 DATA3 PING0 "
         "DATA3 DATA3 "
         "GOAWAY0"},
        {"{\"frame\":\"RST_STREAM\",\"do\":\"inject\",\"dir\":\"to_client\",\"method\":\"Method\","
         "\"message\":2,\"code\":\"CANCEL\"}",
         REQUEST_ALL,
         "SETTINGS0 SETTINGS0 WINDOW_UPDATE0 HEADERS1 DATA1 HEADERS1 HEADERS3 PING0 DATA3 PING0 "
         "DATA3 "
         "RST_STREAM3 PING0 DATA3 GOAWAY0"},
        {"{\"frame\":\"PING\",\"do\":\"inject\",\"dir\":\"to_server\",\"count\":2}",
         "SETTINGS0 PING0 PING0 SETTINGS0 HEADERS1 DATA1 HEADERS3 DATA3 PING0 WINDOW_UPDATE3 PING0 "
         "WINDOW_UPDATE3 PING0 WINDOW_UPDATE3 RST_STREAM3",
         RESPONSE_ALL},
        {"{\"frame\":\"GOAWAY\",\"do\":\"drop\"}", REQUEST_ALL,
         "SETTINGS0 SETTINGS0 WINDOW_UPDATE0 HEADERS1 DATA1 HEADERS1 HEADERS3 PING0 DATA3 PING0 "
         "DATA3 PING0 "
         "DATA3"},
    };
    static const size_t pieces[] = {1, 7, 100000};
    struct test_talk talk;
    char text[1024];
    (void)state;
    script(&talk);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]) * 3; i++) {
        struct fixture fixture;
        struct har_fault_list list;
        struct sl_error error = {0};
        begin(&fixture);
        assert_int_equal(har_faults_read(sl_span_str(cases[i / 3].fault), &list, &error), SL_OK);
        har_framing_add(fixture.framing, 1, &list.faults[0], fixture.now_ns);
        feed(&fixture, &talk, pieces[i % 3]);
        assert_string_equal(names(&fixture, SL_DIR_REQUEST, text), cases[i / 3].request);
        assert_string_equal(names(&fixture, SL_DIR_RESPONSE, text), cases[i / 3].response);
        assert_int_equal(fixture.is_applied, strstr(cases[i / 3].fault, "Other") == NULL);
        assert_int_equal(har_framing_waiting(fixture.framing, SL_DIR_REQUEST), 0);
        end(&fixture);
        har_fault_list_release(&list);
    }
    test_talk_release(&talk);
}

static void a_delayed_frame_is_overtaken_and_comes_at_its_time(void **state)
{
    struct test_talk talk;
    struct fixture fixture;
    struct har_fault fault = {.is_h2 = true, .frame = SL_H2_PING, .delay_ns = 50 * SL_MS};
    char text[1024];
    (void)state;
    script(&talk);
    begin(&fixture);
    har_framing_add(fixture.framing, 1, &fault, fixture.now_ns);
    feed(&fixture, &talk, 11);
    assert_string_equal(
        names(&fixture, SL_DIR_RESPONSE, text),
        "SETTINGS0 SETTINGS0 WINDOW_UPDATE0 HEADERS1 DATA1 HEADERS1 HEADERS3 DATA3 DATA3 "
        "DATA3 GOAWAY0");
    assert_true(har_framing_waiting(fixture.framing, SL_DIR_RESPONSE) > 0);
    assert_int_equal(har_framing_turn(fixture.framing, fixture.now_ns),
                     fixture.now_ns + 50 * SL_MS);
    assert_int_equal(har_framing_turn(fixture.framing, fixture.now_ns + 50 * SL_MS), UINT64_MAX);
    assert_string_equal(
        names(&fixture, SL_DIR_RESPONSE, text),
        "SETTINGS0 SETTINGS0 WINDOW_UPDATE0 HEADERS1 DATA1 HEADERS1 HEADERS3 DATA3 DATA3 "
        "DATA3 GOAWAY0 PING0 PING0 PING0");
    end(&fixture);
    test_talk_release(&talk);
}

static void what_waits_is_not_lost_at_the_end(void **state)
{
    struct test_talk talk;
    struct fixture fixture;
    struct har_fault fault = {.is_h2 = true, .frame = SL_H2_PING, .delay_ns = 50 * SL_MS};
    char text[1024];
    (void)state;
    script(&talk);
    begin(&fixture);
    har_framing_add(fixture.framing, 1, &fault, fixture.now_ns);
    feed(&fixture, &talk, 100);
    har_framing_feed(fixture.framing, SL_DIR_RESPONSE, sl_span("\0\0", 2), fixture.now_ns);
    finish(&fixture);
    assert_int_equal(fixture.delayed_ns, 50 * SL_MS);
    assert_int_equal(fixture.out[SL_DIR_RESPONSE].data[fixture.out[SL_DIR_RESPONSE].len - 1], 0);
    sl_buf_truncate(&fixture.out[SL_DIR_RESPONSE], fixture.out[SL_DIR_RESPONSE].len - 2);
    assert_string_equal(
        names(&fixture, SL_DIR_RESPONSE, text),
        "SETTINGS0 SETTINGS0 WINDOW_UPDATE0 HEADERS1 DATA1 HEADERS1 HEADERS3 DATA3 DATA3 "
        "DATA3 GOAWAY0 PING0 PING0 PING0");
    end(&fixture);
    test_talk_release(&talk);
}

static void data_waits_in_the_line(void **state)
{
    struct test_talk talk;
    struct fixture fixture;
    struct har_fault fault = {
        .is_h2 = true, .frame = SL_H2_DATA, .delay_ns = 30 * SL_MS, .dir = HAR_DIR_TO_CLIENT};
    char text[1024];
    (void)state;
    script(&talk);
    begin(&fixture);
    har_framing_add(fixture.framing, 1, &fault, fixture.now_ns);
    feed(&fixture, &talk, 100);
    assert_int_equal(fixture.delayed_ns, 30 * SL_MS);
    assert_string_equal(names(&fixture, SL_DIR_RESPONSE, text), RESPONSE_ALL);
    end(&fixture);
    test_talk_release(&talk);
}

static void rewritten_frames_keep_what_is_not_changed(void **state)
{
    static const uint8_t settings[] = {0, 0, 12,  4,   0, 0, 0, 0, 0,  0, 4,
                                       0, 0, 255, 255, 0, 5, 0, 0, 64, 0};
    static const uint8_t changed[] = {0, 0, 18, 4, 0, 0,  0, 0, 0, 0, 4, 0, 0, 0,
                                      1, 0, 5,  0, 0, 64, 0, 0, 3, 0, 0, 0, 9};
    static const uint8_t goaway[] = {0, 0, 10, 7, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 2, 'h', 'i'};
    static const uint8_t lower[] = {0, 0, 10, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 'h', 'i'};
    static const uint8_t cut[] = {0, 0, 4, 7, 0, 0, 0, 0, 0, 0, 0, 0, 5};
    struct har_fault fault = {.settings = {{SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, 1},
                                           {SL_H2_SETTINGS_MAX_CONCURRENT_STREAMS, 9}},
                              .setting_count = 2,
                              .has_last_id = true,
                              .last_id = 1};
    struct sl_buf out;
    (void)state;
    sl_buf_init(&out, 1000);
    har_h2_rewrite(&fault, sl_span(settings, sizeof(settings)), &out);
    assert_true(sl_span_equal(sl_buf_span(&out), sl_span(changed, sizeof(changed))));
    sl_buf_clear(&out);
    har_h2_rewrite(&fault, sl_span(goaway, sizeof(goaway)), &out);
    assert_true(sl_span_equal(sl_buf_span(&out), sl_span(lower, sizeof(lower))));
    sl_buf_clear(&out);
    har_h2_rewrite(&fault, sl_span(cut, sizeof(cut)), &out);
    assert_true(sl_span_equal(sl_buf_span(&out), sl_span(cut, sizeof(cut))));
    sl_buf_release(&out);
}

static void what_is_not_http2_passes_unread(void **state)
{
    static const char *const greetings[] = {"\x16\x03\x01\x02", "GET / HTTP/1.1\r\n",
                                            "PRI * HTTP/1.1\r\n", "SSH-2.0-x\r\n"};
    struct har_fault fault = {.is_h2 = true, .frame = SL_H2_PING, .what = HAR_DO_DROP};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        for (int dir = 0; dir < 2; dir++) {
            struct fixture fixture;
            struct sl_span text = sl_span_str(greetings[i]);
            begin(&fixture);
            har_framing_add(fixture.framing, 1, &fault, fixture.now_ns);
            for (size_t k = 0; k < text.len; k++) {
                har_framing_feed(fixture.framing, (enum sl_dir)dir,
                                 sl_span_first(sl_span_from(text, k), 1), fixture.now_ns);
            }
            finish(&fixture);
            assert_true(sl_span_equal(sl_buf_span(&fixture.out[dir]), text));
            end(&fixture);
        }
    }
}

static void a_fault_cleared_in_the_middle_of_a_frame_lets_it_pass_or_not_as_a_whole(void **state)
{
    static const uint8_t ping[] = {0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};
    struct har_fault fault = {.is_h2 = true, .frame = SL_H2_PING};
    (void)state;
    for (int what = HAR_DO_DELAY; what <= HAR_DO_REWRITE; what++) {
        struct test_talk talk;
        struct fixture fixture;
        if (what == HAR_DO_INJECT) {
            continue;
        }
        test_talk_init(&talk, false);
        begin(&fixture);
        feed(&fixture, &talk, 100);
        size_t before = fixture.out[SL_DIR_RESPONSE].len;
        fault.what = (enum har_fault_do)what;
        har_framing_add(fixture.framing, 1, &fault, fixture.now_ns);
        har_framing_feed(fixture.framing, SL_DIR_RESPONSE, sl_span(ping, 12), fixture.now_ns);
        har_framing_remove(fixture.framing, 1);
        har_framing_feed(fixture.framing, SL_DIR_RESPONSE, sl_span(ping + 12, 5), fixture.now_ns);
        har_framing_feed(fixture.framing, SL_DIR_RESPONSE, sl_span(ping, 17), fixture.now_ns);
        assert_int_equal(fixture.out[SL_DIR_RESPONSE].len - before, what == HAR_DO_DROP ? 17 : 34);
        end(&fixture);
        test_talk_release(&talk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_passes_as_it_came_in_pieces_of_any_size),
        cmocka_unit_test(a_fault_changes_its_frames_and_no_others),
        cmocka_unit_test(a_delayed_frame_is_overtaken_and_comes_at_its_time),
        cmocka_unit_test(what_waits_is_not_lost_at_the_end),
        cmocka_unit_test(data_waits_in_the_line),
        cmocka_unit_test(rewritten_frames_keep_what_is_not_changed),
        cmocka_unit_test(what_is_not_http2_passes_unread),
        cmocka_unit_test(a_fault_cleared_in_the_middle_of_a_frame_lets_it_pass_or_not_as_a_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
