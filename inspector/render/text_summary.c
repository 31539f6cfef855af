/* SPDX-License-Identifier: Apache-2.0 */
/* The summary: a page, or its sense in a line or two below the calls. */
#include <inttypes.h>
#include <stdio.h>

#include "inspector/render/text_parts.h"

enum {
    TITLE_COLUMNS = 12,
    CELL_COLUMNS = 9,
    NAME_MIN = 24,
    NAME_MAX = 60,
};

static uint64_t count_of(struct sl_span object, const char *key)
{
    return ins_json_u64(ins_json_get(object, key));
}

static void title(struct ins_text *text, const char *name)
{
    ins_pen_colour(&text->pen, INS_BOLD);
    ins_pen_str(&text->pen, name);
    ins_pen_colour(&text->pen, INS_PLAIN);
    ins_pen_to(&text->pen, TITLE_COLUMNS);
}

/* Begins a new line under the titles where there is not room for columns more. */
static void wrap(struct ins_text *text, unsigned columns)
{
    struct ins_pen *pen = &text->pen;
    if (pen->width > 0 && pen->column > TITLE_COLUMNS && pen->column + columns > pen->width) {
        ins_pen_end(pen);
        ins_pen_to(pen, TITLE_COLUMNS);
    }
}

/* {"OK":5,...}; nothing where there is none. */
static void write_counts(struct ins_text *text, const char *name, struct sl_span counts)
{
    struct ins_json rest = ins_json_open(counts);
    struct sl_span key;
    struct sl_span value;
    if (ins_json_is_bare(counts)) {
        return;
    }
    title(text, name);
    bool is_first = true;
    while (ins_json_member(&rest, &key, &value)) {
        if (!is_first) {
            ins_pen_str(&text->pen, ", ");
        }
        wrap(text, ins_pen_columns(key) + (unsigned)value.len + 2);
        ins_pen_text(&text->pen, key, INS_PEN_REST);
        ins_pen_str(&text->pen, " ");
        ins_pen_text(&text->pen, value, INS_PEN_REST);
        is_first = false;
    }
    ins_pen_end(&text->pen);
}

/* ---- methods ---- */

static unsigned name_columns(const struct ins_text *text)
{
    unsigned width = text->pen.width == 0 ? INS_PEN_WIDTH_MAX : text->pen.width;
    unsigned fixed = 2 * 7 + 4 * CELL_COLUMNS;
    unsigned left = width > fixed + NAME_MIN ? width - fixed : NAME_MIN;
    return left > NAME_MAX ? NAME_MAX : left;
}

static void write_percentiles(struct ins_text *text, struct sl_span percentiles, unsigned column)
{
    static const char *const keys[] = {"p50", "p90", "p99", "max"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct sl_span value = ins_json_get(percentiles, keys[i]);
        char time[INS_PEN_DURATION_MAX];
        column += CELL_COLUMNS;
        ins_pen_right(
            &text->pen,
            ins_json_is_null(value) ? "-" : ins_pen_duration(ins_json_double(value), time), column);
    }
}

static void write_count(struct ins_text *text, uint64_t count, unsigned column)
{
    char cell[32];
    (void)snprintf(cell, sizeof(cell), "%" PRIu64, count);
    ins_pen_right(&text->pen, cell, column);
}

/* A measure that only some methods have. */
static void write_measure(struct ins_text *text, struct sl_span method, const char *key,
                          const char *name, unsigned column)
{
    struct sl_span percentiles = ins_json_get(method, key);
    if (ins_json_is_null(ins_json_get(percentiles, "max"))) {
        return;
    }
    ins_pen_to(&text->pen, INS_TEXT_INDENT);
    ins_pen_colour(&text->pen, INS_DIM);
    ins_pen_str(&text->pen, name);
    write_percentiles(text, percentiles, column + 14);
    ins_pen_end(&text->pen);
}

