/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/schema/kinds.h"

struct read_case {
    const char *name, *type, *json;
    const char *hex;     /* what it becomes; NULL: refused */
    const char *problem; /* what the text begins with when it is refused */
};

#define K3 "sluice.test3.Kinds"
#define K2 "sluice.test2.Kinds"
#define WK "google.protobuf."

static void check(const struct sl_pool *pool, const struct read_case *c)
{
    struct sl_buf out;
    struct sl_error error = {0};
    sl_buf_init(&out, TEST_TEXT_MAX);
    json_t *json = json_loads(c->json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    assert_non_null(json);
    enum sl_status status = sl_protojson_read(pool, test_type(pool, c->type), json, &out, &error);
    if (c->hex == NULL) {
        if (status != SL_MALFORMED || strncmp(error.text, c->problem, strlen(c->problem)) != 0) {
            fail_msg("%s: %s: %s", c->name, sl_status_text(status), error.text);
        }
    } else {
        struct sl_buf wanted = test_bytes(c->hex);
        if (status != SL_OK || !sl_span_equal(sl_buf_span(&wanted), sl_buf_span(&out))) {
            struct sl_buf digits;
            sl_buf_init(&digits, TEST_TEXT_MAX);
            (void)sl_hex_encode(sl_buf_span(&out), &digits);
            fail_msg("%s: %s %s", c->name, error.text, sl_buf_str(&digits));
        }
        sl_buf_release(&wanted);
    }
    json_decref(json);
    sl_buf_release(&out);
}

static void check_all(const struct sl_pool *pool, const struct read_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check(pool, &cases[i]);
    }
}

static void reads_what_the_mapping_allows(void **state)
{
    static const struct read_case cases[] = {
        {"nothing", K3, "{}", "", NULL},
        {"both names of a field", K3, "{\"an_int32\":5,\"aString\":\"x\"}", "2805 4a0178", NULL},
        {"fields in number order", K3, "{\"aString\":\"x\",\"anInt32\":5}", "2805 4a0178", NULL},
        {"a default is left out", K3, "{\"anInt32\":0,\"aString\":\"\",\"aDouble\":0}", "", NULL},
        {"presence keeps a default", K3, "{\"maybeInt32\":0}", "a80100", NULL},
        {"null is nothing", K3, "{\"anInt32\":null,\"aMessage\":null,\"manyInt32\":null}", "",
         NULL},
        {"an integer in a string", K3, "{\"anInt32\":\"5\"}", "2805", NULL},
        {"an integer with a fraction of zero", K3, "{\"anInt32\":5.0}", "2805", NULL},
        {"an integer with an exponent", K3, "{\"anInt32\":\"5e2\"}", "28f403", NULL},
        {"a negative integer", K3, "{\"anInt32\":-1}", "28ffffffffffffffffff01", NULL},
        {"the largest uint64", K3, "{\"aUint64\":\"18446744073709551615\"}",
         "20ffffffffffffffffff01", NULL},
        {"the smallest int64", K3, "{\"anInt64\":\"-9223372036854775808\"}",
         "1880808080808080808001", NULL},
        {"zigzag", K3, "{\"anSint32\":-2147483648}", "8801ffffffff0f", NULL},
        {"fixed", K3, "{\"aFixed32\":1,\"anSfixed64\":\"-1\"}", "3d01000000 8101ffffffffffffffff",
         NULL},
        {"a number that is none", K3, "{\"aFloat\":\"NaN\",\"aDouble\":\"-Infinity\"}",
         "09000000000000f0ff 150000c07f", NULL},
        {"a double in a string", K3, "{\"aDouble\":\"1.5\"}", "09000000000000f83f", NULL},
        {"both alphabets of base64", K3, "{\"someBytes\":\"__79\",\"manyBytes\":[\"//79\",\"_w\"]}",
         "6203fffefd d20203fffefd d20201ff", NULL},
        {"an enum by name or number", K3,
         "{\"aColour\":\"COLOUR_RED\",\"manyColour\":[-5,\"COLOUR_NEGATIVE\",4711]}",
         "7001 e20216fbffffffffffffffff01fbffffffffffffffff01e724", NULL},
        {"packed and unpacked as declared", K3, "{\"manyInt64\":[1,\"2\"],\"manyInt32\":[1,2]}",
         "8a02020102 980201 980202", NULL},
        {"an empty array", K3, "{\"manyInt64\":[]}", "", NULL},
        {"a map", K3, "{\"messageMap\":{\"-1\":{\"anInt32\":5}}}",
         "a2030f08ffffffffffffffffff0112022805", NULL},
        {"a map with bool keys", K3, "{\"boolMap\":{\"true\":\"\"}}", "aa030408011200", NULL},
        {"a value that is null in a map", K3, "{\"valueMap\":{\"a\":null}}",
         "c203070a01611202 0800", NULL},
        {"NullValue", K3, "{\"choiceNull\":null}", "800400", NULL},
        {"Value takes null", K3, "{\"value\":null}", "e204020800", NULL},
        {"an empty message", K3, "{\"aMessage\":{}}", "5a00", NULL},
        {"text with a NUL", K3, "{\"aString\":\"a\\u0000b\"}", "4a03610062", NULL},
        {"a group", K2, "{\"needed\":1,\"inner\":{\"deeper\":[{\"note\":\"x\"}]}}",
         "0801 4b 130a017814 4c", NULL},
        {"extensions", K2,
         "{\"needed\":1,\"[sluice.test2.extra_texts]\":[\"x\"],\"[sluice.test2.extra_number]\":5}",
         "0801 a00605 aa060178", NULL},
    };
    check_all(*state, cases, sizeof(cases) / sizeof(cases[0]));
}

