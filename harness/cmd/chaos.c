/* SPDX-License-Identifier: Apache-2.0 */
/* `chaos`: seeded random faults against a target for a time; what fails is shrunk. */
#include <stdio.h>

#include "harness/chaos/report.h"
#include "harness/chaos/run.h"
#include "harness/cmd/cmd.h"
#include "harness/cmd/run_job.h"
#include "harness/evidence/folder.h"
#include "harness/target/shell.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/units.h"

enum {
    ROUNDS_MAX = 1000000,
    BUFFER_USUAL = 100, /* where the profile does not say */
    RATE_USUAL = 150,
    ACTORS_USUAL = 16,
    FAULTS_USUAL = 5,
};
#define FOR_MAX_NS      (7 * 24 * 3600 * SL_SECOND)
#define SHRINK_MAX_NS   (3600 * SL_SECOND)
#define SHRINK_USUAL_NS (60 * SL_SECOND)

struct chaos_options {
    struct har_run_options run; /* first: har_run_option sets it */
    uint64_t for_ns, shrink_ns;
    uint32_t kinds;
    const char *faults; /* as given; NULL: not */
    unsigned max_faults, rate_hz, actors, from, rounds;
    bool keeps_going;
};

/* ---- options ---- */

static enum sl_status duration(const char *value, uint64_t most_ns, uint64_t *ret_ns,
                               struct sl_error *reterr)
{
    if (sl_units_duration(sl_span_str(value), ret_ns) != SL_OK || *ret_ns > most_ns) {
        return sl_error_set(reterr, SL_USAGE, "wanted: a duration such as 60s, at most %llus",
                            (unsigned long long)(most_ns / SL_SECOND));
    }
    return SL_OK;
}

static enum sl_status set_for(void *options, const char *value, struct sl_error *reterr)
{
    struct chaos_options *chaos = options;
    enum sl_status status = duration(value, FOR_MAX_NS, &chaos->for_ns, reterr);
    return status == SL_OK && chaos->for_ns == 0
               ? sl_error_set(reterr, SL_USAGE, "wanted: a duration such as 60s")
               : status;
}

static enum sl_status set_shrink_time(void *options, const char *value, struct sl_error *reterr)
{
    struct chaos_options *chaos = options;
    return duration(value, SHRINK_MAX_NS, &chaos->shrink_ns, reterr);
}

static enum sl_status number(const char *value, unsigned least, unsigned most, unsigned *ret_number,
                             struct sl_error *reterr)
{
    uint64_t number = 0;
    if (sl_units_u64(sl_span_str(value), &number) != SL_OK || number < least || number > most) {
        return sl_error_set(reterr, SL_USAGE, "wanted: a number from %u to %u", least, most);
    }
    *ret_number = (unsigned)number;
    return SL_OK;
}

#define SET_NUMBER(member, least, most)                                                           \
    static enum sl_status set_##member(void *options, const char *value, struct sl_error *reterr) \
    {                                                                                             \
        struct chaos_options *chaos = options;                                                    \
        return number(value, least, most, &chaos->member, reterr);                                \
    }
SET_NUMBER(max_faults, 1, HAR_CHAOS_FAULTS_MAX)
SET_NUMBER(rate_hz, 1, HAR_CHAOS_RATE_MAX)
SET_NUMBER(actors, 1, HAR_CHAOS_ACTORS_MAX)
SET_NUMBER(from, 0, ROUNDS_MAX)
SET_NUMBER(rounds, 1, ROUNDS_MAX)

static enum sl_status set_keep_going(void *options, const char *value, struct sl_error *reterr)
{
    struct chaos_options *chaos = options;
    (void)value;
    (void)reterr;
    chaos->keeps_going = true;
    return SL_OK;
}

/* The kinds of a set's name, a kind's name or "all"; 0 for none. */
static uint32_t kinds_of(struct sl_span name)
{
    uint32_t kinds = 0;
    for (unsigned i = 0; i < HAR_CHAOS_KINDS; i++) {
        const struct har_chaos_kind_info *kind = &har_chaos_kinds[i];
        bool is_named = sl_span_is(name, kind->name) || sl_span_is(name, "all") ||
                        sl_span_is(name, har_chaos_set_names[kind->set]);
        kinds |= is_named ? 1U << i : 0;
    }
    return kinds;
}

