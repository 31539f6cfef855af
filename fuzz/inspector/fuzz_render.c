/* SPDX-License-Identifier: Apache-2.0 */
/* Input: bytes that are taken for a record. As text they fill whole lines of 80 columns and steer no
 * terminal; in a page they are no markup. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "inspector/render/html.h"
#include "inspector/render/text.h"

enum { OUT_MAX = 64 * 1024 * 1024 };

static void as_text(struct sl_span record, struct sl_buf *out)
{
    struct ins_text_config config = {.width = 80, .has_lint = true};
    struct ins_text text;
    ins_text_init(&text, &config);
    ins_text_record(&text, record, out);
    ins_text_end(&text, record, out);
    for (size_t i = 0; i < out->len; i++) {
        assert(out->data[i] == '\n' || (out->data[i] >= 0x20 && out->data[i] != 0x7f));
    }
    ins_text_release(&text);
}

static size_t count(struct sl_span text, uint8_t wanted)
{
    size_t found = 0;
    for (size_t i = 0; i < text.len; i++) {
        found += text.data[i] == wanted ? 1 : 0;
    }
    return found;
}

static void as_page(struct sl_span record, struct sl_span other, struct sl_buf *out)
{
    size_t found[2];
    for (int i = 0; i < 2; i++) {
        struct ins_renderer *html = ins_html_renderer();
        sl_buf_clear(out);
        html->record(html, i == 0 ? other : record, out);
        html->end(html, i == 0 ? other : record, out);
        found[i] = count(sl_buf_span(out), '<');
        html->free(html);
    }
    assert(found[0] == found[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_buf out;
    sl_buf_init(&out, OUT_MAX);
    as_text(sl_span(data, size), &out);
    as_page(sl_span(data, size), sl_span_str("{}"), &out);
    sl_buf_release(&out);
    return 0;
}
