/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/telemetry/server_metrics.h"

#include "lib/base/alloc.h"
#include "reference-server/telemetry/call_metrics.h"
#include "reference-server/telemetry/chat_metrics.h"
#include "reference-server/telemetry/metrics_page.h"
#include "reference-server/telemetry/process_metrics.h"

struct srv_server_metrics {
    struct srv_metrics *metrics;
    struct srv_call_metrics *calls;
    struct srv_metrics_page *page;
};

#define LABEL_OF(name, label) label,

static void add_build(struct srv_metrics *metrics, const char *frontend)
{
    static const struct srv_family_spec build = {
        .type = SRV_GAUGE,
        .name = "sluice_build_info",
        .help = "1, labelled by the version of the server and its front end.",
        .labels = {"version", "frontend"}};
    const char *const values[] = {SL_VERSION, frontend};
    sl_tally_set(srv_family_tally(srv_metrics_add(metrics, &build), values), 1);
}

static void add_frontend(struct srv_metrics *metrics, const struct srv_frontend_stats *stats)
{
    static const char *const limits[] = {SRV_CONNECTION_LIMITS(LABEL_OF)};
    static const struct srv_family_spec refused = {
        .type = SRV_COUNTER,
        .name = "sluice_connection_limits_total",
        .help = "Connections and streams that were refused or ended by the server, by limit.",
        .labels = {"limit"}};
    static const struct srv_family_spec specs[] = {
        {.type = SRV_COUNTER,
         .name = "sluice_received_bytes_total",
         .help = "Bytes that came over connections, TLS included."},
        {.type = SRV_COUNTER,
         .name = "sluice_sent_bytes_total",
         .help = "Bytes that went over connections, TLS included."},
        {.type = SRV_GAUGE,
         .name = "sluice_drain_step",
         .help = "0 running, 1 health is NOT_SERVING, 2 GOAWAY was sent, 3 streams are ended."},
    };
    const struct sl_tally *const tallies[] = {&stats->wire_bytes_in, &stats->wire_bytes_out,
                                              &stats->drain_step};
    struct srv_family *family = srv_metrics_add(metrics, &refused);
    for (size_t i = 0; i < SRV_REFUSED_COUNT; i++) {
        srv_family_watch(family, &limits[i], &stats->refused[i]);
    }
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        srv_family_watch(srv_metrics_add(metrics, &specs[i]), NULL, tallies[i]);
    }
}

struct srv_server_metrics *srv_server_metrics_start(const char *listen, const char *frontend,
                                                    struct srv_telemetry *telemetry,
                                                    const struct srv_chat *chat,
                                                    struct sl_error *reterr_error)
{
    struct srv_server_metrics *server = sl_alloc(sizeof(*server));
    server->metrics = srv_metrics_new();
    server->calls = srv_call_metrics_new(server->metrics, telemetry);
    add_frontend(server->metrics, &telemetry->stats);
    srv_chat_metrics_add(server->metrics, chat);
    srv_process_metrics_add(server->metrics);
    add_build(server->metrics, frontend);
    server->page = srv_metrics_page_start(listen, server->metrics, reterr_error);
    if (server->page == NULL) {
        srv_server_metrics_free(server);
        return NULL;
    }
    return server;
}

int srv_server_metrics_port(const struct srv_server_metrics *server)
{
    return srv_metrics_page_port(server->page);
}

void srv_server_metrics_free(struct srv_server_metrics *server)
{
    if (server == NULL) {
        return;
    }
    srv_metrics_page_free(server->page);
    srv_call_metrics_free(server->calls);
    srv_metrics_free(server->metrics);
    sl_free(server);
}
