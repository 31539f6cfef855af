/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_TELEMETRY_H
#define SRV_TELEMETRY_H

/*
 * What a front end tells of its calls and connections, and to whom: sinks (metrics, the log, spans), each told of every
 * event. A record is embedded in what it tells of, filled in by the front end as things happen, and borrowed by sinks
 * for the length of a call.
 *
 *     connection_opened --> { call_began --> [ message ]* --> call_ended }* --> connection_closed
 *
 * Threads: one at a time (the front end's). A sink never blocks.
 */
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/span.h"
#include "lib/wire/grpc_status.h"
#include "reference-server/telemetry/ages.h"
#include "reference-server/telemetry/frontend_stats.h"

struct srv_method;
struct srv_trace_source;

enum {
    SRV_PEER_MAX = 64,
    SRV_SHOWN_ID_MAX = 64,
    SRV_TRACE_ID = 16, /* bytes */
    SRV_SPAN_ID = 8,
};

/* W3C Trace Context: where a call belongs. */
struct srv_trace {
    uint8_t trace_id[SRV_TRACE_ID];
    uint8_t parent_id[SRV_SPAN_ID]; /* zero: none */
    uint8_t span_id[SRV_SPAN_ID];   /* the call's own */
    bool is_sampled;
};

struct srv_connection_record {
    uint64_t number;         /* from 1, in the order in which they came; 0: not told (C core) */
    char peer[SRV_PEER_MAX]; /* HOST:PORT; empty: not told */
    uint64_t opened_ns;
    uint64_t bytes_in, bytes_out; /* on the wire */
    const char *reason;           /* why it ended; static */
};

struct srv_call_record {
    const struct srv_method *method; /* never NULL; of an unknown one the path is NULL */
    const struct srv_connection_record *connection; /* NULL: not told (C core) */
    uint32_t stream;                                /* of HTTP/2; 0: not told */
    uint64_t started_ns;
    uint64_t ended_ns;
    uint64_t messages_in, messages_out;
    uint64_t bytes_in, bytes_out;          /* of messages, as the service sees them */
    enum sl_grpc_status status;            /* once it has ended; CANCELLED where the client left */
    char request_id[SRV_SHOWN_ID_MAX + 1]; /* cut; empty: none. Any bytes but NUL */
    char peer[SRV_PEER_MAX]; /* HOST:PORT; empty: that of the connection, or not told */
    struct srv_trace trace;
    struct srv_age age; /* telemetry's */
};

struct srv_sink;

/* Any of them may be NULL. */
struct srv_sink_ops {
    void (*call_began)(struct srv_sink *sink, const struct srv_call_record *call);
    void (*message_in)(struct srv_sink *sink, const struct srv_call_record *call, size_t bytes);
    void (*message_out)(struct srv_sink *sink, const struct srv_call_record *call, size_t bytes);
    void (*call_ended)(struct srv_sink *sink, const struct srv_call_record *call);
    void (*connection_opened)(struct srv_sink *sink,
                              const struct srv_connection_record *connection);
    void (*connection_closed)(struct srv_sink *sink,
                              const struct srv_connection_record *connection);
};

/* The base of every sink; its owner embeds it first. */
struct srv_sink {
    const struct srv_sink_ops *ops;
    struct srv_sink *next;
};

struct srv_telemetry {
    struct srv_sink *sinks;
    struct srv_ages *ages;           /* of open calls, a list for each method; NULL: nobody asks */
    struct srv_frontend_stats stats; /* the front end counts in it */
    bool wants_peer;        /* a sink reads peers and ids of calls, which cost something to tell */
    bool wants_every_trace; /* a sink reads the trace of calls that end well, too */
    struct srv_trace_source *traces; /* gives them ids; with wants_peer never NULL */
};

/* Borrows sink for as long as telemetry lives. Before the front end starts. */
void srv_telemetry_add(struct srv_telemetry *telemetry, struct srv_sink *sink);

/* True for what OpenTelemetry's conventions for gRPC call an error of a server: UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED,
 * INTERNAL, UNAVAILABLE, DATA_LOSS. */
bool srv_is_server_fault(enum sl_grpc_status status);

/* What wants_peer asks for beside the peer: request_id (cut) and a trace, from the call's metadata. New ids are made at
 * the call's end, where they are read: for each call they were 911 instructions of 22,898. */
void srv_telemetry_identify(struct srv_call_record *record, struct sl_span request_id,
                            struct sl_span traceparent);

/* The request's id, where the server has chosen it. */
void srv_telemetry_request_id(struct srv_call_record *record, struct sl_span request_id);

/* record->method and, where told, connection, stream, peer, request_id and trace are set before. */
void srv_telemetry_call_began(const struct srv_telemetry *telemetry, struct srv_call_record *record,
                              uint64_t now_ns);

/* Counts a message of so many bytes. */
void srv_telemetry_message_in(const struct srv_telemetry *telemetry, struct srv_call_record *record,
                              size_t bytes);
void srv_telemetry_message_out(const struct srv_telemetry *telemetry,
                               struct srv_call_record *record, size_t bytes);

/* record->status is set before. Once for each call that began. */
void srv_telemetry_call_ended(const struct srv_telemetry *telemetry, struct srv_call_record *record,
                              uint64_t now_ns);

void srv_telemetry_connection_opened(const struct srv_telemetry *telemetry,
                                     struct srv_connection_record *record, uint64_t now_ns);

/* record->reason is set before. */
void srv_telemetry_connection_closed(const struct srv_telemetry *telemetry,
                                     const struct srv_connection_record *record);

#endif
