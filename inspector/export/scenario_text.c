/* SPDX-License-Identifier: Apache-2.0 */
/* The plan as a scenario file: a step a line. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "inspector/export/scenario.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum {
    NAME_MAX_LEN = 48,
    HOLD_MIN_MS = 2,     /* shorter waits are not told from none */
    HOLD_MAX_MS = 10000, /* longer ones are cut */
    WITHIN_MS = 10000,   /* the least that anything is waited for */
    CANCEL_MS = 20,      /* after the last one */
    SECONDS_MIN = 20,
};

/* An actor of kind stream: for one call at a time. */
struct stream_actor {
    char name[NAME_MAX_LEN];
    uint64_t connection;
    const char *method;
    bool is_manual, is_busy;
    int64_t window;
};

/* Per call. */
struct progress {
    struct stream_actor *actor; /* NULL: none, or the call is one step */
    uint32_t pending;           /* messages that came and were not awaited yet */
    bool is_one_step;
};

struct writer {
    struct ins_plan *plan;
    struct sl_buf run; /* the steps */
    size_t steps, phases;
    struct stream_actor streams[INS_PLAN_STREAMS_MAX];
    size_t stream_count;
    uint64_t clients[INS_PLAN_CLIENTS_MAX]; /* connections */
    size_t client_count;
    struct progress *progress; /* by call */
    uint64_t latest_ns;        /* of the events so far */
    uint64_t held_ms, waited_ms;
    bool is_cut;         /* some wait was */
    bool ends_by_cancel; /* the last step */
};

/* ---- which calls, and how ---- */

static void refuse(struct ins_plan_call *call, const char *problem)
{
    call->problem = call->problem == NULL ? problem : call->problem;
}

static bool is_in(const struct ins_plan *plan, const struct ins_plan_event *event)
{
    const struct ins_plan_call *call = &plan->calls[event->call];
    bool is_of_stall = event->kind == INS_PLAN_CREDIT || event->kind == INS_PLAN_RESUME;
    return call->problem == NULL && (!is_of_stall || call->is_stalled);
}

/* A call is one step when nothing of others happened meanwhile, and its client sent all before any answer came. */
static void find_one_steps(struct writer *writer)
{
    const struct ins_plan *plan = writer->plan;
    size_t next = 0;
    for (size_t i = 0; i < plan->event_count; i = next) {
        const struct ins_plan_event *first = &plan->events[i];
        bool has_answer = false;
        bool is_one = first->kind == INS_PLAN_OPEN;
        bool has_end = false;
        next = i + 1;
        if (!is_in(plan, first)) {
            continue;
        }
        for (; next < plan->event_count && !has_end; next++) {
            const struct ins_plan_event *event = &plan->events[next];
            if (!is_in(plan, event)) {
                continue;
            }
            if (event->call != first->call) {
                break;
            }
            has_answer |= event->kind == INS_PLAN_RECEIVED;
            is_one &= event->kind != INS_PLAN_SEND || !has_answer;
            has_end = event->kind == INS_PLAN_END;
        }
        const struct ins_plan_call *call = &plan->calls[first->call];
        writer->progress[first->call].is_one_step = is_one && has_end && !call->is_stalled;
    }
}

static void judge_shapes(struct writer *writer)
{
    struct ins_plan *plan = writer->plan;
    for (size_t i = 0; i < plan->call_count; i++) {
        struct ins_plan_call *call = &plan->calls[i];
        struct progress *progress = &writer->progress[i];
        if (call->problem != NULL || progress->is_one_step) {
            continue;
        }
        if (call->hex != NULL && call->sent == 1 && call->status != NULL) {
            progress->is_one_step = true; /* where it began, not beside the others */
        } else if (!call->has_schema) {
            refuse(call, "it overlaps others, or its client left it, and its method has no schema: "
                         "give -I, -d or --reflect");
        }
    }
}

/* ---- steps ---- */

