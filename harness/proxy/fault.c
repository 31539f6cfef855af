/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of faults, and from arguments to numbers. */
#include "harness/proxy/fault.h"

#include <math.h>
#include <stdio.h>

#include "lib/base/clock.h"

#define COUNT_MAX 1e15
#define TIME_MAX  (3600.0 * 1000) /* ms */

static const char *const dirs[] = {"both", "to_client", "to_server", NULL};
static const char *const hows[] = {"fin", "rst", NULL};
static const char *const acks[] = {"any", "yes", "no", NULL};
static const char *const whats[] = {"delay", "drop", "inject", "rewrite", NULL};

static const char *const frame_names[] = {"DATA",   "RST_STREAM",    "SETTINGS", "PING",
                                          "GOAWAY", "WINDOW_UPDATE", NULL};
static const uint8_t frame_types[] = {SL_H2_DATA, SL_H2_RST_STREAM, SL_H2_SETTINGS,
                                      SL_H2_PING, SL_H2_GOAWAY,     SL_H2_WINDOW_UPDATE};

/* In the order of their codes, which are 0, 1, 2 ... (RFC 9113 7). */
static const char *const code_names[] = {
#define X(name, value) #name,
#include "lib/wire/tbl/h2_errors.def"
#undef X
    NULL};

static const uint16_t setting_ids[HAR_FAULT_SETTINGS_MAX] = {
    SL_H2_SETTINGS_HEADER_TABLE_SIZE,      SL_H2_SETTINGS_ENABLE_PUSH,
    SL_H2_SETTINGS_MAX_CONCURRENT_STREAMS, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE,
    SL_H2_SETTINGS_MAX_FRAME_SIZE,         SL_H2_SETTINGS_MAX_HEADER_LIST_SIZE,
};
#define SETTING(name, index)                                                              \
    {                                                                                     \
        name, HAR_FIELD_EXPR, (index) * sizeof(struct har_expr), .help = "RFC 9113 6.5.2" \
    }
static const struct har_field setting_fields[] = {
    SETTING("HEADER_TABLE_SIZE", 0),      SETTING("ENABLE_PUSH", 1),
    SETTING("MAX_CONCURRENT_STREAMS", 2), SETTING("INITIAL_WINDOW_SIZE", 3),
    SETTING("MAX_FRAME_SIZE", 4),         SETTING("MAX_HEADER_LIST_SIZE", 5),
};

#define AT(member) \
    offsetof(struct har_fault_args, cut.member) - offsetof(struct har_fault_args, cut)
static const struct har_field after_fields[] = {
    {"bytes", HAR_FIELD_EXPR, AT(bytes), .help = "exact"},
    {"frames", HAR_FIELD_EXPR, AT(frames),
     .help = "HTTP/2 frames; of the matching streams, if any are named"},
    {"messages", HAR_FIELD_EXPR, AT(messages),
     .help = "gRPC messages; the cut comes behind the frame that completes the last one"},
};
static const struct har_field cut_fields[] = {
    {"after", HAR_FIELD_OBJECT, 0, .fields = after_fields,
     .field_count = sizeof(after_fields) / sizeof(after_fields[0]), .is_required = true,
     .help = "what is let through; one of the three"},
    {"how", HAR_FIELD_CHOICE, AT(how), .choices = hows, .is_required = true,
     .help = "both ends see a FIN, or a TCP reset"},
};
#undef AT

/* clang-format off */
#define MATCH_FIELDS(type) \
    {"name", HAR_FIELD_STRING, offsetof(struct type, match.name), .help = "for `clear`"}, \
    {"dir", HAR_FIELD_CHOICE, offsetof(struct type, match.dir), .choices = dirs, \
     .help = "the direction that suffers; default both"}, \
    {"first", HAR_FIELD_EXPR, offsetof(struct type, match.first), \
     .help = "only the first so many connections that come from now on"}, \
    {"nth_connection", HAR_FIELD_EXPR, offsetof(struct type, match.nth_connection), \
     .help = "only this one of the connections that come from now on, from 1"}, \
    {"method", HAR_FIELD_STRING, offsetof(struct type, match.method), \
     .help = "only once a call of it was opened on the connection: \"SubscribeToRoom\", or the whole path"}, \
    {"stream", HAR_FIELD_EXPR, offsetof(struct type, match.stream), \
     .help = "the same for the HTTP/2 stream of this number"}, \
    {"for", HAR_FIELD_DURATION, offsetof(struct type, match.time), .help = "it is cleared after so long"}
/* clang-format on */

