/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a byte that chooses a type, then a message of it. Its JSON is one value whatever the bytes
 * are; when they are well-formed, the JSON reads back, and as itself. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "lib/schema/protojson.h"

enum { TEXT_MAX = 64 * 1024 * 1024 };

extern const unsigned char fuzz_kinds[];
extern const size_t fuzz_kinds_size;

static const struct sl_pool *kinds_pool(void)
{
    static struct sl_pool *pool; /* lives as long as the program */
    if (pool == NULL) {
        pool = sl_pool_new();
        enum sl_status status = sl_pool_add_set(pool, sl_span(fuzz_kinds, fuzz_kinds_size), NULL);
        assert(status == SL_OK);
        sl_pool_add_builtin(pool);
        status = sl_pool_link(pool, NULL);
        assert(status == SL_OK);
    }
    return pool;
}

/* The JSON of a message in text; what is unknown must be JSON too. */
static enum sl_status write(const struct sl_message_type *type, struct sl_span bytes,
                            struct sl_buf *text)
{
    struct sl_json_out out;
    struct sl_buf unknown;
    struct sl_protojson_result result;
    sl_json_out_init(&out, text);
    sl_buf_init(&unknown, TEXT_MAX);
    enum sl_status status = sl_protojson_write(kinds_pool(), type, bytes, &out, &unknown, &result);
    assert((status == SL_OK) == (result.problem[0] == '\0'));
    if (result.has_unknown) {
        json_t *json = json_loads(sl_buf_str(&unknown), JSON_ALLOW_NUL, NULL);
        assert(json_is_array(json));
        json_decref(json);
    }
    sl_buf_release(&unknown);
    return status;
}

/* Reads the JSON of a well-formed message and writes it again: it must stay the same. */
static void there_and_back(const struct sl_message_type *type, json_t *json, struct sl_span text)
{
    struct sl_buf bytes;
    struct sl_buf again;
    sl_buf_init(&bytes, TEXT_MAX);
    sl_buf_init(&again, TEXT_MAX);
    enum sl_status status = sl_protojson_read(kinds_pool(), type, json, &bytes, NULL);
    assert(status == SL_OK);
    status = write(type, sl_buf_span(&bytes), &again);
    assert(status == SL_OK && sl_span_equal(sl_buf_span(&again), text));
    sl_buf_release(&bytes);
    sl_buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {
        "sluice.test3.Kinds",    "sluice.test2.Kinds",  "google.protobuf.Any",
        "google.protobuf.Value", "google.rpc.Status",   "google.protobuf.FileDescriptorSet",
        "chat.v1.ChatMessage",   "google.protobuf.Api",
    };
    if (size == 0) {
        return 0;
    }
    const struct sl_message_type *type =
        sl_pool_message(kinds_pool(), sl_span_str(types[data[0] & 7]));
    assert(type != NULL);
    struct sl_buf text;
    sl_buf_init(&text, TEXT_MAX);
    enum sl_status status = write(type, sl_span(data + 1, size - 1), &text);
    json_t *json = json_loads(sl_buf_str(&text), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    /* jansson takes no NUL in a key, and no number above the range of a double. */
    bool has_nul = strstr(sl_buf_str(&text), "\\u0000") != NULL;
    assert(json != NULL || has_nul);
    if (json != NULL && status == SL_OK) {
        there_and_back(type, json, sl_buf_span(&text));
    }
    json_decref(json);
    sl_buf_release(&text);
    return 0;
}
