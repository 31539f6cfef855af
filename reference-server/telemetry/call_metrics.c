/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/telemetry/call_metrics.h"

#include <assert.h>
#include <stdio.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "reference-server/services/methods.h"

enum {
    UNKNOWN = SRV_METHOD_COUNT, /* the place of all other methods */
    METHODS,
    CODES = 17,
    NAME_MAX = 128, /* of a service */
};

_Static_assert((int)METHODS <= (int)SRV_AGES_MAX, "a list for each method");

/* Of one method. */
struct counts {
    struct sl_tally *started;
    struct sl_tally *handled[CODES];
    struct srv_histogram *handling;
    struct sl_tally *received, *sent;
    struct sl_tally *received_bytes, *sent_bytes;
    struct sl_tally *open;
};

struct oldest {
    const struct srv_ages *ages;
    size_t list;
};

struct srv_call_metrics {
    struct srv_sink sink;
    struct counts methods[METHODS];
    struct srv_ages ages;
    struct oldest oldest[METHODS];
    struct sl_tally *connections, *connections_open;
};

/* ---- events ---- */

static size_t place_of(const struct srv_call_record *call)
{
    return call->method->path == NULL ? UNKNOWN : (size_t)(call->method - srv_methods);
}

static struct counts *counts_of(struct srv_sink *sink, const struct srv_call_record *call)
{
    return &((struct srv_call_metrics *)sink)->methods[place_of(call)];
}

static void call_began(struct srv_sink *sink, const struct srv_call_record *call)
{
    struct counts *counts = counts_of(sink, call);
    sl_tally_add(counts->started, 1);
    sl_tally_add(counts->open, 1);
}

static void message_in(struct srv_sink *sink, const struct srv_call_record *call, size_t bytes)
{
    struct counts *counts = counts_of(sink, call);
    sl_tally_add(counts->received, 1);
    sl_tally_add(counts->received_bytes, bytes);
}

static void message_out(struct srv_sink *sink, const struct srv_call_record *call, size_t bytes)
{
    struct counts *counts = counts_of(sink, call);
    sl_tally_add(counts->sent, 1);
    sl_tally_add(counts->sent_bytes, bytes);
}

static void call_ended(struct srv_sink *sink, const struct srv_call_record *call)
{
    struct counts *counts = counts_of(sink, call);
    size_t code = (size_t)call->status;
    sl_tally_sub(counts->open, 1);
    sl_tally_add(counts->handled[code < CODES ? code : SL_GRPC_UNKNOWN], 1);
    srv_histogram_add(counts->handling, call->ended_ns - call->started_ns);
}

static void connection_opened(struct srv_sink *sink, const struct srv_connection_record *connection)
{
    (void)connection;
    struct srv_call_metrics *calls = (struct srv_call_metrics *)sink;
    sl_tally_add(calls->connections, 1);
    sl_tally_add(calls->connections_open, 1);
}

static void connection_closed(struct srv_sink *sink, const struct srv_connection_record *connection)
{
    (void)connection;
    sl_tally_sub(((struct srv_call_metrics *)sink)->connections_open, 1);
}

static const struct srv_sink_ops ops = {
    .call_began = call_began,
    .message_in = message_in,
    .message_out = message_out,
    .call_ended = call_ended,
    .connection_opened = connection_opened,
    .connection_closed = connection_closed,
};

/* ---- families ---- */

/* As Go's codes.Code spells them, which is what dashboards ask for. */
static const char *const codes[CODES] = {
    "OK",       "Canceled",        "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",   "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",      "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated",
};

/* A call is answered within microseconds, a subscription lasts for hours. */
static const uint64_t bounds[] = {
    50 * SL_US,    100 * SL_US,    250 * SL_US,    500 * SL_US,     SL_MS,
    5 * SL_MS / 2, 5 * SL_MS,      10 * SL_MS,     25 * SL_MS,      50 * SL_MS,
    100 * SL_MS,   250 * SL_MS,    500 * SL_MS,    SL_SECOND,       5 * SL_SECOND / 2,
    5 * SL_SECOND, 10 * SL_SECOND, 60 * SL_SECOND, 600 * SL_SECOND, 3600 * SL_SECOND};

#define METHOD_LABELS "grpc_type", "grpc_service", "grpc_method"

static const struct srv_family_spec started = {.type = SRV_COUNTER,
                                               .name = "grpc_server_started_total",
                                               .help = "RPCs that began.",
                                               .labels = {METHOD_LABELS}};
static const struct srv_family_spec handled = {
    .type = SRV_COUNTER,
    .name = "grpc_server_handled_total",
    .help = "RPCs that ended, by status; a code other than OK is shown once it was seen.",
    .labels = {METHOD_LABELS, "grpc_code"}};
static const struct srv_family_spec handling = {.type = SRV_HISTOGRAM,
                                                .name = "grpc_server_handling_seconds",
                                                .help =
                                                    "Time from the beginning of an RPC to its end.",
                                                .labels = {METHOD_LABELS},
                                                .is_time = true,
                                                .bounds = bounds,
                                                .bound_count = sizeof(bounds) / sizeof(bounds[0])};
static const struct srv_family_spec received = {.type = SRV_COUNTER,
                                                .name = "grpc_server_msg_received_total",
                                                .help = "Messages of RPCs that were received.",
                                                .labels = {METHOD_LABELS}};
static const struct srv_family_spec sent = {.type = SRV_COUNTER,
                                            .name = "grpc_server_msg_sent_total",
                                            .help = "Messages of RPCs given to the transport.",
                                            .labels = {METHOD_LABELS}};
