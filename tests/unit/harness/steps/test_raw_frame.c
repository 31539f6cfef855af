/* SPDX-License-Identifier: Apache-2.0 */
/* Frames as a scenario writes them: the JSON is read by the table of their keys, the bytes are compared. */
#include "harness/raw/raw_frame.h"

#include <stdio.h>

#include "harness/transport/conn.h"
#include "lib/base/alloc.h"
#include "lib/base/hex.h"
#include "lib/wire/hpack.h"
#include "tests/support/cmocka_all.h"

enum {
    OUT_MAX = 64 * 1024 * 1024,
    NEXT = 7, /* the next number of the connection */
    LAST = 5, /* the actor's last stream */
};

/* An actor on a connection that does nothing but hand out numbers of streams; one frame of it. */
struct stage {
    struct har_scenario scenario;
    struct har_actor_spec spec;
    struct har_play play;
    struct har_conn conn;
    struct har_link link;
    struct har_actor actor;
    uint32_t next;
    json_t *json;
    struct har_arena arena;
    struct har_raw_frame frame;
    struct sl_buf out;
};

static struct stage *stage; /* of the frame that is tried */

static uint32_t *next_id(struct har_conn *conn)
{
    (void)conn;
    return &stage->next;
}
static const struct har_conn_ops ops = {.next_id = next_id};

static const char *rules[] = {"RES-02"};

static void leave(void)
{
    sl_buf_release(&stage->out);
    har_arena_release(&stage->arena);
    json_decref(stage->json);
    sl_free(stage->conn.authority);
    sl_free(stage);
}

/* What is wrong with the frame; NULL: it can be written. */
static const char *enter(const char *text)
{
    json_error_t error;
    stage = sl_alloc(sizeof(*stage));
    stage->spec = (struct har_actor_spec){.name = "raw", .kind = HAR_RAW};
    stage->scenario.rules = (struct har_strings){rules, 1};
    stage->play.scenario = &stage->scenario;
    stage->play.is_judging = true; /* a mistake is noted and wakes no loop: there is none */
    stage->conn = (struct har_conn){.ops = &ops, .authority = sl_strdup("a:1")};
    stage->link.conn = &stage->conn;
    stage->actor = (struct har_actor){
        .play = &stage->play, .spec = &stage->spec, .link = &stage->link, .raw_stream = LAST};
    stage->next = NEXT;
    sl_buf_init(&stage->out, OUT_MAX);
    stage->json = json_loads(text, 0, &error);
    if (stage->json == NULL) {
        fail_msg("%s: %s", text, error.text);
    }
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    struct har_reading reading = {sl_span_str(text), &stage->arena, problems};
    har_fields_read(&reading, stage->json, "$", har_raw_frame_fields, HAR_RAW_FRAME_FIELDS,
                    &stage->frame);
    if (problems->count > 0) {
        fail_msg("%s: %s", text, problems->items[0].text);
    }
    sl_free(problems);
    return har_raw_frame_problem(&stage->frame);
}

static enum sl_status write_frame(struct sl_span body)
{
    return har_raw_frame_write(&stage->actor, &stage->frame, body, &stage->out);
}

struct frame_case {
    const char *json;
    const char *bytes; /* hex; blanks between the parts */
};

static void check_cases(const struct frame_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *problem = enter(cases[i].json);
        char wanted[512] = "";
        size_t len = 0;
        for (const char *c = cases[i].bytes; *c != '\0' && len < sizeof(wanted) - 1; c++) {
            wanted[len] = *c;
            len += *c != ' ';
        }
        wanted[len] = '\0';
        struct sl_buf hex;
        sl_buf_init(&hex, 4096);
        enum sl_status status = problem == NULL ? write_frame(sl_span_str("0123456789")) : SL_USAGE;
        (void)sl_hex_encode(sl_buf_span(&stage->out), &hex);
        if (status != SL_OK || strcmp(sl_buf_str(&hex), wanted) != 0) {
            fail_msg("%s: %s %s\n%s", cases[i].json, problem == NULL ? "" : problem,
                     sl_status_text(status), sl_buf_str(&hex));
        }
        sl_buf_release(&hex);
        leave();
    }
}
#define CHECK(cases) check_cases((cases), sizeof(cases) / sizeof((cases)[0]))

