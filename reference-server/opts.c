/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/opts.h"

#include "lib/base/clock.h"
#include "lib/base/units.h"
#include "lib/wire/h2_frame.h"
#include "reference-server/chat/history.h"

enum {
    DEFAULT_BUFFER = 100,
    DEFAULT_HISTORY = 256,
    DEFAULT_MAX_CONNECTIONS = 50000,
    DEFAULT_RATE_HZ = 10,
    DEFAULT_MAX_MESSAGE = 4 * 1024 * 1024,
    PORT_MAX = 65535,
    DEFAULT_WINDOW = 65535, /* RFC 9113 6.5.2, this and the next */
    DEFAULT_HEADER_TABLE = 4096,
    HEADER_TABLE_MAX = 65536,
};

#define DEFAULT_PING_INTERVAL_NS (10 * SL_SECOND)
#define DEFAULT_DRAIN_GRACE_NS   (10 * SL_SECOND)
/* A client that went silent is gone after 15 s at most; one that is slow to answer has 5 s to do so. */
#define DEFAULT_KEEPALIVE_TIME_NS    (10 * SL_SECOND)
#define DEFAULT_KEEPALIVE_TIMEOUT_NS (5 * SL_SECOND)
#define DEFAULT_MIN_PING_INTERVAL_NS SL_SECOND
#define DEFAULT_HANDSHAKE_TIMEOUT_NS (10 * SL_SECOND)
#define DEFAULT_MAX_AGE_GRACE_NS     (10 * SL_SECOND)

/* Longer is no interval but a mistake, and keeps sums of times far from overflowing. */
#define DURATION_MAX_NS (UINT64_C(100) * 24 * 3600 * SL_SECOND)

void srv_opts_init(struct srv_opts *opts)
{
    *opts = (struct srv_opts){
        .frontend = &srv_frontend_grpc,
        .listen = "127.0.0.1:50051",
        .chat = {.buffer = DEFAULT_BUFFER,
                 .drop_policy = SRV_DROP_NEWEST,
                 .default_rate_hz = DEFAULT_RATE_HZ,
                 .ping_interval_ns = DEFAULT_PING_INTERVAL_NS,
                 .history = DEFAULT_HISTORY,
                 .limits = {.max_rooms = SRV_MAX_ROOMS,
                            .max_room_subscribers = SRV_MAX_ROOM_SUBSCRIBERS,
                            .max_subscriptions = SRV_MAX_SUBSCRIPTIONS,
                            .subscriber_memory = SRV_SUBSCRIBER_MEMORY,
                            .memory = SRV_MEMORY}},
        .max_message = DEFAULT_MAX_MESSAGE,
        .limits = {.keepalive_time_ns = DEFAULT_KEEPALIVE_TIME_NS,
                   .keepalive_timeout_ns = DEFAULT_KEEPALIVE_TIMEOUT_NS,
                   .min_ping_interval_ns = DEFAULT_MIN_PING_INTERVAL_NS,
                   .initial_window = DEFAULT_WINDOW,
                   .max_frame = SL_H2_DEFAULT_MAX_FRAME,
                   .header_table_size = DEFAULT_HEADER_TABLE,
                   .max_connections = DEFAULT_MAX_CONNECTIONS,
                   .handshake_timeout_ns = DEFAULT_HANDSHAKE_TIMEOUT_NS,
                   .max_age_ns = SRV_NEVER,
                   .max_age_grace_ns = DEFAULT_MAX_AGE_GRACE_NS},
        .drain_grace_ns = DEFAULT_DRAIN_GRACE_NS,
        .log_format = SL_LOG_TEXT,
        .log_calls = SRV_LOG_CALLS_ERRORS,
    };
}

static enum sl_status set_frontend(void *options, const char *value, struct sl_error *reterr)
{
    static const struct srv_frontend_ops *const all[] = {&srv_frontend_grpc, &srv_frontend_h2};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(value, all[i]->name) == 0) {
            ((struct srv_opts *)options)->frontend = all[i];
            return SL_OK;
        }
    }
    return sl_error_set(reterr, SL_USAGE, "want grpc or h2");
}

