/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/wrong_text.h"

static const char decomposed[] = "e\xcc\x81";
static const char composed[] = "\xc3\xa9";

void srv_wrong_compose(struct sl_span text, struct sl_buf *out)
{
    const size_t len = sizeof(decomposed) - 1;
    for (size_t i = 0; i < text.len;) {
        bool is_pair = text.len - i >= len && memcmp(text.data + i, decomposed, len) == 0;
        if (is_pair) {
            (void)sl_buf_add(out, composed, sizeof(composed) - 1);
        } else {
            (void)sl_buf_add_u8(out, text.data[i]);
        }
        i += is_pair ? len : 1;
    }
}

bool srv_wrong_is_same_composed(struct sl_span a, struct sl_span b)
{
    struct sl_buf one;
    struct sl_buf other;
    sl_buf_init(&one, a.len + 1);
    sl_buf_init(&other, b.len + 1);
    srv_wrong_compose(a, &one);
    srv_wrong_compose(b, &other);
    bool is_same = sl_span_equal(sl_buf_span(&one), sl_buf_span(&other));
    sl_buf_release(&one);
    sl_buf_release(&other);
    return is_same;
}