static const char *begin_step(struct writer *writer)
{
    if (writer->steps % INS_PLAN_STEPS_MAX == 0) {
        (void)sl_buf_addf(&writer->run, "%s    {\"phase\": \"part%zu\", \"do\": [\n",
                          writer->phases == 0 ? "" : "\n    ]},\n", writer->phases + 1);
        writer->phases++;
        writer->steps++;
        return "      ";
    }
    writer->steps++;
    writer->ends_by_cancel = false;
    return ",\n      ";
}

static void add_step(struct writer *writer, const char *actor, const char *verb, json_t *args)
{
    char *text = json_dumps(args, JSON_ENCODE_ANY);
    (void)sl_buf_add_str(&writer->run, begin_step(writer));
    (void)sl_buf_addf(&writer->run, "{\"%s\": {\"%s\": ", actor, verb);
    (void)sl_buf_add_str(&writer->run, text == NULL ? "{}" : text);
    (void)sl_buf_add_str(&writer->run, "}}");
    free(text);
    json_decref(args);
}

/* Adds {"within": ...} where the default may be too short. */
static void add_within(struct writer *writer, json_t *args, uint64_t ns)
{
    uint64_t ms = ns / SL_MS * 2 + WITHIN_MS;
    writer->waited_ms += ns / SL_MS;
    if (ms >= WITHIN_MS * 3 / 2) {
        char text[32];
        (void)snprintf(text, sizeof(text), "%" PRIu64 "ms", ms);
        (void)json_object_set_new(args, "within", json_string(text));
    }
}

/* The messages that came so far must have come, but for those of a call that still goes on in one step. */
static void await_received(struct writer *writer, size_t call)
{
    struct progress *progress = &writer->progress[call];
    if (progress->pending > 0 && progress->actor != NULL) {
        json_t *args = json_pack("{s:i}", "count", (int)progress->pending);
        add_within(writer, args, writer->plan->calls[call].duration_ns);
        add_step(writer, progress->actor->name, "receive", args);
    }
    progress->pending = 0;
}

static void await_all(struct writer *writer)
{
    for (size_t i = 0; i < writer->plan->call_count; i++) {
        await_received(writer, i);
    }
}

/* The time that the client of the event let pass after what had come before. */
static void hold(struct writer *writer, const struct ins_plan_event *event)
{
    uint64_t ms = event->time_ns > writer->latest_ns && writer->latest_ns > 0
                      ? (event->time_ns - writer->latest_ns) / SL_MS
                      : 0;
    if (ms > HOLD_MAX_MS) {
        ms = HOLD_MAX_MS;
        writer->is_cut = true;
    }
    if (ms >= HOLD_MIN_MS) {
        (void)sl_buf_add_str(&writer->run, begin_step(writer));
        (void)sl_buf_addf(&writer->run, "{\"hold\": 1, \"for\": \"%" PRIu64 "ms\"}", ms);
        writer->held_ms += ms;
    }
}

static void add_request(json_t *args, const struct ins_plan_call *call)
{
    if (json_object_size(call->metadata) > 0) {
        (void)json_object_set(args, "metadata", call->metadata);
    }
    if (call->timeout_ns != UINT64_MAX) {
        char text[32];
        uint64_t ms = call->timeout_ns / SL_MS;
        (void)snprintf(text, sizeof(text), "%" PRIu64 "ms", ms > 0 ? ms : 1);
        (void)json_object_set_new(args, "deadline", json_string(text));
    }
    if (call->status != NULL) {
        (void)json_object_set_new(args, "status", json_pack("[s]", call->status));
    }
}

/* ---- actors ---- */

/* "subscribe_to_room_3" */
static void name_stream(struct stream_actor *actor, size_t number)
{
    const char *from = strrchr(actor->method, '/') + 1;
    size_t len = 0;
    for (; *from != '\0' && len < NAME_MAX_LEN - 12; from++) {
        bool is_word = isupper((unsigned char)*from) && len > 0 && islower((unsigned char)from[-1]);
        if (is_word) {
            actor->name[len++] = '_';
        }
        actor->name[len++] =
            (char)(isalnum((unsigned char)*from) ? tolower((unsigned char)*from) : '_');
    }
    (void)snprintf(actor->name + len, NAME_MAX_LEN - len, "_%zu", number);
    if (!isalpha((unsigned char)actor->name[0])) {
        actor->name[0] = 's';
    }
}