static void each_type_has_its_fields(void **state)
{
    (void)state;
    static const struct frame_case cases[] = {
        {"{\"type\":\"DATA\"}", "000000 00 00 00000005"},
        {"{\"type\":\"DATA\",\"text\":\"abc\"}", "000003 00 00 00000005 616263"},
        {"{\"type\":\"HEADERS\"}", "000000 01 04 00000007"},
        {"{\"type\":\"HEADERS\",\"headers\":[[\"a\",\"b\"]]}", "000005 01 04 00000007 0001610162"},
        {"{\"type\":\"PRIORITY\",\"depends_on\":3,\"weight\":255}",
         "000005 02 00 00000005 00000003 ff"},
        {"{\"type\":\"PRIORITY\",\"depends_on\":3}", "000005 02 00 00000005 00000003 0f"},
        {"{\"type\":\"RST_STREAM\",\"code\":\"CANCEL\"}", "000004 03 00 00000005 00000008"},
        {"{\"type\":\"RST_STREAM\",\"code\":4294967295}", "000004 03 00 00000005 ffffffff"},
        {"{\"type\":\"SETTINGS\"}", "000000 04 00 00000000"},
        {"{\"type\":\"SETTINGS\",\"settings\":{\"INITIAL_WINDOW_SIZE\":1}}",
         "000006 04 00 00000000 0004 00000001"},
        {"{\"type\":\"SETTINGS\",\"settings\":[[65535,4294967295],[0,0],[0,0]]}",
         "000012 04 00 00000000 ffff ffffffff 0000 00000000 0000 00000000"},
        {"{\"type\":\"PUSH_PROMISE\",\"hex\":\"00000002\"}", "000004 05 00 00000005 00000002"},
        {"{\"type\":\"PING\",\"opaque\":258}", "000008 06 00 00000000 0000000000000102"},
        {"{\"type\":\"GOAWAY\",\"code\":\"NO_ERROR\"}", "000008 07 00 00000000 00000000 00000000"},
        {"{\"type\":\"GOAWAY\",\"last_id\":9,\"text\":\"x\"}",
         "000009 07 00 00000000 00000009 00000000 78"},
        {"{\"type\":\"WINDOW_UPDATE\",\"increment\":0}", "000004 08 00 00000005 00000000"},
        {"{\"type\":\"WINDOW_UPDATE\",\"increment\":2147483648,\"stream\":0}",
         "000004 08 00 00000000 80000000"},
        {"{\"type\":\"CONTINUATION\",\"headers\":[[\"a\",\"b\"]]}",
         "000005 09 00 00000005 0001610162"},
        {"{\"type\":255,\"hex\":\"00fF\"}", "000002 ff 00 00000005 00ff"},
    };
    CHECK(cases);
}

static void flags_are_as_said_or_usual(void **state)
{
    (void)state;
    static const struct frame_case cases[] = {
        {"{\"type\":\"HEADERS\",\"flags\":[]}", "000000 01 00 00000007"},
        {"{\"type\":\"HEADERS\",\"flags\":[\"END_STREAM\",\"END_HEADERS\"]}",
         "000000 01 05 00000007"},
        {"{\"type\":\"DATA\",\"flags\":[\"PADDED\",\"PRIORITY\"]}", "000000 00 28 00000005"},
        {"{\"type\":\"PING\",\"flags\":[\"ACK\"]}", "000000 06 01 00000000"},
        {"{\"type\":\"PING\",\"flags\":255}", "000000 06 ff 00000000"},
    };
    CHECK(cases);
}

