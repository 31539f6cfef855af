/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cmd/run_options.h"

#include <sys/stat.h>

#include "harness/cmd/target_options.h"
#include "lib/base/units.h"

enum {
    JOBS_MAX = 64,
};

#define SET_STRING(name, member)                                                                \
    static enum sl_status set_##name(void *options, const char *value, struct sl_error *reterr) \
    {                                                                                           \
        struct har_run_options *run = options;                                                  \
        (void)reterr;                                                                           \
        run->member = value;                                                                    \
        return SL_OK;                                                                           \
    }
SET_STRING(client, client)
SET_STRING(profile, profile)
SET_STRING(binding, binding)
SET_STRING(known, known_failing)
SET_STRING(evidence, evidence)
SET_STRING(capture, capture)

HAR_SET_FLAG(struct har_run_options, strict, is_strict)
HAR_SET_FLAG(struct har_run_options, no_canary, has_no_canary)

static enum sl_status add(struct har_list *list, const char *value, struct sl_error *reterr)
{
    if (list->count == HAR_LIST_MAX) {
        return sl_error_set(reterr, SL_USAGE, "more than %d times", HAR_LIST_MAX);
    }
    list->items[list->count++] = value;
    return SL_OK;
}

static enum sl_status set_tag(void *options, const char *value, struct sl_error *reterr)
{
    struct har_run_options *run = options;
    return add(&run->tags, value, reterr);
}

static enum sl_status set_skip(void *options, const char *value, struct sl_error *reterr)
{
    struct har_run_options *run = options;
    return add(&run->skips, value, reterr);
}

#define SET_LIST(name, member)                                                                  \
    static enum sl_status set_##name(void *options, const char *value, struct sl_error *reterr) \
    {                                                                                           \
        struct har_run_options *run = options;                                                  \
        return add(&run->member, value, reterr);                                                \
    }
SET_LIST(include, includes)
SET_LIST(proto, protos)
SET_LIST(descriptor_set, descriptor_sets)

static enum sl_status number(const char *value, uint64_t least, uint64_t most, uint64_t *ret_number,
                             struct sl_error *reterr)
{
    if (sl_units_u64(sl_span_str(value), ret_number) != SL_OK || *ret_number < least ||
        *ret_number > most) {
        return sl_error_set(reterr, SL_USAGE, "wanted: a number from %llu to %llu",
                            (unsigned long long)least, (unsigned long long)most);
    }
    return SL_OK;
}

static enum sl_status set_jobs(void *options, const char *value, struct sl_error *reterr)
{
    struct har_run_options *run = options;
    uint64_t jobs = 0;
    enum sl_status status = number(value, 1, JOBS_MAX, &jobs, reterr);
    run->jobs = (unsigned)jobs;
    return status;
}

static enum sl_status set_repeat(void *options, const char *value, struct sl_error *reterr)
{
    struct har_run_options *run = options;
    uint64_t repeat = 0;
    enum sl_status status = number(value, 1, HAR_REPEAT_MAX, &repeat, reterr);
    run->repeat = (unsigned)repeat;
    return status;
}

static enum sl_status set_seed(void *options, const char *value, struct sl_error *reterr)
{
    struct har_run_options *run = options;
    run->has_seed = true;
    return number(value, 0, UINT64_MAX, &run->seed, reterr);
}

static enum sl_status set_budget(void *options, const char *value, struct sl_error *reterr)
{
    struct har_run_options *run = options;
    if (sl_units_duration(sl_span_str(value), &run->budget_ns) != SL_OK || run->budget_ns == 0) {
        return sl_error_set(reterr, SL_USAGE,
                            "wanted: a duration with its unit, such as 60s, 5m or 1h");
    }
    return SL_OK;
}

/* One would take the other's place; a device or pipe has room for both. */
static bool is_same_file(const char *a, const char *b)
{
    struct stat of_a;
    struct stat of_b;
    if (stat(a, &of_a) == 0 && stat(b, &of_b) == 0) {
        return S_ISREG(of_a.st_mode) && of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
    }
    return strcmp(a, b) == 0;
}

