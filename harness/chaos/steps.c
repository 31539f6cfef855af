/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/chaos/steps.h"

#include <stdio.h>

enum {
    FIRST_STREAM =
        1001, /* the number by which the proxy knows a group's connections: this, and STREAMS for each */
    STREAMS = 2000,
    STREAMS_OF_FAULT = 400, /* numbers that one fault may use up on a connection */
    VICTIM_RATE_HZ = 20,
    PACED_HZ = 400,
    CUT_MS = 50,
    UNREAD = 40,
    UNREAD_MS = 200,
    RANKS = 4,
};

void har_chaos_name(size_t group, char name[HAR_CHAOS_NAME_MAX])
{
    (void)snprintf(name, HAR_CHAOS_NAME_MAX, "v%zu", group);
}

static bool is_proxied(const struct har_chaos_schedule *schedule, size_t group)
{
    return (har_chaos_group_flags(schedule, group) & HAR_CHAOS_PROXY) != 0;
}

bool har_chaos_may_end(const struct har_chaos_schedule *schedule, size_t group)
{
    return (har_chaos_group_flags(schedule, group) & HAR_CHAOS_ENDS) != 0;
}

json_t *har_chaos_step(const char *actor, const char *verb, json_t *args)
{
    return json_pack("{s:{s:o}}", actor, verb, args == NULL ? json_object() : args);
}

json_t *har_chaos_rest(unsigned ms)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%ums", ms);
    return json_pack("{s:i, s:s}", "hold", 1, "for", text);
}

static void add(json_t *steps, json_t *step)
{
    (void)json_array_append_new(steps, step);
}

static void add_verb(json_t *steps, size_t group, const char *verb, json_t *args)
{
    char name[HAR_CHAOS_NAME_MAX];
    har_chaos_name(group, name);
    add(steps, har_chaos_step(name, verb, args));
}

static json_int_t first_stream(size_t group)
{
    return (json_int_t)(FIRST_STREAM + STREAMS * group);
}

/* The next stream of a group that the proxy must know has this number. */
static void number_stream(const struct har_chaos_schedule *schedule, size_t group,
                          json_int_t number, json_t *steps)
{
    if (is_proxied(schedule, group) && schedule->groups[group].who != HAR_CHAOS_PUBLISHER) {
        add_verb(steps, group, "stream_id", json_pack("{s:I}", "next", number));
    }
}

static void open_stream(const struct har_chaos_schedule *schedule, size_t group, json_t *steps)
{
    static const char *const verbs[HAR_CHAOS_WHO] = {"subscribe", "chat", NULL};
    const char *verb = verbs[schedule->groups[group].who];
    if (verb != NULL) {
        add_verb(steps, group, verb, NULL);
    }
}

/* The first stream of a new connection. */
static void open_connection(const struct har_chaos_schedule *schedule, size_t group, json_t *steps)
{
    if (is_proxied(schedule, group)) {
        add_verb(steps, group, "connect", NULL);
        number_stream(schedule, group, first_stream(group), steps);
    }
    open_stream(schedule, group, steps);
}

void har_chaos_begin(const struct har_chaos_schedule *schedule, size_t group, json_t *steps)
{
    open_connection(schedule, group, steps);
}

static void close_all(json_t *steps, size_t group, bool is_fin)
{
    add_verb(steps, group, "close", json_pack("{s:s}", "how", is_fin ? "fin" : "rst"));
}

/* ---- the network ---- */

static json_t *shape_of(const struct har_chaos_fault *fault)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%ums", fault->amount);
    switch (fault->kind) {
    case HAR_CHAOS_LATENCY:
        return json_pack("{s:s, s:s}", "latency", text, "jitter", text);
    case HAR_CHAOS_BANDWIDTH:
        return json_pack("{s:i}", "bandwidth", (int)fault->amount);
    case HAR_CHAOS_SLICE:
        return json_pack("{s:i}", "slice", (int)fault->amount);
    case HAR_CHAOS_NETWORK_STALL:
        return json_pack("{s:b}", "stall", 1);
    case HAR_CHAOS_HALF_OPEN:
        return json_pack("{s:b}", "swallow", 1);
    default:
        return json_pack("{s:{s:{s:i}, s:s}}", "cut", "after",
                         fault->amount == 0 ? "bytes" : "messages", (int)fault->amount, "how",
                         fault->kind == HAR_CHAOS_RESET ? "rst" : "fin");
    }
}

