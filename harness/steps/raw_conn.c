/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs of connections: connect, settings, window_update, goaway, rst, stream_id, pause, read. */
#include <stdio.h>

#include "harness/raw/raw_frame.h"
#include "harness/steps/raw.h"
#include "harness/steps/verbs.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

#define STREAMS (HAR_BIT(HAR_SUBSCRIBER) | HAR_BIT(HAR_CHAT) | HAR_BIT(HAR_RAW))
#define ALL     (STREAMS | HAR_BIT(HAR_PUBLISHER) | HAR_BIT(HAR_CLIENT))

static const char *const yes_no[] = {"yes", "no", NULL};

bool har_raw_is_ready(struct har_actor *actor, bool waits_for_settings)
{
    if (actor->link == NULL || actor->link->conn == NULL) {
        (void)har_actor_conn(actor);
    }
    const struct har_link *link = actor->link;
    bool has_preface = (actor->spec->suppress_mask & HAR_SUPPRESS_PREFACE) == 0;
    bool has_settings = link->wire.frames[SL_H2_SETTINGS] > link->wire.settings_acks;
    return link->is_connected && !link->has_ended && !link->is_closed_by_us &&
           (has_settings || !has_preface || !waits_for_settings);
}

static void done(struct har_step *step)
{
    step->is_done = true;
}

static void tell_connection(const struct har_step *step, char *text, size_t size)
{
    (void)step;
    (void)snprintf(text, size, "no connection, or no SETTINGS came");
}

/* ---- connect, pause, read ---- */

static const struct har_field no_fields[] = {
    {"why", HAR_FIELD_JSON, 0, .help = "a note for the reader"},
};
struct no_args {
    json_t *why;
};

static void start_connect(struct har_step *step)
{
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        (void)har_actor_conn(actor);
    }
}

static void poll_connect(struct har_step *step)
{
    step->is_done = true;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        if (actor->link->is_connected && actor->link->has_ended) {
            (void)har_actor_conn(actor); /* it was on its way out when the step began */
        }
        step->is_done &= har_raw_is_ready(actor, true);
    }
}

static void start_pause(struct har_step *step)
{
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        har_conn_pause(har_actor_conn(actor), true);
    }
}

static void start_read(struct har_step *step)
{
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        har_conn_pause(har_actor_conn(actor), false);
    }
}

const struct har_step_type har_step_connect = {
    .name = "connect",
    .help = "connects (anew, if the connection has ended) and waits for the server's SETTINGS",
    .example = "{\"raw\": {\"connect\": {}}}",
    .kinds = ALL,
    HAR_STEP_ARGS(struct no_args, no_fields),
    .rule = "RES-02",
    .start = start_connect,
    .poll = poll_connect,
    .tell = tell_connection,
};
const struct har_step_type har_step_pause = {
    .name = "pause",
    .help =
        "reads nothing more from the socket of the connection, so that TCP itself holds the server",
    .example = "{\"sub\": {\"pause\": {\"why\": \"its phone is in a tunnel\"}}}",
    .kinds = ALL,
    HAR_STEP_ARGS(struct no_args, no_fields),
    .rule = "RES-02",
    .start = start_pause,
    .poll = done,
    .fault = "unread socket",
    .fault_end = HAR_FAULT_ENDED,
};
const struct har_step_type har_step_read = {
    .name = "read",
    .help = "reads from the socket again",
    .example = "{\"sub\": {\"read\": {}}}",
    .kinds = ALL,
    HAR_STEP_ARGS(struct no_args, no_fields),
    .rule = "RES-02",
    .start = start_read,
    .poll = done,
    .ends_faults = true,
};

/* ---- settings ---- */

