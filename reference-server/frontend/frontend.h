/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_FRONTEND_H
#define SRV_FRONTEND_H

/*
 * A front end: what carries the services to clients over one kind of transport. Each has a thread or more of its own
 * and guards the services that it drives; nobody else touches them between start and free.
 *
 *     start ---> [ reload ]* ---> drain ---> drain (again: at once) ---> config.ended ---> free
 */
#include "lib/base/status.h"
#include "reference-server/frontend/keylog.h"
#include "reference-server/services/methods.h"

/* What a connection may do, and for how long it lives. */
struct srv_connection_limits {
    /* OPS-05: a client that said nothing for so long is sent a PING, and dropped when it does not answer it ... */
    uint64_t keepalive_time_ns;    /* SRV_NEVER: no PINGs */
    uint64_t keepalive_timeout_ns; /* ... for so long */
    uint64_t min_ping_interval_ns; /* PINGs of a client that come faster end its connection */
    uint32_t max_streams;          /* open at once on one connection; 0: no limit */
    /* What SETTINGS of --frontend h2 say beside it (RFC 9113 6.5.2). */
    uint32_t initial_window; /* bytes, at most 65535; 0: each stream is opened by a WINDOW_UPDATE */
    uint32_t max_frame;      /* bytes */
    uint32_t header_table_size;    /* bytes */
    uint32_t max_connections;      /* open at once; the C core keeps no count */
    uint64_t handshake_timeout_ns; /* TLS, preface and SETTINGS together */
    uint64_t max_age_ns;           /* a connection is told to go (GOAWAY) then; SRV_NEVER: never */
    uint64_t max_age_grace_ns;     /* and its streams are ended so long after it */
};

struct srv_frontend_config {
    const char *listen;    /* HOST:PORT; port 0: any free one */
    const char *cert_file; /* PEM; NULL: no TLS */
    const char *key_file;
    const char *client_ca_file; /* PEM; NULL: clients need no certificate */
    struct srv_keylog *keylog;  /* borrowed until free; NULL: none */
    size_t max_message;         /* bytes, at most INT32_MAX */
    struct srv_connection_limits limits;
    uint64_t drain_grace_ns;
    void (*ended)(void *context); /* called once from another thread when all is over */
    void *ended_context;
};

/* The base of every front end; its owner embeds it first. */
struct srv_frontend {
    const struct srv_frontend_ops *ops;
};

struct srv_frontend_ops {
    const char *name; /* of --frontend */

    /* Listens and serves. config's strings are borrowed until free, the services too. NULL with an error when the
     * address or the certificates cannot be used. */
    struct srv_frontend *(*start)(const struct srv_frontend_config *config,
                                  struct srv_services *services, struct sl_error *reterr_error);

    /* The port that it listens on. */
    int (*port)(const struct srv_frontend *frontend);

    /* OPS-03: health says NOT_SERVING, the listener closes and clients get GOAWAY; streams in flight may finish
     * within the grace, then end with UNAVAILABLE. Called again: the grace ends at once. `ended` follows. Any thread. */
    void (*drain)(struct srv_frontend *frontend);

    /* OPS-04: reads the certificate files again, for the connections that come; those that are open go on. An error
     * leaves the ones in use. Any thread. NULL: cannot. */
    enum sl_status (*reload)(struct srv_frontend *frontend, struct sl_error *reterr_error);

    /* After `ended` was called. */
    void (*free)(struct srv_frontend *frontend);
};

extern const struct srv_frontend_ops srv_frontend_grpc; /* the gRPC C core */
extern const struct srv_frontend_ops srv_frontend_h2;   /* nghttp2 */

#endif
