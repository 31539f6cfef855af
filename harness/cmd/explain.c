/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <uv.h>

#include "harness/cmd/cmd.h"
#include "harness/cmd/language.h"
#include "harness/cmd/scenario_schema.h"
#include "harness/explain/coverage.h"
#include "harness/explain/topics.h"
#include "harness/selftest/runner.h"
#include "lib/base/alloc.h"
#include "lib/base/cli.h"

enum {
    OUTPUT_MAX = 32 << 20,
    LIST_MAX = 1 << 20,
};

struct explain_options {
    enum har_prose_format format;
};

static enum sl_status set_format(void *options, const char *value, struct sl_error *reterr)
{
    static const char *const names[] = {"text", "md", "json"};
    struct explain_options *explain = options;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], value) == 0) {
            explain->format = (enum har_prose_format)i;
            return SL_OK;
        }
    }
    return sl_error_set(reterr, SL_USAGE, "wanted: text, md or json");
}

static const struct sl_cli_option options[] = {
    {"format", 0, "NAME", "text (default), md for Markdown, or json: an object a line", set_format},
};
static const struct sl_cli cli = {
    .program = "sluice-harness explain",
    .operands = "[ID|FILE ...]",
    .summary =
        "Tells in plain words what a scenario or a rule is about: the failure in production that "
        "it prevents, what is sent, what must come of it and why, what known stacks do, and where "
        "to look first when it fails. It also knows tags, verbs, checks, capabilities, values of "
        "profiles, verdicts and exit statuses; without an ID it lists them. "
        "Whole pages: `rules`; `coverage`, which says what checks each of them; `language`, every "
        "verb and check of scenarios; `schema`, their JSON Schema, for editors.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .exits = (const struct sl_cli_line[]){{"0", "all were explained"},
                                          {"2", "bad usage, or nothing is known of one"},
                                          {NULL, NULL}},
    .examples =
        (const struct sl_cli_line[]){
            {"sluice-harness explain slow-consumers/stalled-stream", "a scenario, step by step"},
            {"sluice-harness explain SUB-04 D8", "a rule, and scenarios of the catalogue"},
            {"sluice-harness explain my-scenario.json", "one of your own"},
            {NULL, NULL}},
};

/* Of the terminal; where there is none, a width that everybody can read. */
static size_t width(void)
{
    struct winsize size = {0};
    bool is_known = isatty(STDOUT_FILENO) == 1 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    return is_known && size.ws_col > 0 ? size.ws_col : HAR_PROSE_WIDTH;
}

/* The wrong servers of the sluice-server beside this program; none where it is not there. */
static void read_mutants(struct har_mutants *mutants)
{
    char server[PATH_MAX];
    size_t size = sizeof(server) - sizeof("sluice-server");
    struct sl_error error = {0};
    size_t len = 0;
    if (uv_exepath(server, &size) != 0 || strrchr(server, '/') == NULL) {
        return;
    }
    memcpy(strrchr(server, '/') + 1, "sluice-server", sizeof("sluice-server"));
    if (access(server, X_OK) != 0) {
        return;
    }
    char *list = har_selftest_mutants(server, LIST_MAX, &len, &error);
    if (list != NULL && har_mutants_read(mutants, sl_span(list, len), &error) != SL_OK) {
        har_mutants_release(mutants);
        *mutants = (struct har_mutants){0};
    }
    sl_free(list);
}

static bool is_file(const char *operand)
{
    size_t len = strlen(operand);
    return len > 5 && strcmp(operand + len - 5, ".json") == 0;
}

/* Scenarios of the user's own. */
static int explain_file(const struct har_topics *known, const char *path, struct har_prose *prose)
{
    struct har_library own = {0};
    struct sl_error error = {0};
    int status = 0;
    if (har_library_add(&own, path, &error) != SL_OK) {
        (void)fprintf(stderr, "%s: %s:%zu: %s\n", cli.program, error.source, error.line,
                      error.text);
        status = 2;
    }
    struct har_topics topics = *known;
    topics.library = &own;
    for (size_t i = 0; i < own.count && status == 0; i++) {
        (void)har_topics_explain(&topics, own.scenarios[i]->id, prose);
    }
    har_library_release(&own);
    return status;
}

static int explain(const struct har_topics *topics, const char *id, struct har_prose *prose,
                   struct sl_buf *out)
{
    if (strcmp(id, "rules") == 0) {
        har_topics_rules(topics, prose);
        return 0;
    }
    if (strcmp(id, "coverage") == 0) {
        har_coverage_write(topics, out);
        return 0;
    }
    if (har_topics_explain(topics, id, prose)) {
        return 0;
    }
    if (is_file(id)) {
        return explain_file(topics, id, prose);
    }
    const char *near = har_topics_nearest(topics, id);
    (void)fprintf(stderr, "%s: nothing is known of '%s'%s%s%s\n", cli.program, id,
                  near == NULL ? "; 'sluice-harness explain' lists what can be asked"
                               : "; did you mean ",
                  near == NULL ? "" : near, near == NULL ? "" : "?");
    return 2;
}

static int explain_all(const struct explain_options *explained, const struct sl_cli_result *result)
{
    struct har_library library;
    struct har_mutants mutants = {0};
    struct har_baselines baselines = {0};
    struct har_prose prose;
    struct sl_buf out;
    int status = har_cmd_library(cli.program, &library);
    read_mutants(&mutants);
    sl_buf_init(&out, OUTPUT_MAX);
    har_prose_init(&prose, explained->format, width(), &out);
    har_cmd_baselines(cli.program, library.folder, &baselines);
    const struct har_topics topics = {
        .library = &library, .mutants = &mutants, .baselines = &baselines};
    if (result->operand_count == 0 && status == 0) {
        har_topics_list(&topics, &prose);
    }
    for (int i = 0; i < result->operand_count && status != 2; i++) {
        status = explain(&topics, result->operands[i], &prose, &out);
    }
    (void)fwrite(out.data, 1, out.len, stdout);
    sl_buf_release(&out);
    har_mutants_release(&mutants);
    har_baselines_release(&baselines);
    har_library_release(&library);
    return status;
}

int har_cmd_explain(int argc, char **argv)
{
    struct explain_options explained = {0};
    struct sl_cli_result result;
    int status = 0;
    if (!sl_cli_start(&cli, argc, argv, &explained, &result, &status)) {
        return status;
    }
    if (result.operand_count == 1 && strcmp(result.operands[0], "language") == 0) {
        har_language_print(stdout);
        return 0;
    }
    if (result.operand_count == 1 && strcmp(result.operands[0], "schema") == 0) {
        har_scenario_schema_print(stdout);
        return 0;
    }
    return explain_all(&explained, &result);
}
