/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_PROCESS_METRICS_H
#define SRV_PROCESS_METRICS_H

/* The process as Prometheus' own clients show it (process_*), read when it is asked for; what the system does not tell
 * is left out. */
#include "reference-server/telemetry/metrics.h"

/* Makes the families. The process is taken to have started now. */
void srv_process_metrics_add(struct srv_metrics *metrics);

#endif