/* One that is free, or a new one; NULL when there are too many. */
static struct stream_actor *stream_for(struct writer *writer, const struct ins_plan_call *call)
{
    for (size_t i = 0; i < writer->stream_count; i++) {
        struct stream_actor *actor = &writer->streams[i];
        if (!actor->is_busy && !actor->is_manual && !call->is_stalled &&
            actor->connection == call->connection && strcmp(actor->method, call->method) == 0) {
            return actor;
        }
    }
    if (writer->stream_count == INS_PLAN_STREAMS_MAX) {
        return NULL;
    }
    struct stream_actor *actor = &writer->streams[writer->stream_count++];
    *actor = (struct stream_actor){.connection = call->connection,
                                   .method = call->method,
                                   .is_manual = call->is_stalled,
                                   .window = call->window > 0 ? call->window : 0};
    name_stream(actor, writer->stream_count);
    return actor;
}

static size_t client_for(struct writer *writer, uint64_t connection)
{
    for (size_t i = 0; i < writer->client_count; i++) {
        if (writer->clients[i] == connection) {
            return i + 1;
        }
    }
    if (writer->client_count < INS_PLAN_CLIENTS_MAX) {
        writer->clients[writer->client_count++] = connection;
    }
    return writer->client_count;
}

/* ---- events ---- */

/* Messages of the call from its event at on that go with its HEADERS in one step: all of them, or those that came
 * before anything else happened. */
static json_t *messages_from(const struct writer *writer, size_t at, bool is_all)
{
    const struct ins_plan *plan = writer->plan;
    json_t *messages = json_array();
    uint32_t call = plan->events[at].call;
    for (size_t i = at + 1; i < plan->event_count; i++) {
        const struct ins_plan_event *event = &plan->events[i];
        if (event->call == call && event->json != NULL) {
            (void)json_array_append(messages, event->json);
        }
        if (!is_all && json_array_size(messages) == 1) {
            break;
        }
    }
    return messages;
}

static void write_call(struct writer *writer, size_t at)
{
    const struct ins_plan_event *event = &writer->plan->events[at];
    const struct ins_plan_call *call = &writer->plan->calls[event->call];
    json_t *args = json_pack("{s:s}", "method", call->method);
    json_t *messages = messages_from(writer, at, true);
    if (call->hex != NULL) {
        (void)json_object_set_new(args, "bytes", json_string(call->hex));
    } else if (call->is_client_streaming) {
        (void)json_object_set(args, "messages", messages);
    } else if (json_array_size(messages) > 0) {
        (void)json_object_set(args, "message", json_array_get(messages, 0));
    }
    json_decref(messages);
    add_request(args, call);
    (void)json_object_set_new(args, "replies", json_integer(call->received));
    add_within(writer, args, call->duration_ns);
    char name[NAME_MAX_LEN];
    (void)snprintf(name, sizeof(name), "client_%zu", client_for(writer, call->connection));
    add_step(writer, name, "call", args);
}

/* True when the server's headers came before any client did the next thing. */
static bool had_headers(const struct ins_plan *plan, size_t at)
{
    for (size_t i = at + 1; i < plan->event_count; i++) {
        const struct ins_plan_event *event = &plan->events[i];
        if (!is_in(plan, event)) {
            continue;
        }
        bool is_own = event->call == plan->events[at].call;
        if (is_own && event->kind == INS_PLAN_HEADERS) {
            return true;
        }
        bool goes_with_open =
            is_own && (event->kind == INS_PLAN_SEND || event->kind == INS_PLAN_HALF_CLOSE) &&
            !plan->calls[event->call].is_client_streaming;
        if (event->kind < INS_PLAN_HEADERS && !goes_with_open) {
            return false;
        }
    }
    return false;
}

