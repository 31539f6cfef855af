/* SPDX-License-Identifier: Apache-2.0 */
/* A call: what was asked of whom, how it ended, and below that what it exchanged. */
#include <inttypes.h>
#include <stdio.h>

#include "inspector/render/text_parts.h"
#include "lib/wire/grpc_status.h"

enum {
    ID_COLUMNS = 7,      /* "#12345 " */
    ENDS_COLUMNS = 34,   /* "127.0.0.1:51035 > 127.0.0.1:50051" */
    STATUS_COLUMNS = 20, /* "FAILED_PRECONDITION " */
    DURATION_COLUMNS = 9,
    COUNTS_COLUMNS = 9, /* " 12/10000" */
    METHOD_MAX = 64,
};

/* What is left of the line for the path. */
static unsigned method_columns(const struct ins_text *text, bool has_ends)
{
    unsigned width = text->pen.width;
    unsigned used = INS_TEXT_TIME + ID_COLUMNS + (has_ends ? ENDS_COLUMNS : 0) + STATUS_COLUMNS +
                    DURATION_COLUMNS + COUNTS_COLUMNS + 2;
    unsigned left = width > used ? width - used : 0;
    return width == 0 || left > METHOD_MAX ? METHOD_MAX : left;
}

static void write_status(struct ins_text *text, struct sl_span record)
{
    struct ins_pen *pen = &text->pen;
    struct sl_span status = ins_json_get(record, "status");
    uint64_t code = ins_json_u64(ins_json_get(status, "code"));
    struct sl_span name = ins_json_get(status, "name");
    if (ins_json_is_null(status)) {
        bool is_complete = ins_json_is_null(ins_json_get(record, "duration_ms"));
        ins_pen_colour(pen, INS_YELLOW);
        ins_pen_str(pen, is_complete ? "open" : "not known");
    } else {
        ins_pen_colour(pen, code == 0 ? INS_GREEN : INS_RED);
        if (!ins_json_is_null(ins_json_get(record, "status_inferred"))) {
            ins_pen_str(pen, "~");
        }
        if (ins_json_is_null(name)) {
            ins_pen_f(pen, "%" PRIu64, code);
        } else {
            ins_pen_text(pen, ins_text_of(text, name), STATUS_COLUMNS);
        }
    }
    ins_pen_colour(pen, INS_PLAIN);
}

static void write_ends(struct ins_text *text, struct sl_span record)
{
    ins_pen_text(&text->pen, ins_text_of(text, ins_json_get(record, "client")), INS_PEN_REST);
    ins_pen_str(&text->pen, " > ");
    ins_pen_text(&text->pen, ins_text_of(text, ins_json_get(record, "server")), INS_PEN_REST);
}

/* Above the first call. */
static void write_titles(struct ins_text *text, bool has_ends, unsigned method)
{
    struct ins_pen *pen = &text->pen;
    unsigned column = INS_TEXT_TIME + ID_COLUMNS;
    text->has_titles = true;
    ins_pen_colour(pen, INS_DIM);
    ins_pen_str(pen, "began");
    ins_pen_to(pen, INS_TEXT_TIME + 1);
    ins_pen_str(pen, "call");
    ins_pen_to(pen, column);
    if (has_ends) {
        ins_pen_str(pen, "client > server");
        column += ENDS_COLUMNS;
        ins_pen_to(pen, column);
    }
    ins_pen_str(pen, "method");
    column += method + 1;
    ins_pen_to(pen, column);
    ins_pen_str(pen, "status");
    column += STATUS_COLUMNS + DURATION_COLUMNS;
    ins_pen_right(pen, "took", column);
    ins_pen_right(pen, "messages", column + COUNTS_COLUMNS);
    ins_pen_end(pen);
}

