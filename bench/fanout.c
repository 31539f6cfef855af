/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One publisher and many subscribers of one room: how many messages a server delivers, and how late.
 *
 *     bench_fanout --port N [OPTION ...]      exit 0 when it could measure, whatever the figures
 *
 * Probes are published until each subscriber has had one; when all is quiet again the measurement begins. It prints
 * one JSON object. Delivered messages are counted on every stream; those of the first stream of each connection are
 * decoded for their latency and their order.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench/fan_conn.h"
#include "harness/engine/chat.h"
#include "lib/base/alloc.h"
#include "lib/base/cli.h"
#include "lib/base/clock.h"
#include "lib/base/hist.h"
#include "lib/base/units.h"

enum {
    CONNECTIONS_MAX = 1000,
    SUBSCRIBERS_MAX = 1000000,
    INFLIGHT_MAX = 10000,
    PORT_MAX = 65535,
    EVENTS_MAX = 128,
    RATE_HZ = 2147483647, /* "no limit" in the contract's words */
    TEXT_BYTES = 64,
    ID_DIGITS = 16,
};

#define PROBE_INTERVAL_NS (20 * SL_MS)
#define PROBE_LIMIT_NS    (60 * SL_SECOND)
#define QUIET_NS          (150 * SL_MS)
#define DRAIN_QUIET_NS    SL_SECOND
#define TURN_MAX_NS       (50 * SL_MS)
#define UNSENT_TURN_NS    SL_MS

struct fan_options {
    uint64_t port, subscribers, connections, inflight, window, rate, pid;
    uint64_t for_ns;
    bool is_held;
};

struct fan {
    struct fan_options options;
    int epoll;
    struct fan_conn *conns; /* the subscribers', and the publisher's behind them */
    struct fan_conn *publisher;
    char room[32];
    struct sl_buf message;
    uint64_t published, answered, refused, delivered;
    uint64_t last_delivery_ns;
    uint64_t next_due_ns; /* of the open loop */
    uint64_t first;       /* number of the first message that is measured */
    uint64_t wrong; /* not behind the one before it, where the publisher waits for each reply */
    struct sl_hist latency;
};

static enum sl_status set_number(uint64_t *to, uint64_t max, const char *value,
                                 struct sl_error *reterr)
{
    if (sl_units_u64(sl_span_str(value), to) != SL_OK || *to == 0 || *to > max) {
        return sl_error_set(reterr, SL_USAGE, "want a number from 1 to %llu",
                            (unsigned long long)max);
    }
    return SL_OK;
}

#define NUMBER_SETTER(field, max)                                                                \
    static enum sl_status set_##field(void *options, const char *value, struct sl_error *reterr) \
    {                                                                                            \
        return set_number(&((struct fan_options *)options)->field, max, value, reterr);          \
    }
NUMBER_SETTER(port, PORT_MAX)
NUMBER_SETTER(subscribers, SUBSCRIBERS_MAX)
NUMBER_SETTER(connections, CONNECTIONS_MAX)
NUMBER_SETTER(inflight, INFLIGHT_MAX)
NUMBER_SETTER(window, INFLIGHT_MAX)
NUMBER_SETTER(rate, SL_SECOND)
NUMBER_SETTER(pid, INT32_MAX)

static enum sl_status set_for(void *options, const char *value, struct sl_error *reterr)
{
    struct fan_options *fan = options;
    return sl_units_duration(sl_span_str(value), &fan->for_ns) == SL_OK
               ? SL_OK
               : sl_error_set(reterr, SL_USAGE, "want a time, like 1.5s");
}

static enum sl_status set_held(void *options, const char *value, struct sl_error *reterr)
{
    (void)value;
    (void)reterr;
    ((struct fan_options *)options)->is_held = true;
    return SL_OK;
}

static const struct sl_cli_option option_table[] = {
    {"port", 'p', "N", "the server's, on 127.0.0.1", set_port},
    {"subscribers", 's', "N", "streams (100)", set_subscribers},
    {"connections", 'c', "N", "that they share (10)", set_connections},
    {"inflight", 'k', "N", "publishes without a reply at once (1)", set_inflight},
    {"window", 'w', "N", "publishes not yet delivered to all at once (no limit)", set_window},
    {"rate", 'r', "HZ", "publishes a second, whatever the replies do", set_rate},
    {"for", 't', "TIME", "how long to publish (1s)", set_for},
    {"pid", 0, "PID", "the server, whose CPU time is read", set_pid},
    {"hold", 0, NULL, "only hold the streams open: say \"held\", and end with standard input",
     set_held},
};

