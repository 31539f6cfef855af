/* SPDX-License-Identifier: Apache-2.0 */
/* Text as JSON: what is taken is taken again, and is then the same; jansson takes it too, where its own
 * limits (numbers, NUL in names) allow. */
#include <assert.h>
#include <jansson.h>

#include "fuzz/fuzz.h"
#include "lib/base/json_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_buf once;
    struct sl_buf twice;
    sl_buf_init(&once, size);
    sl_buf_init(&twice, size);
    enum sl_status status = sl_json_compact(sl_span(data, size), &once);
    assert(status == SL_OK || status == SL_MALFORMED);
    json_error_t error;
    json_t *judge =
        size == 0 ? NULL
                  : json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (status == SL_OK) {
        assert(sl_json_compact(sl_buf_span(&once), &twice) == SL_OK);
        assert(sl_span_equal(sl_buf_span(&once), sl_buf_span(&twice)));
    } else if (judge != NULL && memchr(data, 0, size) == NULL) {
        /* jansson ends at a NUL, and nests deeper. */
        assert(memchr(data, '[', size) != NULL || memchr(data, '{', size) != NULL);
    }
    json_decref(judge);
    sl_buf_release(&once);
    sl_buf_release(&twice);
    return 0;
}