static enum sl_status set_report(void *options, const char *value, struct sl_error *reterr)
{
    struct har_run_options *run = options;
    const char *file = strchr(value, '=');
    size_t len = file == NULL ? strlen(value) : (size_t)(file - value);
    if (strcmp(value, "text") == 0) {
        return SL_OK;
    }
    for (size_t i = 0; i < HAR_FORMATS; i++) {
        const char *name = har_formats[i].name;
        if (strlen(name) != len || memcmp(name, value, len) != 0) {
            continue;
        }
        if (file == NULL || file[1] == '\0') {
            return sl_error_set(reterr, SL_USAGE, "wanted: %s=FILE", name);
        }
        if (run->reports[i] != NULL) {
            return sl_error_set(reterr, SL_USAGE, "%s is given twice", name);
        }
        for (size_t j = 0; j < HAR_FORMATS; j++) {
            if (run->reports[j] != NULL && is_same_file(run->reports[j], file + 1)) {
                return sl_error_set(reterr, SL_USAGE, "the report %s goes into that file already",
                                    har_formats[j].name);
            }
        }
        run->reports[i] = file + 1;
        return SL_OK;
    }
    const char *ending = strrchr(value, '.');
    for (size_t i = 0; i < HAR_FORMATS && file == NULL && ending != NULL; i++) {
        bool is_xml = i == HAR_JUNIT && strcmp(ending + 1, "xml") == 0;
        if (is_xml || strcmp(ending + 1, har_formats[i].name) == 0) { /* a file's name alone */
            return sl_error_set(reterr, SL_USAGE, "wanted: %s=%.150s", har_formats[i].name, value);
        }
    }
    return sl_error_set(reterr, SL_USAGE, "wanted: text, or FORMAT=FILE with " HAR_FORMAT_NAMES);
}

static const struct sl_cli_option run_options[] = {
    {"target", 0, "HOST:PORT",
     "the server, where it listens; also [::1]:PORT,\ndns:///HOST:PORT, unix:PATH", har_set_target},
    {"exec", 0, "'CMD {port}'", "the server, as a command to start; {port} becomes a free port",
     har_set_exec},
    {"client", 0, "'CMD {port} {room}'",
     "a client to be judged: it connects to 127.0.0.1:{port}\n(docs/HARNESS.md, \"Judging a "
     "client\")",
     set_client},
    {"profile", 0, "NAME|FILE", "what the server declares: seed (default), reference or a file",
     set_profile},
    {"binding", 0, "NAME|FILE",
     "by which methods the checks of the wire are made: chat (default),\nhealth or a file "
     "(docs/HARNESS.md, \"Any gRPC server\")",
     set_binding},
    {"tag", 0, "TAG",
     "only scenarios with this tag; may be repeated.\nDefault without any ID: starter", set_tag},
    {"skip", 0, "GLOB", "not these scenarios; may be repeated", set_skip},
    {"known-failing", 0, "FILE", "failures that do not count: [{\"id\",\"reason\",\"expires\"}]",
     set_known},
    {"jobs", 0, "N", "scenarios beside each other, where they allow it; default 1", set_jobs},
    {"seed", 0, "N", "for everything random; default: a new one, which is printed", set_seed},
    {"repeat", 0, "N", "play all of it so many times", set_repeat},
    {"budget", 0, "TIME", "what has not begun by then is inconclusive", set_budget},
    {"strict", 0, NULL, "findings of level S fail too", set_strict},
    {"no-canary", 0, NULL,
     "do not ask after each scenario whether the server still answers: its own verdict alone",
     set_no_canary},
    {"tls", 0, NULL, "TLS with the system's authorities (SSL_CERT_FILE, SSL_CERT_DIR)",
     har_set_tls},
    {"ca", 0, "FILE", "TLS: the authorities to trust (implies --tls)", har_set_ca},
    {"cert", 0, "FILE", "TLS: the client's certificate (implies --tls)", har_set_cert},
    {"key", 0, "FILE", "TLS: its key", har_set_key},
    {"authority", 0, "NAME[:PORT]",
     "value of :authority, by which proxies route; with TLS also the\nname of the server",
     har_set_authority},
    {"server-name", 0, "NAME",
     "TLS: the name in SNI, for which the certificate must be.\nDefault: that of --authority, or "
     "the host",
     har_set_server_name},
    {"metadata", 0, "'K: V'",
     "request metadata of every call; may be repeated. Others see\na command line: for secrets are "
     "the next two",
     har_set_metadata},
    {"metadata-file", 0, "FILE",
     "the same from a file: a line 'K: V' each, # begins a remark;\nmay be repeated",
     har_set_metadata_file},
    {"metadata-env", 0, "'K: VAR'",
     "the same with the value of the environment's VAR; may be repeated", har_set_metadata_env},
    {"ready-within", 0, "TIME", "how long its first answer may take; default 10s, with --exec 30s",
     har_set_ready_within},
    {"pid", 0, "N", "process of the target, so that its memory can be observed", har_set_pid},
    {"report", 0, "FORMAT=FILE",
     "FORMAT is " HAR_FORMAT_NAMES "; may be repeated.\nText goes to stdout always", set_report},
    {"evidence", 0, "DIR", "decisions.jsonl; records and server.log of what did not pass",
     set_evidence},
    {"capture", 0, "FILE", "a pcapng of every connection of the run", set_capture},
    {"import", 'I', "DIR", "the .proto files in and below; may be repeated", set_include},
    {"proto", 0, "FILE", "a .proto file, under the -I folders or by its path; may be repeated",
     set_proto},
    {"descriptor-set", 'd', "FILE", "a FileDescriptorSet; may be repeated", set_descriptor_set},
};

