/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of any service: kept as bytes, made of templates, judged as JSON. */
#include "harness/messages/expect.h"
#include "harness/messages/inbox.h"
#include "harness/messages/json_message.h"
#include "lib/base/alloc.h"
#include "lib/base/hex.h"
#include "tests/support/cmocka_all.h"

#define CHAT "chat.v1.ChatMessage"

static struct sl_pool *pool;
static struct har_play *play;

static int set_up(void **state)
{
    (void)state;
    pool = sl_pool_new();
    sl_pool_add_builtin(pool);
    play = sl_alloc(sizeof(*play));
    play->stamp = 0xabc;
    play->config.pool = pool;
    return sl_pool_link(pool, NULL) == SL_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    sl_free(play);
    sl_pool_free(pool);
    return 0;
}

static const struct sl_message_type *type_of(const char *name)
{
    const struct sl_message_type *type = sl_pool_message(pool, sl_span_str(name));
    assert_non_null(type);
    return type;
}

static json_t *load(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    assert_non_null(json);
    return json;
}

/* ---- the inbox ---- */

static void messages_are_kept_apart_in_order(void **state)
{
    (void)state;
    static const char *const texts[] = {"a", "", "bcd", ""};
    struct har_inbox inbox;
    har_inbox_init(&inbox, NULL);
    for (size_t round = 0; round < 10; round++) {
        for (size_t i = 0; i < 4; i++) {
            assert_int_equal(har_inbox_add(&inbox, sl_span_str(texts[i])), SL_OK);
        }
    }
    assert_int_equal(inbox.count, 40);
    for (uint32_t i = 0; i < inbox.count; i++) {
        test_span_is(har_inbox_at(&inbox, i), texts[i % 4]);
    }
    har_inbox_release(&inbox);
    assert_int_equal(inbox.count, 0);
}

static void an_inbox_holds_so_many_bytes_and_not_one_more(void **state)
{
    (void)state;
    size_t part = HAR_INBOX_BYTES_MAX / 4;
    uint8_t *bytes = sl_alloc(part + 1);
    struct har_inbox inbox;
    har_inbox_init(&inbox, NULL);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(har_inbox_add(&inbox, sl_span(bytes, part)), SL_OK);
    }
    assert_int_equal(har_inbox_add(&inbox, sl_span(bytes, part + 1)), SL_LIMIT);
    assert_int_equal(inbox.count, 3);
    assert_int_equal(har_inbox_add(&inbox, sl_span(bytes, part)), SL_OK);
    assert_int_equal(har_inbox_add(&inbox, sl_span(bytes, 1)), SL_LIMIT);
    assert_int_equal(har_inbox_add(&inbox, sl_span(NULL, 0)), SL_OK);
    assert_int_equal(har_inbox_at(&inbox, 3).len, part);
    har_inbox_release(&inbox);
    sl_free(bytes);
}

static void an_inbox_holds_so_many_messages_and_not_one_more(void **state)
{
    (void)state;
    struct har_inbox inbox;
    har_inbox_init(&inbox, NULL);
    for (uint32_t i = 0; i < HAR_INBOX_COUNT_MAX; i++) {
        assert_int_equal(har_inbox_add(&inbox, sl_span(NULL, 0)), SL_OK);
    }
    assert_int_equal(har_inbox_add(&inbox, sl_span(NULL, 0)), SL_LIMIT);
    assert_int_equal(inbox.count, HAR_INBOX_COUNT_MAX);
    har_inbox_release(&inbox);
}

static void inboxes_of_one_sum_share_a_limit(void **state)
{
    (void)state;
    uint64_t sum = HAR_INBOXES_BYTES_MAX - 3;
    struct har_inbox a;
    struct har_inbox b;
    har_inbox_init(&a, &sum);
    har_inbox_init(&b, &sum);
    assert_int_equal(har_inbox_add(&a, sl_span_str("ab")), SL_OK);
    assert_int_equal(har_inbox_add(&b, sl_span_str("cd")), SL_LIMIT);
    assert_int_equal(har_inbox_add(&b, sl_span_str("c")), SL_OK);
    assert_int_equal(sum, HAR_INBOXES_BYTES_MAX);
    har_inbox_release(&a);
    assert_int_equal(sum, HAR_INBOXES_BYTES_MAX - 2);
    assert_int_equal(har_inbox_add(&b, sl_span_str("de")), SL_OK);
    har_inbox_release(&b);
    har_inbox_release(&b);
    assert_int_equal(sum, HAR_INBOXES_BYTES_MAX - 3);
}