static void write_head(struct ins_text *text, struct sl_span record)
{
    struct ins_pen *pen = &text->pen;
    bool has_ends = text->config.width == 0 || text->config.width >= INS_TEXT_WIDE;
    struct sl_span duration = ins_json_get(record, "duration_ms");
    unsigned columns = method_columns(text, has_ends);
    char cell[64];
    if (!text->has_titles) {
        write_titles(text, has_ends, columns);
    }
    ins_text_connection(text, record);
    ins_text_time(text, ins_json_get(record, "start"));
    ins_pen_colour(pen, INS_DIM);
    ins_pen_f(pen, " #%" PRIu64, ins_json_u64(ins_json_get(record, "id")));
    ins_pen_colour(pen, INS_PLAIN);
    unsigned column = INS_TEXT_TIME + ID_COLUMNS;
    ins_pen_to(pen, column);
    if (has_ends) {
        write_ends(text, record);
        column += ENDS_COLUMNS;
        ins_pen_to(pen, column);
    }
    ins_pen_colour(pen, INS_BOLD);
    ins_text_method(text, ins_json_get(record, "method"), ins_json_get(record, "method_source"),
                    columns);
    ins_pen_colour(pen, INS_PLAIN);
    column += columns + 1;
    ins_pen_to(pen, column);
    write_status(text, record);
    column += STATUS_COLUMNS + DURATION_COLUMNS;
    char time[INS_PEN_DURATION_MAX];
    ins_pen_right(
        pen, ins_json_is_null(duration) ? "-" : ins_pen_duration(ins_json_double(duration), time),
        column);
    (void)snprintf(cell, sizeof(cell), "%" PRIu64 "/%" PRIu64,
                   ins_json_u64(ins_json_in(record, "request", "message_count")),
                   ins_json_u64(ins_json_in(record, "response", "message_count")));
    ins_pen_right(pen, cell, column + COUNTS_COLUMNS);
    ins_pen_end(pen);
}

/* ---- below the line ---- */

static void write_metadata(struct ins_text *text, const char *about, struct sl_span metadata)
{
    struct ins_pen *pen = &text->pen;
    struct ins_json rest = ins_json_open(metadata);
    struct sl_span name;
    struct sl_span value;
    while (ins_json_member(&rest, &name, &value)) {
        ins_pen_to(pen, INS_TEXT_INDENT);
        ins_pen_colour(pen, INS_DIM);
        ins_pen_f(pen, "%s ", about);
        ins_pen_text(pen, name, INS_PEN_REST);
        ins_pen_str(pen, ": ");
        ins_pen_text(pen, ins_text_of(text, value), INS_PEN_REST);
        ins_pen_end(pen);
    }
}

static void write_message(struct ins_text *text, const char *arrow, struct sl_span message)
{
    struct ins_pen *pen = &text->pen;
    struct sl_span at = ins_json_get(message, "at_ms");
    char time[INS_PEN_DURATION_MAX];
    char cell[64];
    ins_pen_to(pen, INS_TEXT_INDENT);
    ins_pen_f(pen, "%s %" PRIu64, arrow, ins_json_u64(ins_json_get(message, "index")));
    (void)snprintf(cell, sizeof(cell), "+%s",
                   ins_json_is_null(at) ? "?" : ins_pen_duration(ins_json_double(at), time));
    ins_pen_right(pen, cell, INS_TEXT_INDENT + 14);
    ins_pen_str(pen, "  ");
    ins_text_bytes(text, ins_json_u64(ins_json_get(message, "bytes")));
    ins_pen_to(pen, INS_TEXT_INDENT + 25);
    ins_text_content(text, message);
    ins_pen_end(pen);
}

/* Those of both sides, as they came. */
static void write_messages(struct ins_text *text, struct sl_span record)
{
    static const char *const names[2] = {"request", "response"};
    static const char *const arrows[2] = {">", "<"};
    struct ins_json rest[2];
    struct sl_span next[2];
    bool has_next[2];
    uint64_t left[2];
    for (int i = 0; i < 2; i++) {
        struct sl_span side = ins_json_get(record, names[i]);
        rest[i] = ins_json_open(ins_json_get(side, "messages"));
        has_next[i] = ins_json_item(&rest[i], &next[i]);
        left[i] = ins_json_u64(ins_json_get(side, "message_count"));
    }
    while (has_next[0] || has_next[1]) {
        int i = has_next[0] ? 0 : 1;
        if (has_next[0] && has_next[1] &&
            ins_json_double(ins_json_get(next[1], "at_ms")) <
                ins_json_double(ins_json_get(next[0], "at_ms"))) {
            i = 1;
        }
        write_message(text, arrows[i], next[i]);
        left[i] -= left[i] > 0 && ins_json_is_true(ins_json_get(next[i], "complete")) ? 1 : 0;
        has_next[i] = ins_json_item(&rest[i], &next[i]);
    }
    for (int i = 0; i < 2; i++) {
        if (left[i] > 0) {
            ins_pen_to(&text->pen, INS_TEXT_INDENT);
            ins_pen_colour(&text->pen, INS_DIM);
            ins_pen_f(&text->pen, "%s and %" PRIu64 " more", arrows[i], left[i]);
            ins_pen_end(&text->pen);
        }
    }
}

