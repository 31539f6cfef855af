/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/baseline/make.h"
#include "harness/baseline/table.h"
#include "harness/cmd/cmd.h"
#include "harness/report/shown.h"
#include "harness/report/write_file.h"
#include "harness/scenario/known.h"
#include "lib/base/alloc.h"
#include "lib/base/cli.h"
#include "lib/base/clock.h"

enum {
    OUT_MAX = 16 << 20,
};

struct options {
    const char *stack, *release, *date, *about, *output;
    bool is_strict;
};

static enum sl_status set_name(const char **name, const char *value, struct sl_error *reterr)
{
    if (!har_baseline_is_name(value)) {
        return sl_error_set(reterr, SL_USAGE, "wanted: letters, digits and ._+-, at most %d",
                            HAR_BASELINE_NAME_MAX);
    }
    *name = value;
    return SL_OK;
}

static enum sl_status set_stack(void *options, const char *value, struct sl_error *reterr)
{
    return set_name(&((struct options *)options)->stack, value, reterr);
}

static enum sl_status set_release(void *options, const char *value, struct sl_error *reterr)
{
    return set_name(&((struct options *)options)->release, value, reterr);
}

static enum sl_status set_date(void *options, const char *value, struct sl_error *reterr)
{
    if (!har_is_date(value)) {
        return sl_error_set(reterr, SL_USAGE, "wanted: a date such as 2026-11-29");
    }
    ((struct options *)options)->date = value;
    return SL_OK;
}

static enum sl_status set_about(void *options, const char *value, struct sl_error *reterr)
{
    (void)reterr;
    ((struct options *)options)->about = value;
    return SL_OK;
}

static enum sl_status set_output(void *options, const char *value, struct sl_error *reterr)
{
    (void)reterr;
    ((struct options *)options)->output = value;
    return SL_OK;
}

static enum sl_status set_strict(void *options, const char *value, struct sl_error *reterr)
{
    (void)value;
    (void)reterr;
    ((struct options *)options)->is_strict = true;
    return SL_OK;
}

static const struct sl_cli_option options[] = {
    {"stack", 0, "NAME", "write: what was judged, such as grpc-go", set_stack},
    {"release", 0, "VERSION", "write: its version, such as 1.85.0", set_release},
    {"date", 0, "DATE", "write: of the run; default: today", set_date},
    {"about", 0, "TEXT", "write: how it was measured, in a few words", set_about},
    {"output", 'o', "FILE",
     "write, table: there; default: the standard output. Of a baseline that is replaced, the\n"
     "notes stay where verdict and rule are the same",
     set_output},
    {"strict", 0, NULL,
     "diff: what else came over the wire, and scenarios that are new or gone, count too",
     set_strict},
};
static const struct sl_cli cli = {
    .program = "sluice-harness baseline",
    .operands =
        "write REPORT.json | diff BASELINE.json REPORT.json | check FILE ... | table [FILE ...]",
    .summary =
        "What a stack did, kept as data: write makes a baseline of the report of a run (run "
        "--report "
        "json=FILE), diff holds a report against one, check finds mistakes in one, table "
        "is all of them on a page. Those in scenarios/baselines are what explain and the reports "
        "say of known stacks.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .exits =
        (const struct sl_cli_line[]){{"0", "it was done; diff: verdicts and rules are the same"},
                                     {"1", "diff: they are not"},
                                     {"2", "bad usage, or a file that cannot be read"},
                                     {NULL, NULL}},
    .examples =
        (const struct sl_cli_line[]){
            {"sluice-harness baseline write report.json --stack my-stack --release 2.1 -o my.json",
             "keep a run"},
            {"sluice-harness baseline diff my.json report.json", "what is different now"},
            {NULL, NULL}},
};

static int fail(const char *text)
{
    struct sl_buf line;
    sl_buf_init(&line, 16 * 1024);
    har_shown_add(&line, sl_span_str(text));
    (void)fprintf(stderr, "%s: %s\n", cli.program, sl_buf_str(&line));
    sl_buf_release(&line);
    return 2;
}

static int fail_at(const struct sl_error *error)
{
    char *text = error->line == 0
                     ? sl_asprintf("%s: %s", error->source, error->text)
                     : sl_asprintf("%s:%zu: %s", error->source, error->line, error->text);
    int status = fail(text);
    sl_free(text);
    return status;
}

static int put(const struct options *wanted, struct sl_buf *out)
{
    struct sl_error error = {0};
    if (out->is_full) {
        return fail("there is more than fits into 16 MiB");
    }
    if (wanted->output == NULL) {
        (void)fwrite(out->data, 1, out->len, stdout); /* main() looks at what became of it */
    } else if (har_write_file(wanted->output, sl_buf_span(out), &error) != SL_OK) {
        return fail(error.text);
    }
    return 0;
}

void har_cmd_baselines(const char *program, const char *folder, struct har_baselines *set)
{
    struct sl_error error = {0};
    if (har_baselines_load(set, folder, &error) != SL_OK) {
        (void)fprintf(stderr, "%s: left out: %s:%zu: %s\n", program, error.source, error.line,
                      error.text);
    }
}

/* ---- write ---- */