static void streams_are_numbered_as_said(void **state)
{
    (void)state;
    static const struct frame_case cases[] = {
        {"{\"type\":\"HEADERS\",\"stream\":\"same\"}", "000000 01 04 00000005"},
        {"{\"type\":\"DATA\",\"stream\":\"next\"}", "000000 00 00 00000007"},
        {"{\"type\":\"SETTINGS\",\"stream\":\"same\"}", "000000 04 00 00000005"},
        {"{\"type\":\"PING\",\"stream\":2147483647}", "000000 06 00 7fffffff"},
        {"{\"type\":\"DATA\",\"stream\":0}", "000000 00 00 00000000"},
    };
    CHECK(cases);
}

static void lengths_padding_parts_and_slices_may_be_wrong(void **state)
{
    (void)state;
    static const struct frame_case cases[] = {
        {"{\"type\":\"DATA\",\"text\":\"ab\",\"pad\":2}", "000005 00 08 00000005 02 6162 0000"},
        {"{\"type\":\"DATA\",\"pad\":0}", "000001 00 08 00000005 00"},
        {"{\"type\":\"DATA\",\"text\":\"ab\",\"length\":0}", "000000 00 00 00000005 6162"},
        {"{\"type\":\"DATA\",\"length\":16777215}", "ffffff 00 00 00000005"},
        {"{\"type\":\"DATA\",\"reserved\":true}", "000000 00 00 80000005"},
        {"{\"type\":\"PING\",\"reserved\":true}", "000000 06 00 80000000"},
        {"{\"type\":\"bytes\",\"hex\":\"0102\",\"repeat\":2}", "01020102"},
        {"{\"type\":\"bytes\",\"text\":\"GET /\"}", "474554202f"},
        {"{\"type\":\"bytes\"}", ""},
        {"{\"type\":\"PING\",\"text\":\"ab\",\"repeat\":3}", "000006 06 00 00000000 616261626162"},
        {"{\"type\":\"PING\",\"text\":\"ab\",\"repeat\":0}", "000000 06 00 00000000"},
        {"{\"type\":\"PING\",\"text\":\"b\",\"hex\":\"61\"}", "000002 06 00 00000000 6162"},
        {"{\"type\":\"DATA\",\"part\":[2,4]}", "000002 00 00 00000005 3233"},
        {"{\"type\":\"DATA\",\"part\":[8,99]}", "000002 00 00 00000005 3839"},
        {"{\"type\":\"DATA\",\"part\":[4,2]}", "000000 00 00 00000005"},
        {"{\"type\":\"DATA\",\"part\":[99,100]}", "000000 00 00 00000005"},
        {"{\"type\":\"HEADERS\",\"headers\":[[\"a\",\"b\"]],\"part\":[1,3]}",
         "000002 01 04 00000007 0161"},
        {"{\"type\":\"DATA\",\"part\":[0,5],\"slice\":2,\"flags\":[\"END_STREAM\"]}",
         "000002 00 00 00000005 3031 000002 00 00 00000005 3233 000001 00 01 00000005 34"},
        {"{\"type\":\"DATA\",\"slice\":2,\"flags\":[\"END_STREAM\"]}", "000000 00 01 00000005"},
    };
    CHECK(cases);
}