#define AT(member) offsetof(struct har_fault_args, member)
const struct har_field har_fault_fields[HAR_FAULT_FIELDS] = {
    {"latency", HAR_FIELD_DURATION, AT(latency), .help = "all bytes come later by this much"},
    {"jitter", HAR_FIELD_DURATION, AT(jitter),
     .help = "and by a random part of this, from the seed; order is kept"},
    {"bandwidth", HAR_FIELD_EXPR, AT(bandwidth), .help = "bytes a second, at most"},
    {"stall", HAR_FIELD_BOOL, AT(is_stall),
     .help = "nothing passes until it is cleared; the sender feels it"},
    {"swallow", HAR_FIELD_BOOL, AT(is_swallow),
     .help = "bytes vanish, TCP stays: a half-open connection. One that lost bytes is not mended "
             "by `clear`, "
             "but its end is told then"},
    {"slice", HAR_FIELD_EXPR, AT(slice), .help = "writes of at most so many bytes"},
    {"cut", HAR_FIELD_OBJECT, AT(cut), .fields = cut_fields,
     .field_count = sizeof(cut_fields) / sizeof(cut_fields[0]),
     .help = "the connection ends, both ways"},
    {"refuse", HAR_FIELD_BOOL, AT(is_refuse),
     .help = "new connections are refused; with `first` or `nth_connection`, reset when they come"},
    MATCH_FIELDS(har_fault_args),
    {"why", HAR_FIELD_STRING, AT(why), .help = "a note for the reader"},
};
#undef AT

#define AT(member) offsetof(struct har_h2fault_args, member)
const struct har_field har_h2fault_fields[HAR_H2FAULT_FIELDS] = {
    {"frame", HAR_FIELD_CHOICE, AT(frame), .choices = frame_names, .is_required = true,
     .help = "which frames"},
    {"do", HAR_FIELD_CHOICE, AT(what), .choices = whats, .is_required = true,
     .help = "what happens to them; DATA can only be delayed"},
    {"delay", HAR_FIELD_DURATION, AT(delay),
     .help =
         "for how long (do: delay); others overtake it, but not DATA and not the first SETTINGS"},
    {"ack", HAR_FIELD_CHOICE, AT(ack), .choices = acks,
     .help = "PING and SETTINGS: only acknowledgements, or none; default any. What is injected: "
             "yes is one"},
    {"nth", HAR_FIELD_EXPR, AT(nth), .help = "only the nth of a connection, from 1"},
    {"count", HAR_FIELD_EXPR, AT(count),
     .help = "at most so many of a connection; default all, injected 1"},
    {"message", HAR_FIELD_EXPR, AT(message),
     .help = "not before message so many of a stream (of the method, if named) has passed in this "
             "direction"},
    {"after", HAR_FIELD_DURATION, AT(after), .help = "inject: so long after its time has come"},
    {"last_id", HAR_FIELD_EXPR, AT(last_id),
     .help = "GOAWAY; default: the highest stream that was opened"},
    {"code", HAR_FIELD_CHOICE, AT(code), .choices = code_names,
     .help = "GOAWAY, RST_STREAM; default NO_ERROR"},
    {"increment", HAR_FIELD_EXPR, AT(increment), .help = "WINDOW_UPDATE"},
    {"opaque", HAR_FIELD_EXPR, AT(opaque), .help = "PING; default 0"},
    {"settings", HAR_FIELD_OBJECT, AT(settings), .fields = setting_fields,
     .field_count = sizeof(setting_fields) / sizeof(setting_fields[0]),
     .help = "SETTINGS: values by name; rewrite changes these and keeps the others"},
    MATCH_FIELDS(har_h2fault_args),
    {"why", HAR_FIELD_STRING, AT(why), .help = "a note for the reader"},
};
#undef AT

/* ---- matching ---- */

bool har_fault_is_to(const struct har_fault *fault, bool is_to_server)
{
    return fault->dir == HAR_DIR_BOTH || (fault->dir == HAR_DIR_TO_SERVER) == is_to_server;
}

bool har_fault_needs_call(const struct har_fault *fault)
{
    return fault->stream != 0 || fault->method[0] != '\0';
}

bool har_fault_matches_call(const struct har_fault *fault, uint32_t stream, struct sl_span path)
{
    if (fault->stream != 0 && fault->stream != stream) {
        return false;
    }
    size_t len = strlen(fault->method);
    bool is_whole = sl_span_is(path, fault->method);
    bool is_last_part = path.len > len && path.data[path.len - len - 1] == '/' &&
                        memcmp(path.data + path.len - len, fault->method, len) == 0;
    return len == 0 || is_whole || is_last_part;
}

/* ---- combinations of keys ---- */

static const char *match_problem(const struct har_fault_match *match)
{
    if (match->first.is_set && match->nth_connection.is_set) {
        return "'first' and 'nth_connection' exclude each other";
    }
    if (match->name != NULL && strlen(match->name) >= HAR_FAULT_NAME_MAX) {
        return "'name' is too long";
    }
    if (match->method != NULL && strlen(match->method) >= HAR_FAULT_METHOD_MAX) {
        return "'method' is too long";
    }
    return NULL;
}

