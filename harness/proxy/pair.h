/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_PAIR_H
#define HAR_PAIR_H

/*
 * One proxied connection: the client's socket, the server's, and a lane each way. Internal to
 * harness/proxy.
 *
 * Life: made from an accepted socket; it closes itself when both ends are through with each other, and then
 * calls closed(), after which it is gone.
 */
#include <uv.h>

#include "harness/proxy/fault.h"

struct har_pair;
struct har_tls;
struct har_trace;

struct har_pair_handler {
    /* A fault was applied to the connection for the first time. */
    void (*applied)(void *owner, struct har_pair *pair, uint64_t id, const char *what);
    /* A call began on it, as the client sent it. */
    void (*called)(void *owner, struct har_pair *pair, struct sl_span path);
    /* The client has closed it, and no fault did so before. */
    void (*left)(void *owner, struct har_pair *pair);
    void (*closed)(void *owner, struct har_pair *pair);
};

struct har_pair_config {
    uv_loop_t *loop;
    const struct har_pair_handler *handler;
    void *owner;
    uint64_t number; /* of the connection, from 1 */
    uint64_t seed;
    const struct addrinfo *upstream; /* tried in order; kept */
    const struct har_tls *tls;       /* to the server; NULL: none. Kept */
    const char *name;                /* of the server, for TLS; kept */
    struct har_trace *trace;         /* of the server's side; NULL: none */
    bool traces_clients;             /* and of the client's */
};

/* Accepts from listener. Faults that are added before har_pair_start are in force for its first byte. */
struct har_pair *har_pair_accept(uv_stream_t *listener, const struct har_pair_config *config);
void har_pair_start(struct har_pair *pair);
uint64_t har_pair_number(const struct har_pair *pair);
/* Ends it at once, by FIN or reset; closed() comes later. */
void har_pair_close(struct har_pair *pair, bool is_reset);

/* A fault that concerns this connection; kept until it is removed. */
void har_pair_add(struct har_pair *pair, uint64_t id, const struct har_fault *fault);
void har_pair_remove(struct har_pair *pair, uint64_t id);

#endif
