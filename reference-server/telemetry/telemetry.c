/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/telemetry/telemetry.h"

#include <stddef.h>
#include <string.h>

#include "reference-server/telemetry/trace_context.h"

#include "reference-server/services/methods.h"

/* Tells each sink that wants to know. */
#define TELL(telemetry, event, ...)                                             \
    do {                                                                        \
        for (struct srv_sink *s = (telemetry)->sinks; s != NULL; s = s->next) { \
            if (s->ops->event != NULL) {                                        \
                s->ops->event(s, __VA_ARGS__);                                  \
            }                                                                   \
        }                                                                       \
    } while (0)

void srv_telemetry_add(struct srv_telemetry *telemetry, struct srv_sink *sink)
{
    sink->next = telemetry->sinks;
    telemetry->sinks = sink;
}

/* Unknown methods have the list behind those of the others. */
static size_t list_of(const struct srv_call_record *record)
{
    const struct srv_method *method = record->method;
    return method->path == NULL ? SRV_METHOD_COUNT : (size_t)(method - srv_methods);
}

bool srv_is_server_fault(enum sl_grpc_status status)
{
    static const bool is_fault[] = {
        [SL_GRPC_UNKNOWN] = true,       [SL_GRPC_DEADLINE_EXCEEDED] = true,
        [SL_GRPC_UNIMPLEMENTED] = true, [SL_GRPC_INTERNAL] = true,
        [SL_GRPC_UNAVAILABLE] = true,   [SL_GRPC_DATA_LOSS] = true,
    };
    return (size_t)status < sizeof(is_fault) / sizeof(is_fault[0]) && is_fault[status];
}

void srv_telemetry_request_id(struct srv_call_record *record, struct sl_span request_id)
{
    size_t len = request_id.len < SRV_SHOWN_ID_MAX ? request_id.len : SRV_SHOWN_ID_MAX;
    if (len > 0) {
        memcpy(record->request_id, request_id.data, len);
    }
    record->request_id[len] = '\0';
}

void srv_telemetry_identify(struct srv_call_record *record, struct sl_span request_id,
                            struct sl_span traceparent)
{
    srv_telemetry_request_id(record, request_id);
    (void)!srv_trace_parse(traceparent, &record->trace);
}

void srv_telemetry_call_began(const struct srv_telemetry *telemetry, struct srv_call_record *record,
                              uint64_t now_ns)
{
    record->started_ns = now_ns;
    if (telemetry->ages != NULL) {
        srv_ages_add(telemetry->ages, list_of(record), &record->age, now_ns);
    }
    TELL(telemetry, call_began, record);
}

void srv_telemetry_message_in(const struct srv_telemetry *telemetry, struct srv_call_record *record,
                              size_t bytes)
{
    record->messages_in++;
    record->bytes_in += bytes;
    TELL(telemetry, message_in, record, bytes);
}

void srv_telemetry_message_out(const struct srv_telemetry *telemetry,
                               struct srv_call_record *record, size_t bytes)
{
    record->messages_out++;
    record->bytes_out += bytes;
    TELL(telemetry, message_out, record, bytes);
}

void srv_telemetry_call_ended(const struct srv_telemetry *telemetry, struct srv_call_record *record,
                              uint64_t now_ns)
{
    bool is_error = record->status != SL_GRPC_OK && record->status != SL_GRPC_CANCELLED;
    record->ended_ns = now_ns;
    if (telemetry->wants_peer && (is_error || telemetry->wants_every_trace)) {
        srv_trace_complete(telemetry->traces, &record->trace);
    }
    if (telemetry->ages != NULL) {
        srv_ages_remove(telemetry->ages, list_of(record), &record->age);
    }
    TELL(telemetry, call_ended, record);
}

void srv_telemetry_connection_opened(const struct srv_telemetry *telemetry,
                                     struct srv_connection_record *record, uint64_t now_ns)
{
    record->opened_ns = now_ns;
    TELL(telemetry, connection_opened, record);
}

void srv_telemetry_connection_closed(const struct srv_telemetry *telemetry,
                                     const struct srv_connection_record *record)
{
    TELL(telemetry, connection_closed, record);
}
