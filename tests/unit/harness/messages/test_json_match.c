/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as JSON against what a scenario wants of them. */
#include "harness/messages/json_match.h"

#include "tests/support/cmocka_all.h"

#define CHAT    "chat.v1.ChatMessage"
#define COMMAND "chat.v1.ServerCommand"
#define INFO    "google.rpc.ErrorInfo"
#define REQUEST "google.rpc.BadRequest"
#define RETRY   "google.rpc.RetryInfo"

static struct sl_pool *pool;

static int make_pool(void **state)
{
    (void)state;
    pool = sl_pool_new();
    sl_pool_add_builtin(pool);
    return sl_pool_link(pool, NULL) == SL_OK ? 0 : -1;
}

static int free_pool(void **state)
{
    (void)state;
    sl_pool_free(pool);
    return 0;
}

static json_t *load(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (json == NULL) {
        fail_msg("%s: %s", text, error.text);
    }
    return json;
}

/* NULL: no schema. */
static const struct sl_message_type *type_of(const char *name)
{
    const struct sl_message_type *type =
        name == NULL ? NULL : sl_pool_message(pool, sl_span_str(name));
    assert_true(name == NULL || type != NULL);
    return type;
}

struct match_case {
    const char *type, *wanted, *got;
    const char *path; /* of the first difference; NULL: there is none */
    bool is_exact;
};

static void check_cases(const struct match_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct match_case *c = &cases[i];
        struct har_mismatch mismatch = {0};
        json_t *wanted = load(c->wanted);
        json_t *got = load(c->got);
        bool is_good = har_json_matches(type_of(c->type), wanted, got, c->is_exact, &mismatch);
        if (is_good != (c->path == NULL) || (!is_good && strcmp(mismatch.path, c->path) != 0) ||
            (!is_good && mismatch.text[0] == '\0')) {
            fail_msg("%s against %s: %s, %s %s", c->got, c->wanted, is_good ? "same" : "differs",
                     mismatch.path, mismatch.text);
        }
        json_decref(wanted);
        json_decref(got);
    }
}
#define CHECK(cases) check_cases((cases), sizeof(cases) / sizeof((cases)[0]))

static void a_value_is_the_same_in_every_form_that_proto3_json_allows(void **state)
{
    (void)state;
    static const struct match_case cases[] = {
        {CHAT, "{\"text\":\"a\"}", "{\"text\":\"a\"}", NULL, false},
        {CHAT, "{\"text\":\"a\"}", "{\"text\":\"b\"}", "$.text", false},
        {CHAT, "{\"room_id\":\"r\"}", "{\"roomId\":\"r\"}", NULL, false},
        {CHAT, "{\"roomId\":\"r\"}", "{\"roomId\":\"r\"}", NULL, false},
        {CHAT, "{\"roomId\":\"r\"}", "{\"roomId\":\"s\"}", "$.roomId", false},
        {CHAT, "{\"created_at\":5}", "{\"createdAt\":\"5\"}", NULL, false},
        {CHAT, "{\"created_at\":\"5\"}", "{\"createdAt\":\"5\"}", NULL, false},
        {CHAT, "{\"created_at\":6}", "{\"createdAt\":\"5\"}", "$.created_at", false},
        {CHAT, "{\"created_at\":9007199254740993}", "{\"createdAt\":\"9007199254740992\"}",
         "$.created_at", false},
        {CHAT, "{\"created_at\":9007199254740993}", "{\"createdAt\":\"9007199254740993\"}", NULL,
         false},
        {NULL, "{\"a\":1.5}", "{\"a\":1.5}", NULL, false},
        {NULL, "{\"a\":2.0}", "{\"a\":2}", NULL, false},
        {NULL, "{\"a\":true}", "{\"a\":1}", "$.a", false},
        {NULL, "{\"a\":5}", "{\"a\":\" 5\"}", "$.a", false},
        {NULL, "{\"a\":16.0}", "{\"a\":\"0x10\"}", "$.a", false},
        {NULL, "{\"a\":5.0}", "{\"a\":\"5\\u0000\"}", "$.a", false},
        {NULL, "{\"a\":\"x\"}", "{\"a\":\"x\\u0000\"}", "$.a", false},
        {NULL, "{\"a\":{}}", "{\"a\":[]}", "$.a", false},
        {COMMAND, "{\"type\":\"TYPE_PING\"}", "{\"type\":\"TYPE_PING\"}", NULL, false},
        {COMMAND, "{\"type\":\"TYPE_PING\"}", "{\"type\":\"TYPE_REDIRECT\"}", "$.type", false},
    };
    CHECK(cases);
}