/* The host of HOST:PORT: a name, an IPv4 address, or an IPv6 address in brackets. */
static enum sl_status check_host(struct sl_span host, struct sl_error *reterr)
{
    bool is_bracketed = host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']';
    struct sl_span inner = is_bracketed ? sl_span(host.data + 1, host.len - 2) : host;
    for (size_t i = 0; i < inner.len; i++) {
        uint8_t c = inner.data[i];
        if (c == ':' && !is_bracketed) {
            return sl_error_set(reterr, SL_USAGE,
                                "an IPv6 address stands in brackets: [::1]:50051");
        }
        if (c <= ' ' || c == 0x7f || strchr("/[]@?#", c) != NULL) {
            return sl_error_set(reterr, SL_USAGE,
                                "want HOST:PORT, with the name or the address of this machine as "
                                "HOST: 127.0.0.1:50051, [::1]:50051, 0.0.0.0:50051");
        }
    }
    return SL_OK;
}

/* HOST:PORT into place, of SRV_LISTEN_MAX bytes. */
static enum sl_status host_and_port(const char *value, char *place, struct sl_error *reterr)
{
    const char *scheme = strstr(value, "://");
    const char *colon = strrchr(value, ':');
    uint64_t port = 0;
    if (scheme != NULL) {
        size_t len = strcspn(scheme + 3, "/");
        bool has_port = memchr(scheme + 3, ':', len) != NULL;
        return sl_error_set(reterr, SL_USAGE,
                            "want HOST:PORT, without a scheme and without a path: %.*s%s", (int)len,
                            scheme + 3, has_port ? "" : ":50051");
    }
    if (colon == NULL || colon == value || strlen(value) >= SRV_LISTEN_MAX ||
        sl_units_u64(sl_span_str(colon + 1), &port) != SL_OK || port > PORT_MAX) {
        return sl_error_set(reterr, SL_USAGE, "want HOST:PORT, with port 0 for any free one");
    }
    if (check_host(sl_span(value, (size_t)(colon - value)), reterr) != SL_OK) {
        return SL_USAGE;
    }
    memcpy(place, value, strlen(value) + 1);
    return SL_OK;
}

static enum sl_status set_listen(void *options, const char *value, struct sl_error *reterr)
{
    return host_and_port(value, ((struct srv_opts *)options)->listen, reterr);
}

static enum sl_status set_metrics(void *options, const char *value, struct sl_error *reterr)
{
    return host_and_port(value, ((struct srv_opts *)options)->metrics, reterr);
}

static enum sl_status set_tls_cert(void *options, const char *value, struct sl_error *reterr)
{
    (void)reterr;
    ((struct srv_opts *)options)->tls_cert = value;
    return SL_OK;
}

static enum sl_status set_tls_key(void *options, const char *value, struct sl_error *reterr)
{
    (void)reterr;
    ((struct srv_opts *)options)->tls_key = value;
    return SL_OK;
}

static enum sl_status set_tls_client_ca(void *options, const char *value, struct sl_error *reterr)
{
    (void)reterr;
    ((struct srv_opts *)options)->tls_client_ca = value;
    return SL_OK;
}

static enum sl_status set_keylog(void *options, const char *value, struct sl_error *reterr)
{
    (void)reterr;
    ((struct srv_opts *)options)->keylog = value;
    return SL_OK;
}

static enum sl_status whole_number(const char *value, uint64_t max, uint64_t *ret_number,
                                   struct sl_error *reterr)
{
    if (sl_units_u64(sl_span_str(value), ret_number) != SL_OK || *ret_number < 1 ||
        *ret_number > max) {
        return sl_error_set(reterr, SL_USAGE, "want a whole number from 1 to %llu",
                            (unsigned long long)max);
    }
    return SL_OK;
}

static enum sl_status count(const char *value, size_t *ret_count, struct sl_error *reterr)
{
    uint64_t number = 0;
    enum sl_status status = whole_number(value, SRV_COUNT_MAX, &number, reterr);
    *ret_count = (size_t)number;
    return status;
}

