/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs of processes: signal, restart, wait_ready, wait_exit. */
#include "harness/steps/process.h"

#include <signal.h>
#include <stdio.h>

#include "harness/clients/external.h"
#include "harness/engine/actor.h"
#include "harness/engine/outage.h"
#include "harness/engine/target.h"
#include "harness/steps/probe.h"
#include "harness/steps/verbs.h"
#include "harness/target/child.h"
#include "lib/base/clock.h"

/* How often a process is looked at that is not our child. */
#define LOOK_NS (10 * SL_MS)
/* How often a room is probed in which a child is not served yet. */
#define PROBE_NS (100 * SL_MS)

/* ---- signal ---- */

enum {
    SIGNAL_DRAIN = 0, /* first of the table */
};
static const char *const signal_names[] = {"drain", "TERM", "KILL", "STOP", "CONT", "INT",
                                           "HUP",   "QUIT", "USR1", "USR2", NULL};
static const int signal_numbers[] = {0,      SIGTERM, SIGKILL, SIGSTOP, SIGCONT,
                                     SIGINT, SIGHUP,  SIGQUIT, SIGUSR1, SIGUSR2};

struct signal_args {
    int which; /* of the table */
};
static const struct har_field signal_fields[] = {
    {"name", HAR_FIELD_CHOICE, offsetof(struct signal_args, which), .choices = signal_names,
     .is_required = true, .help = "\"drain\": the profile's trigger, such as SIGTERM"},
};

bool har_signal_is_pause(const void *args)
{
    const struct signal_args *signal = args;
    int number = signal_numbers[signal->which];
    return number == SIGSTOP || number == SIGCONT;
}

/* The number of "SIGTERM" or "TERM"; 0 for another text. */
static int number_of(const char *name)
{
    const char *bare = strncmp(name, "SIG", 3) == 0 ? name + 3 : name;
    for (size_t i = 1; signal_names[i] != NULL; i++) {
        if (strcmp(signal_names[i], bare) == 0) {
            return signal_numbers[i];
        }
    }
    return 0;
}

/* False where the step is about the server. */
static bool signal_clients(struct har_step *step, int number)
{
    bool is_any = false;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        is_any |= actor->spec->kind == HAR_CHILD || actor->spec->kind == HAR_EXTERNAL;
        if (number != 0) {
            har_external_signal(actor, number);
        }
        if (actor->child != NULL && number != 0) {
            (void)har_child_signal(actor->child, number);
        }
    }
    return is_any;
}

static void start_signal(struct har_step *step)
{
    struct har_play *play = step->play;
    const struct signal_args *args = step->node->args;
    if (signal_clients(step, signal_numbers[args->which])) {
        return;
    }
    const char *trigger = play->config.profile->drain;
    int number = signal_numbers[args->which];
    if (args->which == SIGNAL_DRAIN) {
        number = trigger[0] == '\0' ? SIGTERM : number_of(trigger);
    }
    if (number == 0) {
        har_play_mistake(play, step->node->path, "the profile's value 'drain' names no signal");
        return;
    }
    if (!har_signal_is_pause(args)) {
        har_outage_begin(play);
    }
    struct har_target *target = play->config.target;
    if (target == NULL || har_target_signal(target, number) != SL_OK) {
        har_play_fail(play, step->node, "RES-02", "the server's process has ended before %s",
                      strsignal(number));
    }
}

static void poll_at_once(struct har_step *step)
{
    step->is_done = true;
}

/* What it comes to; to go on again is none. */
static const char *fault_of_signal(const struct har_node *node)
{
    static const char *const names[] = {"drain",  "SIGTERM", "kill",    "stop",    NULL,
                                        "SIGINT", "SIGHUP",  "SIGQUIT", "SIGUSR1", "SIGUSR2"};
    return names[((const struct signal_args *)node->args)->which];
}

const struct har_step_type har_step_signal = {
    .name = "signal",
    .help = "sends the process a signal",
    .example = "{\"server\": {\"signal\": {\"name\": \"drain\"}}}",
    .kinds = HAR_BIT(HAR_PROCESS) | HAR_BIT(HAR_CHILD) | HAR_BIT(HAR_EXTERNAL),
    HAR_STEP_ARGS(struct signal_args, signal_fields),
    .rule = "RES-02",
    .start = start_signal,
    .poll = poll_at_once,
    .fault_of = fault_of_signal,
    .fault_end = HAR_FAULT_ENDED,
    .ends_faults = true,
};

/* ---- restart, wait_ready ---- */

struct ready_args {
    bool is_set; /* a first member, as `within` may not be one */
    const char *rule, *why;
    struct har_expr within;
};
#define AT(member) offsetof(struct ready_args, member)
static const struct har_field ready_fields[] = {
    {"within", HAR_FIELD_DURATION, AT(within), .help = "default 10s"},
    {"rule", HAR_FIELD_STRING, AT(rule), .help = "broken when it does not answer; default RES-02"},
    {"why", HAR_FIELD_STRING, AT(why), .help = "printed with the failure"},
};
#undef AT