const char *har_fault_problem(const struct har_fault_args *args)
{
    int units = args->cut.bytes.is_set + args->cut.frames.is_set + args->cut.messages.is_set;
    bool is_shaping = args->latency.is_set || args->jitter.is_set || args->bandwidth.is_set ||
                      args->slice.is_set || args->is_stall || args->is_swallow || units > 0;
    if (units > 1) {
        return "'cut.after' counts bytes, frames or messages, one of them";
    }
    if (!is_shaping && !args->is_refuse) {
        return "there is nothing that it does: latency, jitter, bandwidth, stall, swallow, slice, "
               "cut or refuse";
    }
    if (args->is_refuse &&
        (is_shaping || args->match.method != NULL || args->match.stream.is_set)) {
        return "'refuse' goes with 'first', 'nth_connection', 'for' and 'name' only";
    }
    return match_problem(&args->match);
}

/* Keys that only one kind of frame, or one thing to do, has a use for. */
static const char *h2_key_problem(const struct har_h2fault_args *args, uint8_t type)
{
    bool has_settings = false;
    for (size_t i = 0; i < HAR_FAULT_SETTINGS_MAX; i++) {
        has_settings |= args->settings[i].is_set;
    }
    bool is_changing = args->what == HAR_DO_INJECT || args->what == HAR_DO_REWRITE;
    bool has_code = type == SL_H2_GOAWAY || type == SL_H2_RST_STREAM;
    if ((args->last_id.is_set && (type != SL_H2_GOAWAY || !is_changing)) ||
        (args->increment.is_set && (type != SL_H2_WINDOW_UPDATE || !is_changing)) ||
        (args->opaque.is_set && (type != SL_H2_PING || !is_changing)) ||
        (has_settings && (type != SL_H2_SETTINGS || !is_changing)) ||
        (args->code != 0 && (!has_code || !is_changing))) {
        return "last_id, code, increment, opaque and settings belong to their frame, injected or "
               "rewritten";
    }
    if (args->ack != 0 && type != SL_H2_PING && type != SL_H2_SETTINGS) {
        return "'ack' is for PING and SETTINGS";
    }
    if (args->after.is_set && args->what != HAR_DO_INJECT) {
        return "'after' is for what is injected; a frame is held back by do: delay and 'delay'";
    }
    if (args->delay.is_set != (args->what == HAR_DO_DELAY)) {
        return "'delay' and do: delay go together";
    }
    return NULL;
}

const char *har_h2fault_problem(const struct har_h2fault_args *args)
{
    uint8_t type = frame_types[args->frame];
    bool is_inject = args->what == HAR_DO_INJECT;
    const char *problem = h2_key_problem(args, type);
    if (problem != NULL) {
        return problem;
    }
    if (type == SL_H2_DATA && args->what != HAR_DO_DELAY) {
        return "DATA can only be delayed: without its bytes no stream can go on";
    }
    if (is_inject && args->match.dir == HAR_DIR_BOTH) {
        return "what is injected needs 'dir': to_client or to_server";
    }
    if (is_inject && args->nth.is_set) {
        return "'nth' counts frames that pass; what is injected has 'message', 'after' and 'count'";
    }
    if (is_inject && type == SL_H2_RST_STREAM && args->match.method == NULL &&
        !args->match.stream.is_set) {
        return "an injected RST_STREAM needs 'stream' or 'method'";
    }
    if (is_inject && type == SL_H2_WINDOW_UPDATE && !args->increment.is_set) {
        return "an injected WINDOW_UPDATE needs 'increment'";
    }
    return match_problem(&args->match);
}

/* ---- numbers ---- */

struct making {
    har_fault_value_fn *value;
    void *owner;
    struct sl_error *reterr_error;
    enum sl_status status;
};

/* A number in [low, high]; the first one that is not ends it all. */
static double number(struct making *making, const char *key, const struct har_expr *expr,
                     double low, double high)
{
    if (!expr->is_set || making->status != SL_OK) {
        return 0;
    }
    double value = making->value(making->owner, expr, 0);
    if (!(value >= low && value <= high)) {
        making->status = sl_error_set(making->reterr_error, SL_LIMIT,
                                      "'%s' is %g; %g to %g are possible", key, value, low, high);
        return 0;
    }
    return value;
}

static uint64_t whole(struct making *making, const char *key, const struct har_expr *expr,
                      double low, double high)
{
    return (uint64_t)floor(number(making, key, expr, low, high));
}

static uint64_t time_ns(struct making *making, const char *key, const struct har_expr *expr)
{
    return (uint64_t)(number(making, key, expr, 0, TIME_MAX) * (double)SL_MS);
}