static enum sl_status set_buffer(void *options, const char *value, struct sl_error *reterr)
{
    uint64_t number = 0;
    enum sl_status status = whole_number(value, SRV_BUFFER_MAX, &number, reterr);
    ((struct srv_opts *)options)->chat.buffer = (size_t)number;
    return status;
}

static enum sl_status set_drop_policy(void *options, const char *value, struct sl_error *reterr)
{
    struct srv_opts *opts = options;
    if (strcmp(value, "newest") == 0) {
        opts->chat.drop_policy = SRV_DROP_NEWEST;
    } else if (strcmp(value, "oldest") == 0) {
        opts->chat.drop_policy = SRV_DROP_OLDEST;
    } else {
        return sl_error_set(reterr, SL_USAGE, "want newest or oldest");
    }
    return SL_OK;
}

static enum sl_status set_default_rate(void *options, const char *value, struct sl_error *reterr)
{
    uint64_t number = 0;
    enum sl_status status = whole_number(value, INT32_MAX, &number, reterr);
    ((struct srv_opts *)options)->chat.default_rate_hz = (int32_t)number;
    return status;
}

static enum sl_status duration(const char *value, uint64_t min_ns, uint64_t *ret_ns,
                               struct sl_error *reterr)
{
    if (sl_units_duration(sl_span_str(value), ret_ns) != SL_OK || *ret_ns < min_ns ||
        *ret_ns > DURATION_MAX_NS) {
        return sl_error_set(reterr, SL_USAGE, "want a time such as 250ms or 10s%s",
                            min_ns > 0 ? ", at least 1ms" : "");
    }
    return SL_OK;
}

static enum sl_status set_ping_interval(void *options, const char *value, struct sl_error *reterr)
{
    return duration(value, SL_MS, &((struct srv_opts *)options)->chat.ping_interval_ns, reterr);
}

static enum sl_status set_history(void *options, const char *value, struct sl_error *reterr)
{
    uint64_t number = 0;
    if (sl_units_u64(sl_span_str(value), &number) != SL_OK || number > SRV_HISTORY_MAX) {
        return sl_error_set(reterr, SL_USAGE, "want a whole number from 0 to %d", SRV_HISTORY_MAX);
    }
    ((struct srv_opts *)options)->chat.history = (size_t)number;
    return SL_OK;
}

static enum sl_status set_max_rooms(void *options, const char *value, struct sl_error *reterr)
{
    return count(value, &((struct srv_opts *)options)->chat.limits.max_rooms, reterr);
}

static enum sl_status set_max_room_subscribers(void *options, const char *value,
                                               struct sl_error *reterr)
{
    return count(value, &((struct srv_opts *)options)->chat.limits.max_room_subscribers, reterr);
}

static enum sl_status set_max_subscriptions(void *options, const char *value,
                                            struct sl_error *reterr)
{
    return count(value, &((struct srv_opts *)options)->chat.limits.max_subscriptions, reterr);
}

static enum sl_status bytes_of(const char *value, size_t *ret_bytes, struct sl_error *reterr)
{
    uint64_t bytes = 0;
    if (sl_units_size(sl_span_str(value), &bytes) != SL_OK || bytes < 1 || bytes > SRV_BYTES_MAX) {
        return sl_error_set(reterr, SL_USAGE, "want a size such as 64MiB, at most 1024GiB");
    }
    *ret_bytes = (size_t)bytes;
    return SL_OK;
}

static enum sl_status set_subscriber_memory(void *options, const char *value,
                                            struct sl_error *reterr)
{
    return bytes_of(value, &((struct srv_opts *)options)->chat.limits.subscriber_memory, reterr);
}

static enum sl_status set_memory(void *options, const char *value, struct sl_error *reterr)
{
    return bytes_of(value, &((struct srv_opts *)options)->chat.limits.memory, reterr);
}

static enum sl_status set_max_message(void *options, const char *value, struct sl_error *reterr)
{
    uint64_t bytes = 0;
    if (sl_units_size(sl_span_str(value), &bytes) != SL_OK || bytes < 1 || bytes > INT32_MAX) {
        return sl_error_set(reterr, SL_USAGE, "want a size such as 4MiB, below 2GiB");
    }
    ((struct srv_opts *)options)->max_message = (size_t)bytes;
    return SL_OK;
}

