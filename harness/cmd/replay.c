/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/cmd/cmd.h"
#include "harness/cmd/run_job.h"
#include "harness/cmd/target_options.h"
#include "harness/engine/evidence.h"
#include "harness/scenario/fields.h"
#include "harness/scenario/read_file.h"
#include "lib/base/alloc.h"
#include "lib/base/units.h"

enum {
    LOG_MAX = 1024 * 1024 * 1024, /* bytes of one decisions.jsonl */
    LINE_SHOWN = 200,
};

static const char *const option_names[] = {
    "known-failing", "jobs",    "budget", "pid",   "report",
    "evidence",      "capture", "import", "proto", "descriptor-set",
};
enum {
    OWN_COUNT = sizeof(option_names) / sizeof(option_names[0]),
    OPTION_COUNT = HAR_TARGET_OPTIONS + OWN_COUNT,
};

static const struct sl_cli replay_cli = {
    .program = "sluice-harness replay",
    .operands = "FILE ...",
    .summary =
        "Repeats runs from their decisions.jsonl (run --evidence): the same scenarios, "
        "profile and seed,\nagainst the target that is given. Says whether it decided the same.",
    .notes = "--report, --evidence and --capture go with one FILE. A schema (-I, --proto, -d) and "
             "metadata are\n"
             "given anew.",
    .exits = (const struct sl_cli_line[]){{"0 to 4", "as of run; of several runs the gravest"},
                                          {NULL, NULL}},
    .examples =
        (const struct sl_cli_line[]){
            {"sluice-harness replay evidence/decisions.jsonl --target localhost:50051",
             "the same run again"},
            {NULL, NULL}},
};

/* The first line of the file. */
struct head {
    const char *schema, *seed, *profile;
    const char *binding; /* NULL: chat */
    bool is_strict;
    struct har_expr repeat;
    struct har_strings scenarios;
};
#define AT(member) offsetof(struct head, member)
static const struct har_field head_fields[] = {
    {"schema", HAR_FIELD_STRING, AT(schema), .is_required = true},
    {"seed", HAR_FIELD_STRING, AT(seed), .is_required = true},
    {"profile", HAR_FIELD_STRING, AT(profile), .is_required = true},
    {"binding", HAR_FIELD_STRING, AT(binding), .is_required = false},
    {"strict", HAR_FIELD_BOOL, AT(is_strict), .is_required = true},
    {"repeat", HAR_FIELD_EXPR, AT(repeat), .is_required = true},
    {"scenarios", HAR_FIELD_STRINGS, AT(scenarios), .is_required = true},
};
#undef AT

/* One file that is being repeated. */
struct replay {
    const char *path;
    char *text; /* of the file */
    size_t len;
    json_t *json; /* of its first line, which head borrows */
    struct har_arena arena;
    struct head head;
};

static void release(struct replay *replay)
{
    json_decref(replay->json);
    har_arena_release(&replay->arena);
    sl_free(replay->text);
}

/* True when the first line says all that a run needs. */
static bool read_head(struct replay *replay, struct har_problems *problems, uint64_t *ret_seed)
{
    const char *end = memchr(replay->text, '\n', replay->len);
    size_t len = end == NULL ? replay->len : (size_t)(end - replay->text);
    replay->json = json_loadb(replay->text, len, JSON_REJECT_DUPLICATES, NULL);
    if (replay->json == NULL) {
        return false;
    }
    struct har_reading reading = {
        .text = sl_span(replay->text, len), .arena = &replay->arena, .problems = problems};
    struct head *head = &replay->head;
    har_fields_read(&reading, replay->json, "$", head_fields,
                    sizeof(head_fields) / sizeof(head_fields[0]), head);
    return problems->count == 0 && strcmp(head->schema, HAR_DECISIONS_SCHEMA) == 0 &&
           sl_units_u64(sl_span_str(head->seed), ret_seed) == SL_OK && head->repeat.text == NULL &&
           head->repeat.number >= 1 && head->repeat.number <= HAR_REPEAT_MAX;
}

/* The exit status: 0, or 2 with the reason on stderr. */
static int load(struct replay *replay, struct har_run_job *job)
{
    struct sl_error error = {0};
    replay->text = har_read_file(replay->path, LOG_MAX, &replay->len, &error);
    if (replay->text == NULL) {
        sl_error_at(&error, replay->path, 0);
        return har_run_usage_error(job, &error);
    }
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    bool is_good = read_head(replay, problems, &job->options.seed);
    sl_free(problems);
    if (!is_good) {
        return har_run_usage(job, replay->path, ": its first line does not say what was run");
    }
    job->options.has_seed = true;
    job->options.profile = replay->head.profile;
    job->options.binding = replay->head.binding;
    job->options.is_strict = replay->head.is_strict;
    job->options.repeat = (unsigned)replay->head.repeat.number;
    return 0;
}