static enum sl_status unknown_fault(struct sl_span name, struct sl_error *reterr)
{
    const char *names[HAR_CHAOS_KINDS + HAR_CHAOS_SETS];
    char word[64];
    for (unsigned i = 0; i < HAR_CHAOS_SETS; i++) {
        names[i] = har_chaos_set_names[i];
    }
    for (unsigned i = 0; i < HAR_CHAOS_KINDS; i++) {
        names[HAR_CHAOS_SETS + i] = har_chaos_kinds[i].name;
    }
    (void)snprintf(word, sizeof(word), "%.*s", name.len > 40 ? 40 : (int)name.len,
                   (const char *)name.data);
    const char *nearest = sl_cli_nearest(word, names, HAR_CHAOS_KINDS + HAR_CHAOS_SETS);
    return sl_error_set(reterr, SL_USAGE,
                        "no faults '%s'%s%s%s; wanted: network, client, pause, drain, kill, all or "
                        "kinds, with commas between",
                        word, nearest == NULL ? "" : "; did you mean '",
                        nearest == NULL ? "" : nearest, nearest == NULL ? "" : "'?");
}

static enum sl_status set_faults(void *options, const char *value, struct sl_error *reterr)
{
    struct chaos_options *chaos = options;
    chaos->kinds = 0;
    chaos->faults = value;
    for (const char *at = value;;) {
        size_t len = strcspn(at, ",");
        uint32_t kinds = kinds_of(sl_span(at, len));
        if (kinds == 0) {
            return unknown_fault(sl_span(at, len), reterr);
        }
        chaos->kinds |= kinds;
        if (at[len] == '\0') {
            return SL_OK;
        }
        at += len + 1;
    }
}

static const struct sl_cli_option own_options[] = {
    {"for", 0, "TIME", "play rounds for so long; shrinking what fails comes on top", set_for},
    {"faults", 0, "LIST",
     "which faults: network, client (both: the default), pause, drain, kill, all,\nor single kinds "
     "such as reset,reader-stall; with commas between",
     set_faults},
    {"max-faults", 0, "N", "faults of a round, at most; default 5, up to 16", set_max_faults},
    {"rate", 0, "N", "messages a second of the load; default 150, up to 2000", set_rate_hz},
    {"actors", 0, "N", "victims of a round, at most; default 16, up to 200", set_actors},
    {"rounds", 0, "N", "no more rounds than so many", set_rounds},
    {"from", 0, "N", "begin with this round of the seed; default 0", set_from},
    {"shrink-time", 0, "TIME", "for each failure, at most; default 60s", set_shrink_time},
    {"keep-going", 0, NULL, "go on after a failure; one of a rule that was shrunk is told only",
     set_keep_going},
};
static const char *const run_option_names[] = {
    "target", "exec",      "profile",  "known-failing", "seed",   "ca",     "cert",     "key",
    "tls",    "authority", "metadata", "pid",           "strict", "report", "evidence", "capture",
};
enum {
    OWN_COUNT = sizeof(own_options) / sizeof(own_options[0]),
    RUN_COUNT = sizeof(run_option_names) / sizeof(run_option_names[0]),
};
static const struct sl_cli chaos_cli = {
    .program = "sluice-harness chaos",
    .summary = "Plays rounds of random faults against a server under load, and shrinks what fails.",
    .notes =
        "A round that fails is played again, then shrunk to the fewest faults, victims and load "
        "that still\nfail, and written as chaos-SEED-ROUND.json (into --evidence, or here), "
        "which 'run' plays.",
    .exits = (const struct sl_cli_line[]){{"0", "all rounds passed"},
                                          {"1", "a round failed"},
                                          {"2", "bad usage, or the target cannot be reached"},
                                          {"3", "no FAIL but INCONCLUSIVE"},
                                          {"4", "nothing ran"},
                                          {NULL, NULL}},
    .examples =
        (const struct sl_cli_line[]){
            {"sluice-harness chaos --for 2m --exec './my-server --port {port}'",
             "two minutes of network and client faults"},
            {"sluice-harness chaos --for 10m --faults all --seed 7 --exec './my-server {port}'",
             "the server is paused, drained and killed, too; the same rounds each time"},
            {NULL, NULL}},
};

/* ---- the run ---- */

struct chaos {
    const struct chaos_options *options;
    struct har_chaos_run run;
};

static int choose(struct har_run_job *job)
{
    const struct chaos *chaos = job->owner;
    const struct chaos_options *options = chaos->options;
    uint32_t ends = kinds_of(sl_span_str("drain")) | kinds_of(sl_span_str("kill"));
    bool is_observed = job->options.command != NULL || job->options.pid != 0;
    if (options->for_ns == 0) {
        return har_run_usage(job, "--for is needed, ", "such as --for 60s");
    }
    if ((options->kinds & ends) != 0 && job->options.command == NULL) {
        return har_run_usage(job, "--faults drain and kill end the server: ",
                             "they need --exec, by which it is started again");
    }
    if ((options->kinds & kinds_of(sl_span_str("pause"))) != 0 && !is_observed) {
        return har_run_usage(job, "--faults pause needs --exec or --pid", "");
    }
    struct sl_error error = {0};
    const char *folder = job->options.evidence;
    if (folder != NULL && har_make_folders(folder, &error) != SL_OK) {
        return har_run_usage_error(job, &error);
    }
    return 0;
}