static void refuses_with_the_path(void **state)
{
    static const struct read_case cases[] = {
        {"no object", K3, "[]", NULL, "$: an object"},
        {"an unknown name", K3, "{\"nope\":1}", NULL,
         "$: sluice.test3.Kinds has no field \"nope\""},
        {"an unknown name further in", K3, "{\"manyMessage\":[{},{\"nope\":1}]}", NULL,
         "$.manyMessage[1]: "},
        {"a type where none is wanted", K3, "{\"@type\":\"x/y\"}", NULL,
         "$: sluice.test3.Kinds has no field \"@type\""},
        {"a field twice", K3, "{\"anInt32\":1,\"an_int32\":1}", NULL, "$: field \"an_int32\""},
        {"two of a oneof", K3, "{\"choiceInt32\":1,\"choiceString\":\"\"}", NULL,
         "$: \"choice_int32\" and"},
        {"out of range", K3, "{\"anInt32\":2147483648}", NULL, "$.anInt32: the number"},
        {"out of range below", K3, "{\"anInt32\":-2147483649}", NULL, "$.anInt32: the number"},
        {"a negative uint32", K3, "{\"aUint32\":-1}", NULL, "$.aUint32: the number"},
        {"above uint64", K3, "{\"aUint64\":\"18446744073709551616\"}", NULL, "$.aUint64: a whole"},
        {"a fraction", K3, "{\"anInt32\":1.5}", NULL, "$.anInt32: a whole"},
        {"blanks in a number", K3, "{\"anInt32\":\" 1\"}", NULL, "$.anInt32: a whole"},
        {"hex digits", K3, "{\"anInt32\":\"0x1\"}", NULL, "$.anInt32: a whole"},
        {"a leading zero", K3, "{\"anInt32\":\"01\"}", NULL, "$.anInt32: a whole"},
        {"above float", K3, "{\"aFloat\":1e39}", NULL, "$.aFloat: the number"},
        {"a word for a double", K3, "{\"aDouble\":\"inf\"}", NULL, "$.aDouble: a number"},
        {"a string for a bool", K3, "{\"aBool\":\"true\"}", NULL, "$.aBool: true or false"},
        {"a number for a string", K3, "{\"aString\":1}", NULL, "$.aString: a string"},
        {"no base64", K3, "{\"someBytes\":\"!\"}", NULL, "$.someBytes: this is no base64"},
        {"no such enumerator", K3, "{\"aColour\":\"BLUE\"}", NULL,
         "$.aColour: sluice.test3.Colour"},
        {"no such number of a closed enum", K2, "{\"needed\":1,\"closed\":3}", NULL, "$.closed: "},
        {"no array", K3, "{\"manyInt32\":1}", NULL, "$.manyInt32: an array"},
        {"null in an array", K3, "{\"manyInt32\":[1,null]}", NULL, "$.manyInt32[1]: null"},
        {"no map", K3, "{\"stringMap\":[]}", NULL, "$.stringMap: an object"},
        {"null in a map", K3, "{\"stringMap\":{\"a\":null}}", NULL, "$.stringMap.a: null"},
        {"a key that is no number", K3, "{\"messageMap\":{\"x\":{}}}", NULL,
         "$.messageMap.x: the key"},
        {"a key that is no bool", K3, "{\"boolMap\":{\"1\":\"\"}}", NULL, "$.boolMap.1: the key"},
        {"an extension of another type", K3, "{\"[sluice.test2.extra_number]\":5}", NULL,
         "$: sluice.test3.Kinds has no field"},
    };
    check_all(*state, cases, sizeof(cases) / sizeof(cases[0]));
}