static void what_is_absent_has_its_default(void **state)
{
    (void)state;
    static const struct match_case cases[] = {
        {CHAT, "{\"text\":\"\"}", "{}", NULL, false},
        {CHAT, "{\"created_at\":0}", "{}", NULL, false},
        {CHAT, "{\"created_at\":\"0\"}", "{}", NULL, false},
        {CHAT, "{\"created_at\":1}", "{}", "$.created_at", false},
        {CHAT, "{\"text\":\"a\"}", "{}", "$.text", false},
        {COMMAND, "{\"type\":\"TYPE_UNSPECIFIED\"}", "{}", NULL, false},
        {COMMAND, "{\"type\":\"TYPE_PING\"}", "{}", "$.type", false},
        {INFO, "{\"metadata\":{}}", "{}", NULL, false},
        {INFO, "{\"metadata\":{\"a\":\"\"}}", "{}", "$.metadata", false},
        {REQUEST, "{\"field_violations\":[]}", "{}", NULL, false},
        {RETRY, "{\"retry_delay\":null}", "{}", NULL, false},
        {RETRY, "{\"retry_delay\":\"1s\"}", "{}", "$.retry_delay", false},
    };
    CHECK(cases);
}

static void exactly_means_no_other_field_at_any_depth(void **state)
{
    (void)state;
    static const struct match_case cases[] = {
        {CHAT, "{\"text\":\"a\"}", "{\"text\":\"a\",\"roomId\":\"r\"}", NULL, false},
        {CHAT, "{\"text\":\"a\"}", "{\"text\":\"a\",\"roomId\":\"r\"}", "$.roomId", true},
        {CHAT, "{\"room_id\":\"r\"}", "{\"roomId\":\"r\"}", NULL, true},
        {REQUEST, "{\"field_violations\":[{\"field\":\"a\"}]}",
         "{\"fieldViolations\":[{\"field\":\"a\",\"description\":\"d\"}]}",
         "$.field_violations[0].description", true},
        {INFO, "{\"metadata\":{\"a\":\"1\"}}", "{\"metadata\":{\"a\":\"1\",\"b\":\"2\"}}",
         "$.metadata.b", true},
    };
    CHECK(cases);
}

static void arrays_are_compared_member_by_member(void **state)
{
    (void)state;
    static const struct match_case cases[] = {
        {REQUEST, "{\"field_violations\":[{\"field\":\"a\"},{\"field\":\"b\"}]}",
         "{\"fieldViolations\":[{\"field\":\"a\"},{\"field\":\"b\"}]}", NULL, false},
        {REQUEST, "{\"field_violations\":[{\"field\":\"a\"},{\"field\":\"b\"}]}",
         "{\"fieldViolations\":[{\"field\":\"a\"},{\"field\":\"c\"}]}",
         "$.field_violations[1].field", false},
        {REQUEST, "{\"field_violations\":[{\"field\":\"a\"}]}",
         "{\"fieldViolations\":[{\"field\":\"a\"},{\"field\":\"b\"}]}", "$.field_violations",
         false},
        {NULL, "[1,[2,3]]", "[1,[2,4]]", "$[1][1]", false},
    };
    CHECK(cases);
}