/* A built-in scenario, or a file whose path without .json is the id. */
static const struct har_scenario *find(struct har_run_job *job, const char *id)
{
    const struct har_scenario *scenario = har_library_find(&job->library, id);
    struct sl_error error = {0};
    char path[HAR_FOLDER_MAX];
    if (scenario == NULL) {
        (void)snprintf(path, sizeof(path), "%.4000s.json", id);
        if (har_library_add(&job->library, path, &error) != SL_OK) {
            (void)har_run_usage_error(job, &error);
            return NULL;
        }
        scenario = har_library_find(&job->library, id);
    }
    if (scenario == NULL) {
        (void)har_run_usage(job, "no scenario ", id);
    }
    return scenario;
}

static int choose(struct har_run_job *job)
{
    struct replay *replay = job->owner;
    const struct har_strings *ids = &replay->head.scenarios;
    job->chosen = sl_calloc(ids->count + 1, sizeof(job->chosen[0]));
    for (size_t i = 0; i < ids->count; i++) {
        const struct har_scenario *scenario = find(job, ids->items[i]);
        if (scenario == NULL) {
            return 2;
        }
        job->chosen[job->chosen_count++] = scenario;
    }
    return 0;
}

/* Says where the decisions of now and then part. */
static void compare(const struct replay *replay, const char *now, size_t len)
{
    size_t same = 0;
    size_t line = 1;
    size_t begin = 0;
    while (same < len && same < replay->len && now[same] == replay->text[same]) {
        if (now[same++] == '\n') {
            line++;
            begin = same;
        }
    }
    if (same == len && same == replay->len) {
        (void)printf("%s: the same %zu lines of decisions\n", replay->path, line - 1);
        return;
    }
    size_t shown = strcspn(now + begin, "\n");
    (void)printf("%s:%zu: decided otherwise from here on: %.*s\n", replay->path, line,
                 (int)(shown < LINE_SHOWN ? shown : LINE_SHOWN), now + begin);
}

static void on_played(struct har_run_job *job)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL) {
        return;
    }
    har_evidence_decided(&job->suite, out);
    if (fclose(out) == 0) {
        compare(job->owner, text, len);
    }
    free(text);
}

/* The exit status of one. */
static int play(const char *path, const struct har_run_options *options)
{
    struct replay replay = {.path = path};
    struct har_run_job job = {.program = replay_cli.program,
                              .choose = choose,
                              .played = on_played,
                              .owner = &replay,
                              .options = *options};
    job.options.metadata = (struct sl_headers){0}; /* each job has its own */
    int status = load(&replay, &job);
    for (size_t i = 0; i < options->metadata.count && status == 0; i++) {
        const struct sl_header *field = &options->metadata.fields[i];
        (void)sl_headers_add(&job.options.metadata, field->name, field->value);
    }
    if (status == 0) {
        status = har_run_job(&job);
    }
    release(&replay);
    return status;
}

/* Of two exit statuses the one that counts: 2, 1, 3, 4, 0. */
static int graver(int one, int two)
{
    static const int rank[] = {0, 3, 4, 2, 1};
    return rank[one] > rank[two] ? one : two;
}

int har_cmd_replay(int argc, char **argv)
{
    struct har_run_options options = {.profile = "seed", .jobs = 1, .repeat = 1};
    struct sl_cli_result result;
    int status = 0;
    struct sl_cli_option list[OPTION_COUNT];
    har_target_options_copy(list);
    for (size_t i = 0; i < OWN_COUNT; i++) {
        list[HAR_TARGET_OPTIONS + i] = *har_run_option(option_names[i]);
    }
    struct sl_cli cli = replay_cli;
    cli.options = list;
    cli.option_count = OPTION_COUNT;
    if (!sl_cli_start(&cli, argc, argv, &options, &result, &status)) {
        sl_headers_release(&options.metadata);
        return status;
    }
    bool has_output = options.evidence != NULL || options.capture != NULL;
    for (size_t i = 0; i < HAR_FORMATS; i++) {
        has_output |= options.reports[i] != NULL;
    }
    if (result.operand_count == 0 || (result.operand_count > 1 && has_output)) {
        (void)fprintf(stderr, "%s: %s\n", cli.program,
                      result.operand_count == 0
                          ? "which decisions.jsonl? For example: sluice-harness replay "
                            "evidence/decisions.jsonl --target localhost:50051"
                          : "reports, evidence and a capture are of one FILE");
        status = 2;
    }
    for (int i = 0; i < result.operand_count && status != 2; i++) {
        int one = play(result.operands[i], &options);
        status = i == 0 ? one : graver(status, one);
    }
    sl_headers_release(&options.metadata);
    return status;
}
