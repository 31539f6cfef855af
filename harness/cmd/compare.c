/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/cmd/cmd.h"
#include "harness/compare/print.h"
#include "harness/report/shown.h"
#include "harness/report/write_file.h"
#include "lib/base/cli.h"

enum {
    OUT_MAX = 256 * 1024 * 1024,
    LABEL_MAX = 64,
    COLUMNS_USUAL = 80,
};

enum format { TEXT, HTML, JSON, MARKDOWN };
static const char *const formats[] = {"text", "html", "json", "md"};

struct options {
    enum format format;
    const char *file;
    char labels[HAR_COMPARE_SIDES][LABEL_MAX];
    bool is_all, is_strict;
};

static enum sl_status set_format(void *options, const char *value, struct sl_error *reterr)
{
    struct options *compare = options;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (strcmp(value, formats[i]) == 0) {
            compare->format = (enum format)i;
            return SL_OK;
        }
    }
    return sl_error_set(reterr, SL_USAGE, "wanted: text, html, json or md");
}

static enum sl_status set_file(void *options, const char *value, struct sl_error *reterr)
{
    struct options *compare = options;
    (void)reterr;
    compare->file = value;
    return SL_OK;
}

/* "A=before,B=after", either of them. */
static enum sl_status set_labels(void *options, const char *value, struct sl_error *reterr)
{
    struct options *compare = options;
    while (*value != '\0') {
        size_t len = strcspn(value, ",");
        bool is_good = (value[0] == 'A' || value[0] == 'B') && value[1] == '=' && len > 2;
        if (!is_good || len - 2 >= LABEL_MAX) {
            return sl_error_set(reterr, SL_USAGE, "wanted: A=NAME,B=NAME, names of up to %d bytes",
                                LABEL_MAX - 1);
        }
        char *label = compare->labels[value[0] - 'A'];
        memcpy(label, value + 2, len - 2);
        label[len - 2] = '\0';
        value += len;
        value += *value == ',';
    }
    return SL_OK;
}

static enum sl_status set_all(void *options, const char *value, struct sl_error *reterr)
{
    struct options *compare = options;
    (void)value;
    (void)reterr;
    compare->is_all = true;
    return SL_OK;
}

static enum sl_status set_strict(void *options, const char *value, struct sl_error *reterr)
{
    struct options *compare = options;
    (void)value;
    (void)reterr;
    compare->is_strict = true;
    return SL_OK;
}

static const struct sl_cli_option options[] = {
    {"format", 0, "FORMAT", "text (default), html, json or md", set_format},
    {"output", 'o', "FILE", "write there; default: the standard output", set_file},
    {"labels", 0, "A=NAME,B=NAME", "what to call them; default: the names of the files",
     set_labels},
    {"all", 0, NULL, "text: also what is the same, and differences that are noise", set_all},
    {"strict", 0, NULL,
     "also worse: what passed in A and was not judged in B, and failures of levels S and I",
     set_strict},
};
static const struct sl_cli cli = {
    .program = "sluice-harness compare",
    .operands = "A.json B.json",
    .summary = "Two runs side by side, two servers or before and after: verdicts, what was "
               "calibrated, latencies. Each is a report of run --report json=FILE; - is the "
               "standard input.",
    .exits =
        (const struct sl_cli_line[]){
            {"0", "nothing got worse"},
            {"1", "a scenario fails in B that does not fail in A, or clearly more often; or the "
                  "target of B could not be reached"},
            {"2", "bad usage, a file that cannot be read, or no scenario in both"},
            {NULL, NULL}},
    .examples = (const struct sl_cli_line[]){{"sluice-harness compare before.json after.json",
                                              "what a change broke"},
                                             {"sluice-harness compare go.json node.json --labels "
                                              "A=grpc-go,B=grpc-js --format html -o compare.html",
                                              "two servers, as a page"},
                                             {NULL, NULL}},
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

/* Names of files and what reports say go to a terminal. */
static int fail(const char *text)
{
    struct sl_buf line;
    sl_buf_init(&line, 16 * 1024);
    har_shown_add(&line, sl_span_str(text));
    (void)fprintf(stderr, "%s: %s\n", cli.program, sl_buf_str(&line));
    sl_buf_release(&line);
    return 2;
}

/* Colours and the width of a terminal; a file and a pipe get 80 columns and none. */
static struct har_compare_look look_of(const struct options *compare)
{
    struct winsize size;
    const char *kind = getenv("TERM");
    const char *no_colour = getenv("NO_COLOR");
    struct har_compare_look look = {.columns = COLUMNS_USUAL, .is_all = compare->is_all};
    if (compare->file != NULL || isatty(STDOUT_FILENO) != 1) {
        return look;
    }
    look.has_colour =
        kind != NULL && strcmp(kind, "dumb") != 0 && (no_colour == NULL || no_colour[0] == '\0');
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        look.columns = size.ws_col < HAR_COMPARE_COLUMNS_MIN   ? HAR_COMPARE_COLUMNS_MIN
                       : size.ws_col > HAR_COMPARE_COLUMNS_MAX ? HAR_COMPARE_COLUMNS_MAX
                                                               : size.ws_col;
    }
    return look;
}

