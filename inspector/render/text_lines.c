/* SPDX-License-Identifier: Apache-2.0 */
/* Messages, frames and stalls: a line each. */
#include <inttypes.h>
#include <stdio.h>

#include "inspector/render/text_parts.h"

enum {
    CALL_COLUMNS = 8,
    METHOD_NARROW = 26,
    METHOD_WIDE = 44,
    FRAME_COLUMNS = 14,
    SLOW_MS = 100, /* a stall that a person may feel */
};

static bool is_request(struct sl_span record)
{
    return sl_span_is(ins_json_get(record, "direction"), "\"request\"");
}

static void write_arrow(struct ins_text *text, struct sl_span record)
{
    ins_pen_colour(&text->pen, is_request(record) ? INS_BLUE : INS_GREEN);
    ins_pen_str(&text->pen, is_request(record) ? " >" : " <");
    ins_pen_colour(&text->pen, INS_PLAIN);
}

void ins_text_message(struct ins_text *text, struct sl_span record)
{
    struct ins_pen *pen = &text->pen;
    unsigned method = pen->width >= INS_TEXT_WIDE || pen->width == 0 ? METHOD_WIDE : METHOD_NARROW;
    unsigned column = INS_TEXT_TIME + CALL_COLUMNS;
    ins_text_time(text, ins_json_get(record, "time"));
    ins_pen_f(pen, " #%" PRIu64, ins_json_u64(ins_json_get(record, "call")));
    ins_pen_to(pen, column - 2);
    write_arrow(text, record);
    ins_pen_str(pen, " ");
    ins_text_method(text, ins_json_get(record, "method"), ins_json_get(record, "method_source"),
                    method);
    column += method + 2;
    ins_pen_to(pen, column);
    ins_pen_f(pen, "%" PRIu64, ins_json_u64(ins_json_get(record, "index")));
    ins_pen_to(pen, column + 5);
    ins_text_bytes(text, ins_json_u64(ins_json_get(record, "bytes")));
    ins_pen_to(pen, column + 15);
    ins_text_content(text, record);
    ins_pen_end(pen);
}

/* ---- frames ---- */

static void write_items(struct ins_text *text, struct sl_span array)
{
    struct ins_json rest = ins_json_open(array);
    struct sl_span item;
    while (ins_json_item(&rest, &item)) {
        ins_pen_str(&text->pen, " ");
        ins_pen_text(&text->pen, ins_text_of(text, item), INS_PEN_REST);
    }
}

/* ["name","value"] */
static void write_pair(struct ins_text *text, struct sl_span pair, const char *between)
{
    struct ins_json rest = ins_json_open(pair);
    struct sl_span name;
    struct sl_span value;
    if (ins_json_item(&rest, &name) && ins_json_item(&rest, &value)) {
        ins_pen_text(&text->pen, ins_text_of(text, name), INS_PEN_REST);
        ins_pen_str(&text->pen, between);
        ins_pen_text(&text->pen, ins_text_of(text, value), INS_PEN_REST);
    }
}

/* The fields that only some types have. */
static void write_own(struct ins_text *text, struct sl_span record)
{
    static const char *const names[] = {"increment", "error", "last_stream", "opaque", "debug"};
    struct ins_json settings = ins_json_open(ins_json_get(record, "settings"));
    struct sl_span setting;
    while (ins_json_item(&settings, &setting)) {
        ins_pen_str(&text->pen, " ");
        write_pair(text, setting, "=");
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct sl_span value = ins_json_get(record, names[i]);
        if (value.len > 0 && !sl_span_is(value, "\"\"")) {
            ins_pen_f(&text->pen, " %s ", names[i]);
            ins_pen_text(&text->pen, ins_text_of(text, value), INS_PEN_REST);
        }
    }
    if (ins_json_is_true(ins_json_get(record, "malformed"))) {
        ins_pen_colour(&text->pen, INS_RED);
        ins_pen_str(&text->pen, " malformed");
        ins_pen_colour(&text->pen, INS_PLAIN);
    }
}