/* ---- templates ---- */

static void templates_are_expanded_in_strings_and_nowhere_else(void **state)
{
    (void)state;
    static const struct {
        const char *json, *expanded;
    } cases[] = {
        {"\"{room}\"", "\"sluice-00000abc\""},
        {"\"{i}-{n}\"", "\"3-4294967295\""},
        {"\"{i}{i}\"", "\"33\""},
        {"\"{x} {i {n\"", "\"{x} {i {n\""},
        {"\"{\"", "\"{\""},
        {"\"\"", "\"\""},
        {"\"{i}\\u0000\"", "\"{i}\\u0000\""},
        {"\"\u00e9{i}\"", "\"\u00e93\""},
        {"{\"{i}\":[\"{i}\",1,true,null,{\"a\":\"{n}\"}]}",
         "{\"{i}\":[\"3\",1,true,null,{\"a\":\"4294967295\"}]}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *json = load(cases[i].json);
        json_t *expected = load(cases[i].expanded);
        json_t *expanded = har_json_expand(play, json, (struct har_message_place){3, UINT32_MAX});
        if (expanded == NULL || json_equal(expanded, expected) == 0) {
            fail_msg("%s", cases[i].json);
        }
        json_decref(json);
        json_decref(expected);
        json_decref(expanded);
    }
}

static void a_template_becomes_a_message_of_its_type_or_an_error(void **state)
{
    (void)state;
    static const struct {
        const char *json; /* NULL: no template */
        const char *hex;  /* NULL: it is no message */
    } cases[] = {
        {NULL, ""},
        {"{}", ""},
        {"{\"text\":\"{i}\"}", "220133"},
        {"{\"room_id\":\"r\",\"createdAt\":\"{n}\"}", "1201722807"},
        {"{\"txet\":\"a\"}", NULL},
        {"{\"created_at\":\"soon\"}", NULL},
        {"[]", NULL},
        {"7", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *json = cases[i].json == NULL ? NULL : load(cases[i].json);
        struct sl_error error = {0};
        struct sl_buf out;
        struct sl_buf hex;
        sl_buf_init(&out, HAR_JSON_MESSAGE_MAX);
        sl_buf_init(&hex, 1000);
        (void)sl_buf_add_str(&out, "what was there");
        bool is_good = har_json_encode(play, type_of(CHAT), json, (struct har_message_place){3, 7},
                                       &out, &error);
        (void)sl_hex_encode(sl_buf_span(&out), &hex);
        bool is_same =
            is_good && cases[i].hex != NULL && sl_span_is(sl_buf_span(&hex), cases[i].hex);
        if (is_good != (cases[i].hex != NULL) || (is_good && !is_same) ||
            (!is_good && error.text[0] == '\0') ||
            har_json_is_message(pool, type_of(CHAT), json, NULL) != is_good) {
            fail_msg("%s: %s %s", cases[i].json, sl_buf_str(&hex), error.text);
        }
        sl_buf_release(&out);
        sl_buf_release(&hex);
        json_decref(json);
    }
}

static void bytes_that_are_no_message_are_told_at_every_truncation(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x0a, 1, 'm', 0x12, 1, 'r', 0x22, 2, 0xc3, 0xa9, 0x28, 0x80, 1};
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        char why[100] = "";
        bool is_whole = len == 0 || len == 3 || len == 6 || len == 10 || len == sizeof(bytes);
        json_t *json = har_json_decode(pool, type_of(CHAT), sl_span(bytes, len), why, sizeof(why));
        if ((json != NULL) != is_whole || (json == NULL && why[0] == '\0')) {
            fail_msg("%zu bytes: %s", len, why);
        }
        json_decref(json);
    }
}