/* Who ended the call, where the server's last words did not. */
static void write_abort(struct ins_text *text, struct sl_span record)
{
    struct ins_pen *pen = &text->pen;
    struct sl_span aborted = ins_json_get(record, "aborted");
    if (ins_json_is_null(aborted)) {
        return;
    }
    bool is_client = sl_span_is(ins_text_of(text, ins_json_get(aborted, "by")), "client");
    const char *who = is_client ? "client" : "server";
    struct sl_span how = ins_text_of(text, ins_json_get(aborted, "how"));
    ins_pen_to(pen, INS_TEXT_INDENT);
    if (sl_span_is(how, "goaway")) {
        ins_pen_str(pen, "= the server's GOAWAY left it out: it was not processed");
    } else if (sl_span_is(how, "connection_closed")) {
        ins_pen_f(pen, "= the %s closed the connection under it", who);
    } else {
        ins_pen_f(pen, "= the %s reset it: ", who);
        ins_pen_text(pen, ins_text_of(text, ins_json_get(aborted, "error")), INS_PEN_REST);
        bool is_late =
            ins_json_u64(ins_json_in(record, "status", "code")) == SL_GRPC_DEADLINE_EXCEEDED;
        ins_pen_str(pen, is_client && is_late ? ", as its deadline had passed" : "");
    }
    ins_pen_end(pen);
}

/* The message and details of a status, and where it comes from when no trailer says it. */
static void write_outcome(struct ins_text *text, struct sl_span record)
{
    struct ins_pen *pen = &text->pen;
    struct sl_span status = ins_json_get(record, "status");
    struct sl_span message = ins_text_of(text, ins_json_get(status, "message"));
    if (message.len > 0 && !ins_json_is_null(status)) {
        ins_pen_to(pen, INS_TEXT_INDENT);
        ins_pen_colour(pen, INS_RED);
        ins_pen_str(pen, "= ");
        ins_pen_wrap(pen, message, INS_TEXT_INDENT + 2);
        ins_pen_end(pen);
    }
    struct ins_json details = ins_json_open(ins_json_get(status, "details"));
    struct sl_span detail;
    while (ins_json_item(&details, &detail)) {
        ins_pen_to(pen, INS_TEXT_INDENT);
        ins_pen_str(pen, "= ");
        ins_pen_text(pen, detail, INS_PEN_REST);
        ins_pen_end(pen);
    }
    write_abort(text, record);
    if (sl_span_is(ins_text_of(text, ins_json_get(record, "status_source")), "http_status")) {
        ins_pen_to(pen, INS_TEXT_INDENT);
        ins_pen_str(pen, "= the HTTP status tells, there is no grpc-status");
        ins_pen_end(pen);
    }
}

static void write_stalled(struct ins_text *text, struct sl_span record)
{
    static const char *const windows[] = {"stream", "connection"};
    for (size_t i = 0; i < 2; i++) {
        double ms = ins_json_double(ins_json_in(record, "stalled_ms", windows[i]));
        char time[INS_PEN_DURATION_MAX];
        if (ms > 0) {
            ins_pen_to(&text->pen, INS_TEXT_INDENT);
            ins_pen_colour(&text->pen, INS_YELLOW);
            ins_pen_f(&text->pen, "! waited %s for credit of the %s (--view stalls)",
                      ins_pen_duration(ms, time), windows[i]);
            ins_pen_end(&text->pen);
        }
    }
}

void ins_text_call(struct ins_text *text, struct sl_span record)
{
    write_head(text, record);
    if (text->config.is_detailed) {
        write_metadata(text, ">", ins_json_in(record, "request", "metadata"));
        write_metadata(text, "<", ins_json_in(record, "response", "metadata"));
    }
    write_messages(text, record);
    if (text->config.is_detailed) {
        write_metadata(text, "< trailer", ins_json_in(record, "response", "trailers"));
    }
    write_outcome(text, record);
    write_stalled(text, record);
    ins_text_problems(text, ins_json_get(record, "problems"));
    struct ins_json findings = ins_json_open(ins_json_get(record, "findings"));
    struct sl_span finding;
    while (!text->config.has_lint && ins_json_item(&findings, &finding)) {
        ins_pen_to(&text->pen, INS_TEXT_INDENT);
        ins_pen_str(&text->pen, "! ");
        ins_text_finding_body(text, finding);
    }
}
