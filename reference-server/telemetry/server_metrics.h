/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_SERVER_METRICS_H
#define SRV_SERVER_METRICS_H

/* OPS-06: everything that the server measures, and the page that shows it. */
#include "reference-server/chat/chat.h"
#include "reference-server/telemetry/telemetry.h"

struct srv_server_metrics;

/* Shows on HOST:PORT what telemetry and chat (both borrowed until srv_server_metrics_free) count from now on. frontend
 * is the name of the front end, static. Before the front end starts. NULL with an error when it cannot listen. */
struct srv_server_metrics *srv_server_metrics_start(const char *listen, const char *frontend,
                                                    struct srv_telemetry *telemetry,
                                                    const struct srv_chat *chat,
                                                    struct sl_error *reterr_error);

int srv_server_metrics_port(const struct srv_server_metrics *server);

/* After the front end has gone. NULL is fine. */
void srv_server_metrics_free(struct srv_server_metrics *server);

#endif
