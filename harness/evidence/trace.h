/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_TRACE_H
#define HAR_TRACE_H

/*
 * What went through the sockets of one play, kept until its verdict says whether anybody wants to see it.
 *
 * Bytes are noted as they are handed to a socket or come from it, TLS records as they are; the keys that open them are
 * noted beside them. A play that passes throws all away; of another one har_trace_write makes a pcapng. So a play that
 * passes costs a copy of its bytes, and no packet is ever built for it.
 *
 * Memory: HAR_TRACE_BUFFER bytes; what is more goes to a file without a name in the folder, which the kernel removes
 *         whatever becomes of this process.
 * Limits: HAR_TRACE_MAX bytes of a play, HAR_TRACE_FLOW_MAX of a connection, so that one does not crowd out others. What comes after them is counted and left out, and so is everything once the
 *         file cannot be written; the pcapng has a gap there.
 * Life:   har_trace_free may come before the last flow is freed.
 */
#include <sys/socket.h>

#include "lib/base/span.h"
#include "lib/base/status.h"

enum {
    HAR_TRACE_BUFFER = 256 * 1024,
    HAR_TRACE_MAX = 48 * 1024 * 1024,
    HAR_TRACE_FLOW_MAX = 16 * 1024 * 1024,
    HAR_TRACE_NAME_MAX = 128,
    HAR_TRACE_PORTS_MAX = 8,
};

struct har_trace;
struct har_trace_flow; /* one TCP connection in it */

/* The interface of the pcapng that a connection is shown on. */
enum har_trace_place {
    HAR_TRACE_OWN,      /* of the harness: to the server, or to its fault proxy */
    HAR_TRACE_UPSTREAM, /* of the fault proxy to the server */
    HAR_TRACE_CLIENT,   /* of a client under test to the fault proxy */
    HAR_TRACE_PLACES,
};

/* folder: a descriptor where the file may be made, borrowed. */
struct har_trace *har_trace_new(int folder);
/* NULL is fine. */
void har_trace_free(struct har_trace *trace);

/* A connection is up; name is copied. */
struct har_trace_flow *har_trace_flow_new(struct har_trace *trace, enum har_trace_place place,
                                          const struct sockaddr *client,
                                          const struct sockaddr *server, const char *name,
                                          uint64_t now_ns);
/* In all of these a flow of NULL is fine. Bytes that went one way; FIN or RST of one side. */
void har_trace_bytes(struct har_trace_flow *flow, bool is_from_client, struct sl_span bytes,
                     uint64_t now_ns);
void har_trace_end(struct har_trace_flow *flow, bool is_from_client, bool is_reset,
                   uint64_t now_ns);
/* NSS key log lines of the connection. */
void har_trace_keys(struct har_trace_flow *flow, struct sl_span lines);
void har_trace_flow_free(struct har_trace_flow *flow);

struct har_trace_port {
    uint16_t number; /* 0: none */
    bool has_tls;
};

/* What became of it. */
struct har_trace_seen {
    uint32_t flows;
    uint64_t bytes;   /* kept */
    uint64_t skipped; /* left out */
    bool has_keys;
    struct har_trace_port ports[HAR_TRACE_PORTS_MAX]; /* of servers, the first ones */
    int error; /* errno of the file that could not be written; 0: none */
};
struct har_trace_seen har_trace_seen(const struct har_trace *trace);

/* All of it as a pcapng into fd, which is closed in any case. path: for messages. comment: of the file. */
SL_MUST_USE enum sl_status har_trace_write(struct har_trace *trace, int fd, const char *path,
                                           const char *comment, struct sl_error *reterr_error);

#endif