static void operators_stand_in_place_of_a_value(void **state)
{
    (void)state;
    static const struct match_case cases[] = {
        {CHAT, "{\"created_at\":{\"$lt\":5}}", "{\"createdAt\":\"4\"}", NULL, false},
        {CHAT, "{\"created_at\":{\"$lt\":5}}", "{\"createdAt\":\"5\"}", "$.created_at", false},
        {CHAT, "{\"created_at\":{\"$le\":5}}", "{\"createdAt\":\"5\"}", NULL, false},
        {CHAT, "{\"created_at\":{\"$le\":5}}", "{\"createdAt\":\"6\"}", "$.created_at", false},
        {CHAT, "{\"created_at\":{\"$gt\":5}}", "{\"createdAt\":\"6\"}", NULL, false},
        {CHAT, "{\"created_at\":{\"$gt\":5}}", "{\"createdAt\":\"5\"}", "$.created_at", false},
        {CHAT, "{\"created_at\":{\"$ge\":5}}", "{\"createdAt\":\"5\"}", NULL, false},
        {CHAT, "{\"created_at\":{\"$ge\":5}}", "{\"createdAt\":\"4\"}", "$.created_at", false},
        {CHAT, "{\"created_at\":{\"$gt\":9007199254740992}}",
         "{\"createdAt\":\"9007199254740993\"}", NULL, false},
        {CHAT, "{\"created_at\":{\"$lt\":\"9007199254740993\"}}",
         "{\"createdAt\":\"9007199254740993\"}", "$.created_at", false},
        {CHAT, "{\"created_at\":{\"$lt\":1}}", "{}", NULL, false},
        {CHAT, "{\"created_at\":{\"$gt\":0}}", "{}", "$.created_at", false},
        {CHAT, "{\"text\":{\"$ge\":0}}", "{\"text\":\"a\"}", "$.text", false},
        {NULL, "{\"a\":{\"$ge\":1.5}}", "{\"a\":1.5}", NULL, false},
        {NULL, "{\"a\":{\"$gt\":1e300}}", "{\"a\":\"Infinity\"}", NULL, false},
        {NULL, "{\"a\":{\"$le\":1}}", "{\"a\":\"NaN\"}", "$.a", false},
        {NULL, "{\"a\":{\"$ge\":1}}", "{\"a\":\"NaN\"}", "$.a", false},
        {CHAT, "{\"text\":{\"$ne\":\"a\"}}", "{\"text\":\"b\"}", NULL, false},
        {CHAT, "{\"text\":{\"$ne\":\"a\"}}", "{\"text\":\"a\"}", "$.text", false},
        {CHAT, "{\"text\":{\"$ne\":\"\"}}", "{}", "$.text", false},
        {CHAT, "{\"text\":{\"$in\":[\"a\",\"b\"]}}", "{\"text\":\"b\"}", NULL, false},
        {CHAT, "{\"text\":{\"$in\":[\"a\",\"b\"]}}", "{\"text\":\"c\"}", "$.text", false},
        {CHAT, "{\"text\":{\"$in\":[\"\"]}}", "{}", NULL, false},
        {CHAT, "{\"text\":{\"$in\":[]}}", "{\"text\":\"a\"}", "$.text", false},
        {REQUEST, "{\"field_violations\":{\"$has\":{\"field\":\"b\"}}}",
         "{\"fieldViolations\":[{\"field\":\"a\"},{\"field\":\"b\"}]}", NULL, false},
        {REQUEST, "{\"field_violations\":{\"$has\":{\"field\":\"c\"}}}",
         "{\"fieldViolations\":[{\"field\":\"a\"},{\"field\":\"b\"}]}", "$.field_violations",
         false},
        {REQUEST, "{\"field_violations\":{\"$has\":{\"field\":\"\"}}}", "{}", "$.field_violations",
         false},
        {CHAT, "{\"text\":{\"$set\":true}}", "{\"text\":\"a\"}", NULL, false},
        {CHAT, "{\"text\":{\"$set\":true}}", "{}", "$.text", false},
        {CHAT, "{\"text\":{\"$set\":false}}", "{}", NULL, false},
        {CHAT, "{\"text\":{\"$set\":false}}", "{\"text\":\"a\"}", "$.text", false},
    };
    CHECK(cases);
}