static void text_that_is_no_utf_8_is_no_message(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0x22, 2, 0xc3, 0x28};
    struct har_expect_args args = {0};
    const struct har_expect_item item = {.type = type_of(CHAT),
                                         .payload = sl_span(bytes, sizeof(bytes))};
    char why[200] = "";
    assert_false(har_expect_holds(play, &args, &item, why, sizeof(why)));
    assert_non_null(strstr(why, "is no chat.v1.ChatMessage"));
}

/* ---- what is expected ---- */

static void each_message_and_its_member_of_the_sequence_are_judged(void **state)
{
    (void)state;
    static const struct {
        const char *each, *sequence;
        uint32_t number;
        const char *why; /* NULL: it is right */
    } cases[] = {
        {NULL, NULL, 0, NULL},
        {"{\"text\":\"a\"}", NULL, 9, NULL},
        {"{\"text\":\"b\"}", NULL, 0, "$.text is \"a\", wanted \"b\""},
        {NULL, "[{\"text\":\"a\"},{\"text\":\"b\"}]", 0, NULL},
        {NULL, "[{\"text\":\"a\"},{\"text\":\"b\"}]", 1, "$.text is \"a\", wanted \"b\""},
        {NULL, "[{\"text\":\"a\"},{\"text\":\"b\"}]", 2, NULL},
        {"{\"text\":\"a\"}", "[{\"text\":\"c\"}]", 0, "$.text is \"a\", wanted \"c\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct har_expect_args args = {
            .each = cases[i].each == NULL ? NULL : load(cases[i].each),
            .sequence = cases[i].sequence == NULL ? NULL : load(cases[i].sequence)};
        const struct har_expect_item item = {.type = type_of(CHAT),
                                             .payload = sl_span_str("\x22\x01"
                                                                    "a"),
                                             .number = cases[i].number};
        char why[200] = "";
        bool is_right = har_expect_holds(play, &args, &item, why, sizeof(why));
        if (is_right != (cases[i].why == NULL) || (!is_right && strcmp(why, cases[i].why) != 0)) {
            fail_msg("case %zu: %s", i, why);
        }
        json_decref(args.each);
        json_decref(args.sequence);
    }
}

static void what_cannot_be_expected_is_told_before_the_run(void **state)
{
    (void)state;
    static const struct {
        const char *each, *sequence;
        bool is_problem, fits;
    } cases[] = {
        {"{\"text\":\"a\"}", "[{\"text\":\"a\"}]", false, true},
        {"{\"txet\":\"a\"}", "[]", false, false},
        {"{}", "[{},{\"txet\":\"a\"}]", false, false},
        {"{}", "{}", true, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct har_expect_args args = {.each = load(cases[i].each),
                                       .sequence = load(cases[i].sequence)};
        struct sl_error error = {0};
        if ((har_expect_problem(&args) != NULL) != cases[i].is_problem ||
            har_expect_fits(type_of(CHAT), &args, &error) != cases[i].fits ||
            (!cases[i].fits && error.text[0] == '\0')) {
            fail_msg("case %zu: %s", i, error.text);
        }
        json_decref(args.each);
        json_decref(args.sequence);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_kept_apart_in_order),
        cmocka_unit_test(an_inbox_holds_so_many_bytes_and_not_one_more),
        cmocka_unit_test(an_inbox_holds_so_many_messages_and_not_one_more),
        cmocka_unit_test(inboxes_of_one_sum_share_a_limit),
        cmocka_unit_test(templates_are_expanded_in_strings_and_nowhere_else),
        cmocka_unit_test(a_template_becomes_a_message_of_its_type_or_an_error),
        cmocka_unit_test(bytes_that_are_no_message_are_told_at_every_truncation),
        cmocka_unit_test(text_that_is_no_utf_8_is_no_message),
        cmocka_unit_test(each_message_and_its_member_of_the_sequence_are_judged),
        cmocka_unit_test(what_cannot_be_expected_is_told_before_the_run),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
