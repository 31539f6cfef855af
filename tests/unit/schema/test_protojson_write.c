/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/schema/kinds.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/rng.h"

/* One message and what becomes of it. Kinds of sluice.test3 and sluice.test2. */
struct write_case {
    const char *name, *hex, *json;
    const char *unknown; /* NULL: none */
    const char *problem; /* what the text begins with; NULL: the message is well-formed */
};

/* What one run gave. */
struct written {
    enum sl_status status;
    struct sl_buf json, unknown;
    struct sl_protojson_result result;
};

static struct written write_bytes(const struct sl_pool *pool, const struct sl_message_type *type,
                                  struct sl_span bytes)
{
    struct written w;
    struct sl_json_out out;
    sl_buf_init(&w.json, TEST_TEXT_MAX);
    sl_buf_init(&w.unknown, TEST_TEXT_MAX);
    sl_json_out_init(&out, &w.json);
    w.status = sl_protojson_write(pool, type, bytes, &out, &w.unknown, &w.result);
    return w;
}

static void written_release(struct written *w)
{
    sl_buf_release(&w->json);
    sl_buf_release(&w->unknown);
}

static void check(const struct sl_pool *pool, const char *type, const struct write_case *c)
{
    struct sl_buf bytes = test_bytes(c->hex);
    struct written w = write_bytes(pool, test_type(pool, type), sl_buf_span(&bytes));
    bool is_problem = c->problem != NULL;
    if (strcmp(sl_buf_str(&w.json), c->json) != 0) {
        fail_msg("%s: %s", c->name, sl_buf_str(&w.json));
    }
    if (is_problem != (w.status == SL_MALFORMED) || is_problem != w.result.is_malformed ||
        (is_problem && strncmp(w.result.problem, c->problem, strlen(c->problem)) != 0)) {
        fail_msg("%s: %s: %s", c->name, sl_status_text(w.status), w.result.problem);
    }
    if (w.result.has_unknown != (c->unknown != NULL) ||
        (c->unknown != NULL && strcmp(sl_buf_str(&w.unknown), c->unknown) != 0)) {
        fail_msg("%s: unknown %s", c->name, sl_buf_str(&w.unknown));
    }
    written_release(&w);
    sl_buf_release(&bytes);
}