static void make_match(struct making *making, const struct har_fault_match *match,
                       struct har_fault *fault)
{
    (void)snprintf(fault->name, sizeof(fault->name), "%s", match->name == NULL ? "" : match->name);
    (void)snprintf(fault->method, sizeof(fault->method), "%s",
                   match->method == NULL ? "" : match->method);
    fault->dir = (enum har_fault_dir)match->dir;
    fault->first = whole(making, "first", &match->first, 1, COUNT_MAX);
    fault->nth_connection = whole(making, "nth_connection", &match->nth_connection, 1, COUNT_MAX);
    fault->stream = (uint32_t)whole(making, "stream", &match->stream, 1, SL_H2_MAX_WINDOW);
    fault->time_ns = time_ns(making, "for", &match->time);
}

enum sl_status har_fault_make(const struct har_fault_args *args, har_fault_value_fn *value,
                              void *owner, struct har_fault *ret_fault,
                              struct sl_error *reterr_error)
{
    struct making making = {.value = value, .owner = owner, .reterr_error = reterr_error};
    struct har_fault fault = {.is_stall = args->is_stall,
                              .is_swallow = args->is_swallow,
                              .is_refuse = args->is_refuse,
                              .is_cut_rst = args->cut.how == 1};
    const char *problem = har_fault_problem(args);
    if (problem != NULL) {
        return sl_error_set(reterr_error, SL_MALFORMED, "%s", problem);
    }
    make_match(&making, &args->match, &fault);
    fault.latency_ns = time_ns(&making, "latency", &args->latency);
    fault.jitter_ns = time_ns(&making, "jitter", &args->jitter);
    fault.bandwidth = whole(&making, "bandwidth", &args->bandwidth, 1, COUNT_MAX);
    fault.slice = (size_t)whole(&making, "slice", &args->slice, 1, 1e9);
    fault.cut = args->cut.bytes.is_set      ? HAR_CUT_BYTES
                : args->cut.frames.is_set   ? HAR_CUT_FRAMES
                : args->cut.messages.is_set ? HAR_CUT_MESSAGES
                                            : HAR_CUT_NEVER;
    fault.cut_after = whole(&making, "bytes", &args->cut.bytes, 0, COUNT_MAX) +
                      whole(&making, "frames", &args->cut.frames, 0, COUNT_MAX) +
                      whole(&making, "messages", &args->cut.messages, 0, COUNT_MAX);
    if (making.status == SL_OK) {
        *ret_fault = fault;
    }
    return making.status;
}

static void make_settings(struct making *making, const struct har_h2fault_args *args,
                          struct har_fault *fault)
{
    for (size_t i = 0; i < HAR_FAULT_SETTINGS_MAX; i++) {
        if (args->settings[i].is_set) {
            fault->settings[fault->setting_count++] = (struct sl_h2_setting_pair){
                .id = setting_ids[i],
                .value = (uint32_t)whole(making, setting_fields[i].name, &args->settings[i], 0,
                                         UINT32_MAX)};
        }
    }
}

enum sl_status har_h2fault_make(const struct har_h2fault_args *args, har_fault_value_fn *value,
                                void *owner, struct har_fault *ret_fault,
                                struct sl_error *reterr_error)
{
    struct making making = {.value = value, .owner = owner, .reterr_error = reterr_error};
    struct har_fault fault = {.is_h2 = true,
                              .frame = frame_types[args->frame],
                              .what = (enum har_fault_do)args->what,
                              .is_ack_only = args->ack == 1,
                              .is_ack_never = args->ack == 2,
                              .has_last_id = args->last_id.is_set,
                              .has_increment = args->increment.is_set,
                              .has_opaque = args->opaque.is_set,
                              .code = (uint32_t)args->code};
    const char *problem = har_h2fault_problem(args);
    if (problem != NULL) {
        return sl_error_set(reterr_error, SL_MALFORMED, "%s", problem);
    }
    bool is_inject = fault.what == HAR_DO_INJECT;
    make_match(&making, &args->match, &fault);
    fault.nth = whole(&making, "nth", &args->nth, 1, COUNT_MAX);
    fault.count = whole(&making, "count", &args->count, 1, COUNT_MAX);
    fault.count = is_inject && !args->count.is_set ? 1 : fault.count;
    fault.message = whole(&making, "message", &args->message, 1, COUNT_MAX);
    fault.delay_ns =
        time_ns(&making, is_inject ? "after" : "delay", is_inject ? &args->after : &args->delay);
    fault.last_id = (uint32_t)whole(&making, "last_id", &args->last_id, 0, UINT32_MAX);
    fault.increment = (uint32_t)whole(&making, "increment", &args->increment, 0, UINT32_MAX);
    fault.opaque = whole(&making, "opaque", &args->opaque, 0, 9007199254740992.0);
    make_settings(&making, args, &fault);
    if (making.status == SL_OK) {
        *ret_fault = fault;
    }
    return making.status;
}
