/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/render/text.h"

#include <inttypes.h>
#include <stdio.h>

#include "inspector/output/lines.h"
#include "inspector/render/text_parts.h"
#include "lib/base/alloc.h"
#include "lib/wire/rule.h"

void ins_text_init(struct ins_text *text, const struct ins_text_config *config)
{
    *text = (struct ins_text){.config = *config};
    text->pen.width = config->is_detailed ? 0 : config->width;
    text->pen.has_colour = config->has_colour;
    sl_buf_init(&text->scratch, INS_TEXT_STRING_MAX);
    sl_buf_init(&text->content, INS_TEXT_STRING_MAX);
}

void ins_text_release(struct ins_text *text)
{
    sl_buf_release(&text->scratch);
    sl_buf_release(&text->content);
}

/* ---- parts ---- */

struct sl_span ins_text_of(struct ins_text *text, struct sl_span value)
{
    return ins_json_text(value, &text->scratch);
}

void ins_text_time(struct ins_text *text, struct sl_span time)
{
    struct ins_pen *pen = &text->pen;
    struct sl_span stamp = ins_text_of(text, time); /* 2026-01-02T10:42:33.404000000Z */
    if (stamp.len < INS_TEXT_DAY + 1 + INS_TEXT_TIME) {
        ins_pen_str(pen, "(no time)");
        ins_pen_to(pen, INS_TEXT_TIME);
        return;
    }
    if (memcmp(text->day, stamp.data, INS_TEXT_DAY) != 0) {
        memcpy(text->day, stamp.data, INS_TEXT_DAY);
        ins_pen_colour(pen, INS_DIM);
        ins_pen_f(pen, "%s, times in UTC", text->day);
        ins_pen_end(pen);
    }
    ins_pen_text(pen, sl_span(stamp.data + INS_TEXT_DAY + 1, INS_TEXT_TIME), INS_TEXT_TIME);
}

void ins_text_connection(struct ins_text *text, struct sl_span record)
{
    struct ins_pen *pen = &text->pen;
    uint64_t id = ins_json_u64(ins_json_get(record, "connection"));
    bool is_in_line = text->config.width == 0 || text->config.width >= INS_TEXT_WIDE;
    if (is_in_line || id == text->connection) {
        return;
    }
    text->connection = id;
    ins_pen_colour(pen, INS_DIM);
    ins_pen_f(pen, "connection %" PRIu64 ": ", id);
    ins_pen_text(pen, ins_text_of(text, ins_json_get(record, "client")), INS_PEN_REST);
    ins_pen_str(pen, " > ");
    ins_pen_text(pen, ins_text_of(text, ins_json_get(record, "server")), INS_PEN_REST);
    ins_pen_end(pen);
}

void ins_text_method(struct ins_text *text, struct sl_span method, struct sl_span method_source,
                     unsigned limit)
{
    if (ins_json_is_null(method)) {
        ins_pen_text(&text->pen, sl_span_str("(method not known)"), limit);
        return;
    }
    struct sl_span source = ins_text_of(text, method_source);
    bool is_inferred = sl_span_is(source, "shape") || sl_span_is(source, "order");
    if (is_inferred && limit > 1) {
        ins_pen_str(&text->pen, "~");
        limit--;
    }
    ins_pen_tail(&text->pen, ins_text_of(text, method), limit);
}

void ins_text_problems(struct ins_text *text, struct sl_span problems)
{
    struct ins_pen *pen = &text->pen;
    struct ins_json rest = ins_json_open(problems);
    struct sl_span problem;
    while (ins_json_item(&rest, &problem)) {
        ins_pen_to(pen, INS_TEXT_INDENT);
        ins_pen_colour(pen, INS_YELLOW);
        ins_pen_str(pen, "! ");
        ins_pen_wrap(pen, ins_text_of(text, ins_json_get(problem, "text")), INS_TEXT_INDENT + 2);
        ins_pen_end(pen);
    }
}