static const struct write_case proto3_cases[] = {
    {.name = "nothing", .hex = "", .json = "{}"},
    {.name = "a default is left out", .hex = "2800 4a00 40 00", .json = "{}"},
    {.name = "fields come in number order",
     .hex = "4a0178 2805",
     .json = "{\"anInt32\":5,\"aString\":\"x\"}"},
    {.name = "the last scalar wins", .hex = "2805 2806", .json = "{\"anInt32\":6}"},
    {.name = "the last scalar wins, also as default", .hex = "2805 2800", .json = "{}"},
    {.name = "int32 of ten bytes", .hex = "28ffffffffffffffffff01", .json = "{\"anInt32\":-1}"},
    {.name = "int32 of five bytes", .hex = "28ffffffff0f", .json = "{\"anInt32\":-1}"},
    {.name = "64 bits are a string",
     .hex = "18ffffffffffffffff7f 20ffffffffffffffffff01",
     .json = "{\"anInt64\":\"9223372036854775807\",\"aUint64\":\"18446744073709551615\"}"},
    {.name = "zigzag", .hex = "880101 900101", .json = "{\"anSint32\":-1,\"anSint64\":\"-1\"}"},
    {.name = "presence shows a default",
     .hex = "a80100 b20100",
     .json = "{\"maybeInt32\":0,\"maybeString\":\"\"}"},
    {.name = "parts of a message are merged",
     .hex = "5a022805 5a034a0178",
     .json = "{\"aMessage\":{\"anInt32\":5,\"aString\":\"x\"}}"},
    {.name = "parts of a message are merged, with others between",
     .hex = "5a022805 4001 5a034a0178",
     .json = "{\"aBool\":true,\"aMessage\":{\"anInt32\":5,\"aString\":\"x\"}}"},
    {.name = "packed and unpacked mix",
     .hex = "880201 8a02020203",
     .json = "{\"manyInt64\":[\"1\",\"2\",\"3\"]}"},
    {.name = "packed where unpacked is declared",
     .hex = "9a02020102",
     .json = "{\"manyInt32\":[1,2]}"},
    {.name = "an empty packed field is nothing", .hex = "9a0200", .json = "{}"},
    {.name = "packed values cut short",
     .hex = "9a02020180",
     .json = "{\"manyInt32\":[1]}",
     .problem = "$.manyInt32: packed"},
    {.name = "elements around another field",
     .hex = "ba020161 4001 ba020162",
     .json = "{\"aBool\":true,\"manyString\":[\"a\",\"b\"]}"},
    {.name = "the last of a oneof wins",
     .hex = "e80301 f2030178",
     .json = "{\"choiceString\":\"x\"}"},
    {.name = "the last of a oneof wins, by number the first",
     .hex = "f2030178 e80301",
     .json = "{\"choiceInt32\":1}"},
    {.name = "the last of a oneof wins, after a wire type that does not fit",
     .hex = "ea030178 e80301 f2030178",
     .json = "{\"choiceString\":\"x\"}",
     .unknown = "[{\"field\":61,\"type\":\"string\",\"value\":\"x\"}]"},
    {.name = "a message of a oneof begins anew after another member",
     .hex = "fa03022805 e80301 fa03034a0178",
     .json = "{\"choiceMessage\":{\"aString\":\"x\"}}"},
    {.name = "a oneof shows its default", .hex = "e80300", .json = "{\"choiceInt32\":0}"},
    {.name = "NullValue", .hex = "800400", .json = "{\"choiceNull\":null}"},
    {.name = "the first of two aliases",
     .hex = "880401",
     .json = "{\"choiceAliased\":\"ALIASED_ONE\"}"},
    {.name = "a map is sorted, its last entry of a key wins",
     .hex = "9a03060a0162120131 9a03060a0161120132 9a03060a0162120133",
     .json = "{\"stringMap\":{\"a\":\"2\",\"b\":\"3\"}}"},
    {.name = "a map entry without key and value",
     .hex = "9a0300",
     .json = "{\"stringMap\":{\"\":\"\"}}"},
    {.name = "a negative key sorts first",
     .hex = "a2030208 01 a2030b08ffffffffffffffffff01",
     .json = "{\"messageMap\":{\"-1\":{},\"1\":{}}}"},
    {.name = "an unknown number of an open enum", .hex = "70e724", .json = "{\"aColour\":4711}"},
    {.name = "an unknown field",
     .hex = "2805 c00c01",
     .json = "{\"anInt32\":5}",
     .unknown = "[{\"field\":200,\"type\":\"varint\",\"value\":1}]"},
    {.name = "an unknown field further in",
     .hex = "ca020228 05 ca0203c00c01",
     .json = "{\"manyMessage\":[{\"anInt32\":5},{}]}",
     .unknown = "[{\"field\":200,\"type\":\"varint\",\"value\":1,\"path\":\"$.manyMessage[1]\"}]"},
    {.name = "a wire type that does not fit",
     .hex = "2a0178",
     .json = "{}",
     .unknown = "[{\"field\":5,\"type\":\"string\",\"value\":\"x\"}]"},
    {.name = "an unknown group",
     .hex = "c30c0801c40c",
     .json = "{}",
     .unknown = "[{\"field\":200,\"type\":\"group\",\"value\":[{\"field\":1,\"type\":\"varint\","
                "\"value\":1}]}]"},
    {.name = "text that is not UTF-8, and what follows",
     .hex = "4a02ff61 6805",
     .json = "{\"aString\":\"\xef\xbf\xbd"
             "a\",\"aUint32\":5}",
     .problem = "$.aString: a string is not valid UTF-8"},
    {.name = "a key that is not UTF-8",
     .hex = "9a03060a01ff120131",
     .json = "{\"stringMap\":{\"\xef\xbf\xbd\":\"1\"}}",
     .problem = "$.stringMap.?: a key"},
    {.name = "cut short",
     .hex = "2805 4a0561",
     .json = "{\"anInt32\":5}",
     .problem = "$: the bytes"},
    {.name = "a part cut short",
     .hex = "5a052805 4a0561 6805",
     .json = "{\"aMessage\":{\"anInt32\":5}}",
     .problem = "$.aMessage: the bytes"},
    {.name = "floats have their shortest form",
     .hex = "099a9999999999b93f 15cdcccc3d",
     .json = "{\"aDouble\":0.1,\"aFloat\":0.1}"},
    {.name = "numbers that JSON has not",
     .hex = "09000000000000f87f 15000080ff",
     .json = "{\"aDouble\":\"NaN\",\"aFloat\":\"-Infinity\"}"},
    {.name = "minus zero is no default", .hex = "090000000000000080", .json = "{\"aDouble\":-0.0}"},
    {.name = "bytes", .hex = "6203fffefd", .json = "{\"someBytes\":\"//79\"}"},
    {.name = "names given by hand",
     .hex = "a80601 b00602",
     .json = "{\"@hand\":1,\"OddName1x\":2}"},
    {.name = "the last field number", .hex = "faffffff0f0178", .json = "{\"farAway\":\"x\"}"},
};