static void add_fault(const struct har_chaos_schedule *schedule,
                      const struct har_chaos_fault *fault, json_int_t stream, json_t *steps)
{
    char text[32];
    json_t *what = shape_of(fault);
    bool is_publisher = schedule->groups[fault->group].who == HAR_CHAOS_PUBLISHER;
    bool is_cut = fault->kind == HAR_CHAOS_RESET || fault->kind == HAR_CHAOS_CLOSE;
    if (is_publisher) {
        (void)json_object_set_new(what, "method", json_string("SendMessage"));
    } else {
        (void)json_object_set_new(what, "stream", json_integer(stream));
    }
    bool has_way = fault->kind == HAR_CHAOS_NETWORK_STALL || fault->kind == HAR_CHAOS_HALF_OPEN;
    if ((has_way && fault->is_other) || (is_cut && fault->amount > 0 && !is_publisher)) {
        (void)json_object_set_new(what, "dir", json_string("to_client"));
    }
    unsigned for_ms = fault->for_ms > 0 ? fault->for_ms : is_cut && is_publisher ? CUT_MS : 0;
    if (for_ms > 0) {
        (void)snprintf(text, sizeof(text), "%ums", for_ms);
        (void)json_object_set_new(what, "for", json_string(text));
    }
    add(steps, json_pack("{s:o}", "fault", what));
}

/* The clients come back while they are not let in. */
static void refuse(const struct har_chaos_schedule *schedule, const struct har_chaos_fault *fault,
                   json_t *steps)
{
    const struct har_chaos_group *group = &schedule->groups[fault->group];
    int connections = group->is_shared ? 1 : (int)group->count;
    add(steps, json_pack("{s:{s:b, s:i}}", "fault", "refuse", 1, "first", connections));
    close_all(steps, fault->group, false);
    add_verb(
        steps, fault->group, "subscribe",
        json_pack("{s:[s,s,s,s]}", "refused", "UNAVAILABLE", "UNKNOWN", "INTERNAL", "CANCELLED"));
}

/* ---- the clients ---- */

static json_t *times(unsigned count, json_t *steps)
{
    return json_pack("{s:i, s:o}", "repeat", (int)count, "do", steps);
}

/* Whether it uses up numbers of its connection. */
static bool is_on_same_connection(const struct har_chaos_fault *fault)
{
    return fault->kind == HAR_CHAOS_CANCEL || fault->kind == HAR_CHAOS_STREAM_FLOOD ||
           fault->kind == HAR_CHAOS_HALF_CLOSE;
}

static void come_and_go(const struct har_chaos_schedule *schedule,
                        const struct har_chaos_fault *fault, json_int_t stream, json_t *steps)
{
    size_t group = fault->group;
    json_t *body = json_array();
    if (fault->kind == HAR_CHAOS_CANCEL) {
        add_verb(body, group, "cancel", NULL);
        open_stream(schedule, group, body);
    } else if (fault->kind == HAR_CHAOS_STREAM_FLOOD) {
        add_verb(body, group, "cancel", NULL);
        add_verb(body, group, "subscribe", json_pack("{s:s}", "probe", "no"));
    } else {
        if (fault->kind == HAR_CHAOS_STALLED_DISCONNECT) {
            add_verb(body, group, "stall", NULL);
            add(body, har_chaos_rest(200));
        }
        close_all(body, group, fault->is_other && fault->kind == HAR_CHAOS_DISCONNECT);
        open_connection(schedule, group, body);
    }
    add(steps, times(fault->amount, body));
    if (is_on_same_connection(fault)) {
        add_verb(steps, group, "cancel", NULL);
        number_stream(schedule, group, stream, steps);
        open_stream(schedule, group, steps);
    }
}

static void pause_for(const struct har_chaos_fault *fault, const char *begin, const char *end,
                      json_t *steps)
{
    add_verb(steps, fault->group, begin, NULL);
    if (fault->for_ms > 0) {
        add(steps, har_chaos_rest(fault->for_ms));
        add_verb(steps, fault->group, end, NULL);
    }
}