/* Who did it, the frames that show it, and where it is forbidden. */
static void write_proof(struct ins_text *text, struct sl_span finding)
{
    struct ins_pen *pen = &text->pen;
    ins_pen_to(pen, INS_TEXT_INDENT + 2);
    ins_pen_colour(pen, INS_DIM);
    bool is_client = sl_span_is(ins_text_of(text, ins_json_get(finding, "side")), "client");
    ins_pen_str(pen, is_client ? "client" : "server");
    ins_pen_str(pen, " ");
    ins_pen_text(pen, ins_text_of(text, ins_json_get(finding, "by")), INS_PEN_REST);
    struct ins_json frames = ins_json_open(ins_json_get(finding, "frames"));
    struct sl_span frame;
    const char *between = ": ";
    while (ins_json_item(&frames, &frame)) {
        bool is_of_client = sl_span_is(ins_text_of(text, ins_json_get(frame, "side")), "client");
        ins_pen_str(pen, between);
        if (is_of_client != is_client) {
            ins_pen_str(pen, is_of_client ? "client " : "server ");
        }
        ins_pen_f(pen, "frame %" PRIu64 " ", ins_json_u64(ins_json_get(frame, "number")));
        ins_pen_text(pen, ins_text_of(text, ins_json_get(frame, "frame")), INS_PEN_REST);
        ins_pen_f(pen, " in packet %" PRIu64, ins_json_u64(ins_json_get(frame, "packet")));
        between = ", ";
    }
    ins_pen_str(pen, "; ");
    ins_pen_wrap(pen, ins_text_of(text, ins_json_get(finding, "clause")), INS_TEXT_INDENT + 4);
    ins_pen_end(pen);
}

void ins_text_finding_body(struct ins_text *text, struct sl_span finding)
{
    struct ins_pen *pen = &text->pen;
    struct sl_span level = ins_text_of(text, ins_json_get(finding, "level"));
    ins_pen_colour(pen, sl_span_is(level, "I") ? INS_YELLOW : INS_RED);
    ins_pen_text(pen, ins_text_of(text, ins_json_get(finding, "rule")), INS_TEXT_RULE_ID_MAX);
    ins_pen_str(pen, " (");
    ins_pen_text(pen, ins_text_of(text, ins_json_get(finding, "level")), 1);
    ins_pen_str(pen, "): ");
    ins_pen_wrap(pen, ins_text_of(text, ins_json_get(finding, "text")), INS_TEXT_INDENT + 2);
    ins_pen_end(pen);
    write_proof(text, finding);
}

void ins_text_bytes(struct ins_text *text, uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 10000) {
        ins_pen_f(&text->pen, "%" PRIu64 " B", bytes);
        return;
    }
    double value = (double)bytes / 1024;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        value /= 1024;
        unit++;
    }
    ins_pen_f(&text->pen, "%.1f %s", value, units[unit]);
}

/* ---- findings ---- */

/* The graver of two levels. */
static char graver(char a, char b)
{
    static const char order[] = "MRSI";
    return strchr(order, a) < strchr(order, b) ? a : b;
}

static void count_rule(struct ins_text *text, struct sl_span rule, char level)
{
    for (size_t i = 0; i < text->rule_count; i++) {
        if (sl_span_is(rule, text->rules[i].id)) {
            text->rules[i].count++;
            text->rules[i].level = graver(text->rules[i].level, level);
            return;
        }
    }
    if (text->rule_count == INS_TEXT_RULES || rule.len == 0 || rule.len >= INS_TEXT_RULE_ID_MAX) {
        text->other_findings++;
        return;
    }
    memcpy(text->rules[text->rule_count].id, rule.data, rule.len);
    text->rules[text->rule_count].count = 1;
    text->rules[text->rule_count].level = level;
    text->rule_count++;
}

void ins_text_finding(struct ins_text *text, struct sl_span record)
{
    struct ins_pen *pen = &text->pen;
    ins_text_time(text, ins_json_get(record, "time"));
    ins_pen_f(pen, " connection %" PRIu64 " stream %" PRIu64 " packet %" PRIu64 " ",
              ins_json_u64(ins_json_get(record, "connection")),
              ins_json_u64(ins_json_get(record, "stream")),
              ins_json_u64(ins_json_get(record, "packet")));
    ins_text_finding_body(text, record);
    struct sl_span level = ins_text_of(text, ins_json_get(record, "level"));
    bool is_known = level.len == 1 && strchr("MRSI", level.data[0]) != NULL;
    char grave = is_known ? (char)level.data[0] : 'I';
    count_rule(text, ins_text_of(text, ins_json_get(record, "rule")), grave);
}

