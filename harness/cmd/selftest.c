/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "harness/cmd/choice.h"
#include "harness/cmd/cmd.h"
#include "harness/report/write_file.h"
#include "harness/selftest/print.h"
#include "harness/selftest/runner.h"
#include "lib/base/alloc.h"
#include "lib/base/cli.h"
#include "lib/base/clock.h"
#include "lib/base/progress.h"
#include "lib/base/units.h"

enum {
    LIST_MAX = 1024 * 1024,
    LINE_MAX_BYTES = 8192,
    REPORT_MAX = 64 * 1024 * 1024,
};

struct selftest_options {
    const char *scenario, *mutant, *server, *frontend, *json;
    unsigned jobs;
};

#define SET_STRING(member)                                                                        \
    static enum sl_status set_##member(void *options, const char *value, struct sl_error *reterr) \
    {                                                                                             \
        struct selftest_options *selftest = options;                                              \
        (void)reterr;                                                                             \
        selftest->member = value;                                                                 \
        return SL_OK;                                                                             \
    }
SET_STRING(scenario)
SET_STRING(mutant)
SET_STRING(server)
SET_STRING(frontend)

static enum sl_status set_report(void *options, const char *value, struct sl_error *reterr)
{
    struct selftest_options *selftest = options;
    if (strncmp(value, "json=", 5) != 0 || value[5] == '\0') {
        return sl_error_set(reterr, SL_USAGE, "wanted: json=FILE");
    }
    selftest->json = value + 5;
    return SL_OK;
}

static enum sl_status set_jobs(void *options, const char *value, struct sl_error *reterr)
{
    struct selftest_options *selftest = options;
    uint64_t jobs = 0;
    if (sl_units_u64(sl_span_str(value), &jobs) != SL_OK || jobs < 1 ||
        jobs > HAR_SELFTEST_JOBS_MAX) {
        return sl_error_set(reterr, SL_USAGE, "wanted: a number from 1 to %d",
                            HAR_SELFTEST_JOBS_MAX);
    }
    selftest->jobs = (unsigned)jobs;
    return SL_OK;
}

static const struct sl_cli_option options[] = {
    {"scenario", 0, "GLOB", "only these scenarios", set_scenario},
    {"mutant", 0, "GLOB", "only these wrong servers", set_mutant},
    {"server", 0, "PATH", "sluice-server; default: the one beside this program", set_server},
    {"frontend", 0, "NAME", "grpc or h2: of servers that have a choice; default grpc",
     set_frontend},
    {"jobs", 0, "N", "runs beside each other, where they allow it; default 1", set_jobs},
    {"report", 0, "json=FILE", "the matrix as sluice.selftest/1", set_report},
};
static const struct sl_cli cli = {
    .program = "sluice-harness selftest",
    .summary = "Proves the scenarios: each must pass on the clean reference server and fail on the "
               "wrong ones that it claims to catch; each wrong server must be caught.",
    .exits = (const struct sl_cli_line[]){{"0", "all as it must be"},
                                          {"1", "a wrong server survived, or the clean one failed"},
                                          {"2", "bad usage, or no server"},
                                          {"3", "the machine was too busy to tell"},
                                          {"4", "nothing ran"},
                                          {NULL, NULL}},
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
};

static int fail(const struct sl_error *error)
{
    (void)fprintf(stderr, "%s: %s\n", cli.program, error->text);
    return 2;
}

/* The path of this program, and of its neighbour. */
static void find_programs(char harness[PATH_MAX], char server[PATH_MAX])
{
    size_t size = PATH_MAX;
    harness[0] = '\0';
    (void)uv_exepath(harness, &size);
    const char *slash = strrchr(harness, '/');
    (void)snprintf(server, PATH_MAX, "%.*ssluice-server",
                   slash == NULL ? 0 : (int)(slash - harness + 1), harness);
}

/* What a run shows while it goes on. */
struct shown {
    const struct har_cases *cases;
    struct sl_progress progress;
    uint64_t begin_ns;
};

static void on_told(void *owner, const struct har_case *item)
{
    struct shown *shown = owner;
    sl_progress_erase(&shown->progress);
    har_selftest_print_case(stdout, item);
    (void)fflush(stdout);
}

