/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a byte with the number of the method whose types are used, then a FileDescriptorSet. A set is
 * taken or refused as a whole; with what was taken, a fixed message of every type is written. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "lib/schema/protojson.h"

enum { TEXT_MAX = 1024 * 1024 };

/* Records of the first numbers in each wire type. */
static const uint8_t message[] = {
    0x08, 0x01, 0x0a, 0x02, 0x08, 0x01, 0x10, 0x02, 0x12, 0x01, 'x',  0x1d,
    0x01, 0x00, 0x00, 0x00, 0x19, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x23, 0x08, 0x01, 0x24, 0x0a, 0x04, 0x0a, 0x00, 0x12, 0x00,
};

static void use(const struct sl_pool *pool, const struct sl_message_type *type)
{
    if (type == NULL) {
        return;
    }
    struct sl_buf text;
    struct sl_json_out out;
    struct sl_protojson_result result;
    sl_buf_init(&text, TEXT_MAX);
    sl_json_out_init(&out, &text);
    enum sl_status status =
        sl_protojson_write(pool, type, sl_span(message, sizeof(message)), &out, NULL, &result);
    assert((status == SL_OK) == (result.problem[0] == '\0'));
    json_t *json = json_loads(sl_buf_str(&text), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    struct sl_buf bytes;
    sl_buf_init(&bytes, TEXT_MAX);
    if (json != NULL) {
        (void)!sl_protojson_read(pool, type, json, &bytes, NULL);
    }
    json_decref(json);
    sl_buf_release(&bytes);
    sl_buf_release(&text);
}

/* A type that is told to be missing is not there, unless as something else. */
static void on_missing(void *context, struct sl_span type, const char *where)
{
    const struct sl_pool *pool = context;
    assert(where[0] != '\0');
    (void)sl_pool_message(pool, type);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_pool *pool = sl_pool_new();
    struct sl_span set = sl_span_from(sl_span(data, size), 1);
    enum sl_status status = sl_pool_add_set(pool, set, NULL);
    assert(status == SL_OK || sl_pool_method_count(pool) == 0);
    status = sl_pool_link(pool, NULL);
    assert(status == SL_OK);
    const struct sl_method *method = size == 0 ? NULL : sl_pool_method_at(pool, data[0]);
    if (method != NULL) {
        assert(sl_pool_method(pool, sl_span_str(method->path)) == method);
        use(pool, method->input);
        use(pool, method->output);
    }
    use(pool, sl_pool_message(pool, sl_span_str("A")));
    sl_pool_each_missing(pool, on_missing, pool);
    /* The same again differs in nothing and adds nothing. */
    size_t conflict_count = sl_pool_conflict_count(pool);
    size_t method_count = sl_pool_method_count(pool);
    if (sl_pool_add_set(pool, set, NULL) == SL_OK) {
        assert(sl_pool_method_count(pool) == method_count);
        assert(conflict_count > 0 || sl_pool_conflict_count(pool) == 0);
    }
    sl_pool_free(pool);
    return 0;
}
