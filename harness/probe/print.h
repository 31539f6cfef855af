/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_PROBE_PRINT_H
#define HAR_PROBE_PRINT_H

/* What a probe came to, for people and for machines. Texts of the server are made safe for each format. */
#include <stdio.h>

#include "harness/probe/probe.h"

struct har_probe_report {
    const char *target; /* "127.0.0.1:50051" or the command */
    const char *method;
    bool is_served; /* it is answered with OK */
    unsigned percent;
    uint64_t patience_ns;
    uint64_t duration_ns;
    const struct har_probe_result *results;
    size_t count;
};

/* The classes: their names and what they are about; or what would be sent, and how long it takes at most. */
void har_probe_print_list(FILE *file);
void har_probe_print_plan(FILE *file, const bool *is_chosen, unsigned percent,
                          uint64_t patience_ns);

/* The table: its head, a row as each class is judged, and the last lines. */
void har_probe_print_head(FILE *file);
void har_probe_print_row(FILE *file, const struct har_probe_result *result);
void har_probe_print_end(FILE *file, const struct har_probe_report *report);

/* sluice.probe/1 (harness/probe/probe.schema.json). */
void har_probe_json(const struct har_probe_report *report, struct sl_buf *out);
void har_probe_markdown(const struct har_probe_report *report, struct sl_buf *out);

/* 1 something is affected; 3 something is unclear; 4 nothing ran; 0. */
int har_probe_exit_status(const struct har_probe_report *report);

#endif