static enum sl_status set_drain_grace(void *options, const char *value, struct sl_error *reterr)
{
    return duration(value, 0, &((struct srv_opts *)options)->drain_grace_ns, reterr);
}

/* A time, or "off". */
static enum sl_status duration_or_off(const char *value, uint64_t *ret_ns, struct sl_error *reterr)
{
    if (strcmp(value, "off") == 0) {
        *ret_ns = SRV_NEVER;
        return SL_OK;
    }
    return duration(value, SL_MS, ret_ns, reterr);
}

static enum sl_status set_stall_limit(void *options, const char *value, struct sl_error *reterr)
{
    uint64_t *stall_ns = &((struct srv_opts *)options)->chat.limits.stall_ns;
    enum sl_status status = duration_or_off(value, stall_ns, reterr);
    *stall_ns = *stall_ns == SRV_NEVER ? 0 : *stall_ns;
    return status;
}

static enum sl_status set_keepalive_time(void *options, const char *value, struct sl_error *reterr)
{
    return duration_or_off(value, &((struct srv_opts *)options)->limits.keepalive_time_ns, reterr);
}

static enum sl_status set_keepalive_timeout(void *options, const char *value,
                                            struct sl_error *reterr)
{
    uint64_t *timeout_ns = &((struct srv_opts *)options)->limits.keepalive_timeout_ns;
    return duration(value, SL_MS, timeout_ns, reterr);
}

static enum sl_status set_min_ping_interval(void *options, const char *value,
                                            struct sl_error *reterr)
{
    uint64_t *interval_ns = &((struct srv_opts *)options)->limits.min_ping_interval_ns;
    return duration(value, 0, interval_ns, reterr);
}

static enum sl_status set_max_streams(void *options, const char *value, struct sl_error *reterr)
{
    uint64_t number = 0;
    enum sl_status status = whole_number(value, INT32_MAX, &number, reterr);
    ((struct srv_opts *)options)->limits.max_streams = (uint32_t)number;
    return status;
}

/* A value of SETTINGS. */
static enum sl_status setting(const char *value, uint32_t min, uint32_t max, uint32_t *ret_value,
                              struct sl_error *reterr)
{
    uint64_t number = 0;
    if (sl_units_u64(sl_span_str(value), &number) != SL_OK || number < min || number > max) {
        return sl_error_set(reterr, SL_USAGE, "want a whole number from %u to %u", min, max);
    }
    *ret_value = (uint32_t)number;
    return SL_OK;
}

static enum sl_status set_initial_window(void *options, const char *value, struct sl_error *reterr)
{
    uint32_t *window = &((struct srv_opts *)options)->limits.initial_window;
    return setting(value, 0, DEFAULT_WINDOW, window, reterr);
}

static enum sl_status set_max_frame(void *options, const char *value, struct sl_error *reterr)
{
    uint32_t *max_frame = &((struct srv_opts *)options)->limits.max_frame;
    return setting(value, SL_H2_DEFAULT_MAX_FRAME, SL_H2_MAX_FRAME_LIMIT, max_frame, reterr);
}

static enum sl_status set_header_table(void *options, const char *value, struct sl_error *reterr)
{
    uint32_t *size = &((struct srv_opts *)options)->limits.header_table_size;
    return setting(value, 0, HEADER_TABLE_MAX, size, reterr);
}

static enum sl_status set_max_connections(void *options, const char *value, struct sl_error *reterr)
{
    uint64_t number = 0;
    enum sl_status status = whole_number(value, INT32_MAX, &number, reterr);
    ((struct srv_opts *)options)->limits.max_connections = (uint32_t)number;
    return status;
}

static enum sl_status set_handshake_timeout(void *options, const char *value,
                                            struct sl_error *reterr)
{
    uint64_t *timeout_ns = &((struct srv_opts *)options)->limits.handshake_timeout_ns;
    return duration(value, SL_MS, timeout_ns, reterr);
}

static enum sl_status set_max_age(void *options, const char *value, struct sl_error *reterr)
{
    return duration_or_off(value, &((struct srv_opts *)options)->limits.max_age_ns, reterr);
}

