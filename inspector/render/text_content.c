/* SPDX-License-Identifier: Apache-2.0 */
/* What a message holds, in one line: its JSON, or the fields that were guessed, by number. */
#include "inspector/render/text_parts.h"

enum {
    DEPTH_MAX = 128, /* more than the decoder of messages goes down */
};

static void add_fields(struct sl_buf *out, struct sl_span fields, unsigned depth);

static void add_value(struct sl_buf *out, struct sl_span type, struct sl_span value, unsigned depth)
{
    bool is_nested = sl_span_is(type, "\"message\"") || sl_span_is(type, "\"group\"");
    if (is_nested && depth < DEPTH_MAX) {
        add_fields(out, value, depth + 1);
        return;
    }
    if (sl_span_is(type, "\"bytes\"")) {
        (void)sl_buf_add_str(out, "base64 ");
    }
    (void)sl_buf_add_span(out, value);
}

/* [{"field":1,"type":"string","value":"x"},...] as {1: "x", ...}. */
static void add_fields(struct sl_buf *out, struct sl_span fields, unsigned depth)
{
    struct ins_json rest = ins_json_open(fields);
    struct sl_span field;
    const char *before = "{";
    while (!out->is_full && ins_json_item(&rest, &field)) {
        (void)sl_buf_add_str(out, before);
        (void)sl_buf_add_span(out, ins_json_get(field, "field"));
        (void)sl_buf_add_str(out, ": ");
        add_value(out, ins_json_get(field, "type"), ins_json_get(field, "value"), depth);
        before = ", ";
    }
    (void)sl_buf_add_str(out, before[0] == '{' ? "{}" : "}");
}

static void write_fields(struct ins_text *text, struct sl_span fields)
{
    sl_buf_clear(&text->content);
    add_fields(&text->content, fields, 0);
    ins_pen_text(&text->pen, sl_buf_span(&text->content), INS_PEN_REST);
    if (text->content.is_full) {
        ins_pen_str(&text->pen, " ..");
    }
}

void ins_text_content(struct ins_text *text, struct sl_span message)
{
    struct ins_pen *pen = &text->pen;
    struct sl_span json = ins_json_get(message, "json");
    struct sl_span raw = ins_json_get(message, "raw");
    struct ins_json problems = ins_json_open(ins_json_get(message, "problems"));
    struct sl_span problem;
    if (json.len > 0) {
        ins_pen_text(pen, json, INS_PEN_REST);
        struct sl_span unknown = ins_json_get(message, "unknown");
        if (!ins_json_is_null(unknown)) {
            ins_pen_str(pen, " and unknown ");
            write_fields(text, unknown);
        }
    } else if (!ins_json_is_null(raw)) {
        text->has_guessed = true;
        write_fields(text, raw);
    } else if (!ins_json_is_true(ins_json_get(message, "complete"))) {
        ins_pen_str(pen, "(cut short)");
    }
    ins_pen_colour(pen, INS_YELLOW);
    while (ins_json_item(&problems, &problem)) {
        ins_pen_str(pen, " ! ");
        ins_pen_text(pen, ins_text_of(text, ins_json_get(problem, "text")), INS_PEN_REST);
    }
    ins_pen_colour(pen, INS_PLAIN);
}