static void writes_every_case_of_proto3(void **state)
{
    for (size_t i = 0; i < sizeof(proto3_cases) / sizeof(proto3_cases[0]); i++) {
        check(*state, "sluice.test3.Kinds", &proto3_cases[i]);
    }
}

static void writes_every_case_of_proto2(void **state)
{
    static const char closed[] = "[{\"field\":4,\"type\":\"varint\",\"value\":3}]";
    static const struct write_case cases[] = {
        {.name = "an unknown number of a closed enum",
         .hex = "0801 2003",
         .json = "{\"needed\":1}",
         .unknown = closed},
        {.name = "an unknown number does not hide a known one",
         .hex = "0801 2001 2003",
         .json = "{\"needed\":1,\"closed\":\"CLOSED_ONE\"}",
         .unknown = closed},
        {.name = "unknown numbers among packed ones",
         .hex = "0801 2a03010302",
         .json = "{\"needed\":1,\"manyClosed\":[\"CLOSED_ONE\",\"CLOSED_TWO\"]}",
         .unknown = "[{\"field\":5,\"type\":\"varint\",\"value\":3}]"},
        {.name = "unknown numbers alone make no array",
         .hex = "0801 2a0103",
         .json = "{\"needed\":1}",
         .unknown = "[{\"field\":5,\"type\":\"varint\",\"value\":3}]"},
        {.name = "an unknown number in a map takes the entry with it",
         .hex = "0801 5a0408011005 5a0408021007",
         .json = "{\"needed\":1,\"closedMap\":{\"2\":\"CLOSED_SEVEN\"}}",
         .unknown =
             "[{\"field\":11,\"type\":\"message\",\"value\":[{\"field\":1,\"type\":\"varint\","
             "\"value\":1},{\"field\":2,\"type\":\"varint\",\"value\":5}]}]"},
        {.name = "an unknown number is no member of its oneof",
         .hex = "0801 73080174 6005",
         .json = "{\"needed\":1,\"choicegroup\":{\"yes\":true}}",
         .unknown = "[{\"field\":12,\"type\":\"varint\",\"value\":5}]"},
        {.name = "groups",
         .hex = "0801 4b 0805 13 0a0178 14 4c",
         .json = "{\"needed\":1,\"inner\":{\"deep\":5,\"deeper\":[{\"note\":\"x\"}]}}"},
        {.name = "a group in two parts",
         .hex = "0801 4b08054c 4b13144c",
         .json = "{\"needed\":1,\"inner\":{\"deep\":5,\"deeper\":[{}]}}"},
        {.name = "extensions",
         .hex = "0801 a00605 aa060178 aa060179 c23e030a0178",
         .json = "{\"needed\":1,\"[sluice.test2.extra_number]\":5,\"[sluice.test2.extra_texts]\":["
                 "\"x\","
                 "\"y\"],\"[sluice.test2.Holder.held]\":{\"label\":\"x\"}}"},
        {.name = "zero has presence",
         .hex = "0801 8101 0000000000000000",
         .json = "{\"needed\":1,\"zero\":0}"},
        {.name = "text may be anything",
         .hex = "0801 1201ff",
         .json = "{\"needed\":1,\"text\":\"\xef\xbf\xbd\"}"},
        {.name = "a required field may be missing", .hex = "", .json = "{}"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check(*state, "sluice.test2.Kinds", &cases[i]);
    }
}

static void writes_the_well_known_types(void **state)
{
    static const struct {
        const char *type;
        struct write_case c;
    } cases[] = {
        {"Timestamp", {.name = "epoch", .hex = "", .json = "\"1970-01-01T00:00:00Z\""}},
        {"Timestamp",
         {.name = "with nanos", .hex = "10c0843d", .json = "\"1970-01-01T00:00:00.001Z\""}},
        {"Timestamp",
         {.name = "out of range",
          .hex = "08ffffffffffffffff7f",
          .json = "null",
          .problem = "$: a timestamp"}},
        {"Duration",
         {.name = "-1.5 s",
          .hex = "08ffffffffffffffffff01 1080b6ca91feffffffff01",
          .json = "\"-1.500s\""}},
        {"Duration",
         {.name = "two signs",
          .hex = "0801 10ffffffffffffffffff01",
          .json = "null",
          .problem = "$: a duration"}},
        {"FieldMask",
         {.name = "paths", .hex = "0a07757365725f6964 0a03612e62", .json = "\"userId,a.b\""}},
        {"FieldMask",
         {.name = "no way back", .hex = "0a02415f", .json = "\"A\"", .problem = "$: a field mask"}},
        {"Struct", {.name = "empty", .hex = "", .json = "{}"}},
        {"Struct",
         {.name = "an entry without a value", .hex = "0a030a0161", .json = "{\"a\":null}"}},
        {"ListValue", {.name = "empty", .hex = "", .json = "[]"}},
        {"ListValue", {.name = "of two", .hex = "0a022001 0a0208 00", .json = "[true,null]"}},
        {"Value", {.name = "of no kind", .hex = "", .json = "null"}},
        {"Value", {.name = "the last kind wins", .hex = "2001 1a0178", .json = "\"x\""}},
        {"Value", {.name = "an empty object", .hex = "2a00", .json = "{}"}},
        {"Value",
         {.name = "NaN", .hex = "11000000000000f87f", .json = "\"NaN\"", .problem = "$: NaN"}},
        {"Int64Value", {.name = "default", .hex = "", .json = "\"0\""}},
        {"StringValue", {.name = "text", .hex = "0a0178", .json = "\"x\""}},
        {"BoolValue",
         {.name = "unknown field",
          .hex = "0801 1001",
          .json = "true",
          .unknown = "[{\"field\":2,\"type\":\"varint\",\"value\":1}]"}},
        {"Empty", {.name = "empty", .hex = "", .json = "{}"}},
        {"Any", {.name = "empty", .hex = "", .json = "{}"}},
        {"Any",
         {.name = "of an unknown type",
          .hex = "0a05782f792e7a 12020801",
          .json = "{\"@type\":\"x/y.z\",\"value\":\"CAE=\"}"}},
        {"Any",
         {.name = "of a type that is no URL",
          .hex = "0a0178",
          .json = "{\"@type\":\"x\",\"value\":\"\"}",
          .problem = "$: the type URL of an Any has no slash"}},
        {"Any",
         {.name = "of a known type",
          .hex = "12030a0178 0a15 782f736c756963652e74657374322e486f6c646572",
          .json = "{\"@type\":\"x/sluice.test2.Holder\",\"label\":\"x\"}"}},
        {"Any",
         {.name = "of a type with a form of its own",
          .hex = "0a1a 782f676f6f676c652e70726f746f6275662e4475726174696f6e 12020803",
          .json = "{\"@type\":\"x/google.protobuf.Duration\",\"value\":\"3s\"}"}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char type[64];
        (void)snprintf(type, sizeof(type), "google.protobuf.%s", cases[i].type);
        check(*state, type, &cases[i].c);
    }
}

/* Kinds of proto3 with depth messages inside messages. */
static struct sl_buf nested(size_t depth)
{
    struct sl_buf bytes = test_bytes("2805");
    for (size_t i = 0; i < depth; i++) {
        struct sl_buf outer;
        sl_buf_init(&outer, TEST_TEXT_MAX);
        (void)sl_buf_add_u8(&outer, 0x5a);
        (void)sl_buf_add_varint(&outer, bytes.len);
        (void)sl_buf_add_span(&outer, sl_buf_span(&bytes));
        sl_buf_release(&bytes);
        bytes = outer;
    }
    return bytes;
}

static void ends_at_a_depth(void **state)
{
    for (size_t depth = SL_PROTO_DEPTH_MAX; depth <= SL_PROTO_DEPTH_MAX + 1; depth++) {
        struct sl_buf bytes = nested(depth);
        struct written w =
            write_bytes(*state, test_type(*state, "sluice.test3.Kinds"), sl_buf_span(&bytes));
        assert_int_equal(w.status, depth <= SL_PROTO_DEPTH_MAX ? SL_OK : SL_LIMIT);
        json_t *json = json_loads(sl_buf_str(&w.json), 0, NULL);
        assert_non_null(json);
        json_decref(json);
        written_release(&w);
        sl_buf_release(&bytes);
    }
}

static void says_when_the_buffer_is_full(void **state)
{
    struct sl_buf bytes = test_bytes("2805 4a0568656c6c6f 5a022805");
    struct sl_buf json;
    struct sl_json_out out;
    struct sl_protojson_result result;
    sl_buf_init(&json, 16);
    sl_json_out_init(&out, &json);
    assert_int_equal(sl_protojson_write(*state, test_type(*state, "sluice.test3.Kinds"),
                                        sl_buf_span(&bytes), &out, NULL, &result),
                     SL_LIMIT);
    assert_true(json.is_full);
    sl_buf_release(&json);
    sl_buf_release(&bytes);
}

/* Messages with much in them, to be cut and damaged. */
static const char *const rich[][2] = {
    {"sluice.test3.Kinds",
     "09000000000000f03f 15cdcccc3d 1805 28ffffffffffffffffff01 4a0178 5a0428054001 6203fffefd "
     "70e724"
     " a80100 fa01080000000000000040 8a02020203 ba020161 ca02022805 9a03060a0162120131 "
     "a20304080112 00"
     " f2030178 ba040f0a05782f792e7a 12020801 1a020802 c2040308 8001 ca04020805 d204090a0775736572"
     "5f6964 da040b0a090a016112040a020801 e204022001 ea04060a0220010a00 c00c01 faffffff0f0178"},
    {"sluice.test2.Kinds",
     "0801 1201ff 2001 2a03010302 4b0805130a0178144c 535d0000803f54 5a0408021007 73080174 a00605"
     " aa060178 b206020801 c23e030a0178"},
};

/* Whatever the bytes are, one JSON value is written, and the status is one of three. */
static void writes_one_value(const struct sl_pool *pool, const char *type, struct sl_span bytes)
{
    void *copy = malloc(bytes.len + 1); /* so that a read past the end is seen */
    assert_non_null(copy);
    if (bytes.len > 0) {
        memcpy(copy, bytes.data, bytes.len);
    }
    void *exact = realloc(copy, bytes.len > 0 ? bytes.len : 1);
    assert_non_null(exact);
    struct written w = write_bytes(pool, test_type(pool, type), sl_span(exact, bytes.len));
    assert_true(w.status == SL_OK || w.status == SL_MALFORMED || w.status == SL_LIMIT);
    assert_true((w.status != SL_OK) == (w.result.problem[0] != '\0'));
    json_t *json = json_loads(sl_buf_str(&w.json), JSON_ALLOW_NUL, NULL);
    json_t *unknown = json_loads(sl_buf_str(&w.unknown), JSON_ALLOW_NUL, NULL);
    bool has_nul_key = strstr(sl_buf_str(&w.json), "\\u0000") != NULL; /* jansson takes none */
    assert_true(json != NULL || has_nul_key);
    assert_true((unknown != NULL) == w.result.has_unknown);
    json_decref(json);
    json_decref(unknown);
    written_release(&w);
    free(exact);
}

static void every_truncation_gives_one_value(void **state)
{
    for (size_t i = 0; i < sizeof(rich) / sizeof(rich[0]); i++) {
        struct sl_buf bytes = test_bytes(rich[i][1]);
        assert_true(bytes.len > 40);
        for (size_t len = 0; len <= bytes.len; len++) {
            writes_one_value(*state, rich[i][0], sl_span_first(sl_buf_span(&bytes), len));
        }
        sl_buf_release(&bytes);
    }
}

static void every_damage_gives_one_value(void **state)
{
    struct sl_rng rng;
    sl_rng_init(&rng, 7, 0);
    for (size_t run = 0; run < 4000; run++) {
        size_t which = run % (sizeof(rich) / sizeof(rich[0]));
        struct sl_buf bytes = test_bytes(rich[which][1]);
        for (size_t flips = 1 + sl_rng_below(&rng, 4); flips > 0; flips--) {
            bytes.data[sl_rng_below(&rng, bytes.len)] = (uint8_t)sl_rng_next(&rng);
        }
        writes_one_value(*state, rich[which][0], sl_buf_span(&bytes));
        sl_buf_release(&bytes);
    }
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
        cmocka_unit_test(writes_every_case_of_proto3),
        cmocka_unit_test(writes_every_case_of_proto2),
        cmocka_unit_test(writes_the_well_known_types),
        cmocka_unit_test(ends_at_a_depth),
        cmocka_unit_test(says_when_the_buffer_is_full),
        cmocka_unit_test(every_truncation_gives_one_value),
        cmocka_unit_test(every_damage_gives_one_value),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