static void on_answer(void *owner, enum sl_status status, const char *text)
{
    struct har_play *play = owner;
    struct har_target_answer *answer = &play->answer;
    answer->is_asked = false;
    answer->is_good = status == SL_OK;
    (void)snprintf(answer->text, sizeof(answer->text), "%s", text == NULL ? "" : text);
    har_play_touch(play);
}

static bool begin_asking(struct har_step *step)
{
    struct har_play *play = step->play;
    if (play->config.target == NULL || play->answer.is_asked) {
        har_play_mistake(play, step->node->path, "one step at a time can wait for the server");
        return false;
    }
    play->answer.is_asked = true;
    return true;
}

static const char *ready_rule(const struct har_step *step)
{
    const struct ready_args *args = step->node->args;
    return args->rule == NULL ? "RES-02" : args->rule;
}

static void start_restart(struct har_step *step)
{
    if (begin_asking(step)) {
        har_outage_begin(step->play);
        har_target_restart(step->play->config.target, on_answer, step->play);
    }
}

static void start_ready(struct har_step *step)
{
    if (begin_asking(step)) {
        har_target_canary(step->play->config.target, on_answer, step->play);
    }
}

static void poll_ready(struct har_step *step)
{
    struct har_play *play = step->play;
    struct har_target_answer *answer = &play->answer;
    if (answer->is_asked) {
        return;
    }
    step->is_done = answer->is_good;
    if (answer->is_good) {
        play->config.pid = har_target_pid(play->config.target);
        har_outage_end(play);
    } else if (!play->is_over) {
        har_play_fail(play, step->node, ready_rule(step), "the server does not answer: %.400s",
                      answer->text);
    }
}

static void tell_ready(const struct har_step *step, char *text, size_t size)
{
    char state[HAR_TARGET_TEXT_MAX];
    (void)snprintf(text, size, "the server answers no call; %s",
                   har_target_state(step->play->config.target, state));
}

const struct har_step_type har_step_restart = {
    .name = "restart",
    .help = "kills what is left of the server, starts it on the same port and waits until it "
            "answers a call",
    .example = "{\"server\": {\"restart\": {\"within\": \"10s\"}}}",
    .kinds = HAR_BIT(HAR_PROCESS),
    HAR_STEP_ARGS(struct ready_args, ready_fields),
    .rule = "RES-02",
    .rule_of = ready_rule,
    .within_offset = offsetof(struct ready_args, within),
    .start = start_restart,
    .poll = poll_ready,
    .fault = "restart",
    .fault_end = HAR_FAULT_STEP,
    .ends_faults = true,
    .tell = tell_ready,
};

const struct har_step_type har_step_wait_ready = {
    .name = "wait_ready",
    .help = "waits until the server answers a call on a fresh connection",
    .example = "{\"server\": {\"wait_ready\": {\"within\": \"5s\"}}}",
    .kinds = HAR_BIT(HAR_PROCESS),
    HAR_STEP_ARGS(struct ready_args, ready_fields),
    .rule = "RES-02",
    .rule_of = ready_rule,
    .within_offset = offsetof(struct ready_args, within),
    .start = start_ready,
    .poll = poll_ready,
    .ends_faults = true,
    .tell = tell_ready,
};

/* ---- wait_exit ---- */

struct exit_args {
    struct har_expr status, within;
    const char *rule, *why;
};
#define AT(member) offsetof(struct exit_args, member)
static const struct har_field exit_fields[] = {
    {"status", HAR_FIELD_EXPR, AT(status), .help = "the exit status that is right; default: any"},
    {"within", HAR_FIELD_DURATION, AT(within), .help = "default 10s"},
    {"rule", HAR_FIELD_STRING, AT(rule), .help = "broken when it does not end; default OPS-03"},
    {"why", HAR_FIELD_STRING, AT(why), .help = "printed with the failure"},
};
#undef AT

static const char *exit_rule(const struct har_step *step)
{
    const struct exit_args *args = step->node->args;
    return args->rule == NULL ? "OPS-03" : args->rule;
}

static void poll_exit(struct har_step *step)
{
    struct har_play *play = step->play;
    const struct exit_args *args = step->node->args;
    const struct har_target *target = play->config.target;
    if (target != NULL && har_target_is_alive(target)) {
        har_play_wake(play, sl_clock_mono_ns() + LOOK_NS);
        return;
    }
    step->is_done = true;
    double seen = target == NULL ? -1 : har_target_exit_status(target);
    double right = har_play_value(play, &args->status, seen);
    if (right != seen) {
        har_play_fail(play, step->node, exit_rule(step), "the exit status is %g, not %g", seen,
                      right);
    }
}

static void tell_exit(const struct har_step *step, char *text, size_t size)
{
    (void)step;
    (void)snprintf(text, size, "the server's process does not end");
}

