/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_METHODS_H
#define SRV_METHODS_H

/*
 * The methods of this server, by path: what a front end calls when a request is whole, whatever its transport.
 *
 * Threads: one at a time (the front end's).
 */
#include "reference-server/chat/chat.h"
#include "reference-server/chat/stream.h"
#include "reference-server/services/health.h"
#include "reference-server/services/reflection.h"
#include "reference-server/telemetry/telemetry.h"

/* All that a front end serves, and whom it tells of it. */
struct srv_services {
    struct srv_chat *chat;
    struct srv_health *health;
    struct srv_reflection *reflection;
    struct srv_telemetry *telemetry;
    bool is_cold; /* a wrong server, slow since it was started again */
};

/* What a call begins with. All borrowed. */
struct srv_request {
    struct srv_frame
        *message; /* NULL: the method reads none before it begins, or the client sent none */
    struct sl_span request_id; /* metadata x-request-id, legal to send back; empty: none */
    uint64_t connection;       /* tells the client's connections apart */
    uint64_t now_ns;
    int64_t unix_ms; /* the wall clock, for created_at */
};

/* What a call has become. */
struct srv_begun {
    struct srv_stream *stream; /* yours; NULL: it is answered */
    struct srv_answer answer;
    struct srv_frame
        *held; /* yours; a wrong server: the answer waits until nobody else holds this */
};

struct srv_method {
    const char *path; /* NULL: any other */
    bool
        has_request; /* exactly one request, which is whole before begin; else the stream takes messages */
    bool is_unary; /* one reply */
    void (*begin)(struct srv_services *services, const struct srv_request *request,
                  struct srv_begun *ret_begun);
};

enum {
    SRV_METHOD_COUNT = 7,
};

extern const struct srv_method srv_methods[SRV_METHOD_COUNT];

/* Calls of any other method: UNIMPLEMENTED (PROTOCOL-HTTP2 "Responses"). */
extern const struct srv_method srv_unknown_method;

/* Never NULL. */
const struct srv_method *srv_method_find(struct sl_span path);

/* The rules whose keeping changes what other rules promise, for the initial metadata chat-capabilities of every answer that
 * has a request id: said on the wire, so that a client need not be told otherwise. */
#define SRV_CAPABILITIES_NAME "chat-capabilities"
#define SRV_CAPABILITIES      "fill, dedup"

#endif