static void write_open(struct writer *writer, size_t at)
{
    struct ins_plan *plan = writer->plan;
    const struct ins_plan_event *event = &plan->events[at];
    struct ins_plan_call *call = &plan->calls[event->call];
    struct progress *progress = &writer->progress[event->call];
    progress->actor = stream_for(writer, call);
    if (progress->actor == NULL) {
        call->problem = "too many calls overlap";
        return;
    }
    progress->actor->is_busy = true;
    json_t *args = json_object();
    if (!call->is_client_streaming) {
        json_t *messages = messages_from(writer, at, false);
        if (json_array_size(messages) > 0) {
            (void)json_object_set(args, "message", json_array_get(messages, 0));
        }
        json_decref(messages);
    }
    add_request(args, call);
    if (had_headers(plan, at)) {
        (void)json_object_set_new(args, "headers", json_true());
    }
    add_step(writer, progress->actor->name, "open", args);
}

static void write_action(struct writer *writer, size_t at)
{
    const struct ins_plan_event *event = &writer->plan->events[at];
    struct progress *progress = &writer->progress[event->call];
    const char *name = progress->actor == NULL ? "" : progress->actor->name;
    if (event->kind == INS_PLAN_OPEN && progress->is_one_step) {
        write_call(writer, at);
    } else if (event->kind == INS_PLAN_OPEN) {
        write_open(writer, at);
    } else if (event->kind == INS_PLAN_SEND) {
        add_step(writer, name, "send", json_pack("{s:O}", "json", event->json));
    } else if (event->kind == INS_PLAN_HALF_CLOSE) {
        add_step(writer, name, "half_close", json_pack("{s:s}", "wait", "no"));
    } else if (event->kind == INS_PLAN_CREDIT) {
        add_step(writer, name, "credit",
                 json_pack("{s:I,s:s}", "bytes", (json_int_t)event->count, "wait", "no"));
    } else if (event->kind == INS_PLAN_RESUME) {
        add_step(writer, name, "resume", json_object());
    } else if (event->kind == INS_PLAN_CANCEL) {
        add_step(writer, name, "cancel", json_object());
        writer->ends_by_cancel = true;
        progress->actor->is_busy = false;
    }
}

static void write_end(struct writer *writer, const struct ins_plan_event *event)
{
    struct progress *progress = &writer->progress[event->call];
    json_t *within = json_object();
    add_within(writer, within, writer->plan->calls[event->call].duration_ns);
    const char *text = json_string_value(json_object_get(within, "within"));
    await_received(writer, event->call);
    (void)sl_buf_add_str(&writer->run, begin_step(writer));
    (void)sl_buf_addf(&writer->run, "{\"await\": \"ended(%s) == 1\", \"within\": \"%s\"}",
                      progress->actor->name, text == NULL ? "10s" : text);
    json_decref(within);
    progress->actor->is_busy = false;
}

/* What goes with another step. */
static bool is_implied(const struct writer *writer, const struct ins_plan_event *event)
{
    const struct ins_plan_call *call = &writer->plan->calls[event->call];
    bool goes_with_open = event->kind == INS_PLAN_SEND || event->kind == INS_PLAN_HALF_CLOSE;
    return (writer->progress[event->call].is_one_step && event->kind != INS_PLAN_OPEN) ||
           (goes_with_open && !call->is_client_streaming) || event->kind == INS_PLAN_HEADERS;
}

static void write_event(struct writer *writer, size_t at)
{
    const struct ins_plan_event *event = &writer->plan->events[at];
    struct progress *progress = &writer->progress[event->call];
    if (!is_in(writer->plan, event)) {
        return;
    }
    if (is_implied(writer, event)) {
        /* nothing of its own */
    } else if (event->kind == INS_PLAN_RECEIVED) {
        progress->pending += event->count;
    } else if (event->kind == INS_PLAN_END) {
        write_end(writer, event);
    } else {
        await_all(writer);
        hold(writer, event);
        write_action(writer, at);
    }
    if (event->time_ns > writer->latest_ns) {
        writer->latest_ns = event->time_ns;
    }
}

/* ---- the file ---- */

