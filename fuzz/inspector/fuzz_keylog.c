/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a byte that says in what pieces, then a key log. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "inspector/tls/keylog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ins_keys *keys = ins_keys_new();
    struct ins_keylog keylog;
    ins_keylog_init(&keylog, keys);
    size_t step = size == 0 || data[0] == 0 ? SIZE_MAX : data[0];
    struct sl_span rest = sl_span_from(sl_span(data, size), 1);
    size_t lines = 1;
    for (size_t i = 0; i < rest.len; i++) {
        lines += rest.data[i] == '\n' ? 1 : 0;
    }
    while (rest.len > 0) {
        ins_keylog_feed(&keylog, sl_span_first(rest, step));
        rest = sl_span_from(rest, step);
        ins_keylog_peek(&keylog);
        assert(keylog.line.len <= INS_KEYLOG_LINE_MAX);
    }
    ins_keylog_end(&keylog);
    assert(ins_keys_count(keys) <= lines && keylog.lines_bad <= lines);
    assert(ins_keys_count(keys) <= INS_KEYS_MAX);
    ins_keylog_release(&keylog);
    ins_keys_free(keys);
    return 0;
}
