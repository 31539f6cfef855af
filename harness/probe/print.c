/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/probe/print.h"

#include "harness/probe/judge.h"
#include "harness/report/report.h"
#include "lib/base/clock.h"

enum {
    MIB = 1024 * 1024,
    LINE_MAX_BYTES = 1024,
    VERDICTS = HAR_PROBE_NOT_RUN + 1,
};

void har_probe_print_list(FILE *file)
{
    for (size_t i = 0; i < har_probe_class_count; i++) {
        const struct har_probe_class *of = &har_probe_classes[i];
        (void)fprintf(file, "%-22s %-8s  %s%s%s%s\n", of->name, of->rule, of->title,
                      of->cves[0] == '\0' ? "" : " (", of->cves, of->cves[0] == '\0' ? "" : ")");
    }
}

void har_probe_print_plan(FILE *file, const bool *is_chosen, unsigned percent, uint64_t patience_ns)
{
    char count[32];
    uint64_t longest_ns = 0;
    unsigned classes = 0;
    for (size_t i = 0; i < har_probe_class_count; i++) {
        const struct har_probe_class *of = &har_probe_classes[i];
        if (!is_chosen[i]) {
            continue;
        }
        classes++;
        longest_ns += har_probe_longest_ns(of, patience_ns);
        uint32_t planned = har_probe_planned(of, percent, patience_ns);
        (void)fprintf(file, "%-22s %s", of->name, of->sends);
        if (planned > 1) {
            (void)fprintf(file, ", %s times", har_probe_number(planned, count));
        }
        if (of->links > 1) {
            (void)fprintf(file, ", on %u connections", of->links);
        }
        if ((of->flags & HAR_PROBE_WAITS) != 0) {
            (void)fprintf(file, ", for %.0f s", (double)patience_ns / 1e9);
        }
        (void)fputc('\n', file);
    }
    (void)fprintf(file, "%u %s, %.0f s at most on a server that answers; nothing was sent\n",
                  classes, classes == 1 ? "class" : "classes", (double)longest_ns / 1e9);
}

/* ---- the table ---- */

void har_probe_print_head(FILE *file)
{
    (void)fprintf(file, "%-22s %-28s  %-21s  %-10s  %s\n%-22s %-28s  %-21s\n", "class", "verdict",
                  "canary ms", "memory", "limit observed", "", "", "before during  after");
}

static void add_memory(const struct har_probe_result *result, struct sl_buf *out)
{
    double grown = (double)result->rss_peak - (double)result->rss_before;
    if (result->has_memory) {
        (void)sl_buf_addf(out, "%+.1f MiB", grown > 0 ? grown / MIB : 0);
    } else {
        (void)sl_buf_add_str(out, "-");
    }
}

static void add_canary(const struct har_probe_tally *tally, struct sl_buf *out)
{
    if (tally->lost > 0) {
        (void)sl_buf_addf(out, "%6s ", "lost");
    } else if (tally->asked == 0) {
        (void)sl_buf_addf(out, "%6s ", "-");
    } else {
        (void)sl_buf_addf(out, "%6.1f ", (double)tally->worst_ns / (double)SL_MS);
    }
}

static void add_limit(const struct har_probe_result *result, struct sl_buf *out)
{
    har_probe_limit_tell(result, out);
    if (result->same == HAR_PROBE_SAME_LOST) {
        (void)sl_buf_addf(out, "; the next call on the connection: %s", result->same_text);
    }
}

void har_probe_print_row(FILE *file, const struct har_probe_result *result)
{
    struct sl_buf line;
    struct sl_buf memory;
    sl_buf_init(&line, LINE_MAX_BYTES);
    sl_buf_init(&memory, LINE_MAX_BYTES);
    add_memory(result, &memory);
    (void)sl_buf_addf(&line, "%-22s %-28s  ", result->of->name,
                      har_probe_verdict_text(result->verdict));
    if (result->verdict == HAR_PROBE_NOT_RUN) {
        (void)sl_buf_add_str(&line, result->reason);
    } else {
        add_canary(&result->before, &line);
        add_canary(&result->during, &line);
        add_canary(&result->after, &line);
        (void)sl_buf_addf(&line, "  %-10s  ", sl_buf_str(&memory));
        add_limit(result, &line);
    }
    har_report_text_line(file, sl_buf_str(&line));
    bool is_told = result->verdict == HAR_PROBE_AFFECTED || result->verdict == HAR_PROBE_UNCLEAR;
    if (is_told) {
        sl_buf_clear(&line);
        (void)sl_buf_addf(&line, "%-22s %s%s%s", "", result->reason,
                          result->of->cves[0] == '\0' ? "" : "; ", result->of->cves);
        har_report_text_line(file, sl_buf_str(&line));
    }
    (void)fflush(file);
    sl_buf_release(&memory);
    sl_buf_release(&line);
}

static void count_verdicts(const struct har_probe_report *report, unsigned counts[VERDICTS])
{
    for (size_t i = 0; i < report->count; i++) {
        counts[report->results[i].verdict]++;
    }
}

void har_probe_print_end(FILE *file, const struct har_probe_report *report)
{
    unsigned counts[VERDICTS] = {0};
    const char *before = ": ";
    count_verdicts(report, counts);
    (void)fprintf(file, "\n%zu %s in %.1f s", report->count,
                  report->count == 1 ? "class" : "classes", (double)report->duration_ns / 1e9);
    for (unsigned i = 0; i < VERDICTS; i++) {
        if (counts[i] > 0) {
            (void)fprintf(file, "%s%u %s", before, counts[i],
                          har_probe_verdict_text((enum har_probe_verdict)i));
            before = ", ";
        }
    }
    (void)fputc('\n', file);
    if (counts[HAR_PROBE_OPEN] > 0) {
        (void)fprintf(file, "\"not bounded\" says that no limit was seen in what was sent, while "
                            "others were served: whether\none is needed depends on what stands "
                            "before the server. It is no exploit.\n");
    }
}

int har_probe_exit_status(const struct har_probe_report *report)
{
    unsigned counts[VERDICTS] = {0};
    count_verdicts(report, counts);
    if (counts[HAR_PROBE_AFFECTED] > 0) {
        return 1;
    }
    if (counts[HAR_PROBE_UNCLEAR] > 0) {
        return 3;
    }
    return counts[HAR_PROBE_BOUNDED] + counts[HAR_PROBE_OPEN] == 0 ? 4 : 0;
}
