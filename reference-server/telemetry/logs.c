/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/telemetry/logs.h"

#include <unistd.h>

#include "lib/base/alloc.h"
#include "reference-server/telemetry/log_writer.h"
#include "reference-server/telemetry/otlp.h"

struct srv_logs {
    struct srv_trace_source traces;
    struct srv_log_writer *writer;
    struct srv_call_log calls;
    struct srv_otlp *otlp; /* NULL: no spans */
};

struct srv_logs *srv_logs_start(const struct srv_logs_config *config,
                                struct srv_telemetry *telemetry, struct sl_error *reterr_error)
{
    struct srv_logs *logs = sl_alloc(sizeof(*logs));
    srv_trace_source_init(&logs->traces, config->secret);
    if (config->otlp != NULL) {
        logs->otlp = srv_otlp_start(config->otlp, &logs->traces, reterr_error);
        if (logs->otlp == NULL) {
            sl_free(logs);
            return NULL;
        }
        srv_telemetry_add(telemetry, srv_otlp_sink(logs->otlp));
    }
    if (config->calls != SRV_LOG_CALLS_NONE) {
        srv_call_log_init(&logs->calls, config->calls);
        srv_telemetry_add(telemetry, &logs->calls.base);
    }
    telemetry->traces = &logs->traces;
    telemetry->wants_peer = config->otlp != NULL || config->calls != SRV_LOG_CALLS_NONE;
    telemetry->wants_every_trace = config->otlp != NULL || config->calls == SRV_LOG_CALLS_ALL;
    logs->writer = srv_log_writer_start(STDERR_FILENO);
    return logs;
}

void srv_logs_stop(struct srv_logs *logs)
{
    if (logs == NULL) {
        return;
    }
    srv_otlp_stop(logs->otlp);
    srv_call_log_finish(&logs->calls);
    srv_log_writer_stop(logs->writer);
    sl_free(logs);
}
