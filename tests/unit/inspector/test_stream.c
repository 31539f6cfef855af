/* SPDX-License-Identifier: Apache-2.0 */
/* The chain of layers of a connection: what lies between TCP and HTTP/2, in every cut. */
#include <jansson.h>

#include "inspector/pipeline.h"
#include "inspector/stream/proxy.h"
#include "inspector/view/views.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/talk.h"
#include "tests/support/talk_packets.h"

#define V1 "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n"
/* TCP over IPv6, an authority and a unique id */
#define V2                                                                                         \
    "\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x3b\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x20\1\x0d\xb8\0\0\0" \
    "\0\0"                                                                                         \
    "\0\0\0\0\0\0\2\xdc\4\1\xbb\2\0\013example.org\5\0\6unique"
#define V2_LOCAL "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"

struct world {
    struct ins_stats stats;
    struct ins_lines lines;
    json_t *record; /* the first */
};

static void run(struct world *world, const struct test_talk *talk)
{
    static const struct ins_select all = {0};
    struct test_packets packets;
    *world = (struct world){0};
    ins_lines_init(&world->lines, -1);
    const struct ins_view_config config = {
        .lines = &world->lines, .stats = &world->stats, .call_messages = 10};
    struct ins_view *view = ins_view_calls_new(&config);
    struct ins_pipeline *pipeline = ins_pipeline_new(NULL, &all, &world->stats, view);
    test_pack(&packets, talk, INS_LINK_RAW, false);
    for (size_t i = 0; i < packets.count; i++) {
        const struct ins_packet packet = {.bytes =
                                              sl_span(packets.items[i].bytes, packets.items[i].len),
                                          .original_len = (uint32_t)packets.items[i].len,
                                          .link_type = INS_LINK_RAW,
                                          .number = i + 1};
        ins_pipeline_feed(pipeline, &packet);
    }
    ins_pipeline_finish(pipeline);
    ins_pipeline_free(pipeline);
    ins_view_free(view);
    json_error_t error;
    struct sl_span text = sl_buf_span(&world->lines.buf);
    if (text.len > 0) {
        world->record =
            json_loadb((const char *)text.data, text.len, JSON_DISABLE_EOF_CHECK, &error);
        assert_non_null(world->record);
    }
}

static void release(struct world *world)
{
    json_decref(world->record);
    ins_stats_release(&world->stats);
    ins_lines_release(&world->lines);
}

/* A unary call on a new connection, both prefaces before it. */
static void add_call(struct test_talk *talk)
{
    test_talk_raw(talk, SL_DIR_REQUEST, SL_H2_PREFACE, SL_H2_PREFACE_SIZE);
    const struct sl_h2_frame_header settings = {.type = SL_H2_SETTINGS};
    test_talk_frame(talk, SL_DIR_REQUEST, &settings, "");
    test_talk_frame(talk, SL_DIR_RESPONSE, &settings, "");
    test_talk_request(talk, 1, "hi");
    test_talk_headers(talk, SL_DIR_RESPONSE, 1, SL_H2_FLAG_END_HEADERS, TEST_RESPONSE_FIELDS);
    test_talk_message(talk, SL_DIR_RESPONSE, 1, 0, "you");
    test_talk_headers(talk, SL_DIR_RESPONSE, 1, SL_H2_FLAG_END_HEADERS | SL_H2_FLAG_END_STREAM,
                      "grpc-status: 0\n");
}

static void expect_call(const struct world *world, const char *via)
{
    assert_int_equal(world->stats.calls, 1);
    assert_int_equal(world->stats.statuses.by_code[0], 1);
    assert_int_equal(world->stats.connections_midway, 0);
    assert_int_equal(world->stats.connections_ignored, 0);
    assert_false(ins_stats_has_loss(&world->stats));
    char *text = json_dumps(json_object_get(world->record, "via"), JSON_COMPACT | JSON_ENCODE_ANY);
    if (via == NULL) {
        assert_null(text);
    } else {
        assert_string_equal(text, via);
    }
    free(text);
    /* the ends of TCP stay */
    assert_string_equal(json_string_value(json_object_get(world->record, "client")),
                        "10.0.0.1:40000");
}