enum {
    SETTINGS = 6, /* of RFC 9113 6.5.2; ids 1 to 6 */
};
struct settings_args {
    int wait;
    struct har_expr values[SETTINGS]; /* by id - 1 */
    const char *rule;
    struct har_expr within;
};
#define VALUE(id) offsetof(struct settings_args, values) + ((id)-1) * sizeof(struct har_expr)
static const struct har_field settings_fields[] = {
    {"HEADER_TABLE_SIZE", HAR_FIELD_EXPR, VALUE(1), .help = "RFC 9113 6.5.2"},
    {"ENABLE_PUSH", HAR_FIELD_EXPR, VALUE(2), .help = "RFC 9113 6.5.2"},
    {"MAX_CONCURRENT_STREAMS", HAR_FIELD_EXPR, VALUE(3), .help = "RFC 9113 6.5.2"},
    {"INITIAL_WINDOW_SIZE", HAR_FIELD_EXPR, VALUE(4), .help = "RFC 9113 6.5.2"},
    {"MAX_FRAME_SIZE", HAR_FIELD_EXPR, VALUE(5), .help = "RFC 9113 6.5.2"},
    {"MAX_HEADER_LIST_SIZE", HAR_FIELD_EXPR, VALUE(6), .help = "RFC 9113 6.5.2"},
    {"wait", HAR_FIELD_CHOICE, offsetof(struct settings_args, wait), .choices = yes_no,
     .help = "for the server's acknowledgement; \"no\": for nothing"},
    {"rule", HAR_FIELD_STRING, offsetof(struct settings_args, rule),
     .help = "broken when it is not acknowledged"},
    {"within", HAR_FIELD_DURATION, offsetof(struct settings_args, within), .help = "default 10s"},
};

struct settings_of {
    uint64_t wanted; /* acknowledgements, when it is acknowledged */
    bool is_sent;
};
struct settings {
    struct settings_of *of; /* per actor of the play */
};

static void start_settings(struct har_step *step)
{
    struct settings *state = step->state;
    state->of = sl_calloc(step->play->actor_count, sizeof(state->of[0]));
}

static void stop_settings(struct har_step *step)
{
    struct settings *state = step->state;
    sl_free(state->of);
}

static void send_settings(struct har_step *step, struct har_actor *actor)
{
    const struct settings_args *args = step->node->args;
    struct sl_h2_setting_pair pairs[SETTINGS];
    size_t count = 0;
    for (uint16_t i = 0; i < SETTINGS; i++) {
        if (args->values[i].is_set) {
            double value = har_play_value_in(step->play, &args->values[i], 0, 0, UINT32_MAX);
            pairs[count++] =
                (struct sl_h2_setting_pair){.id = (uint16_t)(i + 1), .value = (uint32_t)value};
        }
    }
    (void)har_conn_settings(actor->link->conn, pairs, count);
}

static void poll_settings(struct har_step *step)
{
    struct settings *state = step->state;
    const struct settings_args *args = step->node->args;
    step->is_done = true;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        struct settings_of *of = &state->of[actor->number - 1];
        bool is_ready = har_raw_is_ready(actor, true);
        const struct har_wire *wire = &actor->link->wire;
        if (is_ready && !of->is_sent) {
            of->is_sent = true;
            of->wanted = wire->settings_sent + 1; /* that of the preface may still be due */
            send_settings(step, actor);
        }
        bool is_acked = of->is_sent && wire->settings_acks >= of->wanted;
        step->is_done &= args->wait != 0 ? of->is_sent : is_acked;
    }
}

static const char *rule_of_settings(const struct har_step *step)
{
    const struct settings_args *args = step->node->args;
    return args->rule == NULL ? "RES-02" : args->rule;
}

static void tell_settings(const struct har_step *step, char *text, size_t size)
{
    (void)step;
    (void)snprintf(text, size, "SETTINGS was not acknowledged");
}

const struct har_step_type har_step_settings = {
    .name = "settings",
    .help = "sends SETTINGS with these values",
    .example = "{\"raw\": {\"settings\": {\"INITIAL_WINDOW_SIZE\": 0}}}",
    .kinds = ALL,
    .needs_h2 = true,
    HAR_STEP_ARGS(struct settings_args, settings_fields),
    .state_size = sizeof(struct settings),
    .rule_of = rule_of_settings,
    .within_offset = offsetof(struct settings_args, within),
    .start = start_settings,
    .poll = poll_settings,
    .stop = stop_settings,
    .tell = tell_settings,
};

/* ---- window_update ---- */