static enum sl_status set_max_age_grace(void *options, const char *value, struct sl_error *reterr)
{
    return duration(value, 0, &((struct srv_opts *)options)->limits.max_age_grace_ns, reterr);
}

static enum sl_status set_log(void *options, const char *value, struct sl_error *reterr)
{
    struct srv_opts *opts = options;
    if (strcmp(value, "text") == 0) {
        opts->log_format = SL_LOG_TEXT;
    } else if (strcmp(value, "json") == 0) {
        opts->log_format = SL_LOG_JSON;
    } else {
        return sl_error_set(reterr, SL_USAGE, "want text or json");
    }
    return SL_OK;
}

static enum sl_status set_log_calls(void *options, const char *value, struct sl_error *reterr)
{
    static const char *const names[] = {"none", "errors", "all"}; /* as srv_log_calls */
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(value, names[i]) == 0) {
            ((struct srv_opts *)options)->log_calls = (enum srv_log_calls)i;
            return SL_OK;
        }
    }
    return sl_error_set(reterr, SL_USAGE, "want none, errors or all");
}

static enum sl_status set_otlp(void *options, const char *value, struct sl_error *reterr)
{
    (void)reterr;
    ((struct srv_opts *)options)->otlp = value;
    return SL_OK;
}

static enum sl_status set_misbehave(void *options, const char *value, struct sl_error *reterr)
{
    struct srv_opts *opts = options;
    if (strcmp(value, "list") == 0) {
        opts->wants_misbehave_list = true;
        return SL_OK;
    }
    return srv_misbehave_set(&opts->chat.misbehave, value, reterr);
}

static const struct sl_cli_option options[] = {
    {"frontend", 0, "grpc|h2", "what carries the calls: the gRPC C core (grpc) or nghttp2",
     set_frontend},
    {"listen", 0, "HOST:PORT", "where to listen (127.0.0.1:50051); port 0: any free one",
     set_listen},
    {"tls-cert", 0, "FILE", "serve TLS with this PEM certificate chain", set_tls_cert},
    {"tls-key", 0, "FILE", "and its PEM key", set_tls_key},
    {"tls-client-ca", 0, "FILE", "demand client certificates that this PEM bundle signed",
     set_tls_client_ca},
    {"keylog", 0, "FILE", "append the secrets of the TLS connections, for Wireshark", set_keylog},
    {"buffer", 0, "N", "messages held for a subscriber that lags behind (100)", set_buffer},
    {"drop-policy", 0, "newest|oldest", "what a full buffer drops (newest)", set_drop_policy},
    {"default-rate", 0, "HZ", "rate of a subscription that asks for none (10)", set_default_rate},
    {"ping-interval", 0, "TIME", "time between the pings of a ChatRoom stream (10s)",
     set_ping_interval},
    {"history", 0, "N", "messages of each room that a subscription may ask for (256); 0: none",
     set_history},
    {"max-message", 0, "SIZE", "largest message that is accepted (4MiB)", set_max_message},
    {"max-rooms", 0, "N", "rooms that somebody is in (100000)", set_max_rooms},
    {"max-subscribers-per-room", 0, "N", "subscriptions of one room (100000)",
     set_max_room_subscribers},
    {"max-subscriptions", 0, "N", "subscriptions of all rooms (200000)", set_max_subscriptions},
    {"subscriber-memory", 0, "SIZE", "bytes that the buffer of a subscriber may hold (16MiB)",
     set_subscriber_memory},
    {"memory", 0, "SIZE", "bytes of all messages that are held (256MiB)", set_memory},
    {"stall-limit", 0, "TIME|off",
     "end a stream whose client leaves a message unread for so long (off)", set_stall_limit},
    {"keepalive-time", 0, "TIME|off", "send a silent client a PING after so long (10s)",
     set_keepalive_time},
    {"keepalive-timeout", 0, "TIME", "and drop it when it does not answer for so long (5s)",
     set_keepalive_timeout},
    {"min-ping-interval", 0, "TIME", "clients that send PINGs faster are sent away (1s)",
     set_min_ping_interval},
    {"max-streams", 0, "N", "streams of a connection that may be open at once (no limit)",
     set_max_streams},
    {"initial-window", 0, "BYTES",
     "SETTINGS_INITIAL_WINDOW_SIZE (65535), at most that; only --frontend h2", set_initial_window},
    {"max-frame", 0, "BYTES", "SETTINGS_MAX_FRAME_SIZE (16384); only --frontend h2", set_max_frame},
    {"header-table", 0, "BYTES", "SETTINGS_HEADER_TABLE_SIZE (4096); only --frontend h2",
     set_header_table},
    {"max-connections", 0, "N", "connections that may be open at once (50000); only --frontend h2",
     set_max_connections},
    {"handshake-timeout", 0, "TIME",
     "a connection that has not begun HTTP/2 for so long is closed (10s)", set_handshake_timeout},
    {"max-connection-age", 0, "TIME|off", "send a connection away when it is so old (off)",
     set_max_age},
    {"max-connection-age-grace", 0, "TIME", "and end its streams so long after that (10s)",
     set_max_age_grace},
    {"drain-grace", 0, "TIME", "how long streams may go on after SIGTERM (10s)", set_drain_grace},
    {"metrics", 0, "HOST:PORT",
     "show Prometheus metrics at /metrics there (off); port 0: any free one", set_metrics},
    {"log", 0, "text|json", "form of the log on stderr (text)", set_log},
    {"log-calls", 0, "none|errors|all", "which calls and connections are logged (errors)",
     set_log_calls},
    {"otlp", 0, "URL",
     "send spans of calls to this OpenTelemetry collector, such as\n"
     "http://localhost:4318 (off)",
     set_otlp},
    {"misbehave", 0, "NAME",
     "be this wrong server; repeatable; 'list' prints name, front end\n"
     "and broken rule of each",
     set_misbehave},
};

