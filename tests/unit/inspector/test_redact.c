/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/export/redact.h"

#include "inspector/export/message.h"
#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"

/* message, of type (NULL: none), with path redacted, is wanted. */
static void check(const char *type_name, const char *path, const char *message, const char *wanted)
{
    struct ins_redact redact = {0};
    struct sl_pool *pool = sl_pool_new();
    sl_pool_add_builtin(pool);
    assert_int_equal(sl_pool_link(pool, NULL), SL_OK);
    const struct sl_message_type *type =
        type_name == NULL ? NULL : sl_pool_message(pool, sl_span_str(type_name));
    assert_true(type_name == NULL || type != NULL);
    assert_int_equal(ins_redact_add(&redact, path, NULL), SL_OK);
    json_t *json = json_loads(message, 0, NULL);
    json_t *expected = json_loads(wanted, 0, NULL);
    assert_non_null(json);
    assert_non_null(expected);
    ins_redact_message(&redact, type, json);
    if (!json_equal(json, expected)) {
        char *seen = json_dumps(json, 0);
        fail_msg("%s of %s is %s, not %s", path, message, seen, wanted);
    }
    json_decref(json);
    json_decref(expected);
    sl_pool_free(pool);
}

static void values_become_placeholders_of_their_shape(void **state)
{
    (void)state;
    static const struct {
        const char *type, *path, *message, *wanted;
    } cases[] = {
        {"chat.v1.ChatMessage", "ChatMessage.text", "{\"text\":\"Tel 12, é\"}",
         "{\"text\":\"Xxx 00, xx\"}"},
        {"chat.v1.ChatMessage", "chat.v1.ChatMessage.room_id", "{\"roomId\":\"r1\",\"text\":\"t\"}",
         "{\"roomId\":\"x0\",\"text\":\"t\"}"},
        {"chat.v1.ChatMessage", "createdAt", "{\"createdAt\":\"17\"}", "{\"createdAt\":0}"},
        {"chat.v1.ChatMessage", "Other.text", "{\"text\":\"t\"}", "{\"text\":\"t\"}"},
        {NULL, "a.b", "{\"a\":[{\"b\":{\"c\":true,\"d\":1.5}},{\"x\":2}],\"b\":3}",
         "{\"a\":[{\"b\":{\"c\":false,\"d\":0}},{\"x\":2}],\"b\":3}"},
        {NULL, "any", "{\"any\":{\"@type\":\"t/a.B\",\"v\":\"w\"}}",
         "{\"any\":{\"@type\":\"t/a.B\",\"v\":\"x\"}}"},
        {"google.protobuf.Any", "Any.value", "{\"value\":\"aGk=\"}", "{\"value\":\"AAA=\"}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check(cases[i].type, cases[i].path, cases[i].message, cases[i].wanted);
    }
}

static void names_that_are_like_credentials_are_known(void **state)
{
    (void)state;
    struct ins_redact redact = {0};
    static const char *const secrets[] = {"authorization", "cookie", "x-api-key", "x-auth-token",
                                          "client-secret"};
    static const char *const others[] = {"x-id", "authority", "cooki", ""};
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        assert_true(ins_redact_has_name(&redact, sl_span_str(secrets[i])));
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_false(ins_redact_has_name(&redact, sl_span_str(others[i])));
    }
    redact.keeps_secrets = true;
    assert_int_equal(ins_redact_add(&redact, "metadata:X-Id", NULL), SL_OK);
    assert_false(ins_redact_has_name(&redact, sl_span_str("cookie")));
    assert_true(ins_redact_has_name(&redact, sl_span_str("x-id")));
    assert_int_equal(ins_redact_add(&redact, "metadata:", NULL), SL_USAGE);
}

static void add(struct sl_headers *headers, const char *name, struct sl_span value)
{
    assert_int_equal(sl_headers_add(headers, sl_span_str(name), value), SL_OK);
}

static void metadata_is_what_the_client_chose(void **state)
{
    (void)state;
    struct ins_redact redact = {0};
    struct sl_headers headers = {0};
    add(&headers, ":path", sl_span_str("/a.B/C"));
    add(&headers, "te", sl_span_str("trailers"));
    add(&headers, "x-id", sl_span_str("1"));
    add(&headers, "x-id", sl_span_str("2"));
    add(&headers, "a-bin", sl_span_str("AAE,Ag==")); /* two, joined */
    add(&headers, "b-bin", sl_span("\0\1,", 3));     /* true binary */
    add(&headers, "c-bin", sl_span_str("!"));
    add(&headers, "authorization", sl_span_str("Bearer a1"));
    add(&headers, "x-odd", sl_span("a\0b", 3));
    json_t *metadata = ins_export_metadata(&redact, &headers);
    json_t *wanted = json_loads(
        "{\"x-id\":[\"1\",\"2\"],\"a-bin\":[{\"base64\":\"AAE=\"},{\"base64\":\"Ag==\"}],"
        "\"b-bin\":{\"base64\":\"ASw=\"},\"c-bin\":null,\"authorization\":\"Xxxxxx "
        "x0\",\"x-odd\":null}",
        0, NULL);
    assert_non_null(wanted);
    assert_true(json_equal(metadata, wanted));
    assert_int_equal(redact.replaced, 1);
    json_decref(metadata);
    json_decref(wanted);
    sl_headers_release(&headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_become_placeholders_of_their_shape),
        cmocka_unit_test(names_that_are_like_credentials_are_known),
        cmocka_unit_test(metadata_is_what_the_client_chose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