static void a_proxy_header_is_taken_off_and_told(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t len;
        const char *via;
    } cases[] = {
        {V1, sizeof(V1) - 1,
         "[{\"type\":\"proxy\",\"version\":1,\"client\":\"192.0.2.1:56324\","
         "\"server\":\"198.51.100.7:443\"}]"},
        {"PROXY TCP6 2001:db8::1 ::ffff:1.2.3.4 1 65535\r\n", 47,
         "[{\"type\":\"proxy\",\"version\":1,\"client\":\"[2001:db8::1]:1\","
         "\"server\":\"[::ffff:1.2.3.4]:65535\"}]"},
        {"PROXY UNKNOWN\r\n", 15,
         "[{\"type\":\"proxy\",\"version\":1,\"client\":null,\"server\":null}]"},
        {"PROXY UNKNOWN what ever 9\r\n", 27,
         "[{\"type\":\"proxy\",\"version\":1,\"client\":null,\"server\":null}]"},
        {V2, sizeof(V2) - 1,
         "[{\"type\":\"proxy\",\"version\":2,\"client\":\"[2001:db8::1]:56324\","
         "\"server\":\"[2001:db8::2]:443\",\"authority\":\"example.org\"}]"},
        {V2_LOCAL, sizeof(V2_LOCAL) - 1,
         "[{\"type\":\"proxy\",\"version\":2,\"client\":null,\"server\":null}]"},
        {V1 V1, 2 * sizeof(V1) - 2,
         "[{\"type\":\"proxy\",\"version\":1,\"client\":\"192.0.2.1:56324\","
         "\"server\":\"198.51.100.7:443\"},{\"type\":\"proxy\",\"version\":1,"
         "\"client\":\"192.0.2.1:56324\",\"server\":\"198.51.100.7:443\"}]"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t cut = 0; cut < cases[i].len; cut++) {
            struct test_talk talk;
            struct world world;
            test_talk_init(&talk, true);
            if (cut > 0) {
                test_talk_raw(&talk, SL_DIR_REQUEST, cases[i].header, cut);
            }
            test_talk_raw(&talk, SL_DIR_REQUEST, cases[i].header + cut, cases[i].len - cut);
            add_call(&talk);
            run(&world, &talk);
            expect_call(&world, cases[i].via);
            release(&world);
            test_talk_release(&talk);
        }
    }
}

static void a_header_and_what_follows_may_share_a_segment(void **state)
{
    (void)state;
    struct test_talk talk;
    struct world world;
    test_talk_init(&talk, true);
    test_talk_raw(&talk, SL_DIR_REQUEST, V1 "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
                  sizeof(V1) - 1 + SL_H2_PREFACE_SIZE + SL_H2_FRAME_HEADER_SIZE);
    test_talk_request(&talk, 1, "hi");
    test_talk_headers(&talk, SL_DIR_RESPONSE, 1, SL_H2_FLAG_END_HEADERS | SL_H2_FLAG_END_STREAM,
                      TEST_RESPONSE_FIELDS "grpc-status: 0\n");
    run(&world, &talk);
    assert_int_equal(world.stats.calls, 1);
    assert_int_equal(json_array_size(json_object_get(world.record, "via")), 1);
    release(&world);
    test_talk_release(&talk);
}

static void long_headers_are_passed_over(void **state)
{
    (void)state;
    static uint8_t header[16 + 12 + 3 + 6000] = V2_LOCAL;
    memcpy(header + 12, "\x21\x11\x17\x7f\xc0\0\2\1\xc0\0\2\2\1\2\3\4\4\x17\x70", 19);
    struct test_talk talk;
    struct world world;
    test_talk_init(&talk, true);
    for (size_t at = 0; at < sizeof(header); at += 1000) {
        size_t len = sizeof(header) - at < 1000 ? sizeof(header) - at : 1000;
        test_talk_raw(&talk, SL_DIR_REQUEST, header + at, len);
    }
    add_call(&talk);
    run(&world, &talk);
    expect_call(&world, "[{\"type\":\"proxy\",\"version\":2,\"client\":\"192.0.2.1:258\","
                        "\"server\":\"192.0.2.2:772\"}]");
    release(&world);
    test_talk_release(&talk);
}

