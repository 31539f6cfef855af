/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: a byte that chooses a type, what a scenario wants as JSON up to a NUL, then a server's message. Whatever
 * they are, the message is as wanted or there is a place and a text; and a message is as itself.
 */
#include <assert.h>
#include <stdlib.h>

#include "fuzz/builtin.h"
#include "fuzz/fuzz.h"
#include "harness/messages/json_match.h"
#include "harness/messages/json_message.h"

static void compare(const struct sl_message_type *type, json_t *wanted, json_t *got)
{
    for (int is_exact = 0; is_exact < 2; is_exact++) {
        struct har_mismatch mismatch = {0};
        bool is_same = har_json_matches(type, wanted, got, is_exact != 0, &mismatch);
        assert(is_same || (mismatch.path[0] == '$' && mismatch.text[0] != '\0'));
        (void)har_json_matches(NULL, wanted, got, is_exact != 0, &mismatch);
    }
}

/* Where no key could be an operator, and nothing lies too deep. */
static void compare_with_itself(const struct sl_message_type *type, json_t *got)
{
    struct har_mismatch mismatch = {0};
    char *text = json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY);
    bool is_plain = text != NULL && strchr(text, '$') == NULL;
    free(text);
    bool is_same = har_json_matches(type, got, got, true, &mismatch);
    assert(is_same || !is_plain || strcmp(mismatch.text, "is nested too deeply") == 0);
}

static json_t *read_wanted(struct sl_span text)
{
    json_t *wanted =
        json_loadb((const char *)text.data, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    return wanted == NULL ? json_object() : wanted;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {
        "chat.v1.ChatMessage",   "google.rpc.Status",    "google.rpc.BadRequest",
        "google.rpc.ErrorInfo",  "google.protobuf.Api",  "google.protobuf.Value",
        "chat.v1.ServerCommand", "google.rpc.RetryInfo",
    };
    if (size == 0) {
        return 0;
    }
    const struct sl_message_type *type =
        sl_pool_message(fuzz_builtin(), sl_span_str(types[data[0] & 7]));
    assert(type != NULL);
    const uint8_t *end = memchr(data + 1, 0, size - 1);
    struct sl_span text = sl_span(data + 1, end == NULL ? size - 1 : (size_t)(end - data - 1));
    struct sl_span bytes = sl_span_from(sl_span(data + 1, size - 1), text.len + 1);
    struct har_mismatch mismatch = {0};
    char why[160] = "";
    json_t *wanted = read_wanted(text);
    bool can_match = har_json_can_match(type, wanted, &mismatch);
    assert(can_match || mismatch.text[0] != '\0');
    json_t *got = har_json_decode(fuzz_builtin(), type, bytes, why, sizeof(why));
    assert(got != NULL || why[0] != '\0');
    if (got != NULL) {
        compare(type, wanted, got);
        compare_with_itself(type, got);
    }
    json_decref(got);
    json_decref(wanted);
    return 0;
}
