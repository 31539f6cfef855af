/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/render/html.h"

#include "inspector/render/json.h"
#include "lib/base/alloc.h"

/* inspector/render/report.html */
extern const unsigned char ins_report_html[];
extern const size_t ins_report_html_size;

static const char marker[] = "<!--RECORDS-->";

enum kind { CALLS, STALLS, FINDINGS, WINDOWS, KINDS };

static const struct {
    const char *type, *name, *shown_name;
    uint64_t max;
} kinds[KINDS] = {
    [CALLS] = {"\"call\"", "calls", "shown_calls", INS_HTML_CALLS},
    [STALLS] = {"\"stall\"", "stalls", "shown_stalls", INS_HTML_STALLS},
    [FINDINGS] = {"\"finding\"", "findings", "shown_findings", INS_HTML_FINDINGS},
    [WINDOWS] = {"\"window\"", "windows", "shown_windows", INS_HTML_WINDOWS},
};

struct html {
    struct ins_renderer base;
    bool is_begun;
    uint64_t seen[KINDS], shown[KINDS];
    uint64_t bytes;
};

static struct sl_span page(void)
{
    return sl_span(ins_report_html, ins_report_html_size);
}

/* Where the records go. */
static size_t place(void)
{
    const uint8_t *at = memmem(ins_report_html, ins_report_html_size, marker, sizeof(marker) - 1);
    return at == NULL ? ins_report_html_size : (size_t)(at - ins_report_html);
}

static void begin(struct html *html, struct sl_buf *out)
{
    if (!html->is_begun) {
        html->is_begun = true;
        (void)sl_buf_add_span(out, sl_span_first(page(), place()));
        (void)sl_buf_add_str(out, "[");
    }
}

/* JSON in which nothing looks like markup: these characters stand in strings alone. */
static void add_json(struct sl_buf *out, struct sl_span json)
{
    size_t from = 0;
    for (size_t i = 0; i < json.len; i++) {
        uint8_t c = json.data[i];
        if (c == '<' || c == '>' || c == '&') {
            (void)sl_buf_add(out, json.data + from, i - from);
            (void)sl_buf_addf(out, "\\u%04x", (unsigned)c);
            from = i + 1;
        }
    }
    (void)sl_buf_add_span(out, sl_span_from(json, from));
}

static void on_record(struct ins_renderer *renderer, struct sl_span record, struct sl_buf *out)
{
    struct html *html = (struct html *)renderer;
    struct sl_span type = ins_json_get(record, "type");
    for (size_t i = 0; i < KINDS; i++) {
        if (!sl_span_is(type, kinds[i].type)) {
            continue;
        }
        html->seen[i]++;
        if (html->shown[i] < kinds[i].max && html->bytes + record.len <= INS_HTML_BYTES) {
            begin(html, out);
            html->shown[i]++;
            html->bytes += record.len;
            add_json(out, record);
            (void)sl_buf_add_str(out, ",\n");
        }
    }
}

static void on_end(struct ins_renderer *renderer, struct sl_span summary, struct sl_buf *out)
{
    struct html *html = (struct html *)renderer;
    begin(html, out);
    (void)sl_buf_add_str(out, "{\"type\":\"limits\"");
    for (size_t i = 0; i < KINDS; i++) {
        (void)sl_buf_addf(out, ",\"%s\":%llu,\"%s\":%llu", kinds[i].name,
                          (unsigned long long)html->seen[i], kinds[i].shown_name,
                          (unsigned long long)html->shown[i]);
    }
    (void)sl_buf_add_str(out, "},\n");
    add_json(out, summary);
    (void)sl_buf_add_str(out, "]");
    (void)sl_buf_add_span(out, sl_span_from(page(), place() + sizeof(marker) - 1));
}

static void html_free(struct ins_renderer *renderer)
{
    sl_free(renderer);
}

struct ins_renderer *ins_html_renderer(void)
{
    struct html *html = sl_alloc(sizeof(*html));
    html->base = (struct ins_renderer){on_record, on_end, html_free};
    return &html->base;
}
