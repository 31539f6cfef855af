/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_CALL_METRICS_H
#define SRV_CALL_METRICS_H

/*
 * OPS-06: calls, messages and connections as a front end tells of them, in the names of go-grpc-prometheus (grpc_server_*,
 * with the codes as Go spells them) and names of our own (sluice_*).
 *
 * Methods that this server does not have are one label, "unknown", whatever clients call them.
 */
#include "reference-server/telemetry/metrics.h"
#include "reference-server/telemetry/telemetry.h"

struct srv_call_metrics;

/* Makes the families in metrics (borrowed) and is a sink of telemetry (borrowed) from then on. */
struct srv_call_metrics *srv_call_metrics_new(struct srv_metrics *metrics,
                                              struct srv_telemetry *telemetry);

/* After the front end has gone. NULL is fine. */
void srv_call_metrics_free(struct srv_call_metrics *calls);

#endif