enum {
    UPDATES_MAX = 1000000,
    AT_ONCE = 1000, /* updates between two looks at what came */
};
static const char *const windows[] = {"stream", "connection", NULL};
struct update_args {
    int of;
    struct har_expr increment, count, rate;
    struct har_expr within;
};
#define AT(member) offsetof(struct update_args, member)
static const struct har_field update_fields[] = {
    {"increment", HAR_FIELD_EXPR, AT(increment), .is_required = true, .help = "bytes"},
    {"of", HAR_FIELD_CHOICE, AT(of), .choices = windows,
     .help = "the actor's stream (of a raw one: the last one it began), or its connection"},
    {"count", HAR_FIELD_EXPR, AT(count), .help = "so many frames; default 1"},
    {"rate", HAR_FIELD_EXPR, AT(rate), .help = "frames a second; default as fast as possible"},
    {"within", HAR_FIELD_DURATION, AT(within), .help = "default 10s"},
};
#undef AT

struct updates {
    uint64_t *sent; /* per actor of the play */
};

static void start_update(struct har_step *step)
{
    struct updates *state = step->state;
    state->sent = sl_calloc(step->play->actor_count, sizeof(state->sent[0]));
}

static void stop_update(struct har_step *step)
{
    struct updates *state = step->state;
    sl_free(state->sent);
}

static uint32_t stream_of(const struct har_actor *actor)
{
    if (actor->spec->kind == HAR_RAW) {
        return actor->raw_stream;
    }
    return actor->stream == NULL ? 0 : har_stream_id(actor->stream);
}

static bool drive_update(struct har_step *step, struct har_actor *actor, uint64_t *sent)
{
    const struct update_args *args = step->node->args;
    double count = har_play_value_in(step->play, &args->count, 1, 0, UPDATES_MAX);
    double rate = har_play_value(step->play, &args->rate, 0);
    double increment = har_play_value_in(step->play, &args->increment, 0, 0, UINT32_MAX);
    uint32_t stream = args->of == 0 ? stream_of(actor) : 0;
    if (!har_raw_is_ready(actor, true) || (args->of == 0 && stream == 0)) {
        return actor->link->has_ended || actor->link->is_closed_by_us;
    }
    for (unsigned i = 0; i < AT_ONCE && (double)*sent < count; i++) {
        uint64_t due_ns = step->begin_ns;
        due_ns += rate > 0 ? (uint64_t)((double)*sent * 1e9 / rate) : 0;
        if (due_ns > sl_clock_mono_ns()) {
            har_play_wake(step->play, due_ns);
            return false;
        }
        (void)har_conn_window_update(actor->link->conn, stream, (uint32_t)increment);
        (*sent)++;
    }
    if ((double)*sent < count) {
        har_play_wake(step->play, sl_clock_mono_ns());
    }
    return (double)*sent >= count;
}

static void poll_update(struct har_step *step)
{
    struct updates *state = step->state;
    step->is_done = true;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        step->is_done &= drive_update(step, actor, &state->sent[actor->number - 1]);
    }
}

const struct har_step_type har_step_window_update = {
    .name = "window_update",
    .help = "grants credit by WINDOW_UPDATE frames, whatever the windows are",
    .example = "{\"raw\": {\"window_update\": {\"increment\": 1, \"of\": \"connection\", \""
               "count\": 100, \"rate\": 50}}}",
    .kinds = ALL,
    .needs_h2 = true,
    HAR_STEP_ARGS(struct update_args, update_fields),
    .state_size = sizeof(struct updates),
    .rule = "RES-02",
    .within_offset = offsetof(struct update_args, within),
    .start = start_update,
    .poll = poll_update,
    .stop = stop_update,
    .tell = tell_connection,
};

/* ---- goaway, rst, stream_id ---- */

struct number_args {
    struct har_expr number;
    json_t *code;
};
static const struct har_field goaway_fields[] = {
    {"last_id", HAR_FIELD_EXPR, offsetof(struct number_args, number), .help = "default 0"},
    {"code", HAR_FIELD_JSON, offsetof(struct number_args, code),
     .help = "an error's name of RFC 9113, or a number; default NO_ERROR"},
};
static const struct har_field rst_fields[] = {
    {"code", HAR_FIELD_JSON, offsetof(struct number_args, code),
     .help = "an error's name of RFC 9113, or a number; default CANCEL"},
};
static const struct har_field stream_id_fields[] = {
    {"next", HAR_FIELD_EXPR, offsetof(struct number_args, number), .is_required = true,
     .help = "the number of the connection's next stream"},
};