static void write_actors(const struct writer *writer, struct sl_buf *out)
{
    const char *comma = "";
    for (size_t i = 0; i < writer->client_count; i++) {
        (void)sl_buf_addf(out,
                          "%s\n    \"client_%zu\": {\"kind\": \"client\", \"conn\": "
                          "\"shared:c%" PRIu64 "\"}",
                          comma, i + 1, writer->clients[i]);
        comma = ",";
    }
    for (size_t i = 0; i < writer->stream_count; i++) {
        const struct stream_actor *actor = &writer->streams[i];
        (void)sl_buf_addf(out, "%s\n    \"%s\": {\"kind\": \"stream\", \"method\": \"%s\", ", comma,
                          actor->name, actor->method);
        if (actor->is_manual) {
            (void)sl_buf_addf(out, "\"credit\": \"manual\", \"window\": {\"stream\": %lld}}",
                              (long long)actor->window);
        } else {
            (void)sl_buf_addf(out, "\"conn\": \"shared:c%" PRIu64 "\"}", actor->connection);
        }
        comma = ",";
    }
}

static size_t count_in(const struct ins_plan *plan)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->call_count; i++) {
        count += plan->calls[i].problem == NULL;
    }
    return count;
}

static void write_head(const struct writer *writer, struct sl_buf *out)
{
    const struct ins_plan *plan = writer->plan;
    size_t count = count_in(plan);
    (void)sl_buf_addf(
        out,
        "{\n  \"title\": \"%zu of %zu captured calls, made again\",\n"
        "  \"why\": \"What clients did once must be answered as it was then: the same "
        "statuses, as many messages.%s%s\",\n",
        count, plan->call_count + (size_t)plan->unplanned,
        plan->redacted > 0 ? " Some values are redacted." : "",
        writer->is_cut ? " Waits of more than 10 s are cut." : "");
    (void)sl_buf_addf(
        out,
        "  \"rules\": [\"REPLAY-01\"],\n"
        "  \"own_rules\": {\"REPLAY-01\": \"calls are answered as they were in the capture\"},\n"
        "  \"level\": \"core\",\n  \"seconds\": %" PRIu64 ",\n  \"actors\": {",
        SECONDS_MIN + (writer->held_ms + writer->waited_ms * 2) / 1000);
}

enum sl_status ins_plan_write(struct ins_plan *plan, struct sl_buf *out)
{
    struct writer writer = {.plan = plan};
    writer.progress = sl_calloc(plan->call_count + 1, sizeof(writer.progress[0]));
    sl_buf_init(&writer.run, INS_PLAN_FILE_MAX);
    ins_plan_judge(plan);
    find_one_steps(&writer);
    judge_shapes(&writer);
    for (size_t i = 0; i < plan->event_count; i++) {
        write_event(&writer, i);
    }
    await_all(&writer);
    if (writer.ends_by_cancel) {
        /* or the end of the connection, at the end of the scenario, would take the RST_STREAM along */
        (void)sl_buf_add_str(&writer.run, begin_step(&writer));
        (void)sl_buf_addf(&writer.run, "{\"hold\": 1, \"for\": \"%dms\"}", CANCEL_MS);
    }
    size_t before = out->len;
    write_head(&writer, out);
    write_actors(&writer, out);
    (void)sl_buf_add_str(out, "\n  },\n  \"run\": [\n");
    (void)sl_buf_add_span(out, sl_buf_span(&writer.run));
    (void)sl_buf_add_str(out, writer.phases > 0 ? "\n    ]}\n  ]\n}" : "  ]\n}");
    bool is_good = !writer.run.is_full && !out->is_full && out->len - before < INS_PLAN_FILE_MAX;
    sl_buf_release(&writer.run);
    sl_free(writer.progress);
    return is_good ? SL_OK : SL_LIMIT;
}

void ins_plan_release(struct ins_plan *plan)
{
    for (size_t i = 0; i < plan->event_count; i++) {
        json_decref(plan->events[i].json);
    }
    for (size_t i = 0; i < plan->call_count; i++) {
        sl_free(plan->calls[i].method);
        sl_free(plan->calls[i].hex);
        json_decref(plan->calls[i].metadata);
    }
    sl_free(plan->events);
    sl_free(plan->calls);
    *plan = (struct ins_plan){0};
}