static void chat_fault(const struct har_chaos_schedule *schedule,
                       const struct har_chaos_fault *fault, json_int_t stream, json_t *steps)
{
    size_t group = fault->group;
    if (fault->kind == HAR_CHAOS_HALF_CLOSE) {
        add_verb(steps, group, "half_close", NULL);
        number_stream(schedule, group, stream, steps);
        open_stream(schedule, group, steps);
    } else {
        if (fault->kind == HAR_CHAOS_TRUNCATE) {
            add_verb(steps, group, "truncate",
                     json_pack("{s:s, s:i}", "then", "rst", "size", 1000));
        } else if (fault->kind == HAR_CHAOS_UNREAD_ACKS) {
            add_verb(steps, group, "stall", NULL);
            add_verb(steps, group, "send",
                     json_pack("{s:i, s:i, s:i, s:s}", "count", UNREAD, "size", 500, "id_bytes",
                               1000, "loop", "open")); /* less than the server grants */
            add(steps, har_chaos_rest(UNREAD_MS));
        }
        close_all(steps, group, fault->kind == HAR_CHAOS_HANG_UP && fault->is_other);
        open_connection(schedule, group, steps);
    }
    add_verb(steps, group, "send", json_pack("{s:i}", "count", 1));
}

static void burst(const struct har_chaos_fault *fault, json_t *steps)
{
    bool is_paced = fault->is_other;
    add_verb(steps, fault->group, "send",
             json_pack("{s:i, s:i}", "count", (int)fault->amount, is_paced ? "rate" : "inflight",
                       is_paced ? PACED_HZ : 10));
}

/* stream: the number by which the proxy knows the group; of a fault that ends it, that of the next one. */
static void apply(const struct har_chaos_schedule *schedule, const struct har_chaos_fault *fault,
                  json_int_t stream, json_t *steps)
{
    switch (fault->kind) {
    case HAR_CHAOS_REFUSE:
        refuse(schedule, fault, steps);
        break;
    case HAR_CHAOS_READER_STALL:
        pause_for(fault, "stall", "resume", steps);
        break;
    case HAR_CHAOS_UNREAD_SOCKET:
        pause_for(fault, "pause", "read", steps);
        break;
    case HAR_CHAOS_CANCEL:
    case HAR_CHAOS_DISCONNECT:
    case HAR_CHAOS_STALLED_DISCONNECT:
    case HAR_CHAOS_STREAM_FLOOD:
        come_and_go(schedule, fault, stream, steps);
        break;
    case HAR_CHAOS_BURST:
        burst(fault, steps);
        break;
    case HAR_CHAOS_HANG_UP:
    case HAR_CHAOS_HALF_CLOSE:
    case HAR_CHAOS_UNREAD_ACKS:
    case HAR_CHAOS_TRUNCATE:
        chat_fault(schedule, fault, stream, steps);
        break;
    default:
        add_fault(schedule, fault, stream, steps);
        break;
    }
}

/* ---- one group ---- */

/* What comes later because nothing can follow it: a line so thin or stopped that a new stream would wait, an end. */
static unsigned rank_of(const struct har_chaos_fault *fault)
{
    unsigned flags = har_chaos_kinds[fault->kind].flags;
    if ((flags & HAR_CHAOS_ENDS) != 0) {
        return 3;
    }
    if (fault->kind == HAR_CHAOS_NETWORK_STALL || fault->kind == HAR_CHAOS_UNREAD_SOCKET) {
        return 2;
    }
    return (flags & HAR_CHAOS_LOSES) != 0 && (flags & HAR_CHAOS_LEAVES) == 0;
}

/* The faults of a group by rank, then time. */
static size_t order(const struct har_chaos_schedule *schedule, size_t group,
                    const struct har_chaos_fault *ordered[HAR_CHAOS_FAULTS_MAX])
{
    size_t count = 0;
    for (unsigned rank = 0; rank < RANKS; rank++) {
        size_t first = count;
        for (size_t i = 0; i < schedule->fault_count; i++) {
            const struct har_chaos_fault *fault = &schedule->faults[i];
            if (fault->group != group || har_chaos_kinds[fault->kind].victims == 0 ||
                rank_of(fault) != rank) {
                continue;
            }
            size_t place = count++;
            for (; place > first && ordered[place - 1]->at_ms > fault->at_ms; place--) {
                ordered[place] = ordered[place - 1];
            }
            ordered[place] = fault;
        }
    }
    return count;
}

