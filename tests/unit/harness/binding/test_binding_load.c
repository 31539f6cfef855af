/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/binding/load.h"

#include <stdio.h>
#include <unistd.h>

#include "lib/schema/source/sources.h"
#include "tests/support/cmocka_all.h"

static struct sl_pool *built_in(void)
{
    struct sl_pool *pool = sl_pool_new();
    const struct sl_schema_sources none = {0};
    assert_int_equal(sl_sources_load(&none, pool, NULL), SL_OK);
    return pool;
}

/* Loads and compiles text as a file. */
static enum sl_status load(const char *text, struct har_binding *binding, struct sl_error *error)
{
    static char path[] = "/tmp/sluice-binding-XXXXXX";
    bool is_chat = false;
    (void)snprintf(path, sizeof(path), "/tmp/sluice-binding-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    struct sl_pool *pool = built_in();
    enum sl_status status = har_binding_load(path, binding, &is_chat, error);
    if (status == SL_OK) {
        status = har_binding_compile(binding, pool, error);
    }
    sl_pool_free(pool);
    (void)unlink(path);
    return status;
}

static void health_is_built_in(void **state)
{
    (void)state;
    struct har_binding binding;
    bool is_chat = true;
    struct sl_pool *pool = built_in();
    assert_int_equal(har_binding_load("health", &binding, &is_chat, NULL), SL_OK);
    assert_int_equal(har_binding_compile(&binding, pool, NULL), SL_OK);
    assert_false(is_chat);
    assert_string_equal(har_binding_method(&binding, HAR_ROLE_UNARY),
                        "/grpc.health.v1.Health/Check");
    assert_string_equal(har_binding_method(&binding, HAR_ROLE_SERVER_STREAM),
                        "/grpc.health.v1.Health/Watch");
    assert_null(har_binding_method(&binding, HAR_ROLE_BIDI));
    assert_int_equal(binding.methods[HAR_ROLE_UNARY].request.len, 0);
    assert_false(binding.methods[HAR_ROLE_SERVER_STREAM].must_stay_open);
    har_binding_release(&binding);
    sl_pool_free(pool);
}

static void chat_is_no_binding(void **state)
{
    (void)state;
    struct har_binding binding;
    bool is_chat = false;
    assert_int_equal(har_binding_load("chat", &binding, &is_chat, NULL), SL_OK);
    assert_true(is_chat);
    assert_string_equal(har_binding_method(NULL, HAR_ROLE_UNARY),
                        "/chat.v1.ChatService/SendMessage");
    har_binding_release(&binding);
}

static void requests_are_json_hex_or_base64(void **state)
{
    (void)state;
    static const char *const requests[] = {"\"request\": {\"service\": \"ab\"}",
                                           "\"hex\": \"0a026162\"", "\"base64\": \"CgJhYg==\""};
    for (size_t i = 0; i < 3; i++) {
        struct har_binding binding;
        struct sl_error error = {0};
        struct sl_buf text;
        sl_buf_init(&text, 4096);
        (void)sl_buf_addf(&text,
                          "{\"schema\": \"sluice.binding/1\", \"unary\": {\"method\": "
                          "\"/grpc.health.v1.Health/Check\", %s}}",
                          requests[i]);
        assert_int_equal(load(sl_buf_str(&text), &binding, &error), SL_OK);
        struct sl_span request = sl_buf_span(&binding.methods[HAR_ROLE_UNARY].request);
        assert_int_equal(request.len, 4);
        assert_memory_equal(request.data,
                            "\x0a\x02"
                            "ab",
                            4);
        har_binding_release(&binding);
        sl_buf_release(&text);
    }
}

static void a_stream_of_two_directions_stays_open(void **state)
{
    (void)state;
    struct har_binding binding;
    struct sl_error error = {0};
    static const char text[] =
        "{\"schema\": \"sluice.binding/1\",\n"
        " \"unary\": {\"method\": \"/grpc.health.v1.Health/Check\"},\n"
        " \"server_stream\": {\"method\": \"/chat.v1.ChatService/ChatRoom\"}}";
    assert_int_equal(load(text, &binding, &error), SL_OK);
    assert_true(binding.methods[HAR_ROLE_SERVER_STREAM].must_stay_open);
    har_binding_release(&binding);
}

/* Mistakes, the line of each, and what is said. */
struct mistake {
    const char *text;
    size_t line;
    const char *says;
};

static void mistakes_name_their_place(void **state)
{
    (void)state;
#define HEAD  "{\"schema\": \"sluice.binding/1\",\n"
#define UNARY " \"unary\": {\"method\": \"/grpc.health.v1.Health/Check\""
    static const struct mistake mistakes[] = {
        {"{", 1, "not valid JSON"},
        {"{\"schema\": \"sluice.binding/2\",\n" UNARY "}}", 1, "$.schema: 'sluice.binding/2'"},
        {HEAD " \"unari\": {}}", 2, "did you mean 'unary'?"},
        {HEAD "\"filler\": 1}", 1, "unary"},
        {HEAD " \"unary\": {\"method\": \"Check\"}}", 2,
         "$.unary.method: wanted: \"/package.Service/Method\""},
        {HEAD " \"unary\": {\"method\": \"/a/b/c\"}}", 2, "$.unary.method"},
        {HEAD UNARY ",\n\"hex\": \"0g\"}}", 3, "$.unary.hex: wanted: an even number"},
        {HEAD UNARY ",\n\"base64\": \"=\"}}", 3, "$.unary.base64"},
        {HEAD UNARY ",\n\"hex\": \"\", \"request\": {}}}", 2, "one of request, hex and base64"},
        {HEAD UNARY ",\n\"request\": {\"servise\": \"a\"}}}", 3, "$.unary.request: "},
        {HEAD UNARY ",\n\"request\": 7}}", 3, "$.unary.request: "},
        {HEAD UNARY ",\n\"reply_bytes\": 4}}", 3, "$.unary.reply_bytes: wanted"},
        {HEAD UNARY "},\n\"filler\": 536870912}", 3, "$.filler: wanted"},
        {HEAD " \"unary\": {\"method\": \"/no.Such/M\",\n\"request\": {\"a\": 1}}}", 3,
         "no schema knows this method"},
        {HEAD " \"unary\": {\"method\": \"/grpc.health.v1.Health/Watch\"}}", 2, "no unary method"},
        {HEAD UNARY "},\n\"bidi\": {\"method\": \"/grpc.health.v1.Health/Check\"}}", 3,
         "$.bidi.method: by the schema this is no stream of two directions"},
        {HEAD UNARY "},\n\"server_stream\": {\"method\": \"/a.B/C\", \"half_close\": 1}}", 3,
         "$.server_stream.half_close: this must be true or false"},
    };
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct har_binding binding;
        struct sl_error error = {0};
        assert_int_not_equal(load(mistakes[i].text, &binding, &error), SL_OK);
        if (strstr(error.text, mistakes[i].says) == NULL || error.line != mistakes[i].line) {
            fail_msg("case %zu: line %zu: %s", i, error.line, error.text);
        }
        har_binding_release(&binding);
    }
}

static void a_filler_makes_requests_as_long_as_wanted(void **state)
{
    (void)state;
    struct har_binding binding;
    bool is_chat = true;
    assert_int_equal(har_binding_load("health", &binding, &is_chat, NULL), SL_OK);
    for (size_t bytes = 0; bytes < 40000; bytes++) {
        struct sl_buf out;
        sl_buf_init(&out, 65536);
        har_binding_request(&binding, HAR_ROLE_UNARY, bytes, &out);
        /* 4 bytes are tag and length; a length of 128 and of 16384 has one more */
        bool is_odd = bytes == 4 + 128 || bytes == 5 + 16384;
        size_t wanted = bytes < 4 ? 0 : is_odd ? bytes - 1 : bytes;
        assert_int_equal(out.len, wanted);
        sl_buf_release(&out);
    }
    har_binding_release(&binding);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(health_is_built_in),
        cmocka_unit_test(chat_is_no_binding),
        cmocka_unit_test(requests_are_json_hex_or_base64),
        cmocka_unit_test(a_stream_of_two_directions_stays_open),
        cmocka_unit_test(mistakes_name_their_place),
        cmocka_unit_test(a_filler_makes_requests_as_long_as_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
