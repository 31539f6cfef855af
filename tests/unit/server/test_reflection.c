/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/services/reflection.h"

#include "lib/base/alloc.h"
#include "lib/schema/pool.h"
#include "reference-server/chat/pb.h"
#include "tests/support/cmocka_all.h"

#define BYTES(text) sl_span(text, sizeof(text) - 1)

enum {
    FILES = 4,
    NUMBERS = 5,
    LIST = 6,
    ERROR = 7,
};

static const struct srv_misbehave none;

/*
 * d.proto (package p) imports c.proto and extends p.M by 100; c.proto imports b.proto, which declares
 * message M { message N {}  enum E { V } } in p. In an order that protoc would not take.
 */
static struct sl_span small_set(void)
{
    return BYTES("\x0a&\x0a\x07"
                 "d.proto\x12\x01p\x1a\x07"
                 "c.proto:\x0f\x0a\x01x\x12\x04.p.M\x18"
                 "d \x01(\x05"
                 "\x0a\x15\x0a\x07"
                 "c.proto\x12\x01q\x1a\x07"
                 "b.proto"
                 "\x0a\x22\x0a\x07"
                 "b.proto\x12\x01p\x22\x14\x0a\x01M\x1a\x03\x0a\x01N\x22\x0a\x0a\x01"
                 "E\x12\x05\x0a\x01V\x10\x00");
}

/* The message that answers a request: its member's number, and what is in it, copied into buf. */
static uint32_t ask(struct srv_reflection *reflection, struct sl_span request, struct sl_buf *buf)
{
    struct srv_stream *stream = srv_reflection_open(reflection);
    struct srv_frame *frame = srv_frame_copy(request);
    struct srv_pulled pulled;
    assert_true(stream->ops->can_receive(stream));
    stream->ops->receive(stream, frame, 0);
    srv_frame_unref(frame);
    assert_false(stream->ops->can_receive(stream));
    assert_int_equal(stream->ops->pull(stream, 0, &pulled), SRV_PULL_FRAME);
    struct sl_rd rd;
    struct srv_pb_field field = {0};
    uint32_t number = 0;
    sl_rd_init(&rd, srv_frame_span(pulled.frame));
    sl_buf_clear(buf);
    while (srv_pb_next(&rd, &field)) {
        if (field.number >= FILES) {
            assert_int_equal(number, 0);
            number = field.number;
            assert_int_equal(sl_buf_add_span(buf, field.bytes), SL_OK);
        } else {
            assert_true(field.number != 2 || sl_span_equal(field.bytes, request));
        }
    }
    assert_true(sl_rd_ok(&rd));
    srv_frame_unref(pulled.frame);
    /* The stream goes on, and ends with OK when its client has ended. */
    assert_true(stream->ops->can_receive(stream));
    stream->ops->half_close(stream, 0);
    assert_int_equal(stream->ops->pull(stream, 0, &pulled), SRV_PULL_END);
    assert_int_equal(pulled.status, SL_GRPC_OK);
    stream->ops->close(stream);
    return number;
}

/* A request with one string in one member. */
static uint32_t ask_for(struct srv_reflection *reflection, uint32_t member, const char *name,
                        struct sl_buf *buf)
{
    struct sl_buf request;
    sl_buf_init(&request, 1024);
    srv_pb_put_string(&request, member, sl_span_str(name));
    uint32_t number = ask(reflection, sl_buf_span(&request), buf);
    sl_buf_release(&request);
    return number;
}

static size_t count_of(const struct sl_buf *buf)
{
    struct sl_rd rd;
    struct srv_pb_field field;
    size_t count = 0;
    sl_rd_init(&rd, sl_buf_span(buf));
    while (srv_pb_next(&rd, &field)) {
        count++;
    }
    return count;
}

static void lists_its_services(void **state)
{
    (void)state;
    struct srv_reflection reflection;
    struct sl_buf buf;
    sl_buf_init(&buf, 1 << 20);
    srv_reflection_init(&reflection, sl_pool_builtin_set(), &none);
    assert_int_equal(ask_for(&reflection, 7, "*", &buf), LIST);
    assert_int_equal(count_of(&buf), 4);
    sl_buf_release(&buf);
}

