/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "inspector/cmd/cmd.h"
#include "inspector/cmd/options.h"
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

int ins_cmd_export(int argc, char **argv)
{
    static const struct {
        const char *name;
        ins_view_new_fn *view;
    } kinds[] = {
        {"scenario", ins_export_scenario_new},
        {"grpcurl", ins_export_grpcurl_new},
    };
    struct sl_cli_option all[INS_CMD_OPTIONS_MAX];
    const struct sl_cli cli = {
        .program = "sluice-inspector export",
        .operands = "scenario|grpcurl CAPTURE ...",
        .summary =
            "Makes something else of the calls in a capture:\n"
            "scenario  a file that sluice-harness runs against a server, to make them again\n"
            "grpcurl   a line of shell a call, which makes it again",
        .notes = "Exit status: 0 something was exported; 2 bad usage, or nothing was.",
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
        return fail("say what to export: scenario or grpcurl");
    }
    result.operands++;
    result.operand_count--;
    if (ins_opts_check(&options.base, &result, &error) != SL_OK) {
        return fail(error.text);
    }
    return conclude(&options, ins_run(&options.base, result.operands, result.operand_count));
}