static void play(struct har_run_job *job, const struct har_suite_config *suite)
{
    struct chaos *chaos = job->owner;
    const struct chaos_options *options = chaos->options;
    double buffer = BUFFER_USUAL;
    bool has_buffer = har_profile_value(&job->profile, sl_span_str("buffer"), &buffer);
    struct har_chaos_config config = {
        .suite = *suite,
        .options = {.seed = suite->seed,
                    .kinds = options->kinds,
                    .max_faults = options->max_faults,
                    .rate_hz = options->rate_hz,
                    .actors = options->actors,
                    .buffer = buffer < 1              ? 1
                              : buffer > BUFFER_USUAL ? BUFFER_USUAL
                                                      : (unsigned)buffer,
                    .has_buffer = has_buffer,
                    .is_ready = har_profile_has(&job->profile, "ready"),
                    .is_observed = job->options.command != NULL || job->options.pid != 0},
        .for_ns = options->for_ns,
        .shrink_ns = options->shrink_ns,
        .from = options->from,
        .rounds = options->rounds,
        .keeps_going = options->keeps_going,
        .folder = job->options.evidence == NULL ? "." : job->options.evidence,
    };
    har_chaos_run(&chaos->run, &config, &job->suite);
    har_chaos_print(&chaos->run, stdout);
}

static void add_json(void *owner, struct sl_json_out *json)
{
    const struct chaos *chaos = owner;
    har_chaos_json(&chaos->run, json);
}

/* A failure is its file; another round comes again from the same options. */
static void add_rerun(void *owner, const struct har_scenario *scenario, struct sl_buf *out)
{
    const struct chaos *chaos = owner;
    const struct chaos_options *options = chaos->options;
    const char *file = har_chaos_file(&chaos->run, scenario);
    if (file != NULL) {
        (void)sl_buf_add_str(out, "run ");
        har_shell_word(out, file);
        return;
    }
    (void)sl_buf_addf(out, "chaos --for 1s --from %u --rounds 1", har_chaos_round(scenario));
    if (options->faults != NULL) {
        (void)sl_buf_add_str(out, " --faults ");
        har_shell_word(out, options->faults);
    }
    const struct {
        const char *name;
        unsigned value, usual;
    } numbers[] = {
        {"max-faults", options->max_faults, FAULTS_USUAL},
        {"rate", options->rate_hz, RATE_USUAL},
        {"actors", options->actors, ACTORS_USUAL},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (numbers[i].value != numbers[i].usual) {
            (void)sl_buf_addf(out, " --%s %u", numbers[i].name, numbers[i].value);
        }
    }
}

int har_cmd_chaos(int argc, char **argv)
{
    struct chaos_options options = {
        .run = {.profile = "seed", .jobs = 1, .repeat = 1},
        .shrink_ns = SHRINK_USUAL_NS,
        .kinds = kinds_of(sl_span_str("network")) | kinds_of(sl_span_str("client")),
        .max_faults = FAULTS_USUAL,
        .rate_hz = RATE_USUAL,
        .actors = ACTORS_USUAL,
    };
    struct sl_cli_option list[OWN_COUNT + RUN_COUNT];
    struct sl_cli cli = chaos_cli;
    struct sl_cli_result result;
    int status = 0;
    memcpy(list, own_options, sizeof(own_options));
    for (size_t i = 0; i < RUN_COUNT; i++) {
        list[OWN_COUNT + i] = *har_run_option(run_option_names[i]);
    }
    cli.options = list;
    cli.option_count = OWN_COUNT + RUN_COUNT;
    if (!sl_cli_start(&cli, argc, argv, &options, &result, &status)) {
        sl_headers_release(&options.run.metadata);
        return status;
    }
    struct chaos *chaos = sl_alloc(sizeof(*chaos));
    chaos->options = &options;
    struct har_run_job job = {.program = chaos_cli.program,
                              .choose = choose,
                              .play = play,
                              .add_json = add_json,
                              .rerun = add_rerun,
                              .owner = chaos,
                              .options = options.run};
    status = har_run_job(&job);
    if (status != 1 && chaos->run.has_mistake) {
        status = 2;
    }
    har_chaos_run_release(&chaos->run);
    sl_free(chaos);
    return status;
}