static void what_no_message_can_be_is_told_before_the_run(void **state)
{
    (void)state;
    static const struct {
        const char *type, *wanted;
        const char *path; /* NULL: a message can be so */
    } cases[] = {
        {CHAT, "{\"text\":\"a\",\"room_id\":\"r\",\"createdAt\":1}", NULL},
        {CHAT, "{\"txet\":\"a\"}", "$"},
        {CHAT, "{\"text\":{\"$like\":\"a\"}}", "$.text"},
        {CHAT, "{\"created_at\":{\"$ge\":1,\"$le\":2}}", "$.created_at"},
        {CHAT, "{\"created_at\":{\"$ge\":\"{n}\"}}", NULL},
        {CHAT, "{\"created_at\":{\"$ge\":\"soon\"}}", "$.created_at"},
        {CHAT, "{\"created_at\":{\"$lt\":null}}", "$.created_at"},
        {CHAT, "{\"text\":{\"$in\":\"a\"}}", "$.text"},
        {CHAT, "{\"text\":{\"$set\":\"yes\"}}", "$.text"},
        {CHAT, "{\"text\":{\"$set\":false}}", NULL},
        {REQUEST, "{\"field_violations\":[{\"field\":\"a\"},{\"feild\":\"a\"}]}",
         "$.field_violations[1]"},
        {REQUEST, "{\"field_violations\":{\"$has\":{\"feild\":\"a\"}}}", "$.field_violations"},
        {REQUEST, "{\"field_violations\":{\"$has\":{\"field\":{\"$in\":1}}}}",
         "$.field_violations.field"},
        {INFO, "{\"metadata\":{\"any key\":\"1\"}}", NULL},
        {NULL, "{\"whatever\":1}", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct har_mismatch mismatch = {0};
        json_t *wanted = load(cases[i].wanted);
        bool is_good = har_json_can_match(type_of(cases[i].type), wanted, &mismatch);
        if (is_good != (cases[i].path == NULL) ||
            (!is_good && strcmp(mismatch.path, cases[i].path) != 0)) {
            fail_msg("%s: %s %s", cases[i].wanted, mismatch.path, mismatch.text);
        }
        json_decref(wanted);
    }
}

/* depth arrays inside one another. */
static json_t *nested(unsigned depth)
{
    json_t *json = json_integer(1);
    for (unsigned i = 0; i < depth; i++) {
        json_t *outer = json_array();
        (void)json_array_append_new(outer, json);
        json = outer;
    }
    return json;
}

static void nesting_has_a_limit(void **state)
{
    (void)state;
    for (unsigned depth = HAR_MATCH_DEPTH_MAX - 1; depth <= HAR_MATCH_DEPTH_MAX; depth++) {
        struct har_mismatch mismatch = {0};
        json_t *json = nested(depth);
        bool is_within = depth < HAR_MATCH_DEPTH_MAX;
        assert_true(har_json_matches(NULL, json, json, false, &mismatch) == is_within);
        assert_true(har_json_can_match(NULL, json, &mismatch) == is_within);
        json_decref(json);
    }
}

static void long_names_and_values_are_cut_in_what_is_told(void **state)
{
    (void)state;
    char key[1000];
    memset(key, 'k', sizeof(key) - 1);
    key[sizeof(key) - 1] = '\0';
    json_t *wanted = json_object();
    json_t *got = json_object();
    (void)json_object_set_new(wanted, key, json_string(key));
    (void)json_object_set_new(got, key, json_string("short"));
    struct har_mismatch mismatch = {0};
    assert_false(har_json_matches(NULL, wanted, got, false, &mismatch));
    assert_true(strlen(mismatch.path) < sizeof(mismatch.path));
    assert_non_null(strstr(mismatch.text, "is \"short\", wanted \"kkk"));
    json_decref(wanted);
    json_decref(got);
}

static void paths_lead_to_values(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        bool is_path;
        const char *value; /* NULL: none */
    } cases[] = {
        {"$.a", true, "1"},
        {"$.b.c", true, "2"},
        {"$.rows[1].seq", true, "4"},
        {"$.rows[0].seq", true, "3"},
        {"$.rows[2].seq", true, NULL},
        {"$.none", true, NULL},
        {"$.a.b", true, NULL},
        {"$", false, NULL},
        {"a", false, NULL},
        {"$.", false, NULL},
        {"$.rows[", false, NULL},
        {"$.rows[x]", false, NULL},
        {"$.rows[-1]", false, NULL},
        {"$.rows[0", false, NULL},
        {"$..a", false, NULL},
        {"$.rows[99999999999999999999]", true, NULL},
    };
    json_t *json = load("{\"a\":1,\"b\":{\"c\":2},\"rows\":[{\"seq\":3},{\"seq\":4}]}");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool is_path = har_json_path_problem(cases[i].path) == NULL;
        json_t *value = is_path ? har_json_at(json, cases[i].path) : NULL;
        bool is_same = (value == NULL) == (cases[i].value == NULL);
        if (value != NULL && cases[i].value != NULL) {
            json_t *expected = load(cases[i].value);
            is_same = json_equal(value, expected) != 0;
            json_decref(expected);
        }
        if (is_path != cases[i].is_path || !is_same) {
            fail_msg("%s: %s, %s", cases[i].path, is_path ? "a path" : "no path",
                     value == NULL ? "nothing" : "something");
        }
    }
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_the_same_in_every_form_that_proto3_json_allows),
        cmocka_unit_test(what_is_absent_has_its_default),
        cmocka_unit_test(exactly_means_no_other_field_at_any_depth),
        cmocka_unit_test(arrays_are_compared_member_by_member),
        cmocka_unit_test(operators_stand_in_place_of_a_value),
        cmocka_unit_test(what_no_message_can_be_is_told_before_the_run),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(long_names_and_values_are_cut_in_what_is_told),
        cmocka_unit_test(paths_lead_to_values),
    };
    return cmocka_run_group_tests(tests, make_pool, free_pool);
}
