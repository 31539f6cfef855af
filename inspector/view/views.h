/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_VIEWS_H
#define INS_VIEWS_H

/*
 * The views that there are. A new one is one file, one constructor here and one line in the table of
 * opts.c.
 */
#include "inspector/output/lines.h"
#include "inspector/view/stats.h"
#include "inspector/view/view.h"

struct ins_view_config {
    const struct sl_pool *pool; /* borrowed; may be NULL */
    struct ins_lines *lines;    /* borrowed */
    struct ins_stats *stats;    /* borrowed */
    uint64_t call_messages;     /* of each side of a call that its record shows */
    bool has_lint;              /* findings get a line each */
    bool is_selective;          /* some calls are not selected: what belongs to none is left out */
    void *task;                 /* borrowed; of views that are no --view: their own */
};

typedef struct ins_view *ins_view_new_fn(const struct ins_view_config *config);

/* One record a call, written when the call ends; those still open at the end of the input then. */
ins_view_new_fn ins_view_calls_new;
/* One record a message, written when its last byte has come. */
ins_view_new_fn ins_view_messages_new;
/* One record a frame. */
ins_view_new_fn ins_view_frames_new;
/* One record each time that a call waited for flow-control credit, written when that is over. */
ins_view_new_fn ins_view_stalls_new;
/* The records of calls and stalls, findings, and {"type":"window"} records for graphs: --format html. */
ins_view_new_fn ins_view_report_new;
/* One record in all. */
ins_view_new_fn ins_view_summary_new;

void ins_view_free(struct ins_view *view);

/* The stall's object. */
void ins_stall_write(struct sl_json_out *out, const struct ins_connection *connection,
                     const struct ins_call *call, const struct sl_stall *stall);

/* The finding's object, as a line of its own and in a call record. */
void ins_finding_write(struct sl_json_out *out, const struct ins_connection *connection,
                       const struct sl_finding *finding);
/* As a line of its own, when the configuration asks for it. */
void ins_finding_line(const struct ins_view_config *config, const struct ins_connection *connection,
                      struct ins_call *call, const struct sl_finding *finding);

#endif