const struct har_step_type har_step_wait_exit = {
    .name = "wait_exit",
    .help = "waits until nothing of the server's process is left",
    .example = "{\"server\": {\"wait_exit\": {\"status\": 0, \"within\": \"DG + 2000\"}}}",
    .kinds = HAR_BIT(HAR_PROCESS),
    HAR_STEP_ARGS(struct exit_args, exit_fields),
    .rule = "OPS-03",
    .rule_of = exit_rule,
    .within_offset = offsetof(struct exit_args, within),
    .poll = poll_exit,
    .tell = tell_exit,
};

/* ---- spawn ---- */

struct spawn_args {
    const char *rule, *why;
    struct har_expr within;
};
#define AT(member) offsetof(struct spawn_args, member)
static const struct har_field spawn_fields[] = {
    {"within", HAR_FIELD_DURATION, AT(within), .help = "default 10s"},
    {"rule", HAR_FIELD_STRING, AT(rule),
     .help = "broken when they are not served; default SEND-03"},
    {"why", HAR_FIELD_STRING, AT(why), .help = "printed with the failure"},
};
#undef AT

struct spawn {
    uint64_t next_ns; /* probe */
};

static void spawn_external(struct har_step *step, struct har_actor *actor)
{
    struct sl_error error = {0};
    if (har_external_spawn(actor, &error) != SL_OK) {
        har_play_mistake(step->play, step->node->path, "the client cannot be started: %s",
                         error.text);
    }
}

static void start_spawn(struct har_step *step)
{
    struct har_play *play = step->play;
    HAR_FOR_ACTORS (play, step->node->who, actor) {
        if (actor->spec->kind == HAR_EXTERNAL) {
            spawn_external(step, actor);
            continue;
        }
        double streams =
            har_play_value_in(play, &actor->spec->streams, 1, 1, HAR_CHILD_STREAMS_MAX);
        struct har_child_config config = {.conn = play->config.conn,
                                          .metadata = play->config.metadata,
                                          .metadata_count = play->config.metadata_count,
                                          .room = actor->room,
                                          .streams = (unsigned)streams};
        config.conn.transport = har_obstacle_transport(play, actor->spec);
        struct sl_error error = {0};
        har_child_free(actor->child);
        actor->child = NULL;
        if (har_child_new(play->config.loop, &config, &actor->child, &error) != SL_OK) {
            har_play_mistake(play, step->node->path, "the child cannot be started: %s", error.text);
        }
    }
}

static bool is_child_served(const struct har_actor *actor)
{
    double streams =
        har_play_value_in(actor->play, &actor->spec->streams, 1, 1, HAR_CHILD_STREAMS_MAX);
    return har_child_seen(actor->child).headers >= streams;
}

/* Headers may come with the first message only, so the rooms of those that have none get probes. */
static void poll_spawn(struct har_step *step)
{
    struct spawn *state = step->state;
    struct har_play *play = step->play;
    uint64_t now_ns = sl_clock_mono_ns();
    bool is_due = !har_profile_has(play->config.profile, "ready") && now_ns >= state->next_ns &&
                  !har_probe_is_waiting(play);
    bool is_ready = true;
    HAR_FOR_ACTORS (play, step->node->who, actor) {
        if (actor->spec->kind == HAR_EXTERNAL) {
            continue; /* what it does is for the scenario to await */
        }
        if (actor->child == NULL) {
            return;
        }
        if (!har_child_is_alive(actor->child)) { /* it lives until a signal ends it */
            har_play_give_up(play, step->node, "the harness could not do its part",
                             "the client's process has ended by itself");
            return;
        }
        bool is_served = is_child_served(actor);
        is_ready &= is_served;
        if (is_due && !is_served) {
            har_probe_send(play, actor->room);
            state->next_ns = now_ns + PROBE_NS;
        }
    }
    step->is_done = is_ready && !har_probe_is_waiting(play);
    har_play_wake(play, now_ns + LOOK_NS);
}

static const char *spawn_rule(const struct har_step *step)
{
    const struct spawn_args *args = step->node->args;
    return args->rule == NULL ? "SEND-03" : args->rule;
}

static void tell_spawn(const struct har_step *step, char *text, size_t size)
{
    unsigned served = 0;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        served += actor->child == NULL ? 0 : har_child_seen(actor->child).headers;
    }
    (void)snprintf(text, size, "only %u subscriptions of the client are served", served);
}

const struct har_step_type har_step_spawn = {
    .name = "spawn",
    .help = "starts the client, anew if it was there, and waits until each of its subscriptions "
            "has had headers; where the profile does not declare `ready`, it publishes probes "
            "meanwhile. A client under test (external) is started, and not waited for",
    .example = "{\"child\": {\"spawn\": {}}}",
    .kinds = HAR_BIT(HAR_CHILD) | HAR_BIT(HAR_EXTERNAL),
    HAR_STEP_ARGS(struct spawn_args, spawn_fields),
    .state_size = sizeof(struct spawn),
    .rule = "SEND-03",
    .rule_of = spawn_rule,
    .within_offset = offsetof(struct spawn_args, within),
    .start = start_spawn,
    .poll = poll_spawn,
    .tell = tell_spawn,
};
