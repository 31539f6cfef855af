/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_GRPC_SERVER_H
#define SRV_GRPC_SERVER_H

/*
 * The front end on the gRPC C core: one completion queue with one polling thread, and one timer thread,
 * because the C core's own timers have a grain of 1 ms. One lock guards the chat core, the other
 * services and every call; the C core never calls back under it.
 */
#include "reference-server/chat/chat.h"
#include "reference-server/services/health.h"
#include "reference-server/services/reflection.h"

struct srv_grpc;

/* What a connection may do, and for how long it lives. */
struct srv_connection_limits {
    /* OPS-05: a client that said nothing for so long is sent a PING, and dropped when it does not answer it ... */
    uint64_t keepalive_time_ns;    /* SRV_NEVER: no PINGs */
    uint64_t keepalive_timeout_ns; /* ... for so long */
    uint64_t min_ping_interval_ns; /* PINGs of a client that come faster end its connection */
    uint32_t max_streams;          /* open at once on one connection; 0: no limit */
    uint64_t max_age_ns;           /* a connection is told to go (GOAWAY) then; SRV_NEVER: never */
    uint64_t max_age_grace_ns;     /* and its streams are ended so long after it */
};

struct srv_grpc_config {
    const char *listen;    /* HOST:PORT; port 0: any free one */
    const char *cert_file; /* PEM; NULL: no TLS */
    const char *key_file;
    const char *client_ca_file; /* PEM; NULL: clients need no certificate */
    size_t max_message;         /* bytes, at most INT32_MAX */
    struct srv_connection_limits limits;
    uint64_t drain_grace_ns;
    void (*ended)(void *context); /* called once from another thread when all is over */
    void *ended_context;
};

/* Listens and serves. The config is read during the call only; the services are borrowed until srv_grpc_free.
 * NULL with an error when the address or the certificates cannot be used. */
struct srv_grpc *srv_grpc_start(const struct srv_grpc_config *config, struct srv_chat *chat,
                                struct srv_health *health, struct srv_reflection *reflection,
                                struct sl_error *reterr_error);

/* The port that it listens on. */
int srv_grpc_port(const struct srv_grpc *grpc);

/* OPS-03: health says NOT_SERVING, the listener closes and clients get GOAWAY; streams in flight may finish within
 * the grace, then end with UNAVAILABLE. Called again: the grace ends at once. `ended` follows. */
void srv_grpc_drain(struct srv_grpc *grpc);

/* After `ended` was called. */
void srv_grpc_free(struct srv_grpc *grpc);

#endif
