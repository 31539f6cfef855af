/* SPDX-License-Identifier: Apache-2.0 */
/* What went through the two sockets of a proxied connection, for evidence. */
#include <stdio.h>

#include "harness/evidence/trace.h"
#include "harness/proxy/pair_state.h"
#include "lib/base/clock.h"

static bool is_client(const struct har_side *side)
{
    return side == &side->pair->sides[HAR_PAIR_CLIENT];
}

/* "127.0.0.1:4000", or "" */
static void name_of(const struct sockaddr_storage *address, char text[96])
{
    char host[64] = "";
    bool is_v6 = address->ss_family == AF_INET6;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    memcpy(&in, address, sizeof(in));
    memcpy(&in6, address, sizeof(in6));
    (void)(is_v6 ? uv_ip6_name(&in6, host, sizeof(host)) : uv_ip4_name(&in, host, sizeof(host)));
    (void)snprintf(text, 96, is_v6 ? "[%s]:%u" : "%s:%u", host,
                   (unsigned)ntohs(is_v6 ? in6.sin6_port : in.sin_port));
}

void har_pair_trace_begin(struct har_side *side)
{
    struct har_pair *pair = side->pair;
    bool is_wanted =
        pair->config.trace != NULL && (!is_client(side) || pair->config.traces_clients);
    struct sockaddr_storage ends[2] = {0}; /* ours, the other's */
    struct sockaddr_storage client = {0};
    int len = sizeof(ends[0]);
    char who[96];
    char name[HAR_TRACE_NAME_MAX];
    if (!is_wanted || uv_tcp_getsockname(&side->tcp, (struct sockaddr *)&ends[0], &len) != 0) {
        return;
    }
    len = sizeof(ends[1]);
    if (uv_tcp_getpeername(&side->tcp, (struct sockaddr *)&ends[1], &len) != 0) {
        return;
    }
    len = sizeof(client);
    (void)uv_tcp_getpeername(&pair->sides[HAR_PAIR_CLIENT].tcp, (struct sockaddr *)&client, &len);
    name_of(&client, who);
    (void)snprintf(name, sizeof(name),
                   is_client(side) ? "client %s, connection %llu of the proxy"
                                   : "for client %s, connection %llu of the proxy",
                   who, (unsigned long long)pair->config.number);
    bool accepts = is_client(side);
    side->trace =
        har_trace_flow_new(pair->config.trace, accepts ? HAR_TRACE_CLIENT : HAR_TRACE_UPSTREAM,
                           (const struct sockaddr *)&ends[accepts],
                           (const struct sockaddr *)&ends[!accepts], name, sl_clock_mono_ns());
}

void har_pair_trace_read(struct har_side *side, struct sl_span bytes)
{
    if (side->trace != NULL) {
        har_trace_bytes(side->trace, is_client(side), bytes, sl_clock_mono_ns());
    }
}

void har_pair_trace_written(struct har_side *side, struct sl_span bytes)
{
    if (side->trace != NULL) {
        har_trace_bytes(side->trace, !is_client(side), bytes, sl_clock_mono_ns());
    }
}

void har_pair_trace_end(struct har_side *side, bool is_ours, bool is_reset)
{
    if (side->trace != NULL) {
        har_trace_end(side->trace, is_ours ? !is_client(side) : is_client(side), is_reset,
                      sl_clock_mono_ns());
    }
}

void har_pair_trace_release(struct har_side *side)
{
    har_trace_flow_free(side->trace);
    side->trace = NULL;
}
