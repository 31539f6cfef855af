/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/chaos/write.h"

#include <stdio.h>

#include "harness/chaos/parts.h"
#include "harness/chaos/steps.h"
#include "lib/base/alloc.h"

enum {
    QUIET = 20, /* messages before any fault */
    AFTER = 5,  /* messages that everybody must get when the faults are over */
    TALK_HZ = 20,
    ELSEWHERE_HZ = 20,
    SECONDS = 60,
    KEPT_BYTES = 64,
    OUTAGE_MS = 1000, /* the load goes on while the server is away */
    LEAK_CYCLES_MIN = 5,
    TEXT_MAX = 4096,
    SMALL_WINDOW = 4000,
    WINDOW_MAX = 65535, /* what it is else */
    WINDOW_MESSAGES = 4,
};
#define STRAY "40" /* messages that come before a stall is there */

static void add(json_t *array, json_t *value)
{
    (void)json_array_append_new(array, value);
}

static void add_verb(json_t *steps, const struct har_chaos_names *who, const char *verb,
                     json_t *args)
{
    if (who->len > 0) {
        add(steps, har_chaos_step(who->text, verb, args));
    } else {
        json_decref(args);
    }
}

struct writer {
    const struct har_chaos_schedule *schedule;
    struct har_chaos_parts parts;
    bool has_outage, has_pause, has_process;
    json_t *root;
};

/* ---- actors ---- */

/* A witness on the connection of a group, which either of them may make. */
static void add_neighbour(size_t group, const json_t *of, json_t *actors)
{
    static const char *const shared[] = {"conn", "transport", "window"};
    char neighbour[HAR_CHAOS_NAME_MAX];
    json_t *spec = json_pack("{s:s}", "kind", "subscriber");
    (void)snprintf(neighbour, sizeof(neighbour), "n%zu", group);
    for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
        json_t *value = json_object_get(of, shared[i]);
        if (value != NULL) {
            (void)json_object_set(spec, shared[i], value);
        }
    }
    (void)json_object_set_new(actors, neighbour, spec);
}

/* Soon full, and yet no limit to who reads beside on the same connection. */
static int window_of(const struct writer *writer, const struct har_chaos_group *group)
{
    unsigned messages =
        group->who == HAR_CHAOS_SUBSCRIBER ? WINDOW_MESSAGES * writer->schedule->load.size : 0;
    return messages > WINDOW_MAX     ? WINDOW_MAX
           : messages < SMALL_WINDOW ? SMALL_WINDOW
                                     : (int)messages;
}

static void add_group(const struct writer *writer, size_t group, json_t *actors)
{
    static const char *const kinds[HAR_CHAOS_WHO] = {"subscriber", "chat", "publisher"};
    const struct har_chaos_group *it = &writer->schedule->groups[group];
    unsigned flags = har_chaos_group_flags(writer->schedule, group);
    char actor[HAR_CHAOS_NAME_MAX];
    char text[64];
    har_chaos_name(group, actor);
    json_t *spec = json_pack("{s:s, s:i}", "kind", kinds[it->who], "n", (int)it->count);
    if (it->is_grpc) {
        (void)json_object_set_new(spec, "transport", json_string("grpc"));
    }
    if (it->is_shared) {
        (void)snprintf(text, sizeof(text), "shared:%s", actor);
        (void)json_object_set_new(spec, "conn", json_string(text));
    }
    if ((flags & HAR_CHAOS_FILLS) != 0 && !it->is_grpc) {
        (void)json_object_set_new(spec, "window",
                                  json_pack("{s:i}", "stream", window_of(writer, it)));
    }
    if (it->has_neighbour) {
        add_neighbour(group, spec, actors);
    }
    if ((flags & HAR_CHAOS_PROXY) != 0) {
        (void)json_object_set_new(spec, "via", json_string("proxy"));
    }
    if (it->who == HAR_CHAOS_CHAT) {
        (void)snprintf(text, sizeof(text), "{room}-%s", actor);
        (void)json_object_set_new(spec, "room", json_string(text));
    }
    (void)json_object_set_new(actors, actor, spec);
}

