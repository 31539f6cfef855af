/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_SPAN_H
#define SRV_SPAN_H

/*
 * Spans of calls as OTLP/JSON (opentelemetry-proto 1.x, "JSON Protobuf Encoding": ids in hex, 64-bit numbers as strings,
 * enumerations as numbers), with the attributes of OpenTelemetry's semantic conventions for RPC and gRPC.
 *
 * Pure. Nothing of a message is in a span but how many there were, and of how many bytes.
 */
#include "lib/base/buf.h"
#include "reference-server/telemetry/telemetry.h"

enum {
    SRV_INSTANCE_MAX = 33,    /* service.instance.id: 32 hex digits and a NUL */
    SRV_SPAN_JSON_MAX = 4096, /* a span is never longer */
};

/* What is kept of a call that has ended. No pointer but to what is static. */
struct srv_span {
    const char *path; /* "/package.Service/Method"; NULL: a method that the server does not have */
    struct srv_trace trace;
    uint64_t started_ns, ended_ns; /* monotonic */
    uint64_t messages_in, messages_out;
    uint64_t bytes_in, bytes_out;
    uint64_t connection; /* 0: not told */
    uint32_t stream;     /* 0: not told */
    enum sl_grpc_status status;
    char peer[SRV_PEER_MAX];
    char request_id[SRV_SHOWN_ID_MAX + 1];
};

void srv_span_of(const struct srv_call_record *call, struct srv_span *ret_span);

/* Appends an ExportTraceServiceRequest. wall_offset_ns is what makes a wall clock of the monotonic one (added modulo 2^64).
 * out must have room for count + 1 times SRV_SPAN_JSON_MAX. */
void srv_span_request(const struct srv_span *spans, size_t count, uint64_t wall_offset_ns,
                      const char *instance, struct sl_buf *out);

#endif