/* The baseline that is to be replaced; *ret_has: there is one. */
static int load_before(const struct options *wanted, struct har_baseline *before, bool *ret_has)
{
    struct sl_error error = {0};
    *ret_has = wanted->output != NULL && access(wanted->output, F_OK) == 0;
    if (*ret_has && har_baseline_load(wanted->output, before, &error) != SL_OK) {
        *ret_has = false;
        return fail_at(&error);
    }
    if (*ret_has && strcmp(before->stack, wanted->stack) != 0) {
        (void)fprintf(stderr, "%s: %s: it is of %s %s, not of %s\n", cli.program, wanted->output,
                      before->stack, before->version, wanted->stack);
        return 2;
    }
    return 0;
}

static int write_one(const struct options *wanted, const char *file)
{
    char today[SL_RFC3339_MAX];
    struct sl_error error = {0};
    struct har_compare_run run = {0};
    struct har_baseline before = {0};
    bool has_before = false;
    (void)sl_clock_rfc3339(sl_clock_wall_ns(), today);
    today[10] = '\0'; /* the date */
    if (wanted->stack == NULL || wanted->release == NULL) {
        return fail("write needs --stack NAME and --release VERSION");
    }
    const struct har_baseline_head head = {
        .stack = wanted->stack,
        .version = wanted->release,
        .date = wanted->date == NULL ? today : wanted->date,
        .about = wanted->about,
    };
    int status = load_before(wanted, &before, &has_before);
    if (status == 0 && har_compare_load(file, file, &run, &error) != SL_OK) {
        status = fail(error.text);
    }
    if (status == 0) {
        struct sl_buf out;
        sl_buf_init(&out, OUT_MAX);
        if (har_baseline_make(&head, &run, has_before ? &before : NULL, &out, &error) != SL_OK) {
            status = fail(error.text);
        } else {
            status = put(wanted, &out);
        }
        sl_buf_release(&out);
    }
    har_compare_run_release(&run);
    har_baseline_release(&before);
    return status;
}

/* ---- diff ---- */

static int diff(const struct options *wanted, const char *file, const char *report)
{
    struct sl_error error = {0};
    struct har_compare_run run = {0};
    struct har_baseline baseline = {0};
    int status = 0;
    if (har_baseline_load(file, &baseline, &error) != SL_OK) {
        return fail_at(&error);
    }
    if (har_compare_load(report, report, &run, &error) != SL_OK) {
        status = fail(error.text);
    } else {
        struct sl_buf out;
        sl_buf_init(&out, OUT_MAX);
        struct har_baseline_diff found = har_baseline_compare(&baseline, &run, &out);
        (void)fwrite(out.data, 1, out.len, stdout);
        (void)printf(
            "%s %s: %u the same, %u of them otherwise on the wire; %u changed, %u new, %u gone, %u "
            "unclear\n",
            baseline.stack, baseline.version, found.same, found.seen, found.changed, found.added,
            found.gone, found.unclear);
        bool is_other = found.changed > 0 || found.same == 0;
        is_other |= wanted->is_strict && found.seen + found.added + found.gone + found.unclear > 0;
        status = is_other ? 1 : 0;
        sl_buf_release(&out);
    }
    har_compare_run_release(&run);
    har_baseline_release(&baseline);
    return status;
}

/* ---- check and table ---- */

static int check(char **files, int count)
{
    int status = 0;
    for (int i = 0; i < count; i++) {
        struct sl_error error = {0};
        struct har_baseline baseline;
        if (har_baseline_load(files[i], &baseline, &error) != SL_OK) {
            status = fail_at(&error);
            continue;
        }
        (void)printf("%s: %s %s, %zu scenarios\n", files[i], baseline.stack, baseline.version,
                     baseline.count);
        har_baseline_release(&baseline);
    }
    return status;
}

static int load_files(struct har_baselines *set, char **files, int count)
{
    for (int i = 0; i < count; i++) {
        struct sl_error error = {0};
        if (set->count == HAR_BASELINES_MAX) {
            return fail("too many baselines");
        }
        if (har_baseline_load(files[i], &set->items[set->count], &error) != SL_OK) {
            return fail_at(&error);
        }
        set->count++;
    }
    return 0;
}

static int table(const struct options *wanted, char **files, int count)
{
    struct har_library library;
    struct har_baselines set = {0};
    struct sl_error error = {0};
    int status = har_cmd_library(cli.program, &library);
    if (status == 0 && count > 0) {
        status = load_files(&set, files, count);
    } else if (status == 0 && har_baselines_load(&set, library.folder, &error) != SL_OK) {
        status = fail_at(&error);
    }
    if (status == 0) {
        struct sl_buf out;
        sl_buf_init(&out, OUT_MAX);
        har_baselines_table(&set, &library, &out);
        status = put(wanted, &out);
        sl_buf_release(&out);
    }
    har_baselines_release(&set);
    har_library_release(&library);
    return status;
}

int har_cmd_baseline(int argc, char **argv)
{
    struct options wanted = {0};
    struct sl_cli_result result;
    int status = 0;
    if (!sl_cli_start(&cli, argc, argv, &wanted, &result, &status)) {
        return status;
    }
    const char *verb = result.operand_count == 0 ? "" : result.operands[0];
    char **files = result.operands + 1;
    int count = result.operand_count - 1;
    if (strcmp(verb, "write") == 0 && count == 1) {
        return write_one(&wanted, files[0]);
    }
    if (strcmp(verb, "diff") == 0 && count == 2) {
        return diff(&wanted, files[0], files[1]);
    }
    if (strcmp(verb, "check") == 0 && count > 0) {
        return check(files, count);
    }
    if (strcmp(verb, "table") == 0) {
        return table(&wanted, files, count);
    }
    return fail(
        "wanted: write REPORT.json, diff BASELINE.json REPORT.json, check FILE ..., or table");
}
