/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_METRICS_PAGE_H
#define SRV_METRICS_PAGE_H

/*
 * The page of metrics over HTTP, on a port of its own: GET /metrics. Other paths are 404, other methods 405.
 *
 * Threads: one of its own (libmicrohttpd's), which reads the registry without a lock, so that no scraper, however slow,
 *          delays a call.
 * Limits:  SRV_PAGE_CONNECTIONS at once: one more ends the oldest of them, so that those that hold on cannot keep a new
 *          scraper out. A connection that is silent, or takes nothing, ends after SRV_PAGE_TIMEOUT_S. A page has at most
 *          SRV_PAGE_BYTES_MAX.
 */
#include "reference-server/telemetry/metrics.h"

enum {
    SRV_PAGE_CONNECTIONS = 16,
    SRV_PAGE_TIMEOUT_S = 30,
    SRV_PAGE_BYTES_MAX = 1024 * 1024,
};

struct srv_metrics_page;

/* Listens on HOST:PORT (port 0: any free one; an IPv6 host in brackets) and serves metrics, which is borrowed until
 * srv_metrics_page_free and has all its series. NULL with an error when that cannot be. */
struct srv_metrics_page *srv_metrics_page_start(const char *listen,
                                                const struct srv_metrics *metrics,
                                                struct sl_error *reterr_error);

/* The port that it listens on. */
int srv_metrics_page_port(const struct srv_metrics_page *page);

/* Closes all connections at once. NULL is fine. */
void srv_metrics_page_free(struct srv_metrics_page *page);

#endif