static void a_field_is_a_literal_of_the_representation_asked_for(void **state)
{
    (void)state;
    static const struct frame_case cases[] = {
        {"{\"type\":\"HEADERS\",\"headers\":[[\"a\",\"b\",\"plain\"]]}",
         "000005 01 04 00000007 00 0161 0162"},
        {"{\"type\":\"HEADERS\",\"headers\":[[\"a\",\"b\",\"incremental\"]]}",
         "000005 01 04 00000007 40 0161 0162"},
        {"{\"type\":\"HEADERS\",\"headers\":[[\"A\",\"\",\"never\"]]}",
         "000004 01 04 00000007 10 0141 00"},
        {"{\"type\":\"HEADERS\",\"headers\":[]}", "000000 01 04 00000007"},
        {"{\"type\":\"HEADERS\",\"head\":\"20be\",\"headers\":[[\"a\",\"b\"]],\"hex\":\"82\"}",
         "000008 01 04 00000007 20be 00 0161 0162 82"},
        {"{\"type\":\"HEADERS\",\"head\":\"be\"}", "000001 01 04 00000007 be"},
        {"{\"type\":\"HEADERS\",\"head\":\"44{/a/$method}be\"}",
         "000011 01 04 00000007 44 0e 2f612f53656e644d657373616765 be"},
        {"{\"type\":\"HEADERS\",\"head\":\"{$other-method}{$METHOD}\"}",
         "000018 01 04 00000007 0b 73656e644d657373616765 0b 53454e444d455353414745"},
        {"{\"type\":\"HEADERS\",\"head\":\"49{huffman:/$service/$method}\"}",
         "000019 01 04 00000007 49 97 60938d2bf70af7a71a7716cee62158dc5aa4d054207317"},
    };
    CHECK(cases);
}

static void what_cannot_be_written_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *json, *problem; /* begins so */
    } cases[] = {
        {"{\"type\":\"data\"}", "type "},
        {"{\"type\":256}", "type "},
        {"{\"type\":-1}", "type "},
        {"{\"type\":null}", "type "},
        {"{\"type\":\"DATA\",\"flags\":256}", "flags "},
        {"{\"type\":\"DATA\",\"flags\":-1}", "flags "},
        {"{\"type\":\"DATA\",\"flags\":[\"END\"]}", "flags "},
        {"{\"type\":\"DATA\",\"flags\":[8]}", "flags "},
        {"{\"type\":\"DATA\",\"flags\":\"ACK\"}", "flags "},
        {"{\"type\":\"DATA\",\"stream\":\"last\"}", "stream "},
        {"{\"type\":\"DATA\",\"stream\":2147483648}", "stream "},
        {"{\"type\":\"DATA\",\"stream\":-1}", "stream "},
        {"{\"type\":\"DATA\",\"stream\":[]}", "stream "},
        {"{\"type\":\"GOAWAY\",\"code\":\"OOPS\"}", "code "},
        {"{\"type\":\"GOAWAY\",\"code\":4294967296}", "code "},
        {"{\"type\":\"GOAWAY\",\"code\":-1}", "code "},
        {"{\"type\":\"DATA\",\"hex\":\"0\"}", "hex "},
        {"{\"type\":\"DATA\",\"hex\":\"0g\"}", "hex "},
        {"{\"type\":\"HEADERS\",\"head\":\"0\"}", "head "},
        {"{\"type\":\"HEADERS\",\"head\":\"04{/a\"}", "a '{' in head"},
        {"{\"type\":\"HEADERS\",\"head\":\"04{/$path}\"}", "behind $ in head"},
        {"{\"type\":\"BYTES\"}", "type "},
        {"{\"type\":\"SETTINGS\",\"settings\":{\"WINDOW\":1}}", "settings "},
        {"{\"type\":\"SETTINGS\",\"settings\":{\"MAX_FRAME_SIZE\":-1}}", "settings "},
        {"{\"type\":\"SETTINGS\",\"settings\":{\"MAX_FRAME_SIZE\":4294967296}}", "settings "},
        {"{\"type\":\"SETTINGS\",\"settings\":[[65536,1]]}", "settings "},
        {"{\"type\":\"SETTINGS\",\"settings\":[[1]]}", "settings "},
        {"{\"type\":\"SETTINGS\",\"settings\":[1]}", "settings "},
        {"{\"type\":\"SETTINGS\",\"settings\":3}", "settings "},
        {"{\"type\":\"HEADERS\",\"headers\":{}}", "headers "},
        {"{\"type\":\"HEADERS\",\"headers\":[[\"a\"]]}", "headers "},
        {"{\"type\":\"HEADERS\",\"headers\":[[\"a\",1]]}", "headers "},
        {"{\"type\":\"HEADERS\",\"headers\":[[\"a\",\"b\",\"huffman\"]]}", "headers "},
        {"{\"type\":\"HEADERS\",\"headers\":[[\"a\",\"b\",\"never\",\"x\"]]}", "headers "},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *problem = enter(cases[i].json);
        if (problem == NULL || strncmp(problem, cases[i].problem, strlen(cases[i].problem)) != 0) {
            fail_msg("%s: %s", cases[i].json, problem == NULL ? "no problem" : problem);
        }
        leave();
    }
}

