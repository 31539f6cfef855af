/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "harness/report/report.h"
#include "harness/report/write_file.h"
#include "harness/target/shell.h"

enum {
    REPORT_MAX = 256 * 1024 * 1024,
};

const struct har_format_info har_formats[HAR_FORMATS] = {
    [HAR_JSON] = {"json", har_report_json}, [HAR_JUNIT] = {"junit", har_report_junit},
    [HAR_TAP] = {"tap", har_report_tap},    [HAR_MARKDOWN] = {"md", har_report_markdown},
    [HAR_HTML] = {"html", har_report_html}, [HAR_GITHUB] = {"github", har_report_github},
};

enum sl_status har_report_write(const struct har_report *report, enum har_format format,
                                const char *path, struct sl_error *reterr_error)
{
    struct sl_buf text;
    sl_buf_init(&text, REPORT_MAX);
    har_formats[format].write(report, &text);
    enum sl_status status = SL_OK;
    if (text.is_full) {
        status = sl_error_set(reterr_error, SL_LIMIT, "%s: the report has more than %d MiB", path,
                              REPORT_MAX / 1024 / 1024);
    } else {
        status = har_write_file(path, sl_buf_span(&text), reterr_error);
    }
    sl_buf_release(&text);
    return status;
}

static void add_run(const struct har_report *report, const struct har_scenario *scenario,
                    struct sl_buf *out)
{
    size_t len = report->library == NULL ? 0 : strlen(report->library);
    bool is_builtin = report->library == NULL || scenario->path == NULL ||
                      (len > 0 && strncmp(scenario->path, report->library, len) == 0);
    (void)sl_buf_add_str(out, "run ");
    if (is_builtin) {
        (void)sl_buf_add_str(out, scenario->id);
    } else {
        har_shell_word(out, scenario->path);
    }
}

void har_report_rerun(const struct har_report *report, const struct har_scenario *scenario,
                      struct sl_buf *out)
{
    (void)sl_buf_add_str(out, "sluice-harness ");
    if (report->rerun != NULL) {
        report->rerun(report->owner, scenario, out);
    } else {
        add_run(report, scenario, out);
    }
    (void)sl_buf_addf(out, " --seed %llu --profile ",
                      (unsigned long long)report->suite->config.seed);
    har_shell_word(out, report->profile);
    (void)sl_buf_addf(out, " %s", report->target_option);
}
