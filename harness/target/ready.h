/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_READY_H
#define HAR_READY_H

/*
 * Readiness by a real RPC: a unary call on one fresh connection after the other, until a gRPC status
 * comes over the wire in trailers. A listening port, or bytes that are not gRPC, do not make a server
 * ready. UNAVAILABLE is tried again, as a server says it while it starts, and counts when the time is
 * up. A server whose frames break a MUST, so that its answers never are right, is ready too: scenarios
 * are to judge it.
 *
 * Life: as har_conn. har_ready_free may be called from done().
 */
#include "harness/transport/transport.h"

enum {
    HAR_READY_TEXT_MAX = 512,
};

struct har_ready;

/* SL_OK, or SL_TIMEOUT with why the last attempt failed; SL_UNSUPPORTED, at once, where another one would fail in the
 * same way: a certificate, TLS or none, another protocol. */
typedef void har_ready_fn(void *owner, struct har_ready *ready, enum sl_status status,
                          const char *text);

struct har_ready_config {
    struct har_conn_config conn;      /* its handler and owner are not used */
    const char *method;               /* kept */
    struct sl_span request;           /* the one message; kept */
    const struct sl_header *metadata; /* kept */
    size_t metadata_count;
    uint64_t timeout_ns; /* of all attempts together */
    uint64_t attempt_ns; /* of one attempt; 0: 5 s */
    har_ready_fn *done;
    void *owner;
};

struct har_ready *har_ready_new(uv_loop_t *loop, const struct har_ready_config *config);
/* From the beginning of the last attempt, its connection included, to its answer. */
uint64_t har_ready_took_ns(const struct har_ready *ready);
/* The address that answered; AF_UNSPEC when none did. */
const struct sockaddr_storage *har_ready_peer(const struct har_ready *ready);
void har_ready_free(struct har_ready *ready);

#endif