static void write_method(struct ins_text *text, struct sl_span method)
{
    struct ins_pen *pen = &text->pen;
    unsigned column = name_columns(text);
    uint64_t failed = count_of(method, "failed");
    ins_text_method(text, ins_json_get(method, "method"), sl_span(NULL, 0), column - 1);
    write_count(text, count_of(method, "calls"), column + 7);
    ins_pen_colour(pen, failed > 0 ? INS_RED : INS_PLAIN);
    write_count(text, failed, column + 14);
    ins_pen_colour(pen, INS_PLAIN);
    write_percentiles(text, ins_json_get(method, "latency_ms"), column + 14);
    ins_pen_end(pen);
    write_measure(text, method, "headers_ms", "to the headers", column);
    write_measure(text, method, "first_message_ms", "to the first message", column);
    write_measure(text, method, "server_ms", "in the server alone", column);
    struct sl_span stalled = ins_json_get(method, "stalled_ms");
    double stream_ms = ins_json_double(ins_json_get(stalled, "stream"));
    double connection_ms = ins_json_double(ins_json_get(stalled, "connection"));
    if (stream_ms + connection_ms > 0) {
        char times[2][INS_PEN_DURATION_MAX];
        ins_pen_to(pen, INS_TEXT_INDENT);
        ins_pen_colour(pen, INS_YELLOW);
        ins_pen_f(pen, "waited %s for credit of streams, %s for credit of connections, in all",
                  ins_pen_duration(stream_ms, times[0]), ins_pen_duration(connection_ms, times[1]));
        ins_pen_end(pen);
    }
}

static void write_methods(struct ins_text *text, struct sl_span record)
{
    static const char *const heads[] = {"p50", "p90", "p99", "max"};
    struct ins_pen *pen = &text->pen;
    struct ins_json rest = ins_json_open(ins_json_get(record, "methods"));
    struct sl_span method;
    unsigned column = name_columns(text);
    if (ins_json_is_bare(ins_json_get(record, "methods"))) {
        return;
    }
    ins_pen_end(pen);
    ins_pen_colour(pen, INS_BOLD);
    ins_pen_str(pen, "method");
    ins_pen_right(pen, "calls", column + 7);
    ins_pen_right(pen, "failed", column + 14);
    for (unsigned i = 0; i < 4; i++) {
        ins_pen_right(pen, heads[i], column + 14 + CELL_COLUMNS * (i + 1));
    }
    ins_pen_end(pen);
    while (ins_json_item(&rest, &method)) {
        write_method(text, method);
    }
    ins_pen_end(pen);
}

/* ---- loss ---- */

/* Every count of the object that is not 0. */
static bool write_nonzero(struct ins_text *text, const char *name, struct sl_span counts)
{
    struct ins_json rest = ins_json_open(counts);
    struct sl_span key;
    struct sl_span value;
    bool has_any = false;
    while (ins_json_member(&rest, &key, &value)) {
        if (ins_json_u64(value) == 0) {
            continue;
        }
        if (has_any) {
            ins_pen_str(&text->pen, ", ");
        } else {
            title(text, name);
        }
        wrap(text, ins_pen_columns(key) + (unsigned)value.len + 2);
        for (size_t i = 0; i < key.len; i++) {
            uint8_t c = key.data[i] == '_' ? (uint8_t)' ' : key.data[i];
            ins_pen_text(&text->pen, sl_span(&c, 1), 1);
        }
        ins_pen_str(&text->pen, " ");
        ins_pen_text(&text->pen, value, INS_PEN_REST);
        has_any = true;
    }
    if (has_any) {
        ins_pen_end(&text->pen);
    }
    return has_any;
}

static void write_round_trips(struct ins_text *text, struct sl_span record)
{
    struct ins_pen *pen = &text->pen;
    struct sl_span ms = ins_json_get(record, "round_trip_ms");
    struct sl_span known = ins_json_get(record, "round_trips");
    char times[2][INS_PEN_DURATION_MAX];
    if (ins_json_is_null(ins_json_get(ms, "max"))) {
        return;
    }
    title(text, "round trip");
    uint64_t handshakes = count_of(known, "handshake");
    uint64_t answers = count_of(known, "answer");
    ins_pen_f(pen,
              "to the servers p50 %s, max %s; known from %" PRIu64 " handshake%s, %" PRIu64
              " answer%s",
              ins_pen_duration(ins_json_double(ins_json_get(ms, "p50")), times[0]),
              ins_pen_duration(ins_json_double(ins_json_get(ms, "max")), times[1]), handshakes,
              handshakes == 1 ? "" : "s", answers, answers == 1 ? "" : "s");
    ins_pen_end(pen);
}

static void write_damage(struct ins_text *text, struct sl_span loss)
{
    struct ins_pen *pen = &text->pen;
    struct ins_json rest = ins_json_open(ins_json_get(loss, "damage"));
    struct sl_span note;
    while (ins_json_item(&rest, &note)) {
        ins_pen_to(pen, TITLE_COLUMNS);
        ins_pen_text(pen, ins_text_of(text, ins_json_get(note, "capture")), INS_PEN_REST);
        ins_pen_f(pen, ", packet %" PRIu64 ": ", count_of(note, "packet"));
        ins_pen_text(pen, ins_text_of(text, ins_json_get(note, "text")), INS_PEN_REST);
        ins_pen_end(pen);
    }
}