static const char *problem_of_code(const void *of)
{
    const struct number_args *args = of;
    uint32_t code = 0;
    return args->code == NULL || har_h2_error_read(args->code, &code)
               ? NULL
               : "code must be an error's name of RFC 9113, or a number";
}

static uint32_t code_of(const struct number_args *args, uint32_t fallback)
{
    uint32_t code = fallback;
    if (args->code != NULL) {
        (void)har_h2_error_read(args->code, &code);
    }
    return code;
}

static void start_goaway(struct har_step *step)
{
    const struct number_args *args = step->node->args;
    struct sl_buf frame;
    sl_buf_init(&frame, SL_H2_DEFAULT_MAX_FRAME);
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        sl_buf_clear(&frame);
        double last_id = har_play_value_in(step->play, &args->number, 0, 0, UINT32_MAX);
        (void)sl_h2_write_goaway(&frame, (uint32_t)last_id, code_of(args, SL_H2_NO_ERROR),
                                 sl_span(NULL, 0));
        (void)har_conn_send_raw(har_actor_conn(actor), sl_buf_span(&frame));
    }
    sl_buf_release(&frame);
}

static void start_rst(struct har_step *step)
{
    const struct number_args *args = step->node->args;
    struct sl_buf frame;
    sl_buf_init(&frame, SL_H2_DEFAULT_MAX_FRAME);
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        uint32_t code = code_of(args, SL_H2_CANCEL);
        sl_buf_clear(&frame);
        if (actor->spec->kind != HAR_RAW) {
            har_actor_reset(actor, code);
        } else if (actor->raw_stream != 0) {
            (void)sl_h2_write_rst_stream(&frame, actor->raw_stream, code);
            (void)har_conn_send_raw(har_actor_conn(actor), sl_buf_span(&frame));
        }
    }
    sl_buf_release(&frame);
}

static void start_stream_id(struct har_step *step)
{
    const struct number_args *args = step->node->args;
    HAR_FOR_ACTORS (step->play, step->node->who, actor) {
        double next = har_play_value_in(step->play, &args->number, 1, 1, SL_H2_MAX_WINDOW);
        (void)har_conn_set_stream_id(har_actor_conn(actor), (uint32_t)next);
    }
}

const struct har_step_type har_step_goaway = {
    .name = "goaway",
    .help = "sends GOAWAY and keeps the connection",
    .example = "{\"raw\": {\"goaway\": {\"code\": \"ENHANCE_YOUR_CALM\"}}}",
    .kinds = ALL,
    .needs_h2 = true,
    HAR_STEP_ARGS(struct number_args, goaway_fields),
    .rule = "RES-02",
    .problem = problem_of_code,
    .start = start_goaway,
    .poll = done,
    .fault = "GOAWAY",
};
const struct har_step_type har_step_rst = {
    .name = "rst",
    .help = "leaves the stream (a raw actor: the last one it began) by RST_STREAM with this code",
    .example = "{\"raw\": {\"rst\": {\"code\": \"INTERNAL_ERROR\"}}}",
    .kinds = STREAMS,
    .needs_h2 = true,
    HAR_STEP_ARGS(struct number_args, rst_fields),
    .rule = "RES-02",
    .problem = problem_of_code,
    .start = start_rst,
    .poll = done,
    .fault = "stream reset",
    .ends_faults = true,
};
const struct har_step_type har_step_stream_id = {
    .name = "stream_id",
    .help = "chooses the number of the next stream of the actor's connection",
    .example = "{\"raw\": {\"stream_id\": {\"next\": 2147483547}}}",
    .kinds = ALL,
    .needs_h2 = true,
    HAR_STEP_ARGS(struct number_args, stream_id_fields),
    .rule = "RES-02",
    .start = start_stream_id,
    .poll = done,
};
