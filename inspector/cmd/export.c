/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inspector/cmd/cmd.h"
#include "inspector/cmd/options.h"
#include "inspector/export/cut.h"
#include "inspector/export/export.h"
#include "inspector/run.h"

struct options {
    struct ins_opts base; /* first: setters of the program's own options get it */
    struct ins_export task;
};

static enum sl_status set_redact(void *options, const char *value, struct sl_error *reterr)
{
    return ins_redact_add(&((struct options *)options)->task.redact, value, reterr);
}

static enum sl_status set_keep_secrets(void *options, const char *value, struct sl_error *reterr)
{
    (void)value;
    (void)reterr;
    ((struct options *)options)->task.redact.keeps_secrets = true;
    return SL_OK;
}

static const struct sl_cli_option own_options[] = {
    {"redact", 0, "PATH",
     "replace these values by placeholders: Type.field, a path of fields from the\n"
     "message down, or metadata:NAME (repeatable)",
     set_redact},
    {"keep-secrets", 0, NULL,
     "do not redact metadata that is like a credential: authorization, cookie,\n"
     "x-api-key, *token*, *secret*, *password*",
     set_keep_secrets},
};

static int fail(const char *text)
{
    (void)fprintf(stderr, "sluice-inspector: %s\nTry 'sluice-inspector export --help'.\n", text);
    return INS_EXIT_USAGE;
}

/* What the user should know of what was written. */
static int conclude(const struct options *options, enum ins_exit exit_status)
{
    const struct ins_export *task = &options->task;
    if (task->redact.replaced > 0) {
        (void)fprintf(stderr, "sluice-inspector: %" PRIu64 " values are redacted%s\n",
                      task->redact.replaced,
                      task->redact.keeps_secrets ? "" : "; --keep-secrets keeps credentials");
    }
    if (task->left_out > 0) {
        (void)fprintf(stderr, "sluice-inspector: %" PRIu64 " calls are left out\n", task->left_out);
    }
    if (exit_status == INS_EXIT_OK && !task->has_exported) {
        (void)fprintf(stderr, "sluice-inspector: no call is exported\n");
        return INS_EXIT_USAGE;
    }
    return (int)exit_status;
}

/* ---- pcapng ---- */

static void on_packet(void *task, const struct ins_packet *packet, const uint64_t *connections,
                      size_t count)
{
    ins_cut_packet(((struct ins_export *)task)->cut, packet, connections, count);
}

static void on_secrets(void *task, struct sl_span lines)
{
    ins_cut_secrets(((struct ins_export *)task)->cut, lines);
}

/* NULL, or why the captures cannot be read twice. */
static const char *twice_problem(char *const *captures, int count)
{
    for (int i = 0; i < count; i++) {
        struct stat info;
        if (strcmp(captures[i], "-") == 0 ||
            (stat(captures[i], &info) == 0 && !S_ISREG(info.st_mode))) {
            return "export pcapng reads the captures twice: give files, not a pipe";
        }
    }
    return NULL;
}

/* The second time, into out. */
static int copy(struct options *options, char *const *captures, int count, FILE *out)
{
    struct ins_cut *cut = options->task.cut;
    ins_cut_begin(cut, out);
    if (options->base.keylog != NULL && ins_cut_keylog(cut, options->base.keylog) != SL_OK) {
        (void)fprintf(stderr, "sluice-inspector: %s: %s\n", options->base.keylog, strerror(errno));
        return INS_EXIT_USAGE;
    }
    options->base.tap = on_packet;
    options->base.secrets = on_secrets;
    options->base.is_again = true;
    int exit_status = (int)ins_run(&options->base, captures, count);
    if (fflush(out) != 0 || ferror(out) != 0) {
        (void)fprintf(stderr, "sluice-inspector: cannot write: %s\n", strerror(errno));
        return INS_EXIT_USAGE;
    }
    (void)fprintf(stderr,
                  "sluice-inspector: %" PRIu64 " packets of %" PRIu64 " connections, %" PRIu64
                  " TLS secrets\n",
                  cut->packets, cut->connections, cut->secrets);
    if (cut->untimed > 0) {
        (void)fprintf(stderr,
                      "sluice-inspector: %" PRIu64
                      " packets without a time got that of the one before\n",
                      cut->untimed);
    }
    if (cut->left_out > 0) {
        (void)fprintf(
            stderr, "sluice-inspector: %" PRIu64 " packets are left out: more than %d interfaces\n",
            cut->left_out, INS_CUT_INTERFACES_MAX);
    }
    return exit_status;
}