static void write_loss(struct ins_text *text, struct sl_span record)
{
    struct sl_span loss = ins_json_get(record, "loss");
    if (!write_nonzero(text, "loss", loss)) {
        title(text, "loss");
        ins_pen_str(&text->pen, "nothing is missing");
        ins_pen_end(&text->pen);
    }
    write_damage(text, loss);
}

/* ---- in short ---- */

static void write_what_was_read(struct ins_text *text, struct sl_span record)
{
    struct ins_pen *pen = &text->pen;
    uint64_t connections = count_of(record, "connections");
    uint64_t midway = count_of(record, "connections_midway");
    uint64_t others = count_of(record, "connections_other");
    ins_pen_f(pen, "%" PRIu64 " packet%s, %" PRIu64 " connection%s", count_of(record, "packets"),
              count_of(record, "packets") == 1 ? "" : "s", connections,
              connections == 1 ? "" : "s");
    if (midway > 0) {
        ins_pen_f(pen, " (%" PRIu64 " from the middle)", midway);
    }
    if (others > 0) {
        ins_pen_f(pen, ", %" PRIu64 " with something else (TLS without its keys, for one)", others);
    }
}

static void write_statuses(struct ins_text *text, struct sl_span statuses)
{
    struct ins_json rest = ins_json_open(statuses);
    struct sl_span name;
    struct sl_span value;
    const char *before = ": ";
    while (ins_json_member(&rest, &name, &value)) {
        ins_pen_str(&text->pen, before);
        bool is_ok = sl_span_is(name, "OK");
        bool is_open = sl_span_is(name, "open") || sl_span_is(name, "undecoded");
        ins_pen_colour(&text->pen, is_ok ? INS_GREEN : is_open ? INS_YELLOW : INS_RED);
        ins_pen_text(&text->pen, value, INS_PEN_REST);
        ins_pen_str(&text->pen, " ");
        ins_pen_text(&text->pen, name, INS_PEN_REST);
        ins_pen_colour(&text->pen, INS_PLAIN);
        before = ", ";
    }
}

void ins_text_totals(struct ins_text *text, struct sl_span record)
{
    struct ins_pen *pen = &text->pen;
    uint64_t calls = count_of(record, "calls");
    uint64_t others = count_of(record, "other_http");
    ins_pen_end(pen);
    if (calls == 0) {
        ins_pen_str(pen, "no gRPC call");
    } else {
        ins_pen_f(pen, "%" PRIu64 " call%s", calls, calls == 1 ? "" : "s");
        write_statuses(text, ins_json_get(record, "statuses"));
    }
    if (others > 0) {
        ins_pen_f(pen, "; %" PRIu64 " other HTTP request%s", others, others == 1 ? "" : "s");
    }
    ins_pen_end(pen);
    write_what_was_read(text, record);
    if (count_of(record, "packets") == 0) {
        ins_pen_end(pen);
        return;
    }
    struct sl_span loss = ins_json_get(record, "loss");
    struct ins_json rest = ins_json_open(loss);
    struct sl_span key;
    struct sl_span value;
    bool has_loss = false;
    while (ins_json_member(&rest, &key, &value)) {
        has_loss = has_loss || ins_json_u64(value) > 0;
    }
    if (has_loss) {
        ins_pen_colour(pen, INS_YELLOW);
        ins_pen_str(pen, "; some of it is missing (--view summary)");
    } else {
        ins_pen_str(pen, "; nothing is missing");
    }
    ins_pen_end(pen);
}

void ins_text_summary(struct ins_text *text, struct sl_span record)
{
    struct ins_pen *pen = &text->pen;
    struct sl_span messages = ins_json_get(record, "messages");
    title(text, "read");
    write_what_was_read(text, record);
    ins_pen_end(pen);
    title(text, "calls");
    ins_pen_f(pen, "%" PRIu64, count_of(record, "calls"));
    write_statuses(text, ins_json_get(record, "statuses"));
    ins_pen_end(pen);
    title(text, "messages");
    ins_pen_f(pen, "%" PRIu64 " of requests, %" PRIu64 " of responses",
              count_of(messages, "request"), count_of(messages, "response"));
    ins_pen_end(pen);
    write_methods(text, record);
    write_round_trips(text, record);
    write_counts(text, "frames", ins_json_get(record, "frames"));
    (void)write_nonzero(text, "tcp", ins_json_get(record, "tcp"));
    write_loss(text, record);
    write_counts(text, "findings", ins_json_get(record, "findings"));
}