static void reads_the_well_known_types(void **state)
{
    static const struct read_case cases[] = {
        {"a time", WK "Timestamp", "\"1970-01-01T01:00:01.5+01:00\"", "0801 1080cab5ee01", NULL},
        {"no time", WK "Timestamp", "\"soon\"", NULL, "$: a time as"},
        {"no string", WK "Timestamp", "1", NULL, "$: a time as"},
        {"out of range", WK "Duration", "\"315576000001s\"", NULL, "$: the time is out of range"},
        {"a duration", WK "Duration", "\"3s\"", "0803", NULL},
        {"a field mask", WK "FieldMask", "\"userId,a.b\"", "0a07757365725f6964 0a03612e62", NULL},
        {"an empty field mask", WK "FieldMask", "\"\"", "", NULL},
        {"a field mask in snake case", WK "FieldMask", "\"user_id\"", NULL, "$: a path"},
        {"an object", WK "Struct", "{\"a\":[true]}", "0a0b0a0161 1206 3204 0a02 2001", NULL},
        {"a wrapper", WK "Int64Value", "\"5\"", "0805", NULL},
        {"a wrapper of its default", WK "Int64Value", "0", "", NULL},
        {"no fields are taken", WK "Empty", "{\"a\":1}", NULL, "$: google.protobuf.Empty has no"},
        {"an empty Any", WK "Any", "{}", "", NULL},
        {"an Any without a type", WK "Any", "{\"a\":1}", NULL, "$: an object with \"@type\""},
        {"an Any of an unknown type", WK "Any", "{\"@type\":\"x/y.z\",\"value\":\"CAE=\"}",
         "0a05782f792e7a 12020801", NULL},
        {"an Any whose type is no URL", WK "Any", "{\"@type\":\"x.y\",\"value\":\"\"}", NULL,
         "$: the \"@type\" is no type URL"},
        {"an Any of an unknown type, as fields", WK "Any", "{\"@type\":\"x/y.z\",\"a\":1}", NULL,
         "$: the \"@type\" is in no"},
        {"an Any of a known type", WK "Any",
         "{\"label\":\"x\",\"@type\":\"x/sluice.test2.Holder\"}",
         "0a15782f736c756963652e74657374322e486f6c646572 12030a0178", NULL},
        {"an Any of a type with a form of its own", WK "Any",
         "{\"@type\":\"x/google.protobuf.Duration\",\"value\":\"3s\"}",
         "0a1a782f676f6f676c652e70726f746f6275662e4475726174696f6e 12020803", NULL},
        {"the same without its value", WK "Any", "{\"@type\":\"x/google.protobuf.Duration\"}", NULL,
         "$: \"value\" is to hold"},
        {"an Any of Empty", WK "Any", "{\"@type\":\"x/google.protobuf.Empty\"}",
         "0a17782f676f6f676c652e70726f746f6275662e456d707479", NULL},
        {"an Any of Empty, as Go writes it", WK "Any",
         "{\"@type\":\"x/google.protobuf.Empty\",\"value\":{}}",
         "0a17782f676f6f676c652e70726f746f6275662e456d707479", NULL},
    };
    check_all(*state, cases, sizeof(cases) / sizeof(cases[0]));
}

static void ends_at_a_depth(void **state)
{
    for (size_t depth = SL_PROTO_DEPTH_MAX; depth <= SL_PROTO_DEPTH_MAX + 1; depth++) {
        json_t *json = json_object();
        for (size_t i = 0; i < depth; i++) {
            json = json_pack("{s:o}", "aMessage", json);
        }
        struct sl_buf out;
        struct sl_error error = {0};
        sl_buf_init(&out, TEST_TEXT_MAX);
        enum sl_status status =
            sl_protojson_read(*state, test_type(*state, K3), json, &out, &error);
        assert_int_equal(status, depth <= SL_PROTO_DEPTH_MAX ? SL_OK : SL_LIMIT);
        assert_int_equal(error.status, status);
        json_decref(json);
        sl_buf_release(&out);
    }
}

static void says_when_the_buffer_is_full(void **state)
{
    struct sl_buf out;
    struct sl_error error = {0};
    sl_buf_init(&out, 8);
    json_t *json = json_pack("{s:s}", "aString", "longer than eight bytes");
    assert_int_equal(sl_protojson_read(*state, test_type(*state, K3), json, &out, &error),
                     SL_LIMIT);
    json_decref(json);
    sl_buf_release(&out);
}

static int set_up(void **state)
{
    *state = test_kinds_pool();
    return 0;
}

static int tear_down(void **state)
{
    sl_pool_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_the_mapping_allows), cmocka_unit_test(refuses_with_the_path),
        cmocka_unit_test(reads_the_well_known_types),    cmocka_unit_test(ends_at_a_depth),
        cmocka_unit_test(says_when_the_buffer_is_full),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
