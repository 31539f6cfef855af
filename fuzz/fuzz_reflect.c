/* SPDX-License-Identifier: Apache-2.0 */
/* Input: what a server answers by reflection: each answer behind two bytes with its length, the last one without an
 * end. It is asked until it has said everything, or something wrong. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "lib/schema/reflect.h"

enum { REQUEST_MAX = 2 * SL_REFLECT_NAME_MAX };

static struct sl_span take(struct sl_span *input)
{
    size_t len = input->len < 2 ? 0 : (size_t)input->data[0] << 8 | input->data[1];
    *input = sl_span_from(*input, input->len < 2 ? input->len : 2);
    struct sl_span answer = sl_span(input->data, len < input->len ? len : input->len);
    *input = sl_span_from(*input, answer.len);
    return answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_span input = sl_span(data, size);
    struct sl_pool *pool = sl_pool_new();
    struct sl_reflect *reflect = sl_reflect_new(pool);
    struct sl_buf request;
    sl_buf_init(&request, REQUEST_MAX);
    enum sl_status status = sl_reflect_want_symbol(reflect, sl_span_str("a.S"), NULL);
    assert(status == SL_OK);
    while (status == SL_OK && input.len > 0 && sl_reflect_next(reflect, &request)) {
        assert(request.len > 0 && !request.is_full && sl_reflect_is_waiting(reflect));
        sl_buf_clear(&request);
        status = sl_reflect_answer(reflect, take(&input), NULL);
    }
    status = sl_pool_link(pool, NULL);
    assert(status == SL_OK);
    sl_buf_release(&request);
    sl_reflect_free(reflect);
    sl_pool_free(pool);
    return 0;
}
