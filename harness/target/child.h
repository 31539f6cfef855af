/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_CHILD_H
#define HAR_CHILD_H

/*
 * A client in a process of its own, to be killed or stopped: this program as `sluice-harness client`, which holds one
 * connection with many subscriptions to one room.
 *
 * Life: one loop, one thread. What it says is read when it is asked for.
 */
#include "harness/transport/transport.h"

enum {
    HAR_CHILD_STREAMS_MAX = 10000,
};

struct har_child;

struct har_child_config {
    struct har_conn_config conn; /* host, port, authority, transport, tls */
    const struct sl_header *metadata;
    size_t metadata_count;
    const char *room;
    unsigned streams;
};

SL_MUST_USE enum sl_status har_child_new(uv_loop_t *loop, const struct har_child_config *config,
                                         struct har_child **ret_child,
                                         struct sl_error *reterr_error);
/* Kills it. NULL is fine. */
void har_child_free(struct har_child *child);
/* SL_CLOSED when it has ended. */
enum sl_status har_child_signal(struct har_child *child, int signal_number);
bool har_child_is_alive(const struct har_child *child);

/* How many of its subscriptions have had headers, or a message; and an end. As it said last. */
struct har_child_seen {
    unsigned port; /* its own; 0: not connected yet */
    unsigned headers, messages, ended;
};
struct har_child_seen har_child_seen(const struct har_child *child);
/* The same from its output: the last line that is whole; zeroes where that says nothing. */
struct har_child_seen har_child_parse(struct sl_span output);
/* Whether the kernel has its connection as established: its process need not run for that, and it no longer is when
 * the server has closed it. */
bool har_child_is_connected(const struct har_child *child);

#endif