static void what_only_looks_like_a_header_is_another_protocol(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "PROXY TCP4 192.0.2.1 198.51.100.7 56324\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443 1\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 56324 70000\r\n",
        "PROXY TCP4 192.0.2.1  198.51.100.7 56324 443\r\n",
        "PROXY TCP4 2001:db8::1 198.51.100.7 56324 443\r\n",
        "PROXY TCP5 192.0.2.1 198.51.100.7 56324 443\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\n",
        "PROXY \n",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        size_t size = 0;
        struct ins_via via;
        assert_int_equal(ins_proxy_read(sl_span_str(lines[i]), &size, &via), INS_PROXY_NONE);
        struct test_talk talk;
        struct world world;
        test_talk_init(&talk, true);
        test_talk_raw(&talk, SL_DIR_REQUEST, lines[i], strlen(lines[i]));
        add_call(&talk);
        run(&world, &talk);
        assert_int_equal(world.stats.calls, 0);
        assert_int_equal(world.stats.connections_ignored, 1);
        release(&world);
        test_talk_release(&talk);
    }
}

static void nesting_has_an_end(void **state)
{
    (void)state;
    struct test_talk talk;
    struct world world;
    test_talk_init(&talk, true);
    for (int i = 0; i < INS_STREAM_NESTING + 1; i++) {
        test_talk_raw(&talk, SL_DIR_REQUEST, V1, sizeof(V1) - 1);
    }
    add_call(&talk);
    run(&world, &talk);
    assert_int_equal(world.stats.calls, 0);
    assert_int_equal(world.stats.connections_ignored, 1);
    assert_int_equal(world.stats.connections_too_deep, 1);
    release(&world);
    test_talk_release(&talk);
}

#define CONNECT "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n"
#define TUNNEL  "HTTP/1.1 200 Connection established\r\n\r\n"

/* text in two pieces; at 0 in one. */
static void add_text(struct test_talk *talk, enum sl_dir dir, const char *text, size_t cut)
{
    if (cut > 0) {
        test_talk_raw(talk, dir, text, cut);
    }
    test_talk_raw(talk, dir, text + cut, strlen(text) - cut);
}

static void a_connect_tunnel_is_looked_into(void **state)
{
    (void)state;
    for (size_t cut = 0; cut < sizeof(CONNECT TUNNEL) - 1; cut++) {
        struct test_talk talk;
        struct world world;
        bool is_request = cut < sizeof(CONNECT) - 1;
        test_talk_init(&talk, true);
        add_text(&talk, SL_DIR_REQUEST, CONNECT, is_request ? cut : 0);
        add_text(&talk, SL_DIR_RESPONSE, TUNNEL, is_request ? 0 : cut - (sizeof(CONNECT) - 1));
        add_call(&talk);
        run(&world, &talk);
        expect_call(&world, "[{\"type\":\"connect\",\"target\":\"example.org:443\"}]");
        assert_int_equal(world.stats.other_http, 1);
        release(&world);
        test_talk_release(&talk);
    }
}

static void a_tunnel_may_be_refused_first_and_lie_behind_a_proxy_header(void **state)
{
    (void)state;
    struct test_talk talk;
    struct world world;
    test_talk_init(&talk, true);
    add_text(&talk, SL_DIR_REQUEST, V1 CONNECT, 0);
    add_text(&talk, SL_DIR_RESPONSE, "HTTP/1.1 407 Who are you\r\nContent-Length: 4\r\n\r\nhow?",
             0);
    add_text(&talk, SL_DIR_REQUEST, "CONNECT [2001:db8::1]:50051 HTTP/1.1\r\n\r\n", 0);
    add_text(&talk, SL_DIR_RESPONSE, TUNNEL, 0);
    add_call(&talk);
    run(&world, &talk);
    expect_call(&world, "[{\"type\":\"proxy\",\"version\":1,\"client\":\"192.0.2.1:56324\","
                        "\"server\":\"198.51.100.7:443\"},"
                        "{\"type\":\"connect\",\"target\":\"[2001:db8::1]:50051\"}]");
    release(&world);
    test_talk_release(&talk);
}