static void numbers_are_taken_one_after_the_other_until_there_are_none(void **state)
{
    (void)state;
    assert_null(enter("{\"type\":\"HEADERS\"}"));
    assert_int_equal(write_frame(sl_span(NULL, 0)), SL_OK);
    assert_int_equal(stage->actor.raw_stream, NEXT);
    assert_int_equal(write_frame(sl_span(NULL, 0)), SL_OK);
    assert_int_equal(stage->actor.raw_stream, NEXT + 2);
    stage->next = SL_H2_MAX_WINDOW;
    assert_int_equal(write_frame(sl_span(NULL, 0)), SL_OK);
    size_t len = stage->out.len;
    assert_int_equal(write_frame(sl_span(NULL, 0)), SL_STATE);
    assert_int_equal(stage->out.len, len);
    leave();
}

static void outcomes_are_told_of_what_headers_and_data_name(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        uint32_t told;
    } cases[] = {
        {"{\"type\":\"HEADERS\"}", NEXT},
        {"{\"type\":\"HEADERS\",\"stream\":3}", 3},
        {"{\"type\":\"DATA\",\"stream\":101}", 101},
        {"{\"type\":\"DATA\"}", LAST},
        {"{\"type\":\"DATA\",\"stream\":0}", 1},
        {"{\"type\":\"WINDOW_UPDATE\",\"stream\":3,\"increment\":1}", 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_null(enter(cases[i].json));
        stage->actor.raw_told = 1;
        assert_int_equal(write_frame(sl_span(NULL, 0)), SL_OK);
        if (stage->actor.raw_told != cases[i].told) {
            fail_msg("%s: %u", cases[i].json, stage->actor.raw_told);
        }
        leave();
    }
}

static void without_a_stream_there_is_no_same(void **state)
{
    (void)state;
    assert_null(enter("{\"type\":\"DATA\"}"));
    stage->actor.raw_stream = 0;
    assert_int_equal(write_frame(sl_span(NULL, 0)), SL_STATE);
    stage->spec.kind = HAR_CHAT; /* and its stream was not opened */
    stage->actor.raw_stream = LAST;
    assert_int_equal(write_frame(sl_span(NULL, 0)), SL_STATE);
    assert_int_equal(stage->out.len, 0);
    leave();
}

static void a_payload_beyond_the_largest_frame_is_a_limit(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum sl_status status;
    } cases[] = {
        {"{\"type\":\"DATA\",\"text\":\"a\",\"repeat\":16777215}", SL_OK},
        {"{\"type\":\"DATA\",\"text\":\"a\",\"repeat\":16777216}", SL_LIMIT},
        {"{\"type\":\"DATA\",\"text\":\"a\",\"repeat\":4294967295}", SL_LIMIT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_null(enter(cases[i].json));
        assert_int_equal(write_frame(sl_span(NULL, 0)), cases[i].status);
        leave();
    }
}

static void what_is_no_frame_garbles_the_connection(void **state)
{
    (void)state;
    assert_null(enter("{\"type\":\"PING\",\"pad\":3}"));
    (void)write_frame(sl_span(NULL, 0));
    assert_false(stage->link.is_garbled);
    leave();
    assert_null(enter("{\"type\":\"PING\",\"length\":3}"));
    (void)write_frame(sl_span(NULL, 0));
    assert_true(stage->link.is_garbled);
    leave();
    assert_null(enter("{\"type\":\"bytes\"}"));
    (void)write_frame(sl_span(NULL, 0));
    assert_true(stage->link.is_garbled);
    leave();
}