static const struct sl_cli cli = {
    .program = "bench_fanout",
    .summary = "Delivers one publisher's messages to many subscribers, and counts them.",
    .options = option_table,
    .option_count = sizeof(option_table) / sizeof(option_table[0]),
};

/* CPU nanoseconds of all threads that a process has now; 0 without one. */
static uint64_t cpu_of(uint64_t pid)
{
    char path[64];
    uint64_t total_ns = 0;
    (void)snprintf(path, sizeof(path), "/proc/%llu/task", (unsigned long long)pid);
    DIR *tasks = pid == 0 ? NULL : opendir(path);
    if (tasks == NULL) {
        return 0;
    }
    for (struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks)) {
        char file[512];
        unsigned long long ns = 0;
        (void)snprintf(file, sizeof(file), "%s/%s/schedstat", path, task->d_name);
        FILE *stat = fopen(file, "re");
        if (stat != NULL) {
            total_ns += fscanf(stat, "%llu", &ns) == 1 ? ns : 0;
            (void)fclose(stat);
        }
    }
    (void)closedir(tasks);
    return total_ns;
}

static uint64_t own_cpu_ns(void)
{
    struct timespec used;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * SL_SECOND + (uint64_t)used.tv_nsec;
}

static void on_message(struct fan_conn *conn, struct sl_span payload)
{
    struct fan *fan = conn->owner;
    struct har_message message;
    char id[ID_DIGITS + 1] = "";
    if (har_message_read(payload, &message) != SL_OK || message.message_id.len != ID_DIGITS) {
        fan_fail("a message that was never published");
    }
    memcpy(id, message.message_id.data, ID_DIGITS);
    uint64_t number = strtoull(id, NULL, 16);
    if (number < fan->first) {
        return; /* a probe */
    }
    fan->wrong += number < conn->next_number;
    conn->next_number = number + 1;
    uint64_t sent_ns = (uint64_t)message.created_at;
    sl_hist_add(&fan->latency, conn->read_ns > sent_ns ? conn->read_ns - sent_ns : 0);
}

static void on_subscription_end(struct fan_conn *conn, uint32_t index)
{
    (void)conn;
    fan_fail("the server ended subscription %u of a connection", index);
}

static void on_reply(struct fan_conn *conn, uint32_t index)
{
    struct fan *fan = conn->owner;
    fan->answered++;
    fan->refused += conn->streams[index].messages != 1;
}

static void publish(struct fan *fan, uint64_t due_ns)
{
    static const char text[TEXT_BYTES + 1] =
        "The quick brown fox jumps over the lazy dog, and then once more.";
    char id[ID_DIGITS + 1];
    (void)snprintf(id, sizeof(id), "%016llx", (unsigned long long)fan->published);
    struct har_message message = {.message_id = sl_span(id, ID_DIGITS),
                                  .room_id = sl_span_str(fan->room),
                                  .user_id = sl_span_str("bench"),
                                  .text = sl_span(text, TEXT_BYTES),
                                  .created_at = (int64_t)due_ns};
    sl_buf_clear(&fan->message);
    har_message_write(&fan->message, &message);
    (void)fan_conn_call(fan->publisher, HAR_SEND_METHOD, sl_buf_span(&fan->message));
    fan->published++;
}

/* Publishes what may go now. */
static void publish_due(struct fan *fan, uint64_t now_ns)
{
    const struct fan_options *options = &fan->options;
    if (options->rate != 0) {
        while (fan->next_due_ns <= now_ns) {
            publish(fan, fan->next_due_ns);
            fan->next_due_ns += SL_SECOND / options->rate;
        }
        return;
    }
    while (fan->published - fan->answered < options->inflight &&
           (options->window == 0 || fan->delivered + options->window * options->subscribers >
                                        (fan->published - fan->first) * options->subscribers)) {
        publish(fan, now_ns);
    }
}