static void a_tunnel_may_begin_in_the_segment_of_its_response(void **state)
{
    (void)state;
    struct test_talk talk;
    struct world world;
    test_talk_init(&talk, true);
    add_text(&talk, SL_DIR_REQUEST, CONNECT, 0);
    test_talk_raw(&talk, SL_DIR_RESPONSE, TUNNEL "\0\0\0\4\0\0\0\0\0", sizeof(TUNNEL) - 1 + 9);
    test_talk_raw(&talk, SL_DIR_REQUEST, SL_H2_PREFACE "\0\0\0\4\0\0\0\0\0",
                  SL_H2_PREFACE_SIZE + 9);
    test_talk_request(&talk, 1, "hi");
    test_talk_headers(&talk, SL_DIR_RESPONSE, 1, SL_H2_FLAG_END_HEADERS | SL_H2_FLAG_END_STREAM,
                      TEST_RESPONSE_FIELDS "grpc-status: 0\n");
    run(&world, &talk);
    expect_call(&world, "[{\"type\":\"connect\",\"target\":\"example.org:443\"}]");
    release(&world);
    test_talk_release(&talk);
}

static void a_tunnel_of_something_else_is_counted_once(void **state)
{
    (void)state;
    struct test_talk talk;
    struct world world;
    test_talk_init(&talk, true);
    add_text(&talk, SL_DIR_REQUEST, CONNECT, 0);
    add_text(&talk, SL_DIR_RESPONSE, TUNNEL, 0);
    add_text(&talk, SL_DIR_RESPONSE, "SSH-2.0-OpenSSH_9.2\r\n", 0);
    run(&world, &talk);
    assert_int_equal(world.stats.connections, 0);
    assert_int_equal(world.stats.connections_ignored, 1);
    release(&world);
    test_talk_release(&talk);
}

/* A gRPC request of one message that asks for HTTP/2. */
#define UPGRADE UPGRADE_WITH("AAMAAABkAAQAAP__")
#define UPGRADE_WITH(settings)                                                                     \
    "POST /pkg.Svc/Method HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: " \
    "websocket, H2C\r\nHTTP2-Settings: " settings "\r\nTE: trailers\r\nContent-Type: "             \
    "application/grpc\r\nContent-Length: 8\r\n\r\n"
#define UPGRADE_BODY "\0\0\0\0\3abc"
#define SWITCHED     "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"

static void add_answer(struct test_talk *talk, uint32_t stream)
{
    test_talk_headers(talk, SL_DIR_RESPONSE, stream, SL_H2_FLAG_END_HEADERS, TEST_RESPONSE_FIELDS);
    test_talk_message(talk, SL_DIR_RESPONSE, stream, 0, "you");
    test_talk_headers(talk, SL_DIR_RESPONSE, stream, SL_H2_FLAG_END_HEADERS | SL_H2_FLAG_END_STREAM,
                      "grpc-status: 0\n");
}

static void an_upgraded_request_is_the_first_call(void **state)
{
    (void)state;
    const struct sl_h2_frame_header settings = {.type = SL_H2_SETTINGS};
    static const char request[] = UPGRADE UPGRADE_BODY;
    for (size_t cut = 1; cut < sizeof(request) - 1; cut++) {
        struct test_talk talk;
        struct world world;
        test_talk_init(&talk, true);
        test_talk_raw(&talk, SL_DIR_REQUEST, request, cut);
        test_talk_raw(&talk, SL_DIR_REQUEST, request + cut, sizeof(request) - 1 - cut);
        add_text(&talk, SL_DIR_RESPONSE, SWITCHED, cut % (sizeof(SWITCHED) - 1));
        /* The server need not wait for the client's preface. */
        test_talk_frame(&talk, SL_DIR_RESPONSE, &settings, "");
        if (cut % 2 == 0) {
            add_answer(&talk, 1);
        }
        test_talk_raw(&talk, SL_DIR_REQUEST, SL_H2_PREFACE, SL_H2_PREFACE_SIZE);
        test_talk_frame(&talk, SL_DIR_REQUEST, &settings, "");
        test_talk_settings_ack(&talk, SL_DIR_RESPONSE);
        if (cut % 2 == 1) {
            add_answer(&talk, 1);
        }
        test_talk_request(&talk, 3, "hi");
        add_answer(&talk, 3);
        run(&world, &talk);
        assert_int_equal(world.stats.calls, 2);
        assert_int_equal(world.stats.connections, 1);
        assert_int_equal(world.stats.connections_midway, 0);
        assert_int_equal(world.stats.connections_ignored, 0);
        assert_int_equal(world.stats.other_http, 0);
        assert_int_equal(world.stats.messages[SL_DIR_REQUEST], 2);
        assert_int_equal(world.stats.messages[SL_DIR_RESPONSE], 2);
        assert_int_equal(world.stats.statuses.by_code[0], 2);
        assert_int_equal(world.stats.must_findings, 0);
        assert_false(ins_stats_has_loss(&world.stats));
        assert_int_equal(json_integer_value(json_object_get(world.record, "stream")), 1);
        assert_string_equal(json_string_value(json_object_get(world.record, "method")),
                            "/pkg.Svc/Method");
        assert_true(json_is_true(json_object_get(world.record, "complete")));
        release(&world);
        test_talk_release(&talk);
    }
}