static const struct srv_family_spec received_bytes = {
    .type = SRV_COUNTER,
    .name = "sluice_msg_received_bytes_total",
    .help = "Bytes of the messages received, without framing and compression.",
    .labels = {METHOD_LABELS}};
static const struct srv_family_spec sent_bytes = {
    .type = SRV_COUNTER,
    .name = "sluice_msg_sent_bytes_total",
    .help = "Bytes of the messages given to the transport, without framing and compression.",
    .labels = {METHOD_LABELS}};
static const struct srv_family_spec open_streams = {.type = SRV_GAUGE,
                                                    .name = "sluice_open_streams",
                                                    .help = "RPCs that are open.",
                                                    .labels = {METHOD_LABELS}};
static const struct srv_family_spec oldest_stream = {
    .type = SRV_GAUGE,
    .name = "sluice_oldest_stream_age_seconds",
    .help = "Age of the RPC that has been open for longest; 0: none is open.",
    .labels = {METHOD_LABELS}};

static bool read_oldest(const void *context, double *ret_value)
{
    const struct oldest *oldest = context;
    uint64_t age_ns = srv_ages_oldest(oldest->ages, oldest->list, sl_clock_mono_ns());
    *ret_value = (double)age_ns / (double)SL_SECOND;
    return true;
}

static const char *type_of(const struct srv_method *method)
{
    if (method->path == NULL) {
        return "unknown";
    }
    if (method->has_request) {
        return method->is_unary ? "unary" : "server_stream";
    }
    return method->is_unary ? "client_stream" : "bidi_stream";
}

/* "/SERVICE/METHOD" in two. */
static const char *split(const char *path, char service[NAME_MAX])
{
    const char *slash = strrchr(path, '/');
    assert(slash > path && slash - path < NAME_MAX);
    (void)snprintf(service, NAME_MAX, "%.*s", (int)(slash - path - 1), path + 1);
    return slash + 1;
}

/* The families in the order of the page. */
struct families {
    struct srv_family *started, *handled, *handling, *received, *sent;
    struct srv_family *received_bytes, *sent_bytes, *open, *oldest;
};

static struct families add_families(struct srv_metrics *metrics)
{
    return (struct families){
        .started = srv_metrics_add(metrics, &started),
        .handled = srv_metrics_add(metrics, &handled),
        .handling = srv_metrics_add(metrics, &handling),
        .received = srv_metrics_add(metrics, &received),
        .sent = srv_metrics_add(metrics, &sent),
        .received_bytes = srv_metrics_add(metrics, &received_bytes),
        .sent_bytes = srv_metrics_add(metrics, &sent_bytes),
        .open = srv_metrics_add(metrics, &open_streams),
        .oldest = srv_metrics_add(metrics, &oldest_stream),
    };
}

static void add_method(struct srv_call_metrics *calls, const struct families *families, size_t i)
{
    const struct srv_method *method = i == UNKNOWN ? &srv_unknown_method : &srv_methods[i];
    struct counts *counts = &calls->methods[i];
    char service[NAME_MAX] = "unknown";
    const char *name = method->path == NULL ? "unknown" : split(method->path, service);
    const char *values[SRV_LABELS_MAX] = {type_of(method), service, name, NULL};
    counts->started = srv_family_tally(families->started, values);
    counts->handling = srv_family_histogram(families->handling, values);
    counts->received = srv_family_tally(families->received, values);
    counts->sent = srv_family_tally(families->sent, values);
    counts->received_bytes = srv_family_tally(families->received_bytes, values);
    counts->sent_bytes = srv_family_tally(families->sent_bytes, values);
    counts->open = srv_family_tally(families->open, values);
    calls->oldest[i] = (struct oldest){.ages = &calls->ages, .list = i};
    srv_family_ask(families->oldest, values, read_oldest, &calls->oldest[i]);
    for (size_t code = 0; code < CODES; code++) {
        values[SRV_LABELS_MAX - 1] = codes[code];
        counts->handled[code] = code == SL_GRPC_OK
                                    ? srv_family_tally(families->handled, values)
                                    : srv_family_rare_tally(families->handled, values);
    }
}

static void add_connections(struct srv_call_metrics *calls, struct srv_metrics *metrics)
{
    static const struct srv_family_spec total = {.type = SRV_COUNTER,
                                                 .name = "sluice_connections_total",
                                                 .help =
                                                     "Connections of clients that were accepted."};
    static const struct srv_family_spec open = {.type = SRV_GAUGE,
                                                .name = "sluice_open_connections",
                                                .help = "Connections of clients that are open."};
    calls->connections = srv_family_tally(srv_metrics_add(metrics, &total), NULL);
    calls->connections_open = srv_family_tally(srv_metrics_add(metrics, &open), NULL);
}

struct srv_call_metrics *srv_call_metrics_new(struct srv_metrics *metrics,
                                              struct srv_telemetry *telemetry)
{
    struct srv_call_metrics *calls = sl_alloc(sizeof(*calls));
    struct families families = add_families(metrics);
    calls->sink.ops = &ops;
    for (size_t i = 0; i < METHODS; i++) {
        add_method(calls, &families, i);
    }
    add_connections(calls, metrics);
    srv_telemetry_add(telemetry, &calls->sink);
    telemetry->ages = &calls->ages;
    return calls;
}

void srv_call_metrics_free(struct srv_call_metrics *calls)
{
    sl_free(calls);
}
