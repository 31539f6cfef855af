/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/cmocka_all.h"

#include "lib/base/hex.h"
#include "lib/schema/protojson.h"

enum { TEXT_MAX = 1024 * 1024 };

/* What sl_raw_write() makes of the bytes, and its status. text: initialised, gets the JSON. */
static enum sl_status raw(struct sl_span bytes, struct sl_buf *text)
{
    struct sl_json_out out;
    sl_json_out_init(&out, text);
    enum sl_status status = sl_raw_write(bytes, &out);
    json_t *json = json_loads(sl_buf_str(text), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    assert_non_null(json);
    json_decref(json);
    return status;
}

static void guesses_by_content(void **state)
{
    (void)state;
    static const struct {
        const char *name, *hex, *json;
    } cases[] = {
        {"nothing", "", "[]"},
        {"varint", "089601", "[{\"field\":1,\"type\":\"varint\",\"value\":150}]"},
        {"a varint above 2^53", "08ffffffffffffffffff01",
         "[{\"field\":1,\"type\":\"varint\",\"value\":\"18446744073709551615\"}]"},
        {"fixed32", "0d01000000", "[{\"field\":1,\"type\":\"fixed32\",\"value\":1}]"},
        {"fixed64", "090100000000000000", "[{\"field\":1,\"type\":\"fixed64\",\"value\":1}]"},
        {"text", "0a0178", "[{\"field\":1,\"type\":\"string\",\"value\":\"x\"}]"},
        {"no text", "0a00", "[{\"field\":1,\"type\":\"string\",\"value\":\"\"}]"},
        {"text of another script", "0a06e4b896e7958c",
         "[{\"field\":1,\"type\":\"string\",\"value\":\"\xe4\xb8\x96\xe7\x95\x8c\"}]"},
        {"text with a line break", "0a0568690a796f",
         "[{\"field\":1,\"type\":\"string\",\"value\":\"hi\\nyo\"}]"},
        {"a message", "0a020801",
         "[{\"field\":1,\"type\":\"message\",\"value\":[{\"field\":1,\"type\":\"varint\",\"value\":"
         "1}]"
         "}]"},
        {"a message that begins as text with a line break does",
         "0a0f0a0d6162636465666768696a6b6c6d",
         "[{\"field\":1,\"type\":\"message\",\"value\":[{\"field\":1,\"type\":\"string\",\"value\":"
         "\"abcdefghijklm\"}]}]"},
        {"packed numbers", "0a0401028001",
         "[{\"field\":1,\"type\":\"packed\",\"of\":\"varint\",\"value\":[1,2,128]}]"},
        {"packed negative numbers", "0a14feffffffffffffffff01ffffffffffffffffff01",
         "[{\"field\":1,\"type\":\"packed\",\"of\":\"varint\",\"value\":[\"18446744073709551614\","
         "\"18446744073709551615\"]}]"},
        {"packed bools", "0a0401000101",
         "[{\"field\":1,\"type\":\"packed\",\"of\":\"varint\",\"value\":[1,0,1,1]}]"},
        {"packed floats", "0a080000803fcdcccc3d",
         "[{\"field\":1,\"type\":\"packed\",\"of\":\"fixed32\",\"value\":[1065353216,1036831949],"
         "\"float\":[1,0.1]}]"},
        {"packed doubles", "0a08000000000000f83f",
         "[{\"field\":1,\"type\":\"packed\",\"of\":\"fixed64\",\"value\":[\"4609434218613702656\"],"
         "\"double\":[1.5]}]"},
        {"packed small fixed32", "0a080500000007010000",
         "[{\"field\":1,\"type\":\"packed\",\"of\":\"fixed32\",\"value\":[5,263]}]"},
        {"a float", "0d0000c03f",
         "[{\"field\":1,\"type\":\"fixed32\",\"value\":1069547520,\"float\":1.5}]"},
        {"a double", "099a9999999999b9bf",
         "[{\"field\":1,\"type\":\"fixed64\",\"value\":\"13815242216921733530\",\"double\":-0.1}]"},
        {"a number as no encoder writes it is no message", "0a0308ff00",
         "[{\"field\":1,\"type\":\"bytes\",\"value\":\"CP8A\"}]"},
        {"bytes", "0a04fffefd00", "[{\"field\":1,\"type\":\"bytes\",\"value\":\"//79AA==\"}]"},
        {"a group", "0b08050c",
         "[{\"field\":1,\"type\":\"group\",\"value\":[{\"field\":1,\"type\":\"varint\",\"value\":5}"
         "]}]"},
        {"wire order is kept", "100108021003",
         "[{\"field\":2,\"type\":\"varint\",\"value\":1},{\"field\":1,\"type\":\"varint\","
         "\"value\":2},"
         "{\"field\":2,\"type\":\"varint\",\"value\":3}]"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_buf bytes;
        struct sl_buf text;
        sl_buf_init(&bytes, TEXT_MAX);
        sl_buf_init(&text, TEXT_MAX);
        assert_int_equal(sl_hex_decode(sl_span_str(cases[i].hex), &bytes), SL_OK);
        assert_int_equal(raw(sl_buf_span(&bytes), &text), SL_OK);
        if (strcmp(sl_buf_str(&text), cases[i].json) != 0) {
            fail_msg("%s: %s", cases[i].name, sl_buf_str(&text));
        }
        sl_buf_release(&bytes);
        sl_buf_release(&text);
    }
}

static void writes_null_for_what_is_no_message(void **state)
{
    (void)state;
    struct sl_buf text;
    sl_buf_init(&text, TEXT_MAX);
    assert_int_equal(raw(sl_span_str("\xff\xff"), &text), SL_MALFORMED);
    assert_string_equal(sl_buf_str(&text), "null");
    sl_buf_release(&text);
}

/* A message in a message, depth times, in out. */
static void nest(struct sl_buf *out, size_t depth)
{
    (void)sl_buf_add(out, "\x08\x01", 2);
    for (size_t i = 0; i < depth; i++) {
        struct sl_buf outer;
        sl_buf_init(&outer, out->max);
        (void)sl_buf_add_u8(&outer, 0x0a);
        (void)sl_buf_add_varint(&outer, out->len);
        (void)sl_buf_add_span(&outer, sl_buf_span(out));
        sl_buf_release(out);
        *out = outer;
    }
}

static void ends_at_a_depth(void **state)
{
    (void)state;
    struct sl_buf bytes;
    struct sl_buf text;
    sl_buf_init(&bytes, TEXT_MAX);
    sl_buf_init(&text, TEXT_MAX);
    nest(&bytes, 500);
    assert_int_equal(raw(sl_buf_span(&bytes), &text), SL_OK);
    size_t messages = 0;
    const char *at = sl_buf_str(&text);
    while ((at = strstr(at, "\"message\"")) != NULL) {
        messages++;
        at++;
    }
    assert_int_equal(messages, SL_PROTO_DEPTH_MAX);
    sl_buf_release(&bytes);
    sl_buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guesses_by_content),
        cmocka_unit_test(writes_null_for_what_is_no_message),
        cmocka_unit_test(ends_at_a_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
