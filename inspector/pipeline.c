/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/pipeline.h"

#include "inspector/memory.h"
#include "inspector/stream/chain.h"
#include "inspector/tls/tls.h"
#include "lib/base/alloc.h"

struct ins_pipeline {
    struct ins_unwrap *unwrap;
    struct ins_tcp *tcp;
    struct ins_session *session;
    struct ins_tls_all *tls;
    struct ins_chains *chains;
    struct ins_stats *stats;
    struct ins_view *view;
    uint64_t touched[INS_PIPELINE_TOUCHED];
    size_t touched_count;
};

static void on_segment(void *owner, const struct ins_segment *segment)
{
    struct ins_pipeline *pipeline = owner;
    ins_tcp_feed(pipeline->tcp, segment);
    uint64_t number = ins_tcp_last_number(pipeline->tcp);
    size_t count = pipeline->touched_count;
    bool is_new = number != 0 && (count == 0 || pipeline->touched[count - 1] != number);
    if (is_new && count < INS_PIPELINE_TOUCHED) {
        pipeline->touched[pipeline->touched_count++] = number;
    }
}

struct ins_pipeline *ins_pipeline_new(const struct sl_pool *pool, const struct ins_select *select,
                                      struct ins_stats *stats, struct ins_view *view)
{
    struct ins_pipeline *pipeline = sl_alloc(sizeof(*pipeline));
    struct ins_tcp_limits limits = ins_tcp_limits_default();
    pipeline->unwrap = ins_unwrap_new(on_segment, pipeline);
    pipeline->session = ins_session_new(pool, select, stats, view);
    pipeline->tls = ins_tls_all_new();
    const struct ins_stream_tools tools = {
        .session = pipeline->session, .stats = stats, .tls = pipeline->tls};
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
        ins_tls_all_free(pipeline->tls);
        ins_unwrap_free(pipeline->unwrap);
        sl_free(pipeline);
    }
}

void ins_pipeline_feed(struct ins_pipeline *pipeline, const struct ins_packet *packet)
{
    pipeline->stats->packets++;
    pipeline->touched_count = 0;
    ins_unwrap_feed(pipeline->unwrap, packet);
    if (sl_alloc_used() > INS_MEMORY_MAX) {
        ins_chains_make_room(pipeline->chains, INS_MEMORY_AFTER);
        ins_tcp_make_room(pipeline->tcp, INS_MEMORY_AFTER);
    }
}

const uint64_t *ins_pipeline_touched(const struct ins_pipeline *pipeline, size_t *ret_count)
{
    *ret_count = pipeline->touched_count;
    return pipeline->touched;
}

void ins_pipeline_decrypt(struct ins_pipeline *pipeline, struct ins_keys *keys)
{
    ins_tls_all_use(pipeline->tls, keys);
    ins_chains_sweep(pipeline->chains, false);
}

void ins_pipeline_finish(struct ins_pipeline *pipeline)
{
    ins_tcp_finish(pipeline->tcp);
    ins_chains_sweep(pipeline->chains, true);
    pipeline->stats->tcp = *ins_tcp_totals(pipeline->tcp);
    pipeline->stats->unwrapped = *ins_unwrap_totals(pipeline->unwrap);
    pipeline->stats->tls = *ins_tls_all_totals(pipeline->tls);
    if (pipeline->view->ops->finish != NULL) {
        pipeline->view->ops->finish(pipeline->view);
    }
}