static void finds_every_kind_of_symbol(void **state)
{
    (void)state;
    static const struct {
        const char *symbol;
        uint32_t answer;
    } cases[] = {
        {"chat.v1.ChatService", FILES},
        {"chat.v1.ChatService.SendMessage", FILES},
        {"chat.v1.ChatMessage", FILES},
        {"chat.v1.ChatMessage.text", FILES},
        {"chat.v1.ServerCommand.Type", FILES},
        {"chat.v1.ServerCommand.TYPE_PING", FILES},
        {"google.rpc.BadRequest.FieldViolation", FILES},
        {"google.protobuf.Value.kind", FILES},
        {"google.protobuf.NULL_VALUE", FILES},
        {"chat.v1", ERROR},
        {"chat.v1.", ERROR},
        {"chat.v1.ChatMessage.", ERROR},
        {"chat.v1..ChatMessage", ERROR},
        {".chat.v1.ChatMessage", ERROR},
        {"chat.v1.ChatMessage.text.more", ERROR},
        {"chat.v1.ServerCommand.Type.TYPE_PING", ERROR},
        {"chat.v1.chatmessage", ERROR},
        {"chat", ERROR},
    };
    struct srv_reflection reflection;
    struct sl_buf buf;
    sl_buf_init(&buf, 1 << 20);
    srv_reflection_init(&reflection, sl_pool_builtin_set(), &none);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (ask_for(&reflection, 4, cases[i].symbol, &buf) != cases[i].answer) {
            fail_msg("%s", cases[i].symbol);
        }
    }
    sl_buf_release(&buf);
}

static void a_file_comes_with_all_that_it_imports(void **state)
{
    (void)state;
    struct srv_reflection reflection;
    struct sl_buf buf;
    sl_buf_init(&buf, 1 << 20);
    srv_reflection_init(&reflection, small_set(), &none);
    assert_int_equal(ask_for(&reflection, 3, "d.proto", &buf), FILES);
    assert_int_equal(count_of(&buf), 3);
    assert_int_equal(ask_for(&reflection, 3, "b.proto", &buf), FILES);
    assert_int_equal(count_of(&buf), 1);
    assert_int_equal(ask_for(&reflection, 3, "a.proto", &buf), ERROR);
    assert_int_equal(ask_for(&reflection, 4, "p.M.N", &buf), FILES);
    assert_int_equal(ask_for(&reflection, 4, "p.M.V", &buf), FILES);
    srv_reflection_init(&reflection, sl_pool_builtin_set(), &none);
    assert_int_equal(ask_for(&reflection, 3, "google/protobuf/api.proto", &buf), FILES);
    assert_int_equal(count_of(&buf), 4); /* source_context, type and any, which type imports */
    sl_buf_release(&buf);
}

static void knows_extensions(void **state)
{
    (void)state;
    struct srv_reflection reflection;
    struct sl_buf buf;
    sl_buf_init(&buf, 1 << 20);
    srv_reflection_init(&reflection, small_set(), &none);
    assert_int_equal(ask(&reflection, BYTES("\x2a\x07\x0a\x03p.M\x10\x64"), &buf), FILES);
    assert_int_equal(count_of(&buf), 3);
    assert_int_equal(ask(&reflection, BYTES("\x2a\x07\x0a\x03p.M\x10\x65"), &buf), ERROR);
    assert_int_equal(ask(&reflection, BYTES("\x2a\x07\x0a\x03p.X\x10\x64"), &buf), ERROR);
    assert_int_equal(ask_for(&reflection, 6, "p.M", &buf), NUMBERS);
    assert_int_equal(count_of(&buf), 2); /* the name and 100 */
    assert_int_equal(ask_for(&reflection, 6, "p.M.N", &buf), NUMBERS);
    assert_int_equal(count_of(&buf), 1);
    assert_int_equal(ask_for(&reflection, 6, "p.X", &buf), ERROR);
    sl_buf_release(&buf);
}

static void of_several_members_the_last_one_counts(void **state)
{
    (void)state;
    struct srv_reflection reflection;
    struct sl_buf buf;
    sl_buf_init(&buf, 1 << 20);
    srv_reflection_init(&reflection, small_set(), &none);
    assert_int_equal(ask(&reflection, BYTES("\x22\x03p.M\x3a\x01*"), &buf), LIST);
    assert_int_equal(ask(&reflection, BYTES("\x3a\x01*\x22\x03p.M"), &buf), FILES);
    /* The parts of one member are merged. */
    assert_int_equal(ask(&reflection, BYTES("\x2a\x05\x0a\x03p.M\x2a\x02\x10\x64"), &buf), FILES);
    assert_int_equal(ask(&reflection, BYTES("\x2a\x05\x0a\x03p.M\x3a\x00\x2a\x02\x10\x64"), &buf),
                     ERROR);
    assert_int_equal(ask(&reflection, BYTES(""), &buf), ERROR);
    assert_int_equal(ask(&reflection, BYTES("\x4a\x01x"), &buf), ERROR); /* an unknown member */
    sl_buf_release(&buf);
}