static json_t *actors_of(const struct writer *writer)
{
    const struct har_chaos_load *load = &writer->schedule->load;
    json_t *actors = json_object();
    if (writer->has_process) {
        (void)json_object_set_new(actors, "srv", json_pack("{s:s}", "kind", "process"));
    }
    (void)json_object_set_new(
        actors, "pub", json_pack("{s:s, s:i}", "kind", "publisher", "n", (int)load->publishers));
    if (load->live > 0) {
        (void)json_object_set_new(
            actors, "live", json_pack("{s:s, s:i}", "kind", "subscriber", "n", (int)load->live));
    }
    if (load->core > 0) {
        (void)json_object_set_new(actors, "core",
                                  json_pack("{s:s, s:i, s:s}", "kind", "subscriber", "n",
                                            (int)load->core, "transport", "grpc"));
    }
    if (writer->parts.of[HAR_CHAOS_LIMITED].len > 0) {
        (void)json_object_set_new(actors, "limited",
                                  json_pack("{s:s, s:i}", "kind", "subscriber", "max_rate_hz",
                                            (int)har_chaos_limited_hz(writer->schedule)));
    }
    if (load->talkers > 0) {
        (void)json_object_set_new(actors, "talk",
                                  json_pack("{s:s, s:i, s:s}", "kind", "chat", "n",
                                            (int)load->talkers, "room", "{room}-talk"));
    }
    if (load->has_elsewhere) {
        (void)json_object_set_new(
            actors, "far", json_pack("{s:s, s:s}", "kind", "publisher", "room", "{room}-far"));
        (void)json_object_set_new(
            actors, "away", json_pack("{s:s, s:s}", "kind", "subscriber", "room", "{room}-far"));
    }
    for (size_t g = 0; g < writer->schedule->group_count; g++) {
        add_group(writer, g, actors);
    }
    return actors;
}

/* ---- steps ---- */

static void begin_groups(const struct writer *writer, bool is_first, json_t *run)
{
    for (size_t g = 0; g < writer->schedule->group_count; g++) {
        if (writer->schedule->groups[g].is_first == is_first) {
            har_chaos_begin(writer->schedule, g, run);
        }
    }
}

static json_t *load_of(const struct writer *writer, unsigned rate_hz, unsigned size)
{
    char text[32];
    char within[32];
    unsigned for_ms = writer->schedule->cycle_ms + (writer->has_outage ? OUTAGE_MS : 0);
    (void)snprintf(text, sizeof(text), "%ums", for_ms);
    (void)snprintf(within, sizeof(within), "%ums", for_ms + 10000);
    return json_pack("{s:s, s:i, s:i, s:s}", "for", text, "rate", (int)rate_hz, "size", (int)size,
                     "within", within);
}

static json_t *signal_step(const char *signal)
{
    return har_chaos_step("srv", "signal", json_pack("{s:s}", "name", signal));
}

static json_t *pause_track(const struct har_chaos_fault *fault)
{
    return json_pack("[o,o,o,o,o]", har_chaos_rest(fault->at_ms), signal_step("STOP"),
                     har_chaos_rest(fault->for_ms), signal_step("CONT"),
                     har_chaos_step("srv", "wait_ready", json_pack("{s:s}", "within", "10s")));
}

/* Who drains must not wait for clients that stay. */
static void add_outage(const struct writer *writer, json_t *steps)
{
    bool is_drain = har_chaos_has_kind(writer->schedule, HAR_CHAOS_DRAIN);
    add(steps, signal_step(is_drain ? "drain" : "KILL"));
    if (is_drain) {
        add(steps, har_chaos_rest(100));
        for (int part = HAR_CHAOS_WITNESSES; part < HAR_CHAOS_PARTS; part++) {
            if (part != HAR_CHAOS_RETURNED && part != HAR_CHAOS_ENDS_CHATS &&
                part != HAR_CHAOS_DEEP) {
                add_verb(steps, &writer->parts.of[part], "cancel", NULL);
            }
        }
        if (writer->schedule->load.has_elsewhere) {
            add(steps, har_chaos_step("away", "cancel", NULL));
        }
    }
    add(steps, har_chaos_step("srv", "wait_exit",
                              json_pack("{s:s}", "within", is_drain ? "DG + 2000" : "5000")));
    add(steps, har_chaos_step("srv", "restart", json_pack("{s:s}", "within", "30s")));
}

