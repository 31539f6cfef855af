/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/export/scenario.h"

#include <inttypes.h>
#include <stdio.h>

#include "inspector/export/message.h"
#include "inspector/view/names.h"
#include "lib/base/alloc.h"
#include "lib/wire/grpc_status.h"
#include "lib/wire/stall.h"

static const char no_room[] = "there is no room for all of it";

struct scenario {
    struct ins_view base;
    struct ins_view_config config;
    struct ins_export *task;
    struct ins_payload payload;
    struct ins_plan plan;
};

/* Of the call in the plan: its index and 1, so that NULL is none. */
static struct ins_plan_call *planned(struct scenario *scenario, const struct ins_call *call)
{
    uintptr_t at = call == NULL ? 0 : (uintptr_t)call->view_data;
    return at == 0 || !call->is_selected ? NULL : &scenario->plan.calls[at - 1];
}

static bool is_full(const struct ins_plan *plan)
{
    return plan->event_count >= INS_PLAN_EVENTS_MAX || plan->bytes > INS_PLAN_BYTES_MAX;
}

static struct ins_plan_event *add(struct ins_plan *plan, struct ins_plan_call *call,
                                  enum ins_plan_kind kind, const struct sl_at *at)
{
    static struct ins_plan_event none;
    if (is_full(plan)) {
        call->problem = no_room;
        none = (struct ins_plan_event){0};
        return &none;
    }
    if (plan->event_count == plan->event_capacity) {
        plan->event_capacity = plan->event_capacity * 2 + 64;
        plan->events = sl_realloc(plan->events, plan->event_capacity * sizeof(plan->events[0]));
    }
    call->event_count++;
    struct ins_plan_event *event = &plan->events[plan->event_count++];
    *event = (struct ins_plan_event){.kind = kind,
                                     .call = (uint32_t)(call - plan->calls),
                                     .time_ns = at->has_time ? at->time_ns : 0};
    return event;
}

static void on_call_begin(struct ins_view *view, struct ins_call *own)
{
    struct scenario *scenario = (struct scenario *)view;
    struct ins_plan *plan = &scenario->plan;
    if (!own->is_selected) {
        return;
    }
    if (plan->call_count >= INS_PLAN_CALLS_MAX || is_full(plan)) {
        plan->unplanned++;
        return;
    }
    if (plan->call_count == plan->call_capacity) {
        plan->call_capacity = plan->call_capacity * 2 + 16;
        plan->calls = sl_realloc(plan->calls, plan->call_capacity * sizeof(plan->calls[0]));
    }
    struct ins_plan_call *call = &plan->calls[plan->call_count++];
    *call = (struct ins_plan_call){
        .id = own->id, .connection = own->connection->id, .timeout_ns = UINT64_MAX};
    if (own->connection->observer != NULL && !own->call->is_http1) {
        call->window =
            sl_observer_window(own->connection->observer, SL_DIR_RESPONSE, own->call->stream);
    }
    own->view_data = (void *)(uintptr_t)plan->call_count;
    (void)add(plan, call, INS_PLAN_OPEN, &own->call->start);
}

static void on_message(struct ins_view *view, struct ins_call *own, enum sl_dir dir,
                       const struct sl_message *message, const struct sl_at *at)
{
    struct scenario *scenario = (struct scenario *)view;
    struct ins_plan *plan = &scenario->plan;
    struct ins_plan_call *call = planned(scenario, own);
    if (call == NULL || call->problem != NULL) {
        return;
    }
    if (dir == SL_DIR_RESPONSE) {
        if (message->is_complete) {
            call->received++;
            add(plan, call, INS_PLAN_RECEIVED, at)->count = 1;
        }
        return;
    }
    if (!message->is_complete) {
        call->problem = "a message of the client is cut";
        return;
    }
    struct ins_export_message made =
        ins_export_message(&scenario->payload, &scenario->task->redact, own, dir, message);
    call->problem = made.problem;
    if (made.hex != NULL && (call->sent > 0 || call->hex != NULL)) {
        call->problem = "of several messages, one has no schema: give -I, -d or --reflect";
    } else if (made.hex != NULL) {
        call->hex = sl_strdup(made.hex);
        (void)add(plan, call, INS_PLAN_SEND, at);
    } else if (made.json != NULL) {
        struct ins_plan_event *event = add(plan, call, INS_PLAN_SEND, at);
        event->json = call->problem == NULL ? json_incref(made.json) : NULL;
        plan->unknown_fields += made.has_unknown ? 1 : 0;
    }
    call->sent++;
    plan->bytes += made.size;
    ins_export_message_release(&made);
}