static int export_pcapng(struct options *options, char *const *captures, int count)
{
    struct ins_cut cut = {0};
    const char *output = options->base.output;
    const char *problem = twice_problem(captures, count);
    if (problem == NULL && output == NULL && isatty(STDOUT_FILENO) != 0) {
        problem = "a capture is nothing for a terminal: give -o FILE";
    }
    if (problem != NULL) {
        return fail(problem);
    }
    options->task.cut = &cut;
    options->base.output = NULL;
    int exit_status = conclude(options, ins_run(&options->base, captures, count));
    if (exit_status == INS_EXIT_OK) {
        FILE *out = output == NULL ? stdout : fopen(output, "we");
        if (out == NULL) {
            (void)fprintf(stderr, "sluice-inspector: %s: %s\n", output, strerror(errno));
            exit_status = INS_EXIT_USAGE;
        } else {
            exit_status = copy(options, captures, count, out);
            if (out != stdout && fclose(out) != 0) {
                exit_status = fail("cannot write");
            }
        }
    }
    ins_cut_release(&cut);
    return exit_status;
}

int ins_cmd_export(int argc, char **argv)
{
    static const struct {
        const char *name;
        ins_view_new_fn *view;
    } kinds[] = {
        {"scenario", ins_export_scenario_new},
        {"grpcurl", ins_export_grpcurl_new},
        {"pcapng", ins_export_cut_new},
    };
    struct sl_cli_option all[INS_CMD_OPTIONS_MAX];
    const struct sl_cli cli = {
        .program = "sluice-inspector export",
        .operands = "scenario|grpcurl|pcapng CAPTURE ...",
        .summary =
            "Makes something else of the calls in a capture:\n"
            "scenario  a file that sluice-harness runs against a server, to make them again\n"
            "grpcurl   a line of shell a call, which makes it again\n"
            "pcapng    a capture of the connections of the calls, with their TLS secrets",
        .exits = (const struct sl_cli_line[]){{"0", "something was exported"},
                                              {"2", "bad usage, or nothing was"},
                                              {NULL, NULL}},
        .examples =
            (const struct sl_cli_line[]){
                {"sluice-inspector export scenario x.pcap > again.json",
                 "a scenario for sluice-harness run"},
                {"sluice-inspector export grpcurl --call 7 x.pcap", "one call as a command"},
                {NULL, NULL}},
        .options = all,
        .option_count =
            ins_cmd_options(own_options, sizeof(own_options) / sizeof(own_options[0]), all),
    };
    static struct options options;
    struct sl_cli_result result;
    struct sl_error error = {0};
    int exit_status = INS_EXIT_OK;
    ins_opts_init(&options.base);
    if (!sl_cli_start(&cli, argc, argv, &options, &result, &exit_status)) {
        return exit_status;
    }
    options.base.is_command = true;
    options.base.task = &options.task;
    options.base.view = NULL;
    for (size_t i = 0; result.operand_count > 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(kinds[i].name, result.operands[0]) == 0) {
            options.base.view = kinds[i].view;
        }
    }
    if (options.base.view == NULL) {
        return fail("say what to export: scenario, grpcurl or pcapng");
    }
    result.operands++;
    result.operand_count--;
    if (ins_opts_check(&options.base, &result, &error) != SL_OK) {
        return fail(error.text);
    }
    if (options.base.view == ins_export_cut_new) {
        return export_pcapng(&options, result.operands, result.operand_count);
    }
    return conclude(&options, ins_run(&options.base, result.operands, result.operand_count));
}
