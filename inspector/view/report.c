/* SPDX-License-Identifier: Apache-2.0 */
/* What the HTML report shows: the records of calls and stalls, findings, and how the windows went. */
#include "inspector/view/views.h"
#include "lib/base/alloc.h"

enum {
    POINTS = 128,       /* of one graph; when they are full every second one is dropped */
    POINTS_MIN = 4,     /* a graph of fewer shows nothing */
    GRAPHS_OPEN = 1024, /* at a time; calls that begin beyond it have none */
};

struct point {
    uint64_t since_ns; /* the call's start */
    int64_t window;
};

/* The windows of one call. */
struct graphs {
    struct point points[2][POINTS];
    size_t counts[2];
    uint64_t apart_ns[2]; /* points closer to the last one take its place */
};

struct report {
    struct ins_view base;
    struct ins_view_config config;
    struct ins_view *calls, *stalls;
    size_t open;
};

static void on_message(struct ins_view *view, struct ins_call *call, enum sl_dir dir,
                       const struct sl_message *message, const struct sl_at *at)
{
    struct ins_view *calls = ((struct report *)view)->calls;
    calls->ops->message(calls, call, dir, message, at);
}

static void on_stall(struct ins_view *view, const struct ins_connection *connection,
                     struct ins_call *call, const struct sl_stall *stall)
{
    struct ins_view *stalls = ((struct report *)view)->stalls;
    stalls->ops->stall(stalls, connection, call, stall);
}

static void on_finding(struct ins_view *view, const struct ins_connection *connection,
                       struct ins_call *call, const struct sl_finding *finding)
{
    struct ins_view *calls = ((struct report *)view)->calls;
    calls->ops->finding(calls, connection, call, finding);
}

/* ---- windows ---- */

static struct graphs *graphs_of(struct report *report, struct ins_call *call)
{
    if (call->graphs == NULL && report->open < GRAPHS_OPEN) {
        call->graphs = sl_alloc(sizeof(struct graphs));
        report->open++;
    }
    return call->graphs;
}

static void thin_out(struct graphs *graphs, enum sl_dir dir)
{
    struct point *points = graphs->points[dir];
    for (size_t i = 1; i < POINTS / 2; i++) {
        points[i] = points[2 * i];
    }
    graphs->counts[dir] = POINTS / 2;
    graphs->apart_ns[dir] = points[POINTS / 2 - 1].since_ns / (POINTS / 2);
}

static void add_point(struct graphs *graphs, enum sl_dir dir, uint64_t since_ns, int64_t window)
{
    size_t *count = &graphs->counts[dir];
    struct point *points = graphs->points[dir];
    if (*count > 1 && since_ns < points[*count - 2].since_ns + graphs->apart_ns[dir]) {
        points[*count - 1] = (struct point){since_ns, window};
        return;
    }
    if (*count == POINTS) {
        thin_out(graphs, dir);
    }
    points[*count] = (struct point){since_ns, window};
    (*count)++;
}

static void on_frame(struct ins_view *view, const struct ins_connection *connection,
                     struct ins_call *call, const struct sl_frame_event *event)
{
    bool is_data = event->header.type == SL_H2_DATA;
    bool is_update = event->header.type == SL_H2_WINDOW_UPDATE;
    if (call == NULL || !call->is_selected || connection->observer == NULL ||
        connection->is_midway || !event->last.has_time || !call->call->start.has_time ||
        (!is_data && !is_update)) {
        return;
    }
    struct graphs *graphs = graphs_of((struct report *)view, call);
    bool is_request = (event->dir == SL_DIR_REQUEST) == is_data;
    enum sl_dir dir = is_request ? SL_DIR_REQUEST : SL_DIR_RESPONSE;
    uint64_t start_ns = call->call->start.time_ns;
    uint64_t now_ns = event->last.time_ns;
    if (graphs != NULL) {
        add_point(graphs, dir, now_ns > start_ns ? now_ns - start_ns : 0,
                  sl_observer_window(connection->observer, dir, event->header.stream));
    }
}

static void write_graph(struct report *report, const struct ins_call *call, enum sl_dir dir)
{
    const struct graphs *graphs = call->graphs;
    struct sl_json_out *out = ins_lines_begin(report->config.lines);
    sl_json_out_begin_object(out);
    sl_json_out_key_str(out, "type", "window");
    sl_json_out_key_u64(out, "call", call->id);
    sl_json_out_key_str(out, "direction", dir == SL_DIR_REQUEST ? "request" : "response");
    sl_json_out_key(out, "points");
    sl_json_out_begin_array(out);
    for (size_t i = 0; i < graphs->counts[dir]; i++) {
        sl_json_out_begin_array(out);
        sl_json_out_ms(out, graphs->points[dir][i].since_ns);
        sl_json_out_i64(out, graphs->points[dir][i].window);
        sl_json_out_end_array(out);
    }
    sl_json_out_end_array(out);
    sl_json_out_end_object(out);
    ins_lines_end(report->config.lines);
}

static void on_call_end(struct ins_view *view, struct ins_call *call)
{
    struct report *report = (struct report *)view;
    struct graphs *graphs = call->graphs;
    for (int i = 0; graphs != NULL && i < 2; i++) {
        if (call->is_selected && graphs->counts[i] >= POINTS_MIN) {
            write_graph(report, call, i == 0 ? SL_DIR_REQUEST : SL_DIR_RESPONSE);
        }
    }
    if (graphs != NULL) {
        report->open--;
        sl_free(graphs);
        call->graphs = NULL;
    }
    report->calls->ops->call_end(report->calls, call);
}

static void report_free(struct ins_view *view)
{
    struct report *report = (struct report *)view;
    ins_view_free(report->calls);
    ins_view_free(report->stalls);
    sl_free(report);
}

static const struct ins_view_ops report_ops = {
    .name = "report",
    .message = on_message,
    .call_end = on_call_end,
    .stall = on_stall,
    .frame = on_frame,
    .finding = on_finding,
    .free = report_free,
    .keep_message_max = INS_VIEW_MESSAGE_MAX,
};

struct ins_view *ins_view_report_new(const struct ins_view_config *config)
{
    struct report *report = sl_alloc(sizeof(*report));
    report->base.ops = &report_ops;
    report->base.has_findings = true;
    report->config = *config;
    report->config.has_lint = true;
    report->calls = ins_view_calls_new(&report->config);
    report->stalls = ins_view_stalls_new(&report->config);
    return &report->base;
}