static json_t *storm(const struct writer *writer)
{
    const struct har_chaos_schedule *schedule = writer->schedule;
    const struct har_chaos_load *load = &schedule->load;
    json_t *tracks = json_array();
    json_t *victims = json_array();
    add(tracks, har_chaos_step("pub", "send", load_of(writer, load->rate_hz, load->size)));
    if (load->has_elsewhere) {
        add(tracks, har_chaos_step("far", "send", load_of(writer, ELSEWHERE_HZ, 64)));
    }
    if (load->talkers > 0 && !writer->has_outage) {
        add(tracks, har_chaos_step("talk", "send", load_of(writer, TALK_HZ, 64)));
    }
    for (size_t g = 0; g < schedule->group_count; g++) {
        json_t *track = json_array();
        har_chaos_suffer(schedule, g, track);
        if (json_array_size(track) > 0) {
            add(victims, track);
        } else {
            json_decref(track);
        }
    }
    for (size_t i = 0; i < schedule->fault_count; i++) {
        if (schedule->faults[i].kind == HAR_CHAOS_PAUSE) {
            add(tracks, pause_track(&schedule->faults[i]));
        }
    }
    json_t *line = json_array();
    if (json_array_size(victims) > 0) {
        add(line, json_pack("{s:o}", "parallel", victims));
    } else {
        json_decref(victims);
    }
    if (writer->has_outage) {
        add(line, har_chaos_rest(100));
        add_outage(writer, line);
    }
    if (json_array_size(line) > 0) {
        add(tracks, line);
    } else {
        json_decref(line);
    }
    return json_pack("{s:s, s:[{s:o}]}", "phase", "storm", "do", "parallel", tracks);
}

static void add_await_within(json_t *steps, const struct har_chaos_names *who, const char *counter,
                             const char *wanted, const char *within, const char *rule,
                             const char *why)
{
    char text[HAR_CHAOS_NAMES_MAX + 64];
    if (who->len > 0) {
        (void)snprintf(text, sizeof(text), "%s(%s) >= %s", counter, who->text, wanted);
        add(steps, json_pack("{s:s, s:s, s:s, s:s}", "await", text, "within", within, "rule", rule,
                             "why", why));
    }
}

static void add_await(json_t *steps, const struct har_chaos_names *who, const char *counter,
                      const char *wanted, const char *rule, const char *why)
{
    add_await_within(steps, who, counter, wanted, "5s", rule, why);
}

/* What a buffer holds of all but so many messages; what came before its stall did, and what went into its window, is a
 * handful. */
static void add_kept(const struct writer *writer, int but, char kept[KEPT_BYTES])
{
    (void)snprintf(kept, KEPT_BYTES, "max(0, min(%s, accepted(pub) - %d))",
                   writer->schedule->is_ready ? "B" : "B / 2", but);
}

/* Messages that everybody must get, and acks. */
static json_t *calm(const struct writer *writer)
{
    const struct har_chaos_names *parts = writer->parts.of;
    json_t *steps = json_array();
    static const char fresh[] = "least_fresh";
    char all[16];
    (void)snprintf(all, sizeof(all), "%u", AFTER * writer->schedule->load.publishers);
    add(steps, har_chaos_step("pub", "send", json_pack("{s:i}", "count", AFTER)));
    add_await(steps, &parts[HAR_CHAOS_WITNESSES], fresh, all, "SEND-03",
              "nothing was done to them");
    add_await(steps, &parts[HAR_CHAOS_UNHARMED], fresh, all, "SEND-03", "their line is good again");
    add_await(steps, &parts[HAR_CHAOS_RETURNED], fresh, all, "SUB-07",
              "who comes back is served like everybody");
    add_await(steps, &parts[HAR_CHAOS_LOSERS], fresh, all, "SUB-06",
              "after the backlog come the messages that are sent now");
    add_await(steps, &parts[HAR_CHAOS_LIMITED], fresh, all, "SUB-05",
              "its rate delays, and drops nothing");
    if (writer->schedule->load.has_elsewhere) {
        const struct har_chaos_names away = {"away", 4};
        (void)snprintf(all, sizeof(all), "%d", AFTER);
        add(steps, har_chaos_step("far", "send", json_pack("{s:i}", "count", AFTER)));
        add_await(steps, &away, fresh, all, "SEND-03", "nothing was done in its room");
    }
    add_verb(steps, &parts[HAR_CHAOS_CHATS], "send",
             json_pack("{s:i, s:s}", "count", 2, "rule", "CHAT-01"));
    return json_pack("{s:s, s:o}", "phase", "after", "do", steps);
}

