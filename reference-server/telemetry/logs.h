/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_LOGS_H
#define SRV_LOGS_H

/* What the server tells of single calls: the log, written by a thread of its own, and spans. One life: that of a run. */
#include "reference-server/telemetry/call_log.h"
#include "reference-server/telemetry/trace_context.h"

struct srv_logs_config {
    enum srv_log_calls calls;
    const char *otlp;      /* URL of a collector; NULL: no spans */
    const uint8_t *secret; /* SRV_TRACE_KEY random bytes, read here only */
};

struct srv_logs;

/* Adds its sinks to telemetry, which must not outlive it. NULL with an error (SL_USAGE) for a URL that is none. */
struct srv_logs *srv_logs_start(const struct srv_logs_config *config,
                                struct srv_telemetry *telemetry, struct sl_error *reterr_error);

/* After the front end has ended: sends and writes what is left, for a bounded time. NULL is fine. */
void srv_logs_stop(struct srv_logs *logs);

#endif