/* One turn of the loop, which ends at until_ns at the latest. */
static void turn(struct fan *fan, uint64_t until_ns)
{
    struct epoll_event events[EVENTS_MAX];
    uint64_t now_ns = sl_clock_mono_ns();
    uint64_t wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;
    if (!fan_conn_flush(fan->publisher) && wait_ns > UNSENT_TURN_NS) {
        wait_ns = UNSENT_TURN_NS;
    }
    wait_ns = wait_ns > TURN_MAX_NS ? TURN_MAX_NS : wait_ns;
    struct timespec timeout = {.tv_nsec = (long)wait_ns};
    int count = epoll_pwait2(fan->epoll, events, EVENTS_MAX, &timeout, NULL);
    if (count < 0 && errno != EINTR) {
        fan_fail("epoll: %s", strerror(errno));
    }
    for (int i = 0; i < count; i++) {
        struct fan_conn *conn = events[i].data.ptr;
        uint64_t before = conn->messages;
        fan_conn_read(conn, sl_clock_mono_ns());
        (void)fan_conn_flush(conn);
        if (conn != fan->publisher && conn->messages != before) {
            fan->delivered += conn->messages - before;
            fan->last_delivery_ns = conn->read_ns;
        }
    }
}

static void open_conn(struct fan *fan, struct fan_conn *conn)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
    bool is_publisher = conn == fan->publisher;
    conn->owner = fan;
    conn->on_message = is_publisher ? NULL : on_message;
    conn->on_end = is_publisher ? on_reply : on_subscription_end;
    fan_conn_open(conn, (uint16_t)fan->options.port);
    if (epoll_ctl(fan->epoll, EPOLL_CTL_ADD, conn->fd, &event) != 0) {
        fan_fail("epoll: %s", strerror(errno));
    }
}

/* Opens all connections and subscriptions, and waits until the server has read the requests: its answer to a PING
 * that came behind them. */
static void subscribe_all(struct fan *fan)
{
    const struct fan_options *options = &fan->options;
    struct har_subscription subscription = {.room_id = sl_span_str(fan->room),
                                            .max_rate_hz = RATE_HZ};
    sl_buf_clear(&fan->message);
    har_subscription_write(&fan->message, &subscription);
    for (uint64_t i = 0; i <= options->connections; i++) {
        open_conn(fan, &fan->conns[i]);
    }
    for (uint64_t i = 0; i < options->subscribers; i++) {
        (void)fan_conn_call(&fan->conns[i % options->connections], HAR_SUBSCRIBE_METHOD,
                            sl_buf_span(&fan->message));
    }
    uint64_t limit_ns = sl_clock_mono_ns() + PROBE_LIMIT_NS;
    for (uint64_t i = 0; i < options->connections; i++) {
        struct fan_conn *conn = &fan->conns[i];
        fan_conn_ping(conn);
        while (!fan_conn_flush(conn) || conn->pongs == 0) {
            turn(fan, sl_clock_mono_ns() + UNSENT_TURN_NS);
            if (sl_clock_mono_ns() > limit_ns) {
                fan_fail("the server does not answer a PING");
            }
        }
    }
}

static bool has_each_had_one(const struct fan *fan)
{
    if (fan->delivered < fan->options.subscribers) {
        return false;
    }
    for (uint64_t i = 0; i < fan->options.connections; i++) {
        for (uint32_t j = 0; j < fan->conns[i].stream_count; j++) {
            if (fan->conns[i].streams[j].messages == 0) {
                return false;
            }
        }
    }
    return true;
}

static void wait_for_quiet(struct fan *fan, uint64_t quiet_ns)
{
    while (fan->answered < fan->published ||
           sl_clock_mono_ns() < fan->last_delivery_ns + quiet_ns) {
        turn(fan, sl_clock_mono_ns() + TURN_MAX_NS);
    }
}

/* Not every server tells when a subscription is registered, so probes go out until each has had one. */
static void probe(struct fan *fan)
{
    uint64_t limit_ns = sl_clock_mono_ns() + PROBE_LIMIT_NS;
    while (!has_each_had_one(fan)) {
        uint64_t next_ns = sl_clock_mono_ns() + PROBE_INTERVAL_NS;
        if (fan->answered == fan->published) {
            publish(fan, next_ns);
        }
        while (sl_clock_mono_ns() < next_ns) {
            turn(fan, next_ns);
        }
        if (next_ns > limit_ns) {
            fan_fail("some subscribers never had a message");
        }
    }
    wait_for_quiet(fan, QUIET_NS);
}