void ins_text_frame(struct ins_text *text, struct sl_span record)
{
    struct ins_pen *pen = &text->pen;
    char place[64];
    ins_text_time(text, ins_json_get(record, "time"));
    (void)snprintf(place, sizeof(place), "%" PRIu64 "/%" PRIu64,
                   ins_json_u64(ins_json_get(record, "connection")),
                   ins_json_u64(ins_json_get(record, "stream")));
    ins_pen_str(pen, " ");
    ins_pen_str(pen, place);
    unsigned column = INS_TEXT_TIME + 10;
    ins_pen_to(pen, column);
    write_arrow(text, record);
    ins_pen_str(pen, " ");
    ins_pen_colour(pen, INS_BOLD);
    ins_pen_text(pen, ins_text_of(text, ins_json_get(record, "frame")), INS_PEN_REST);
    ins_pen_colour(pen, INS_PLAIN);
    (void)snprintf(place, sizeof(place), "%" PRIu64, ins_json_u64(ins_json_get(record, "length")));
    ins_pen_right(pen, place, column + FRAME_COLUMNS + 10);
    write_items(text, ins_json_get(record, "flags"));
    write_own(text, record);
    ins_pen_end(pen);
    struct ins_json rest = ins_json_open(ins_json_get(record, "headers"));
    struct sl_span item;
    while (ins_json_item(&rest, &item)) {
        ins_pen_to(pen, INS_TEXT_TIME + INS_TEXT_INDENT);
        write_pair(text, item, ": ");
        ins_pen_end(pen);
    }
    rest = ins_json_open(ins_json_get(record, "messages"));
    while (ins_json_item(&rest, &item)) {
        ins_pen_to(pen, INS_TEXT_TIME + INS_TEXT_INDENT);
        ins_pen_f(pen, "message %" PRIu64 ", ", ins_json_u64(ins_json_get(item, "index")));
        ins_text_bytes(text, ins_json_u64(ins_json_get(item, "bytes")));
        ins_pen_str(pen, ": ");
        ins_text_content(text, item);
        ins_pen_end(pen);
    }
}

/* ---- stalls ---- */

/* Whether the array of numbers holds number. */
static bool is_among(struct sl_span array, uint64_t number)
{
    struct ins_json rest = ins_json_open(array);
    struct sl_span item;
    while (ins_json_item(&rest, &item)) {
        if (ins_json_u64(item) == number) {
            return true;
        }
    }
    return false;
}

static void write_holders(struct ins_text *text, struct sl_span record)
{
    struct ins_pen *pen = &text->pen;
    struct ins_json rest = ins_json_open(ins_json_get(record, "held"));
    struct sl_span holder;
    while (ins_json_item(&rest, &holder)) {
        uint64_t stream = ins_json_u64(ins_json_get(holder, "stream"));
        uint64_t call = ins_json_u64(ins_json_get(holder, "call"));
        ins_pen_to(pen, INS_TEXT_TIME + CALL_COLUMNS);
        if (stream == 0) {
            ins_pen_str(pen, "streams that have ended");
        } else if (stream == ins_json_u64(ins_json_get(record, "stream"))) {
            ins_pen_str(pen, "its own stream");
        } else {
            bool is_starving = is_among(ins_json_get(record, "starved_by"), stream);
            ins_pen_colour(pen, is_starving ? INS_RED : INS_PLAIN);
            ins_pen_f(pen, "%sstream %" PRIu64, is_starving ? "starved by " : "", stream);
            if (call != 0) {
                ins_pen_f(pen, " (call #%" PRIu64 ")", call);
            }
            ins_pen_colour(pen, INS_PLAIN);
            ins_pen_str(pen, is_starving ? ", which" : "");
        }
        ins_pen_str(pen, " held ");
        ins_text_bytes(text, ins_json_u64(ins_json_get(holder, "bytes")));
        ins_pen_end(pen);
    }
}

void ins_text_stall(struct ins_text *text, struct sl_span record)
{
    struct ins_pen *pen = &text->pen;
    text->has_stalled = true;
    struct sl_span how = ins_json_get(record, "ended_by");
    double ms = ins_json_double(ins_json_get(record, "duration_ms"));
    char time[INS_PEN_DURATION_MAX];
    ins_text_time(text, ins_json_get(record, "start"));
    uint64_t call = ins_json_u64(ins_json_get(record, "call"));
    if (call != 0) {
        ins_pen_f(pen, " #%" PRIu64, call);
    }
    ins_pen_to(pen, INS_TEXT_TIME + CALL_COLUMNS);
    ins_pen_text(pen, ins_text_of(text, ins_json_get(record, "blocked")), INS_PEN_REST);
    ins_pen_str(pen, " waited ");
    ins_pen_colour(pen, ms >= SLOW_MS ? INS_RED : INS_YELLOW);
    ins_pen_str(pen, ins_pen_duration(ms, time));
    ins_pen_colour(pen, INS_PLAIN);
    ins_pen_str(pen, " for ");
    ins_pen_text(pen, ins_text_of(text, ins_json_get(record, "window")), INS_PEN_REST);
    ins_pen_str(pen, " credit");
    if (sl_span_is(how, "\"open\"")) {
        ins_pen_str(pen, " and still does");
    } else if (sl_span_is(how, "\"call_end\"")) {
        ins_pen_str(pen, " in vain");
    }
    ins_pen_str(pen, ", ");
    ins_text_bytes(text, ins_json_u64(ins_json_get(record, "bytes_waiting")));
    ins_pen_to(pen, INS_TEXT_TIME + CALL_COLUMNS + 51);
    ins_text_method(text, ins_json_get(record, "method"), sl_span(NULL, 0), INS_PEN_REST);
    ins_pen_end(pen);
    write_holders(text, record);
}
