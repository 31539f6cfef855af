/* SPDX-License-Identifier: Apache-2.0 */
/* Input: any bytes. The raw form is one JSON value whatever they are. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "lib/schema/protojson.h"

enum { TEXT_MAX = 64 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_buf text;
    struct sl_json_out out;
    sl_buf_init(&text, TEXT_MAX);
    sl_json_out_init(&out, &text);
    enum sl_status status = sl_raw_write(sl_span(data, size), &out);
    json_t *json = json_loads(sl_buf_str(&text), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    assert(status == SL_OK ? json_is_array(json) : json_is_null(json));
    json_decref(json);
    sl_buf_release(&text);
    return 0;
}
