/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/pipeline.h"

#include "inspector/net/ip.h"
#include "inspector/net/link.h"
#include "inspector/stream/chain.h"
#include "lib/base/alloc.h"

struct ins_pipeline {
    struct ins_ip *ip;
    struct ins_tcp *tcp;
    struct ins_session *session;
    struct ins_chains *chains;
    struct ins_stats *stats;
    struct ins_view *view;
};

struct ins_pipeline *ins_pipeline_new(const struct sl_pool *pool, const struct ins_select *select,
                                      struct ins_stats *stats, struct ins_view *view)
{
    struct ins_pipeline *pipeline = sl_alloc(sizeof(*pipeline));
    struct ins_tcp_limits limits = ins_tcp_limits_default();
    pipeline->ip = ins_ip_new();
    pipeline->session = ins_session_new(pool, select, stats, view);
    const struct ins_stream_tools tools = {.session = pipeline->session, .stats = stats};
    pipeline->chains = ins_chains_new(&tools);
    pipeline->tcp = ins_tcp_new(ins_chains_tcp_handler(), pipeline->chains, &limits);
    pipeline->stats = stats;
    pipeline->view = view;
    return pipeline;
}

void ins_pipeline_free(struct ins_pipeline *pipeline)
{
    if (pipeline != NULL) {
        ins_tcp_free(pipeline->tcp);
        ins_chains_free(pipeline->chains);
        ins_session_free(pipeline->session);
        ins_ip_free(pipeline->ip);
        sl_free(pipeline);
    }
}

void ins_pipeline_feed(struct ins_pipeline *pipeline, const struct ins_packet *packet)
{
    pipeline->stats->packets++;
    struct sl_span ip = ins_link_ip(packet->link_type, packet->bytes);
    if (ip.len == 0) {
        pipeline->stats->packets_unknown_link += ins_link_is_known(packet->link_type) ? 0 : 1;
        return;
    }
    size_t wire_len = packet->original_len - (packet->bytes.len - ip.len);
    struct ins_datagram datagram;
    struct ins_segment segment = {0};
    if (!ins_ip_feed(pipeline->ip, ip, wire_len, &datagram) ||
        !ins_segment_read(datagram.payload, datagram.wire_len, &segment)) {
        return;
    }
    segment.from.address = datagram.from;
    segment.to.address = datagram.to;
    segment.at = (struct sl_at){
        .time_ns = packet->time_ns, .packet = packet->number, .has_time = packet->has_time};
    ins_tcp_feed(pipeline->tcp, &segment);
}

void ins_pipeline_finish(struct ins_pipeline *pipeline)
{
    ins_tcp_finish(pipeline->tcp);
    pipeline->stats->tcp = *ins_tcp_totals(pipeline->tcp);
    pipeline->stats->fragments_lost = ins_ip_lost(pipeline->ip);
    if (pipeline->view->ops->finish != NULL) {
        pipeline->view->ops->finish(pipeline->view);
    }
}
