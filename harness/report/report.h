/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_REPORT_H
#define HAR_REPORT_H

/* What a run came to, for people and for machines. Strings of the peer are made safe for each format. */
#include "harness/engine/suite.h"
#include "lib/base/json_out.h"

struct har_report {
    const struct har_suite *suite;
    const char *target; /* "127.0.0.1:50051" or the command */
    const char
        *target_option;  /* "--target ..." or "--exec '...'", for the line that repeats a run */
    const char *profile; /* as given on the command line */
};

struct har_totals {
    unsigned pass, fail, inconclusive, skip, known;
};
struct har_totals har_totals_count(const struct har_suite *suite);
/* The exit status of a run (design.md): 2, 1, 3, 4, 0 in this order. */
int har_exit_status(const struct har_suite *suite);

/* One result, as it ends. */
void har_report_text_result(FILE *file, const struct har_result *result);
/* The last lines. */
void har_report_text_end(FILE *file, const struct har_report *report);
/* sluice.report/1. */
void har_report_json(const struct har_report *report, struct sl_buf *out);
/* The object "calibration" of it. */
void har_report_calibration(struct sl_json_out *json, const struct har_calibration *calibration);
/* JUnit, as CI servers read it. */
void har_report_junit(const struct har_report *report, struct sl_buf *out);

/* Appends text for XML: markup escaped, what XML 1.0 does not allow made visible as \xNN. */
void har_xml_add(struct sl_buf *out, const char *text);

#endif