static void on_frame(struct ins_view *view, const struct ins_connection *connection,
                     struct ins_call *own, const struct sl_frame_event *event)
{
    struct scenario *scenario = (struct scenario *)view;
    struct ins_plan_call *call = planned(scenario, own);
    if (call == NULL || call->problem != NULL || call->has_ended || connection->observer == NULL) {
        return;
    }
    bool is_carrier = event->header.type == SL_H2_DATA || event->header.type == SL_H2_HEADERS;
    bool is_request = event->dir == SL_DIR_REQUEST;
    if (is_request && is_carrier && (event->header.flags & SL_H2_FLAG_END_STREAM) != 0) {
        (void)add(&scenario->plan, call, INS_PLAN_HALF_CLOSE, &event->last);
    } else if (is_request && event->header.type == SL_H2_WINDOW_UPDATE && event->payload.len == 4) {
        const uint8_t *at = event->payload.data;
        uint32_t increment =
            (uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
        add(&scenario->plan, call, INS_PLAN_CREDIT, &event->last)->count = increment;
        call->credited += increment;
    } else if (!is_request && event->header.type == SL_H2_HEADERS &&
               (event->header.flags & SL_H2_FLAG_END_STREAM) == 0) {
        (void)add(&scenario->plan, call, INS_PLAN_HEADERS, &event->last);
        /* By now the server has acknowledged the SETTINGS that a lower window counts from (RFC 9113 6.9.2). */
        call->window =
            sl_observer_window(connection->observer, SL_DIR_RESPONSE, own->call->stream) -
            call->credited;
    }
}

static void on_stall(struct ins_view *view, const struct ins_connection *connection,
                     struct ins_call *own, const struct sl_stall *stall)
{
    struct scenario *scenario = (struct scenario *)view;
    struct ins_plan_call *call = planned(scenario, own);
    (void)connection;
    if (call != NULL && stall->dir == SL_DIR_RESPONSE && !stall->is_connection) {
        call->is_stalled = true;
        if (stall->how == SL_STALL_SETTINGS && call->problem == NULL) {
            (void)add(&scenario->plan, call, INS_PLAN_RESUME, &stall->end);
        }
    }
}

/* Why it cannot be played again, whatever its messages are. */
static const char *problem_of(const struct ins_call *own)
{
    const struct sl_call *call = own->call;
    if (call->protocol != SL_PROTOCOL_GRPC) {
        return "sluice-harness speaks gRPC only, no gRPC-Web or Connect";
    }
    if (ins_call_method(own).data == NULL) {
        return "its method is not known";
    }
    if (call->is_midway || call->has_gap || call->has_lost_headers) {
        return "not all of it was captured";
    }
    return NULL;
}

static void on_call_end(struct ins_view *view, struct ins_call *own)
{
    struct scenario *scenario = (struct scenario *)view;
    struct ins_plan *plan = &scenario->plan;
    uintptr_t at = (uintptr_t)own->view_data;
    own->view_data = NULL;
    if (at == 0) {
        return;
    }
    struct ins_plan_call *call = &plan->calls[at - 1];
    const struct sl_call *wire = own->call;
    struct sl_span method = ins_call_method(own);
    call->has_ended = true;
    if (!own->is_selected) {
        call->problem = ""; /* nobody asked for it */
        return;
    }
    call->problem = call->problem != NULL ? call->problem : problem_of(own);
    if (call->problem == NULL && is_full(plan)) {
        call->problem = no_room;
    }
    if (call->problem != NULL) {
        return; /* what it had to say is not kept */
    }
    call->method = sl_strndup((const char *)method.data, method.len);
    call->has_schema = own->method != NULL && own->method->input != NULL;
    call->is_client_streaming = own->method != NULL && own->method->is_client_streaming;
    call->metadata = ins_export_metadata(&scenario->task->redact, &wire->request.headers);
    call->timeout_ns = wire->timeout_ns;
    plan->bytes += json_dumpb(call->metadata, NULL, 0, JSON_COMPACT);
    (void)ins_call_duration(wire, &call->duration_ns);
    bool has_left = wire->end == SL_CALL_OPEN || wire->end == SL_CALL_CLOSED_BY_CLIENT ||
                    wire->end == SL_CALL_RESET_BY_CLIENT;
    call->status = has_left ? NULL : sl_grpc_status_name(wire->code);
    if (call->problem == NULL && !has_left && call->status == NULL) {
        call->problem = "its status has no name";
    }
    if (call->problem == NULL) {
        (void)add(plan, call, has_left ? INS_PLAN_CANCEL : INS_PLAN_END,
                  wire->end == SL_CALL_OPEN ? &(struct sl_at){0} : &wire->end_at);
    }
}

/* ---- the end ---- */

static void tell(struct scenario *scenario)
{
    struct ins_plan *plan = &scenario->plan;
    uint64_t told = 0;
    for (size_t i = 0; i < plan->call_count; i++) {
        const struct ins_plan_call *call = &plan->calls[i];
        if (call->problem == NULL) {
            scenario->task->has_exported = true;
        } else if (call->problem[0] != '\0') {
            scenario->task->left_out++;
            if (told++ < 10) {
                (void)fprintf(stderr, "sluice-inspector: call %" PRIu64 " is left out: %s\n",
                              call->id, call->problem);
            }
        }
    }
    scenario->task->left_out += plan->unplanned;
    if (plan->unplanned > 0) {
        (void)fprintf(stderr,
                      "sluice-inspector: %" PRIu64
                      " calls are left out: a scenario has room for %d calls, %d events and %d "
                      "bytes of messages; --method, --peer, --since and --call select\n",
                      plan->unplanned, INS_PLAN_CALLS_MAX, INS_PLAN_EVENTS_MAX, INS_PLAN_BYTES_MAX);
    }
    if (plan->unknown_fields > 0) {
        (void)fprintf(stderr,
                      "sluice-inspector: %" PRIu64
                      " messages had fields that the schema does not know: left out\n",
                      plan->unknown_fields);
    }
}

static void on_finish(struct ins_view *view)
{
    struct scenario *scenario = (struct scenario *)view;
    struct ins_lines *lines = scenario->config.lines;
    scenario->plan.redacted = scenario->task->redact.replaced;
    for (size_t i = 0; i < scenario->plan.call_count; i++) {
        if (!scenario->plan.calls[i].has_ended) {
            scenario->plan.calls[i].problem = "";
        }
    }
    (void)ins_lines_begin(lines);
    size_t before = lines->buf.len;
    enum sl_status status = ins_plan_write(&scenario->plan, &lines->buf);
    tell(scenario);
    if (status != SL_OK) {
        sl_buf_truncate(&lines->buf, before);
        scenario->task->has_exported = false;
        (void)fprintf(stderr,
                      "sluice-inspector: the scenario would have more than %d bytes, the "
                      "most that sluice-harness reads: select fewer calls\n",
                      INS_PLAN_FILE_MAX);
    } else if (!scenario->task->has_exported) {
        sl_buf_truncate(&lines->buf, before);
    } else {
        ins_lines_end(lines);
    }
}

static void scenario_free(struct ins_view *view)
{
    struct scenario *scenario = (struct scenario *)view;
    ins_plan_release(&scenario->plan);
    ins_payload_release(&scenario->payload);
    sl_free(scenario);
}

static const struct ins_view_ops scenario_ops = {
    .name = "scenario",
    .call_begin = on_call_begin,
    .message = on_message,
    .frame = on_frame,
    .stall = on_stall,
    .call_end = on_call_end,
    .finish = on_finish,
    .free = scenario_free,
    .keep_message_max = INS_VIEW_MESSAGE_MAX,
    .keep_frame_max = 16, /* an increment */
};

struct ins_view *ins_export_scenario_new(const struct ins_view_config *config)
{
    struct scenario *scenario = sl_alloc(sizeof(*scenario));
    scenario->base.ops = &scenario_ops;
    scenario->config = *config;
    scenario->task = config->task;
    ins_payload_init(&scenario->payload, config->pool);
    return &scenario->base;
}