static void heal(const struct writer *writer, json_t *steps)
{
    const struct har_chaos_schedule *schedule = writer->schedule;
    if (har_chaos_has(schedule, HAR_CHAOS_PROXY)) {
        add(steps, json_pack("{s:b}", "clear", 1));
    }
    if (writer->has_outage) {
        add_verb(steps, &writer->parts.of[HAR_CHAOS_WITNESSES], "close",
                 json_pack("{s:s}", "how", "rst"));
        if (schedule->load.has_elsewhere) {
            add(steps, har_chaos_step("away", "close", json_pack("{s:s}", "how", "rst")));
            add(steps, har_chaos_step("away", "subscribe", NULL));
        }
        if (schedule->load.talkers > 0) {
            add(steps, har_chaos_step("talk", "close", json_pack("{s:s}", "how", "rst")));
            add(steps, har_chaos_step("talk", "chat", NULL));
        }
    }
    for (size_t g = 0; g < schedule->group_count; g++) {
        har_chaos_heal(schedule, g, steps);
    }
    if (writer->has_outage) { /* neighbours share a connection that has just been made */
        add_verb(steps, &writer->parts.of[HAR_CHAOS_WITNESSES], "subscribe", NULL);
    }
}

static json_t *cycle(const struct writer *writer)
{
    const struct har_chaos_names *witnesses = &writer->parts.of[HAR_CHAOS_WITNESSES];
    json_t *steps = json_array();
    add(steps, storm(writer));
    if (!writer->has_outage) {
        add_await(steps, witnesses, "least_received", "accepted(pub)", "SEND-03",
                  "while the faults last, those whom they do not hit get everything");
    }
    heal(writer, steps);
    add_await(steps, &writer->parts.of[HAR_CHAOS_LIMITED], "least_received", "accepted(pub)",
              "SUB-05", "its rate delays, and drops nothing");
    char kept[KEPT_BYTES];
    char wanted[KEPT_BYTES + 16];
    add_kept(writer, QUIET + 1, kept);
    (void)snprintf(wanted, sizeof(wanted), "%d + %s", QUIET, kept);
    add_await_within(steps, &writer->parts.of[HAR_CHAOS_DEEP], "least_received", wanted, "3s",
                     "SUB-06", "what was kept comes at once when it reads again");
    add(steps, json_pack("{s:b, s:s}", "quiesce", 1, "for", "max(250, 5*S)"));
    add(steps, calm(writer));
    add(steps, json_pack("{s:s}", "mark", "calm"));
    return json_pack("{s:i, s:o}", "repeat", (int)writer->schedule->cycles, "do", steps);
}

static json_t *run_of(const struct writer *writer)
{
    const struct har_chaos_load *load = &writer->schedule->load;
    json_t *run = json_array();
    begin_groups(writer, true, run);
    add_verb(run, &writer->parts.of[HAR_CHAOS_WITNESSES], "subscribe", NULL);
    add_verb(run, &writer->parts.of[HAR_CHAOS_LIMITED], "subscribe", NULL);
    if (load->has_elsewhere) {
        add(run, har_chaos_step("away", "subscribe", NULL));
    }
    if (load->talkers > 0) {
        add(run, har_chaos_step("talk", "chat", NULL));
    }
    begin_groups(writer, false, run);
    json_t *quiet =
        json_pack("{s:i, s:i, s:i}", "count", QUIET, "rate", 100, "size", (int)load->size);
    add(run,
        json_pack("{s:s, s:[o]}", "phase", "base", "do", har_chaos_step("pub", "send", quiet)));
    static const enum har_chaos_part all[] = {HAR_CHAOS_WITNESSES, HAR_CHAOS_DEEP,
                                              HAR_CHAOS_LIMITED}; /* their buffers are empty then */
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        add_await(run, &writer->parts.of[all[i]], "least_received", "accepted(pub)", "SEND-03",
                  "before any fault");
    }
    add(run, json_pack("{s:s}", "mark", "calm"));
    add(run, cycle(writer));
    return run;
}

