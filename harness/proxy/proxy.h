/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_PROXY_H
#define HAR_PROXY_H

/*
 * The fault proxy: accepts connections, opens one upstream for each, and passes bytes on as the faults in
 * force ask. Without a fault it is loss-free and byte-exact, and it never terminates HTTP/2: windows,
 * SETTINGS and PINGs are between the two ends.
 *
 *     client -- uv_tcp -> framing -> lane -> uv_tcp -- server
 *                         (frames)   (time, pace, end)        and the same back
 *
 * With TLS, it is between proxy and server: clients speak plaintext, so that faults know frames and calls.
 *
 * A half-close, a FIN and a reset are passed on as such, behind the bytes that came before. A lane that does
 * not move stops the reading of its source. Faults that are set before the first connection comes are in
 * force for its first byte.
 *
 * Life: one libuv loop, one thread. har_proxy_free() closes everything; freed() comes from the loop.
 */
#include <uv.h>

#include "harness/proxy/fault.h"
#include "harness/proxy/visits.h"

enum {
    HAR_PROXY_PAIRS_MAX = 20000, /* connections at a time; what comes beyond is reset */
    HAR_PROXY_LOG_MAX = 10000,   /* decisions that are kept */
};

struct har_proxy;
struct har_trace; /* harness/evidence/trace.h */

/* One thing that a fault did to a connection. */
struct har_proxy_decision {
    uint64_t connection; /* from 1, in the order of their coming */
    uint64_t fault;      /* id */
    char name[HAR_FAULT_NAME_MAX];
    const char *what;         /* "shape", "cut", "refuse", "drop" ... */
    uint64_t at_ns, lasts_ns; /* lasts 0: until it is cleared */
};

struct har_proxy_config {
    uv_loop_t *loop;
    const char *host; /* where it listens: an address, "localhost" or "" for all; port 0: any */
    uint16_t port;
    const char *upstream_host; /* a name, an address, or "unix:PATH" */
    uint16_t upstream_port;
    const struct sockaddr_storage *upstream_address; /* of the host, where it is known; NULL */
    const struct har_tls *tls; /* to the server; NULL: what the client sends is passed on. Kept */
    uint64_t seed;
    struct har_trace *trace;      /* gets what goes through the sockets to the server; NULL: none */
    bool traces_clients;          /* and what goes through those of the clients */
    void (*visited)(void *owner); /* har_proxy_visits() has changed; may be NULL */
    void *owner;
};

/* Names are looked up here, which may block. SL_IO with the reason. Nothing is accepted before
 * har_proxy_listen(), so that faults can be set before. */
SL_MUST_USE enum sl_status har_proxy_new(const struct har_proxy_config *config,
                                         struct har_proxy **ret_proxy,
                                         struct sl_error *reterr_error);
SL_MUST_USE enum sl_status har_proxy_listen(struct har_proxy *proxy, struct sl_error *reterr_error);
typedef void har_proxy_freed_fn(void *owner);
/* Connections are reset. proxy is gone when freed() is called. */
void har_proxy_free(struct har_proxy *proxy, har_proxy_freed_fn *freed, void *owner);

/* Where it listens, and as text: "127.0.0.1:4000", "[::1]:4000". */
uint16_t har_proxy_port(const struct har_proxy *proxy);
const char *har_proxy_address(const struct har_proxy *proxy);

/* A fault in force from now on; its id, from 1, or 0 when HAR_FAULTS_MAX are there. text (may be NULL) is
 * kept as a copy for har_proxy_fault(). */
uint64_t har_proxy_add(struct har_proxy *proxy, const struct har_fault *fault, const char *text);
/* False when there is none. */
bool har_proxy_clear(struct har_proxy *proxy, uint64_t id);
/* All of this name (NULL: of any); answers how many. */
size_t har_proxy_clear_named(struct har_proxy *proxy, const char *name);

struct har_proxy_fault {
    uint64_t id;
    const char *text;     /* borrowed */
    uint64_t connections; /* that it was applied to */
};
/* The faults in force, in the order of their coming. False past the last. */
bool har_proxy_fault(const struct har_proxy *proxy, size_t index,
                     struct har_proxy_fault *ret_fault);

uint64_t har_proxy_connections(const struct har_proxy *proxy); /* that have come */
size_t har_proxy_open(const struct har_proxy *proxy);          /* that are open now */

/* What clients did; borrowed until the next call of the proxy or turn of the loop. */
const struct har_visits *har_proxy_visits(const struct har_proxy *proxy);

/* What was decided so far, by connection and fault, which does not depend on timing; borrowed until the
 * next call of the proxy. */
const struct har_proxy_decision *har_proxy_decisions(struct har_proxy *proxy, size_t *ret_count);

#endif