static const struct sl_cli_group run_groups[] = {
    {"target", "What is judged"},
    {"tag", "Which scenarios, and how"},
    {"tls", "How the server is met"},
    {"report", "What is left behind"},
    {"import", "The schema of a service of your own"},
    {NULL, NULL},
};
static const struct sl_cli_line run_exits[] = {
    {"0", "all passed"},
    {"1", "a FAIL"},
    {"2", "bad usage, a mistake in a scenario, or the target cannot be reached"},
    {"3", "no FAIL but INCONCLUSIVE"},
    {"4", "nothing ran, or everything was skipped"},
    {NULL, NULL},
};
static const struct sl_cli_line run_examples[] = {
    {"sluice-harness run --target 127.0.0.1:50051", "the starter scenarios, under a minute"},
    {"sluice-harness run --exec './my-server --port {port}'", "starts the server, and ends it"},
    {"sluice-harness run 'disconnects/*' --target localhost:50051 --report junit=report.xml",
     "these scenarios, with a report for CI"},
    {"sluice-harness run 'wire/*' --binding health --target localhost:50051",
     "the checks of the wire, of any server that has grpc.health.v1"},
    {NULL, NULL},
};
static const struct sl_cli_line run_environment[] = {
    {"SLUICE_SCENARIOS", "the folder of the built-in scenarios and profiles"},
    {"SSL_CERT_FILE, SSL_CERT_DIR",
     "with --tls: the authorities to trust, in place of the system's"},
    {"NO_COLOR", "when set, a terminal gets no colours"},
    {NULL, NULL},
};
static const struct sl_cli_line run_files[] = {
    {"../share/sluice/scenarios", "the built-in scenarios, found from where the program lies"},
    {"../share/sluice/scenarios/profiles", "what --profile NAME names"},
    {"decisions.jsonl", "in the folder of --evidence: what the run chose to do, for replay"},
    {NULL, NULL},
};

const struct sl_cli har_run_cli = {
    .program = "sluice-harness run",
    .operands = "[ID-GLOB|FILE|DIR ...]",
    .summary = "Plays scenarios against a server and judges it.",
    .groups = run_groups,
    .exits = run_exits,
    .examples = run_examples,
    .environment = run_environment,
    .files = run_files,
    .options = run_options,
    .option_count = sizeof(run_options) / sizeof(run_options[0]),
};

const struct sl_cli_option *har_run_option(const char *name)
{
    for (size_t i = 0; i < har_run_cli.option_count; i++) {
        if (strcmp(run_options[i].name, name) == 0) {
            return &run_options[i];
        }
    }
    return NULL;
}