/* ---- checks ---- */

/* rule NULL: the check's own. */
static void add_check(json_t *checks, const struct har_chaos_names *who, json_t *check,
                      const char *rule)
{
    if (who->len == 0) {
        json_decref(check);
        return;
    }
    (void)json_object_set_new(check, "of", json_string(who->text));
    if (rule != NULL) {
        (void)json_object_set_new(check, "rule", json_string(rule));
    }
    add(checks, check);
}

static void check_delivery(const struct writer *writer, json_t *checks)
{
    const struct har_chaos_names *parts = writer->parts.of;
    if (!writer->has_outage) {
        add_check(checks, &parts[HAR_CHAOS_WITNESSES], json_pack("{s:s}", "delivered", "all"),
                  "SEND-03");
        add_check(checks, &parts[HAR_CHAOS_UNHARMED], json_pack("{s:s}", "delivered", "all"),
                  "SEND-03");
        add_check(checks, &parts[HAR_CHAOS_LEAVERS], json_pack("{s:s}", "delivered", "segments"),
                  "SUB-07");
    }
    add_check(checks, &parts[HAR_CHAOS_LIMITED], json_pack("{s:s}", "delivered", "all"), "SUB-05");
    char kept[KEPT_BYTES];
    add_kept(writer, QUIET + AFTER + 1, kept);
    add_check(checks, &parts[HAR_CHAOS_DEEP],
              json_pack("{s:[s,s], s:s, s:s}", "backlog", kept, "B + H + " STRAY, "from", "pub",
                        "phase", "storm"),
              NULL); /* it knows: how many is SUB-05, which ones SUB-06 */
    for (int part = HAR_CHAOS_WITNESSES; part < HAR_CHAOS_RETURNED; part++) {
        if (part == HAR_CHAOS_DEEP) { /* losers too */
            continue;
        }
        add_check(checks, &parts[part],
                  json_pack("{s:s, s:s}", "delivered", "all", "phase", "after"), "SEND-03");
    }
    if (writer->schedule->load.has_elsewhere && !writer->has_outage) {
        const struct har_chaos_names away = {"away", 4};
        add_check(checks, &away, json_pack("{s:s}", "delivered", "all"), "SEND-03");
    }
}

static void check_ends(const struct writer *writer, json_t *checks)
{
    static const enum har_chaos_part ended[] = {HAR_CHAOS_ENDED, HAR_CHAOS_ENDS_CHATS};
    for (size_t i = 0; i < sizeof(ended) / sizeof(ended[0]); i++) {
        add_check(checks, &writer->parts.of[ended[i]],
                  json_pack("{s:[s,s,s,s], s:b}", "status", "UNAVAILABLE", "UNKNOWN", "INTERNAL",
                            "CANCELLED", "or_open", 1),
                  "RES-02");
    }
    for (int part = HAR_CHAOS_WITNESSES; part <= HAR_CHAOS_CHATS; part++) {
        if (part != HAR_CHAOS_RETURNED && part != HAR_CHAOS_DEEP) {
            add_check(checks, &writer->parts.of[part], json_pack("{s:b}", "open", 1), "SUB-16");
        }
    }
}

