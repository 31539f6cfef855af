/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/view/views.h"
#include "lib/base/alloc.h"

struct summary {
    struct ins_view base;
    struct ins_view_config config;
};

static void on_finding(struct ins_view *view, const struct ins_connection *connection,
                       struct ins_call *call, const struct sl_finding *finding)
{
    ins_finding_line(&((struct summary *)view)->config, connection, call, finding);
}

static void on_finish(struct ins_view *view)
{
    struct summary *summary = (struct summary *)view;
    ins_stats_write(summary->config.stats, ins_lines_begin(summary->config.lines));
    ins_lines_end(summary->config.lines);
}

static void summary_free(struct ins_view *view)
{
    sl_free(view);
}

static const struct ins_view_ops summary_ops = {
    .name = "summary",
    .finding = on_finding,
    .finish = on_finish,
    .free = summary_free,
};

struct ins_view *ins_view_summary_new(const struct ins_view_config *config)
{
    struct summary *summary = sl_alloc(sizeof(*summary));
    summary->base.ops = &summary_ops;
    summary->base.has_findings = true;
    summary->config = *config;
    return &summary->base;
}