static void on_tick(void *owner)
{
    struct shown *shown = owner;
    if (!sl_progress_is_due(&shown->progress)) {
        return;
    }
    struct sl_buf line;
    sl_buf_init(&line, LINE_MAX_BYTES);
    har_selftest_line(shown->cases, (double)(sl_clock_mono_ns() - shown->begin_ns) / 1e9, &line);
    sl_progress_draw(&shown->progress, sl_buf_span(&line));
    sl_buf_release(&line);
}

static int write_json(const char *path, const struct har_cases *cases,
                      const struct har_mutants *mutants)
{
    struct sl_buf text;
    sl_buf_init(&text, REPORT_MAX);
    har_selftest_json(cases, mutants, &text);
    struct sl_error error = {.text = "the report is too long"};
    bool is_good = !text.is_full && har_write_file(path, sl_buf_span(&text), &error) == SL_OK;
    sl_buf_release(&text);
    if (!is_good) {
        (void)fprintf(stderr, "%s: %s\n", cli.program, error.text);
    }
    return is_good ? 0 : 2;
}

static int run(const struct selftest_options *selftest, const struct har_selftest_config *config,
               struct har_cases *cases, struct har_mutants *mutants)
{
    struct sl_error error = {0};
    struct shown *shown = config->owner;
    shown->cases = cases;
    shown->begin_ns = sl_clock_mono_ns();
    sl_progress_init(&shown->progress, stderr);
    enum sl_status ran = har_selftest_run(config, cases, &error);
    sl_progress_end(&shown->progress);
    if (ran != SL_OK) {
        return fail(&error);
    }
    har_selftest_print(stdout, cases, mutants);
    struct har_selftest_totals totals = har_cases_count(cases, mutants);
    int status = har_selftest_status(&totals);
    if (selftest->json != NULL && write_json(selftest->json, cases, mutants) != 0) {
        return 2;
    }
    return status;
}

/* Nothing is to run: which name has no match. The status of that is no bad usage, but that nothing ran. */
static void tell_nothing(const struct selftest_options *selftest, const struct har_library *library,
                         const struct har_mutants *mutants)
{
    bool has_scenario = selftest->scenario == NULL;
    bool has_mutant = selftest->mutant == NULL;
    for (size_t i = 0; i < library->count && !has_scenario; i++) {
        has_scenario = har_glob(selftest->scenario, library->scenarios[i]->id);
    }
    for (size_t i = 0; i < mutants->count && !has_mutant; i++) {
        has_mutant = har_glob(selftest->mutant, mutants->items[i].name);
    }
    if (!has_scenario) {
        (void)har_choice_no_scenario(cli.program, library, selftest->scenario);
    }
    if (!has_mutant) {
        (void)har_choice_no_mutant(cli.program, mutants, selftest->mutant);
    }
    if (has_scenario && has_mutant) {
        (void)fprintf(stderr,
                      "%s: none of these scenarios claims to catch one of these wrong "
                      "servers\n",
                      cli.program);
    }
}

int har_cmd_selftest(int argc, char **argv)
{
    struct selftest_options selftest = {.jobs = 1};
    struct sl_cli_result result;
    struct har_library library = {0};
    struct har_mutants mutants = {0};
    struct har_cases cases = {0};
    struct shown shown = {0};
    char harness[PATH_MAX];
    char server[PATH_MAX];
    int status = 0;
    if (!sl_cli_start(&cli, argc, argv, &selftest, &result, &status)) {
        return status;
    }
    find_programs(harness, server);
    struct har_selftest_config config = {
        .harness = harness,
        .server = selftest.server == NULL ? server : selftest.server,
        .profile = "reference",
        .frontend = selftest.frontend == NULL ? "grpc" : selftest.frontend,
        .jobs = selftest.jobs,
        .told = on_told,
        .tick = on_tick,
        .owner = &shown,
    };
    struct sl_error error = {0};
    size_t len = 0;
    char *list = har_selftest_mutants(config.server, LIST_MAX, &len, &error);
    if (list == NULL || har_mutants_read(&mutants, sl_span(list, len), &error) != SL_OK) {
        status = fail(&error);
    } else {
        status = har_cmd_library(cli.program, &library);
    }
    if (status == 0) {
        har_cases_plan(&cases, &library, &mutants, selftest.scenario, selftest.mutant);
        if (cases.count == 0) {
            tell_nothing(&selftest, &library, &mutants);
        }
        status = run(&selftest, &config, &cases, &mutants);
    }
    sl_free(list);
    har_cases_release(&cases);
    har_mutants_release(&mutants);
    har_library_release(&library);
    return status;
}