/* The server may use the windows of the header before it has any frame, and no more than those. */
static void the_settings_of_an_upgraded_request_count(void **state)
{
    (void)state;
    static const struct {
        const char *name, *request;
        bool is_overrun; /* by a message of 8 bytes with its prefix */
    } cases[] = {
        {"a window of 8 bytes", UPGRADE_WITH("AAQAAAAI"), false},
        {"a window of 7 bytes", UPGRADE_WITH("AAQAAAAH"), true},
        {"of two settings", UPGRADE_WITH("AAMAAABkAAQAAAAH"), true},
        {"the rest of the last group", UPGRADE_WITH("AAQAAAAHAA"), true},
        {"no base64", UPGRADE_WITH("AAQAAAAH*"), false},
        {"none", UPGRADE_WITH(""), false},
    };
    const struct sl_h2_frame_header settings = {.type = SL_H2_SETTINGS};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_talk talk;
        struct world world;
        test_talk_init(&talk, true);
        add_text(&talk, SL_DIR_REQUEST, cases[i].request, 0);
        test_talk_raw(&talk, SL_DIR_REQUEST, UPGRADE_BODY, sizeof(UPGRADE_BODY) - 1);
        add_text(&talk, SL_DIR_RESPONSE, SWITCHED, 0);
        test_talk_frame(&talk, SL_DIR_RESPONSE, &settings, "");
        add_answer(&talk, 1);
        test_talk_raw(&talk, SL_DIR_REQUEST, SL_H2_PREFACE, SL_H2_PREFACE_SIZE);
        test_talk_frame(&talk, SL_DIR_REQUEST, &settings, "");
        run(&world, &talk);
        if ((world.stats.must_findings > 0) != cases[i].is_overrun) {
            fail_msg("%s", cases[i].name);
        }
        assert_int_equal(world.stats.calls, 1);
        release(&world);
        test_talk_release(&talk);
    }
}

static void a_request_whose_upgrade_is_ignored_stays_what_it_is(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        NULL, /* none comes */
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        struct test_talk talk;
        struct world world;
        test_talk_init(&talk, true);
        test_talk_raw(&talk, SL_DIR_REQUEST, UPGRADE UPGRADE_BODY,
                      sizeof(UPGRADE UPGRADE_BODY) - 1);
        if (answers[i] != NULL) {
            add_text(&talk, SL_DIR_RESPONSE, answers[i], 0);
        }
        add_text(&talk, SL_DIR_REQUEST, "GET / HTTP/1.1\r\n\r\n", 0);
        run(&world, &talk);
        assert_int_equal(world.stats.other_http + world.stats.calls, 2);
        assert_int_equal(world.stats.connections + world.stats.connections_ignored, 1);
        assert_int_equal(world.stats.messages[SL_DIR_REQUEST], world.stats.calls);
        release(&world);
        test_talk_release(&talk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proxy_header_is_taken_off_and_told),
        cmocka_unit_test(a_header_and_what_follows_may_share_a_segment),
        cmocka_unit_test(long_headers_are_passed_over),
        cmocka_unit_test(what_only_looks_like_a_header_is_another_protocol),
        cmocka_unit_test(nesting_has_an_end),
        cmocka_unit_test(a_connect_tunnel_is_looked_into),
        cmocka_unit_test(a_tunnel_may_be_refused_first_and_lie_behind_a_proxy_header),
        cmocka_unit_test(a_tunnel_may_begin_in_the_segment_of_its_response),
        cmocka_unit_test(a_tunnel_of_something_else_is_counted_once),
        cmocka_unit_test(an_upgraded_request_is_the_first_call),
        cmocka_unit_test(the_settings_of_an_upgraded_request_count),
        cmocka_unit_test(a_request_whose_upgrade_is_ignored_stays_what_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