static void suffer_in_order(const struct har_chaos_schedule *schedule, size_t group, json_t *steps)
{
    const struct har_chaos_fault *ordered[HAR_CHAOS_FAULTS_MAX];
    size_t count = order(schedule, group, ordered);
    unsigned now_ms = 0;
    json_int_t stream = first_stream(group);
    for (size_t i = 0; i < count; i++) {
        const struct har_chaos_fault *fault = ordered[i];
        if (fault->at_ms > now_ms) {
            add(steps, har_chaos_rest(fault->at_ms - now_ms));
            now_ms = fault->at_ms;
        }
        stream += is_on_same_connection(fault) ? STREAMS_OF_FAULT : 0;
        apply(schedule, fault, stream, steps);
        bool makes_connection = (har_chaos_kinds[fault->kind].flags & HAR_CHAOS_LEAVES) != 0 &&
                                !is_on_same_connection(fault);
        stream = makes_connection ? first_stream(group) : stream;
        bool has_waited =
            fault->kind == HAR_CHAOS_READER_STALL || fault->kind == HAR_CHAOS_UNREAD_SOCKET;
        now_ms += has_waited ? fault->for_ms : 0;
    }
}

static json_t *send_all_along(const struct har_chaos_schedule *schedule, size_t group)
{
    char text[32];
    char within[32];
    (void)snprintf(text, sizeof(text), "%ums", schedule->cycle_ms);
    (void)snprintf(within, sizeof(within), "%ums", schedule->cycle_ms + 10000);
    json_t *args =
        json_pack("{s:s, s:i, s:s}", "for", text, "rate", VICTIM_RATE_HZ, "within", within);
    if (har_chaos_may_end(schedule, group)) {
        (void)json_object_set_new(
            args, "status",
            json_pack("[s,s,s,s,s]", "OK", "UNAVAILABLE", "UNKNOWN", "INTERNAL", "CANCELLED"));
    }
    return args;
}

void har_chaos_suffer(const struct har_chaos_schedule *schedule, size_t group, json_t *steps)
{
    unsigned who = schedule->groups[group].who;
    if (who == HAR_CHAOS_CHAT) {
        add_verb(steps, group, "send", json_pack("{s:i, s:s}", "count", 3, "loop", "open"));
    }
    if (who != HAR_CHAOS_PUBLISHER) {
        suffer_in_order(schedule, group, steps);
        return;
    }
    char name[HAR_CHAOS_NAME_MAX];
    har_chaos_name(group, name);
    json_t *track = json_array();
    suffer_in_order(schedule, group, track);
    add(steps, json_pack("{s:[o,o]}", "parallel",
                         har_chaos_step(name, "send", send_all_along(schedule, group)), track));
}

void har_chaos_heal(const struct har_chaos_schedule *schedule, size_t group, json_t *steps)
{
    const struct har_chaos_group *it = &schedule->groups[group];
    unsigned flags = har_chaos_group_flags(schedule, group);
    bool has_used_numbers = (flags & HAR_CHAOS_LEAVES) != 0 && (flags & HAR_CHAOS_PROXY) != 0;
    bool is_gone = har_chaos_may_end(schedule, group) || has_used_numbers ||
                   har_chaos_has(schedule, HAR_CHAOS_OUTAGE);
    if (is_gone) {
        close_all(steps, group, false);
        open_connection(schedule, group, steps);
        return;
    }
    bool is_unread = false;
    bool is_stalled = false;
    for (size_t i = 0; i < schedule->fault_count; i++) {
        const struct har_chaos_fault *fault = &schedule->faults[i];
        bool is_on = fault->group == group && fault->for_ms == 0;
        is_unread |= is_on && fault->kind == HAR_CHAOS_UNREAD_SOCKET;
        is_stalled |= is_on && fault->kind == HAR_CHAOS_READER_STALL;
    }
    if (is_unread) {
        add_verb(steps, group, "read", NULL);
    }
    if (is_stalled && it->who != HAR_CHAOS_PUBLISHER) {
        add_verb(steps, group, "resume", NULL);
    }
}