static void numbers_out_of_range_are_mistakes_of_the_scenario(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "{\"type\":\"WINDOW_UPDATE\",\"increment\":-1}",
        "{\"type\":\"WINDOW_UPDATE\",\"increment\":4294967296}",
        "{\"type\":\"PING\",\"opaque\":\"0 - 1\"}",
        "{\"type\":\"PING\",\"text\":\"a\",\"repeat\":-1}",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_null(enter(cases[i]));
        (void)write_frame(sl_span(NULL, 0));
        assert_true(stage->play.is_mistaken);
        leave();
    }
}

/* The fields of the block, decoded: "name: value" lines. */
static void decode(struct sl_span block, char *text, size_t size)
{
    struct sl_headers headers = {0};
    struct sl_hpack_decoder *decoder = sl_hpack_decoder_new(4096);
    size_t at = 0;
    assert_int_equal(sl_hpack_decode(decoder, block, &headers), SL_OK);
    text[0] = '\0';
    for (size_t i = 0; i < headers.count; i++) {
        at += (size_t)snprintf(text + at, size - at, "%.*s: %.*s\n",
                               SL_SPAN_ARG(headers.fields[i].name),
                               SL_SPAN_ARG(headers.fields[i].value));
        assert_true(at < size);
    }
    sl_hpack_decoder_free(decoder);
    sl_headers_release(&headers);
}

static void a_request_has_the_usual_fields_but_those_left_out(void **state)
{
    (void)state;
    static const struct {
        const char *json, *fields;
    } cases[] = {
        {"{\"type\":\"HEADERS\",\"request\":\"SendMessage\"}",
         ":method: POST\n:scheme: http\n:path: /chat.v1.ChatService/SendMessage\n:authority: a:1\n"
         "te: trailers\ncontent-type: application/grpc\nx-run: r\nx-bin: AAE\n"},
        {"{\"type\":\"HEADERS\",\"request\":\"/a.B/C\",\"without\":[\"te\",\":method\"],"
         "\"headers\":[[\"te\",\"gzip\"]]}",
         ":scheme: http\n:path: /a.B/C\n:authority: a:1\ncontent-type: application/grpc\n"
         "x-run: r\nx-bin: AAE\nte: gzip\n"},
    };
    static const uint8_t binary[] = {0, 1};
    const struct sl_header metadata[] = {
        {.name = sl_span_str("x-run"), .value = sl_span_str("r")},
        {.name = sl_span_str("x-bin"), .value = sl_span(binary, sizeof(binary))}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[1000];
        assert_null(enter(cases[i].json));
        stage->play.config.metadata = metadata;
        stage->play.config.metadata_count = 2;
        assert_int_equal(write_frame(sl_span(NULL, 0)), SL_OK);
        decode(sl_span_from(sl_buf_span(&stage->out), SL_H2_FRAME_HEADER_SIZE), text, sizeof(text));
        assert_string_equal(text, cases[i].fields);
        leave();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_has_its_fields),
        cmocka_unit_test(flags_are_as_said_or_usual),
        cmocka_unit_test(streams_are_numbered_as_said),
        cmocka_unit_test(lengths_padding_parts_and_slices_may_be_wrong),
        cmocka_unit_test(a_field_is_a_literal_of_the_representation_asked_for),
        cmocka_unit_test(what_cannot_be_written_is_refused),
        cmocka_unit_test(numbers_are_taken_one_after_the_other_until_there_are_none),
        cmocka_unit_test(outcomes_are_told_of_what_headers_and_data_name),
        cmocka_unit_test(without_a_stream_there_is_no_same),
        cmocka_unit_test(a_payload_beyond_the_largest_frame_is_a_limit),
        cmocka_unit_test(what_is_no_frame_garbles_the_connection),
        cmocka_unit_test(numbers_out_of_range_are_mistakes_of_the_scenario),
        cmocka_unit_test(a_request_has_the_usual_fields_but_those_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