static void measure(struct fan *fan)
{
    const struct fan_options *options = &fan->options;
    fan->first = fan->published;
    fan->delivered = 0;
    uint64_t server_ns = cpu_of(options->pid);
    uint64_t client_ns = own_cpu_ns();
    uint64_t begin_ns = sl_clock_mono_ns();
    uint64_t end_ns = begin_ns + options->for_ns;
    fan->next_due_ns = begin_ns;
    fan->last_delivery_ns = begin_ns;
    for (uint64_t now_ns = begin_ns; now_ns < end_ns; now_ns = sl_clock_mono_ns()) {
        publish_due(fan, now_ns);
        turn(fan, options->rate != 0 && fan->next_due_ns < end_ns ? fan->next_due_ns : end_ns);
    }
    uint64_t stop_ns = sl_clock_mono_ns();
    uint64_t published = fan->published - fan->first;
    uint64_t expected = published * options->subscribers;
    while (fan->answered < fan->published ||
           (fan->delivered < expected &&
            sl_clock_mono_ns() < fan->last_delivery_ns + DRAIN_QUIET_NS)) {
        turn(fan, sl_clock_mono_ns() + TURN_MAX_NS);
    }
    server_ns = cpu_of(options->pid) - server_ns;
    client_ns = own_cpu_ns() - client_ns;
    double seconds = (double)(fan->last_delivery_ns - begin_ns) / (double)SL_SECOND;
    double delivered = (double)(fan->delivered == 0 ? 1 : fan->delivered);
    (void)printf("{\"published\":%llu,\"refused\":%llu,\"expected\":%llu,\"delivered\":%llu,"
                 "\"wrong\":%llu,\"publishes_per_second\":%.0f,\"deliveries_per_second\":%.0f,"
                 "\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f,"
                 "\"server_cpu_us\":%.4f,\"client_cpu_us\":%.4f}\n",
                 (unsigned long long)published, (unsigned long long)fan->refused,
                 (unsigned long long)expected, (unsigned long long)fan->delivered,
                 options->rate == 0 && options->inflight == 1 ? (unsigned long long)fan->wrong : 0,
                 (double)published * (double)SL_SECOND / (double)(stop_ns - begin_ns),
                 delivered / (seconds > 0 ? seconds : 1),
                 (double)sl_hist_percentile(&fan->latency, 50) / (double)SL_US,
                 (double)sl_hist_percentile(&fan->latency, 99) / (double)SL_US,
                 (double)fan->latency.greatest / (double)SL_US,
                 (double)server_ns / delivered / (double)SL_US,
                 (double)client_ns / delivered / (double)SL_US);
}

/* Holds everything open until standard input ends. */
static void hold(struct fan *fan)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    struct epoll_event seen;
    int outer = epoll_create1(EPOLL_CLOEXEC);
    if (outer < 0 || epoll_ctl(outer, EPOLL_CTL_ADD, STDIN_FILENO, &event) != 0) {
        fan_fail("standard input must be a pipe: %s", strerror(errno));
    }
    (void)printf("held\n");
    (void)fflush(stdout);
    while (epoll_wait(outer, &seen, 1, 0) == 0) {
        turn(fan, sl_clock_mono_ns() + TURN_MAX_NS);
    }
    (void)close(outer);
}

/* A file for every connection. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    static struct fan fan = {
        .options = {.subscribers = 100, .connections = 10, .inflight = 1, .for_ns = SL_SECOND}};
    struct sl_cli_result result;
    int status = 0;
    if (!sl_cli_start(&cli, argc, argv, &fan.options, &result, &status)) {
        return status;
    }
    if (fan.options.port == 0) {
        fan_fail("--port is wanted");
    }
    raise_file_limit();
    (void)snprintf(fan.room, sizeof(fan.room), "fan-%llx", (unsigned long long)sl_clock_wall_ns());
    sl_buf_init(&fan.message, FAN_MESSAGE_MAX);
    fan.epoll = epoll_create1(EPOLL_CLOEXEC);
    fan.conns = sl_calloc((size_t)fan.options.connections + 1, sizeof(*fan.conns));
    fan.publisher = &fan.conns[fan.options.connections];
    fan.last_delivery_ns = sl_clock_mono_ns();
    subscribe_all(&fan);
    if (fan.options.is_held) {
        hold(&fan);
    } else {
        probe(&fan);
        measure(&fan);
    }
    for (uint64_t i = 0; i <= fan.options.connections; i++) {
        fan_conn_close(&fan.conns[i]);
    }
    sl_free(fan.conns);
    sl_buf_release(&fan.message);
    (void)close(fan.epoll);
    return 0;
}