static int write_out(const struct options *compare, const struct har_compare *model)
{
    struct har_compare_look look = look_of(compare);
    struct sl_error error = {0};
    struct sl_buf out;
    int status = har_compare_status(model);
    sl_buf_init(&out, OUT_MAX);
    switch (compare->format) {
    case HTML:
        har_compare_html(model, &out);
        break;
    case JSON:
        har_compare_json(model, &out);
        break;
    case MARKDOWN:
        har_compare_markdown(model, &out);
        break;
    case TEXT:
    default:
        har_compare_text(model, &look, &out);
    }
    if (out.is_full) {
        status = fail("the comparison has more than 256 MiB");
    } else if (compare->file == NULL) {
        (void)fwrite(out.data, 1, out.len, stdout); /* main() looks at what became of it */
    } else if (har_write_file(compare->file, sl_buf_span(&out), &error) != SL_OK) {
        status = fail(error.text);
    }
    sl_buf_release(&out);
    return status;
}

/* The file's name without its folder. */
static void name_it(char label[LABEL_MAX], const char *file)
{
    const char *slash = strrchr(file, '/');
    if (label[0] == '\0') {
        (void)snprintf(label, LABEL_MAX, "%s", slash == NULL ? file : slash + 1);
    }
}

int har_cmd_compare(int argc, char **argv)
{
    struct options compare = {0};
    struct sl_cli_result result;
    struct har_compare_run runs[HAR_COMPARE_SIDES] = {0};
    struct sl_error error = {0};
    int status = 0;
    if (!sl_cli_start(&cli, argc, argv, &compare, &result, &status)) {
        return status;
    }
    if (result.operand_count != HAR_COMPARE_SIDES) {
        return fail("wanted: two reports, A.json and B.json (run --report json=FILE writes one)");
    }
    if (strcmp(result.operands[0], "-") == 0 && strcmp(result.operands[1], "-") == 0) {
        return fail("the standard input can be one of the reports, not both");
    }
    for (int side = 0; side < HAR_COMPARE_SIDES && status == 0; side++) {
        name_it(compare.labels[side], result.operands[side]);
        if (har_compare_load(result.operands[side], compare.labels[side], &runs[side], &error) !=
            SL_OK) {
            status = fail(error.text);
        }
    }
    if (status == 0) {
        struct har_compare model;
        const struct har_compare_options wanted = {.is_strict = compare.is_strict};
        har_compare_make(&model, &runs[HAR_COMPARE_A], &runs[HAR_COMPARE_B], &wanted);
        status = write_out(&compare, &model);
        har_compare_release(&model);
    }
    har_compare_run_release(&runs[HAR_COMPARE_A]);
    har_compare_run_release(&runs[HAR_COMPARE_B]);
    return status;
}
