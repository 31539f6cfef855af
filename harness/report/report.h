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
    const char *binding; /* as it was asked for; NULL: chat.v1 */
    const char *profile; /* as given on the command line */
    const char *schema_option; /* "-I ... " for the inspector, to be followed; NULL: none */
    bool has_metadata;         /* of target_option: with values that are not in it */
    const char *library;       /* folder of the built-in scenarios; NULL: all are named by id */
    void (*add_json)(void *owner,
                     struct sl_json_out *json); /* more keys of the report; may be NULL */
    /* What comes after "sluice-harness " to play a scenario of the run again, but for seed, profile and target; may be
     * NULL: run, with its id or path. */
    void (*rerun)(void *owner, const struct har_scenario *scenario, struct sl_buf *out);
    void *owner;
};

/* Why a scenario that passed makes the run fail. */
#define HAR_LISTED_PASS "known to fail, but it passed: take it out of the known-failing list"

struct har_totals {
    unsigned pass, fail, inconclusive, skip, known;
};
struct har_totals har_totals_count(const struct har_suite *suite);
/* Whether a failure makes the run fail: known ones do not, nor those of a level that is not judged. */
bool har_result_counts(const struct har_suite *suite, const struct har_result *result);
/* The exit status of a run (design.md): 2, 1, 3, 4, 0 in this order. */
int har_exit_status(const struct har_suite *suite);

/* A text that may be a peer's, and the end of the line: on one line, with nothing that a terminal would obey. */
void har_report_text_line(FILE *file, const char *text);
/* The same for a terminal of file: lines are broken between words (fold.h). */
void har_report_text_result_folded(FILE *file, const struct har_result *result, bool has_colour);
/* One result, as it ends; colour: of its verdict. */
void har_report_text_result(FILE *file, const struct har_result *result, bool has_colour);
/* The last lines. */
void har_report_text_end(FILE *file, const struct har_report *report);
void har_report_text_end_folded(FILE *file, const struct har_report *report);
/* sluice.report/1. */
void har_report_json(const struct har_report *report, struct sl_buf *out);
/* One element of its "results". */
void har_report_result(struct sl_json_out *json, const struct har_report *report,
                       const struct har_result *result);
/* The object "calibration" of it. */
void har_report_calibration(struct sl_json_out *json, const struct har_calibration *calibration);
/* JUnit, as Jenkins and GitLab read it. */
void har_report_junit(const struct har_report *report, struct sl_buf *out);
/* TAP 14 with YAML diagnostics. */
void har_report_tap(const struct har_report *report, struct sl_buf *out);
/* Markdown for the summary of a CI job, at most HAR_MARKDOWN_MAX bytes: it says what it left out. */
void har_report_markdown(const struct har_report *report, struct sl_buf *out);
enum {
    HAR_MARKDOWN_MAX = 1000 * 1000,
    HAR_RERUN_MAX = 256 * 1024,
};

/* One page that loads nothing. */
void har_report_html(const struct har_report *report, struct sl_buf *out);

/* Annotations of GitHub Actions, for a step to print. */
void har_report_github(const struct har_report *report, struct sl_buf *out);

/* The formats that are written to files. */
enum har_format { HAR_JSON, HAR_JUNIT, HAR_TAP, HAR_MARKDOWN, HAR_HTML, HAR_GITHUB, HAR_FORMATS };
struct har_format_info {
    const char *name; /* of --report NAME=FILE */
    void (*write)(const struct har_report *report, struct sl_buf *out);
};
#define HAR_FORMAT_NAMES "json, junit, tap, md, html or github"
extern const struct har_format_info har_formats[HAR_FORMATS];
/* One of them into its file (harness/report/write_file.h). */
SL_MUST_USE enum sl_status har_report_write(const struct har_report *report, enum har_format format,
                                            const char *path, struct sl_error *reterr_error);

/* "PASS", for people. */
const char *har_outcome_label(enum har_outcome outcome);
/* The line that plays a scenario of the run again. */
void har_report_rerun(const struct har_report *report, const struct har_scenario *scenario,
                      struct sl_buf *out);

/* Appends text for XML: markup escaped, what XML 1.0 does not allow made visible as \xNN. */
void har_xml_add(struct sl_buf *out, const char *text);

#endif
