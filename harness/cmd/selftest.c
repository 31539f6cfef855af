/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
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
    SAMPLE_MAX = 1000,
    JOBS_PER_PROCESSOR = 4, /* most runs wait more than they work */
};

struct selftest_options {
    const char *scenario, *mutant, *server, *frontend;
    const char *json, *md; /* reports */
    uint64_t seed;
    unsigned one_in;
    unsigned jobs; /* 0: as many as this machine bears */
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

static enum sl_status set_frontend(void *options, const char *value, struct sl_error *reterr)
{
    struct selftest_options *selftest = options;
    if (strcmp(value, HAR_FRONTEND_GRPC) != 0 && strcmp(value, HAR_FRONTEND_H2) != 0) {
        return sl_error_set(reterr, SL_USAGE, "wanted: grpc or h2");
    }
    selftest->frontend = value;
    return SL_OK;
}

static enum sl_status set_report(void *options, const char *value, struct sl_error *reterr)
{
    struct selftest_options *selftest = options;
    if (strncmp(value, "json=", 5) == 0 && value[5] != '\0') {
        selftest->json = value + 5;
        return SL_OK;
    }
    if (strncmp(value, "md=", 3) == 0 && value[3] != '\0') {
        selftest->md = value + 3;
        return SL_OK;
    }
    return sl_error_set(reterr, SL_USAGE, "wanted: json=FILE or md=FILE");
}

static enum sl_status set_seed(void *options, const char *value, struct sl_error *reterr)
{
    struct selftest_options *selftest = options;
    if (sl_units_u64(sl_span_str(value), &selftest->seed) != SL_OK) {
        return sl_error_set(reterr, SL_USAGE, "wanted: a number");
    }
    return SL_OK;
}

static enum sl_status set_sample(void *options, const char *value, struct sl_error *reterr)
{
    struct selftest_options *selftest = options;
    uint64_t one_in = 0;
    if (strncmp(value, "1/", 2) != 0 || sl_units_u64(sl_span_str(value + 2), &one_in) != SL_OK ||
        one_in < 1 || one_in > SAMPLE_MAX) {
        return sl_error_set(reterr, SL_USAGE, "wanted: 1/N, N from 1 to %d", SAMPLE_MAX);
    }
    selftest->one_in = (unsigned)one_in;
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
    {"frontend", 0, "NAME",
     "grpc or h2: of servers that have a choice; default: clean ones on both, wrong ones on grpc",
     set_frontend},
    {"seed", 0, "N", "draws the scenarios that a wrong server gets beside its own; default 1",
     set_seed},
    {"sample", 0, "1/N", "a part of it all, drawn by the seed", set_sample},
    {"jobs", 0, "N", "runs beside each other, where they allow it; default: four a processor",
     set_jobs},
    {"report", 0, "FORMAT=FILE",
     "the matrix: json (sluice.selftest/1) or md (a page); may be repeated", set_report},
};
static const struct sl_cli cli = {
    .program = "sluice-harness selftest",
    .summary = "Proves the scenarios: each must pass on the clean reference server, fail on the "
               "wrong ones that it claims to catch by a rule that they break, and not pass on a "
               "server that does nothing; each wrong server must be caught.",
    .exits = (const struct sl_cli_line[]){{"0", "all as it must be"},
                                          {"1", "a wrong server survived, the clean one failed, or "
                                                "a server that does nothing passed"},
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

typedef void write_fn(const struct har_matrix *matrix, struct sl_buf *out);

/* 0, or 2 with the reason told. path NULL: it is not wanted. */
static int write_report(const char *path, const struct har_matrix *matrix, write_fn *write)
{
    if (path == NULL) {
        return 0;
    }
    struct sl_buf text;
    sl_buf_init(&text, REPORT_MAX);
    write(matrix, &text);
    struct sl_error error = {.text = "the report is too long"};
    bool is_good = !text.is_full && har_write_file(path, sl_buf_span(&text), &error) == SL_OK;
    sl_buf_release(&text);
    if (!is_good) {
        (void)fprintf(stderr, "%s: %s\n", cli.program, error.text);
    }
    return is_good ? 0 : 2;
}

/* Of all that this program began and that has ended. */
static double cpu_of_children(void)
{
    struct rusage usage = {0};
    (void)getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static int run(const struct selftest_options *selftest, const struct har_selftest_config *config,
               struct har_cases *cases, struct har_matrix *matrix)
{
    struct sl_error error = {0};
    struct shown *shown = config->owner;
    shown->cases = cases;
    shown->begin_ns = sl_clock_mono_ns();
    matrix->begin_wall_ns = sl_clock_wall_ns();
    sl_progress_init(&shown->progress, stderr);
    enum sl_status ran = har_selftest_run(config, cases, &error);
    sl_progress_end(&shown->progress);
    if (ran != SL_OK) {
        return fail(&error);
    }
    matrix->seconds = (double)(sl_clock_mono_ns() - shown->begin_ns) / 1e9;
    matrix->cpu_seconds = cpu_of_children();
    har_selftest_print(stdout, matrix);
    struct har_selftest_totals totals = har_cases_count(cases, matrix->mutants);
    int status = har_selftest_status(&totals);
    int written = write_report(selftest->json, matrix, har_selftest_json);
    written |= write_report(selftest->md, matrix, har_selftest_md);
    return written == 0 ? status : written;
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

static unsigned jobs_of(const struct selftest_options *selftest)
{
    unsigned jobs =
        selftest->jobs == 0 ? uv_available_parallelism() * JOBS_PER_PROCESSOR : selftest->jobs;
    return jobs > HAR_SELFTEST_JOBS_MAX ? HAR_SELFTEST_JOBS_MAX : jobs;
}

/* All that is wished of what there is. */
static int play(const struct selftest_options *selftest, const struct har_selftest_config *config,
                const struct har_library *library, struct har_mutants *mutants)
{
    const struct har_wish wish = {
        .scenario = selftest->scenario,
        .mutant = selftest->mutant,
        .frontend = selftest->frontend,
        .seed = selftest->seed,
        .one_in = selftest->one_in,
    };
    struct har_cases cases = {0};
    har_cases_plan(&cases, library, mutants, &wish);
    if (cases.count == 0) {
        tell_nothing(selftest, library, mutants);
    }
    struct har_matrix matrix = {
        .cases = &cases, .mutants = mutants, .wish = &wish, .jobs = config->jobs};
    int status = run(selftest, config, &cases, &matrix);
    har_cases_release(&cases);
    return status;
}

int har_cmd_selftest(int argc, char **argv)
{
    struct selftest_options selftest = {.seed = 1, .one_in = 1};
    struct sl_cli_result result;
    struct har_library library = {0};
    struct har_mutants mutants = {0};
    struct shown shown = {0};
    char harness[PATH_MAX];
    char server[PATH_MAX];
    int status = 0;
    if (!sl_cli_start(&cli, argc, argv, &selftest, &result, &status)) {
        return status;
    }
    find_programs(harness, server);
    const struct har_selftest_config config = {
        .harness = harness,
        .server = selftest.server == NULL ? server : selftest.server,
        .seed = selftest.seed,
        .jobs = jobs_of(&selftest),
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
        status = play(&selftest, &config, &library, &mutants);
    }
    sl_free(list);
    har_mutants_release(&mutants);
    har_library_release(&library);
    return status;
}
