/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>

#include "lib/base/clock.h"
#include "reference-server/frontend/grpc/internal.h"

enum {
    WRITE_BUFFER_BYTES = 16 * 1024,
    ARGS_MAX = 24,
    /* What a wrong server lets through that is larger than it should be. */
    OVER_LIMIT_BYTES = 1024 * 1024,
};

struct args {
    grpc_arg list[ARGS_MAX];
    size_t count;
};

static void add(struct args *args, const char *key, int value)
{
    grpc_arg *arg = &args->list[args->count++];
    arg->type = GRPC_ARG_INTEGER;
    arg->key = (char *)(uintptr_t)key; /* the C core does not write to it */
    arg->value.integer = value;
}

/* In milliseconds, as the C core counts; SRV_NEVER is INT_MAX, which it takes for that. */
static int milliseconds(uint64_t time_ns)
{
    uint64_t ms = time_ns / SL_MS + (time_ns % SL_MS > 0);
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* OPS-05 */
static void add_keepalive(struct args *args, const struct srv_connection_limits *limits,
                          const struct srv_misbehave *misbehave)
{
    uint64_t time_ns = misbehave->keepalive_never ? SRV_NEVER : limits->keepalive_time_ns;
    uint64_t interval_ns = misbehave->pings_unlimited   ? 0
                           : misbehave->pings_forbidden ? SRV_NEVER
                                                        : limits->min_ping_interval_ns;
    add(args, GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(time_ns));
    add(args, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, milliseconds(limits->keepalive_timeout_ns));
    add(args, GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    /* Without these a peer that is silent is asked twice, and never again. */
    add(args, GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    add(args, GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, milliseconds(interval_ns));
}

static void add_connection(struct args *args, const struct srv_connection_limits *limits)
{
    if (limits->max_streams > 0) {
        add(args, GRPC_ARG_MAX_CONCURRENT_STREAMS, (int)limits->max_streams);
    }
    add(args, GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, milliseconds(limits->handshake_timeout_ns));
    if (limits->max_age_ns != SRV_NEVER) {
        add(args, GRPC_ARG_MAX_CONNECTION_AGE_MS, milliseconds(limits->max_age_ns));
        add(args, GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, milliseconds(limits->max_age_grace_ns));
    }
}

/* SEND-11 */
static int receive_max(const struct srv_frontend_config *config,
                       const struct srv_misbehave *misbehave)
{
    size_t max = config->max_message;
    if (misbehave->limit_one_less) {
        max--;
    } else if (misbehave->over_limit_accepted || misbehave->over_limit_wrong_status) {
        max += OVER_LIMIT_BYTES;
    }
    return max > INT_MAX ? INT_MAX : (int)max;
}

grpc_server *srv_server_new(const struct srv_frontend_config *config,
                            const struct srv_misbehave *misbehave)
{
    struct args args = {.count = 0};
    bool keeps_deadlines = !misbehave->deadline_ignored && !misbehave->deadline_early &&
                           !misbehave->deadline_late && !misbehave->deadline_ok;
    add(&args, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, receive_max(config, misbehave));
    add(&args, GRPC_ARG_ALLOW_REUSEPORT, 0);
    /* Without the probe a stream that is not read parks 64 KiB, with it 4 MiB. */
    add(&args, GRPC_ARG_HTTP2_BDP_PROBE, 0);
    add(&args, GRPC_ARG_HTTP2_WRITE_BUFFER_SIZE, WRITE_BUFFER_BYTES);
    /* It measures a message before it inflates it: 4 MiB may become 4 GiB. bytes.c has a limit. */
    add(&args, GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
    add(&args, GRPC_ARG_ENABLE_DEADLINE_CHECKS, keeps_deadlines);
    add_keepalive(&args, &config->limits, misbehave);
    add_connection(&args, &config->limits);
    grpc_channel_args all = {.num_args = args.count, .args = args.list};
    return grpc_server_create(&all, NULL);
}