static void write_rules(struct ins_text *text)
{
    struct ins_pen *pen = &text->pen;
    for (size_t i = 0; i < text->rule_count; i++) {
        const struct sl_rule *rule = sl_rule_find(text->rules[i].id);
        ins_pen_colour(pen, INS_BOLD);
        ins_pen_str(pen, text->rules[i].id);
        ins_pen_colour(pen, INS_PLAIN);
        char count[32];
        (void)snprintf(count, sizeof(count), "%" PRIu64, text->rules[i].count);
        ins_pen_right(pen, count, INS_TEXT_TIME + 4);
        ins_pen_str(pen, "  ");
        if (rule != NULL) {
            char title[256];
            (void)snprintf(title, sizeof(title), "%c  %s (%s)", text->rules[i].level, rule->title,
                           rule->clause);
            ins_pen_wrap(pen, sl_span_str(title), INS_TEXT_TIME + 9);
        }
        ins_pen_end(pen);
    }
    if (text->other_findings > 0) {
        ins_pen_f(pen, "%" PRIu64 " findings of other rules", text->other_findings);
        ins_pen_end(pen);
    }
}

/* ---- records ---- */

void ins_text_record(struct ins_text *text, struct sl_span record, struct sl_buf *out)
{
    static const struct {
        const char *type;
        void (*write)(struct ins_text *text, struct sl_span record);
    } kinds[] = {
        {"call", ins_text_call},   {"message", ins_text_message}, {"frame", ins_text_frame},
        {"stall", ins_text_stall}, {"finding", ins_text_finding}, {"summary", ins_text_summary},
    };
    text->pen.out = out;
    struct sl_span type = ins_text_of(text, ins_json_get(record, "type"));
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (sl_span_is(type, kinds[i].type)) {
            kinds[i].write(text, record);
            return;
        }
    }
}

/* What makes names of field numbers. */
static void write_schema_hint(struct ins_text *text)
{
    if (text->has_guessed) {
        ins_pen_colour(&text->pen, INS_DIM);
        ins_pen_str(&text->pen, "fields by number: -I DIR, -d FILE or --reflect HOST:PORT gives "
                                "their names");
        ins_pen_colour(&text->pen, INS_PLAIN);
        ins_pen_end(&text->pen);
    }
}

void ins_text_end(struct ins_text *text, struct sl_span summary, struct sl_buf *out)
{
    text->pen.out = out;
    if (text->config.has_lint && text->rule_count + text->other_findings > 0) {
        ins_pen_end(&text->pen);
        write_rules(text);
    }
    if (text->config.has_stalls && !text->has_stalled) {
        ins_pen_str(&text->pen, "no call waited for flow-control credit");
        ins_pen_end(&text->pen);
    }
    if (!text->config.has_summary) {
        ins_text_totals(text, summary);
        write_schema_hint(text);
    }
}

/* ---- as a renderer ---- */

struct text_renderer {
    struct ins_renderer base;
    struct ins_text text;
};

static void on_record(struct ins_renderer *renderer, struct sl_span record, struct sl_buf *out)
{
    ins_text_record(&((struct text_renderer *)renderer)->text, record, out);
}

static void on_end(struct ins_renderer *renderer, struct sl_span summary, struct sl_buf *out)
{
    ins_text_end(&((struct text_renderer *)renderer)->text, summary, out);
}

static void renderer_free(struct ins_renderer *renderer)
{
    ins_text_release(&((struct text_renderer *)renderer)->text);
    sl_free(renderer);
}

struct ins_renderer *ins_text_renderer(const struct ins_text_config *config)
{
    struct text_renderer *renderer = sl_alloc(sizeof(*renderer));
    renderer->base = (struct ins_renderer){on_record, on_end, renderer_free};
    ins_text_init(&renderer->text, config);
    return &renderer->base;
}
