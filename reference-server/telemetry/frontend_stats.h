/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_FRONTEND_STATS_H
#define SRV_FRONTEND_STATS_H

/*
 * What a front end counts of its transport beside calls and connections (telemetry.h). A front end counts what it can
 * see; docs/SERVER.md says which one sees what.
 *
 * Threads: the front end's changes them, any reads them; *_refused are sl_tally_add_shared.
 */
#include "lib/base/tally.h"

/* X(NAME, label): why a connection was not served, or was ended by us. */
#define SRV_CONNECTION_LIMITS(X)                                                 \
    X(DESCRIPTORS, "file-descriptors") /* none was left for it */                \
    X(CONNECTIONS, "max-connections")  /* as many as that were open */           \
    X(STREAMS, "max-streams")          /* a stream beyond it was refused */      \
    X(HANDSHAKE, "handshake")          /* TLS, or the preface, failed or late */ \
    X(KEEPALIVE, "keepalive")          /* OPS-05: the client answered no PING */ \
    X(PINGS, "min-ping-interval")      /* OPS-05: PINGs came too fast */         \
    X(FLOOD, "flood")                  /* of frames that cost and do nothing */  \
    X(AGE, "max-connection-age")       /* it was told to go */

#define SRV_CONNECTION_LIMIT_NAME(name, label) SRV_REFUSED_##name,

enum srv_connection_limit { SRV_CONNECTION_LIMITS(SRV_CONNECTION_LIMIT_NAME) SRV_REFUSED_COUNT };

/* Of a drain, for a gauge. */
enum srv_drain_step {
    SRV_STEP_RUNNING,
    SRV_STEP_TOLD,     /* health says NOT_SERVING */
    SRV_STEP_DRAINING, /* GOAWAY went out */
    SRV_STEP_ENDING,   /* streams are being ended */
};

struct srv_frontend_stats {
    struct sl_tally refused[SRV_REFUSED_COUNT];
    struct sl_tally wire_bytes_in, wire_bytes_out; /* of sockets, TLS included */
    struct sl_tally drain_step;
};

#endif