static void garbage_ends_the_stream(void **state)
{
    (void)state;
    static const struct sl_span cases[] = {
        {(const uint8_t *)"\x22\x09p.M", 5},              /* cut short */
        {(const uint8_t *)"\x22\x01\xff", 3},             /* no UTF-8 */
        {(const uint8_t *)"\x2a\x02\x0a\x05", 4},         /* cut short inside */
        {(const uint8_t *)"\x0a\x02\xc3\x28", 4},         /* a host that is no UTF-8 */
        {(const uint8_t *)"\xff\xff\xff\xff\xff\x7f", 6}, /* no tag */
    };
    struct srv_reflection reflection;
    srv_reflection_init(&reflection, sl_pool_builtin_set(), &none);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct srv_stream *stream = srv_reflection_open(&reflection);
        struct srv_frame *frame = srv_frame_copy(cases[i]);
        struct srv_pulled pulled;
        assert_int_equal(stream->ops->pull(stream, 0, &pulled), SRV_PULL_WAIT);
        stream->ops->receive(stream, frame, 0);
        srv_frame_unref(frame);
        assert_false(stream->ops->can_receive(stream));
        assert_int_equal(stream->ops->pull(stream, 0, &pulled), SRV_PULL_END);
        assert_int_equal(pulled.status, SL_GRPC_INTERNAL);
        stream->ops->close(stream);
    }
}

static void a_request_that_is_too_long_ends_the_stream(void **state)
{
    (void)state;
    struct srv_reflection reflection;
    struct srv_pulled pulled;
    srv_reflection_init(&reflection, small_set(), &none);
    for (size_t over = 0; over <= 1; over++) {
        struct srv_stream *stream = srv_reflection_open(&reflection);
        struct sl_buf request;
        struct sl_buf name;
        sl_buf_init(&name, 20000);
        sl_buf_init(&request, 20000);
        /* The tag and the length are 3 bytes. */
        while (name.len < 16384 - 3 + over) {
            (void)sl_buf_add_u8(&name, 'n');
        }
        srv_pb_put_string(&request, 4, sl_buf_span(&name));
        struct srv_frame *frame = srv_frame_copy(sl_buf_span(&request));
        stream->ops->receive(stream, frame, 0);
        assert_int_equal(stream->ops->pull(stream, 0, &pulled),
                         over == 0 ? SRV_PULL_FRAME : SRV_PULL_END);
        if (over == 0) {
            srv_frame_unref(pulled.frame);
        } else {
            assert_int_equal(pulled.status, SL_GRPC_RESOURCE_EXHAUSTED);
            assert_false(stream->ops->can_receive(stream));
        }
        srv_frame_unref(frame);
        sl_buf_release(&name);
        sl_buf_release(&request);
        stream->ops->close(stream);
    }
}

static void a_stream_that_is_closed_forgets_its_answer(void **state)
{
    (void)state;
    struct srv_reflection reflection;
    srv_reflection_init(&reflection, sl_pool_builtin_set(), &none);
    struct srv_stream *stream = srv_reflection_open(&reflection);
    struct srv_frame *frame = srv_frame_copy(BYTES("\x3a\x01*"));
    stream->ops->receive(stream, frame, 0);
    srv_frame_unref(frame);
    stream->ops->close(stream); /* the leak checker sees the rest */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_its_services),
        cmocka_unit_test(finds_every_kind_of_symbol),
        cmocka_unit_test(a_file_comes_with_all_that_it_imports),
        cmocka_unit_test(knows_extensions),
        cmocka_unit_test(of_several_members_the_last_one_counts),
        cmocka_unit_test(garbage_ends_the_stream),
        cmocka_unit_test(a_request_that_is_too_long_ends_the_stream),
        cmocka_unit_test(a_stream_that_is_closed_forgets_its_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