/* The median is late only when the storm held up most of what was sent. */
static void check_times(const struct writer *writer, json_t *checks)
{
    static const struct {
        const char *metric, *rule, *vs;
    } times[] = {
        {"ack", "SEND-06", "max(5*base.ack.p95, base.ack.p95 + 100 + 4*S)"},
        {"delivery", "SUB-04", "max(5*base.delivery.p95, base.delivery.p95 + 150 + 4*S)"},
    };
    const struct har_chaos_names pub = {"pub", 3};
    for (size_t i = 0; i < 2 && !writer->has_process; i++) {
        json_t *p =
            json_pack("{s:s, s:i, s:s}", "metric", times[i].metric, "q", 50, "vs", times[i].vs);
        add_check(checks, i == 0 ? &pub : &writer->parts.of[HAR_CHAOS_WITNESSES],
                  json_pack("{s:o, s:s}", "p", p, "phase", "storm"), times[i].rule);
    }
}

static void check_resources(const struct writer *writer, json_t *checks)
{
    if (writer->has_outage) { /* another process */
        return;
    }
    add(checks, json_pack("{s:s, s:i, s:s}", "fd", "calm", "growth", 3, "rule", "RES-01"));
    add(checks, json_pack("{s:s, s:i, s:s}", "threads", "calm", "growth", 20, "rule", "RES-01"));
    if (writer->schedule->cycles >= LEAK_CYCLES_MIN) {
        add(checks, json_pack("{s:s, s:i, s:i, s:s}", "rss_growth", "calm", "rounds", 3,
                              "below_mib", 2, "rule", "RES-01"));
    }
}

static json_t *checks_of(const struct writer *writer)
{
    json_t *checks = json_array();
    check_delivery(writer, checks);
    if (writer->parts.of[HAR_CHAOS_CHATS].len > 0 && !writer->has_outage) {
        add_check(checks, &writer->parts.of[HAR_CHAOS_CHATS],
                  json_pack("{s:s, s:s}", "acks", "exact", "phase", "after"), "CHAT-01");
    }
    check_ends(writer, checks);
    check_times(writer, checks);
    check_resources(writer, checks);
    return checks;
}

/* ---- the file ---- */

static json_t *needs_of(const struct har_chaos_schedule *schedule)
{
    return har_chaos_has_kind(schedule, HAR_CHAOS_DRAIN) ? json_pack("[s]", "drain") : json_array();
}

char *har_chaos_write(const struct har_chaos_schedule *schedule,
                      const struct har_chaos_texts *texts)
{
    struct writer writer = {.schedule = schedule};
    struct sl_buf title;
    sl_buf_init(&title, TEXT_MAX);
    har_chaos_sort(schedule, &writer.parts);
    writer.has_outage = har_chaos_has(schedule, HAR_CHAOS_OUTAGE);
    writer.has_pause = har_chaos_has_kind(schedule, HAR_CHAOS_PAUSE);
    writer.has_process = writer.has_outage || writer.has_pause;
    (void)sl_buf_addf(&title, "Chaos, seed %llu, round %u: ", (unsigned long long)schedule->seed,
                      schedule->round);
    har_chaos_tell(schedule, &title);
    const char *why =
        "Networks and clients fail together, and in no order: what one of them does must "
        "stay its own affair.";
    json_t *root = json_pack(
        "{s:s, s:s, s:[s,s,s,s,s,s,s], s:[s], s:s, s:o, s:i, s:b, s:o, s:o, s:o}", "title",
        texts != NULL && texts->title != NULL ? texts->title : sl_buf_str(&title), "why",
        texts != NULL && texts->why != NULL ? texts->why : why, "rules", "SEND-03", "SUB-04",
        "SUB-06", "SUB-07", "SEND-06", "CHAT-01", "RES-01", "tags", "chaos", "level", "core",
        "needs", needs_of(schedule), "seconds", SECONDS, "alone", 1, "actors", actors_of(&writer),
        "run", run_of(&writer), "expect", checks_of(&writer));
    if (writer.parts.of[HAR_CHAOS_DEEP].len > 0) { /* for H */
        (void)json_object_set_new(root, "let", json_pack("{s:i}", "L", (int)schedule->load.size));
    }
    char *text = json_dumps(root, JSON_INDENT(1));
    char *copy = sl_strdup(text == NULL ? "" : text);
    free(text); /* NOLINT: jansson's */
    json_decref(root);
    sl_buf_release(&title);
    return copy;
}