static const struct sl_cli_line exits[] = {
    {"0", "after a drain"},
    {"1", "it cannot serve"},
    {"2", "bad usage"},
    {NULL, NULL},
};
static const struct sl_cli_line examples[] = {
    {"sluice-server --listen 127.0.0.1:0", "on any free port, which it prints"},
    {"sluice-server --frontend h2 --metrics 127.0.0.1:9464", "on nghttp2, with metrics"},
    {"sluice-server --misbehave list", "the wrong servers that it can be"},
    {NULL, NULL},
};

const struct sl_cli srv_cli = {
    .program = "sluice-server",
    .summary = "The reference server of chat.v1. When it is ready it prints one line on stdout:\n"
               "\"listening on HOST:PORT\"; with --metrics a second one, \"metrics on HOST:PORT\".",
    .notes = "SIGTERM and SIGINT drain; a second one ends at once. SIGHUP reads the certificates "
             "again.",
    .exits = exits,
    .examples = examples,
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

enum sl_status srv_opts_check(const struct srv_opts *opts, struct sl_error *reterr_error)
{
    if ((opts->tls_cert == NULL) != (opts->tls_key == NULL)) {
        return sl_error_set(reterr_error, SL_USAGE, "--tls-cert and --tls-key go together");
    }
    if (opts->tls_client_ca != NULL && opts->tls_cert == NULL) {
        return sl_error_set(reterr_error, SL_USAGE, "--tls-client-ca needs --tls-cert");
    }
    if (opts->keylog != NULL && opts->tls_cert == NULL) {
        return sl_error_set(reterr_error, SL_USAGE, "--keylog needs --tls-cert");
    }
    const struct srv_limits *limits = &opts->chat.limits;
    if (limits->subscriber_memory < opts->max_message + SRV_FRAME_OVERHEAD ||
        limits->memory / SRV_MESSAGES_AT_LEAST < opts->max_message + SRV_FRAME_OVERHEAD) {
        return sl_error_set(reterr_error, SL_USAGE,
                            "--subscriber-memory must hold a message of --max-message and %d bytes "
                            "more, --memory %d of them",
                            SRV_FRAME_OVERHEAD, SRV_MESSAGES_AT_LEAST);
    }
    return SL_OK;
}
