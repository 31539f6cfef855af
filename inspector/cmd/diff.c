/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "inspector/cmd/cmd.h"
#include "inspector/cmd/options.h"
#include "inspector/diff/report.h"
#include "inspector/run.h"

enum {
    EXIT_DIFFERENT = 1,
};

struct options {
    struct ins_opts base; /* first: setters of the program's own options get it */
    struct ins_digest_ignore ignore;
};

static enum sl_status set_ignore(void *options, const char *value, struct sl_error *reterr)
{
    struct ins_digest_ignore *ignore = &((struct options *)options)->ignore;
    if (ignore->count == INS_DIGEST_IGNORE_MAX) {
        return sl_error_set(reterr, SL_LIMIT, "more than %d are given", INS_DIGEST_IGNORE_MAX);
    }
    ignore->items[ignore->count++] = value;
    return SL_OK;
}

static enum sl_status set_format(void *options, const char *value, struct sl_error *reterr)
{
    struct ins_opts *opts = options;
    if (strcmp(value, "json") != 0 && strcmp(value, "text") != 0) {
        return sl_error_set(reterr, SL_USAGE, "there are json and text");
    }
    opts->format = strcmp(value, "json") == 0 ? INS_FORMAT_JSON : INS_FORMAT_TEXT;
    return SL_OK;
}

static const struct sl_cli_option own_options[] = {
    {"ignore", 0, "NAME",
     "do not compare what has this name (a field of messages or metadata) or path\n"
     "('$.response.messages[*].id') (repeatable)",
     set_ignore},
    {"format", 0, "NAME", "text (the default on a terminal), or json: a record a line", set_format},
};

static int fail(const char *about, const char *text)
{
    (void)fprintf(stderr, "sluice-inspector: %s%s%s\nTry 'sluice-inspector diff --help'.\n", about,
                  about[0] == '\0' ? "" : ": ", text);
    return INS_EXIT_USAGE;
}

static void tell_limits(const char *name, const struct ins_digest *digest)
{
    if (digest->unkept > 0) {
        (void)fprintf(stderr,
                      "sluice-inspector: %s: only the first %d calls are compared, %" PRIu64
                      " are not; --method, --since and --peer select\n",
                      name, INS_DIGEST_CALLS_MAX, digest->unkept);
    }
    if (digest->hashed > 0) {
        (void)fprintf(stderr,
                      "sluice-inspector: %s: of %" PRIu64
                      " calls is compared whether they differ, not where: more than %d bytes\n",
                      name, digest->hashed, INS_DIGEST_TEXT_MAX);
    }
    if (digest->shortened > 0) {
        (void)fprintf(stderr,
                      "sluice-inspector: %s: of %" PRIu64
                      " sides of calls not all messages are compared, but their number and bytes\n",
                      name, digest->shortened);
    }
}

/* Reads both, and says what is different. */
static int diff(struct options *options, char *const *captures)
{
    struct ins_digest digests[2];
    const char *output = options->base.output;
    int exit_status = INS_EXIT_OK;
    bool is_text =
        options->base.format == INS_FORMAT_TEXT ||
        (options->base.format == INS_FORMAT_AUTO && output == NULL && isatty(STDOUT_FILENO) != 0);
    options->base.output = NULL;
    options->base.is_command = true;
    options->base.call_messages = INS_DIGEST_MESSAGES;
    ins_digest_init(&digests[0], &options->ignore);
    ins_digest_init(&digests[1], &options->ignore);
    for (size_t i = 0; i < 2 && exit_status == INS_EXIT_OK; i++) {
        options->base.renderer = &digests[i].renderer;
        exit_status = (int)ins_run(&options->base, captures + i, 1);
        tell_limits(captures[i], &digests[i]);
    }
    if (exit_status == INS_EXIT_OK) {
        FILE *out = output == NULL ? stdout : fopen(output, "we");
        if (out == NULL) {
            exit_status = fail(output, strerror(errno));
        } else {
            bool is_equal = ins_diff_report(&digests[0], &digests[1], is_text, out);
            exit_status = is_equal ? INS_EXIT_OK : EXIT_DIFFERENT;
            bool has_failed = fflush(out) != 0 || ferror(out) != 0;
            has_failed |= out != stdout && fclose(out) != 0;
            if (has_failed) {
                exit_status = fail("cannot write", strerror(errno));
            }
        }
    }
    ins_digest_release(&digests[0]);
    ins_digest_release(&digests[1]);
    return exit_status;
}

int ins_cmd_diff(int argc, char **argv)
{
    struct sl_cli_option all[INS_CMD_OPTIONS_MAX];
    const struct sl_cli cli = {
        .program = "sluice-inspector diff",
        .operands = "A B",
        .summary =
            "Compares the calls of two captures of the same traffic: of both sides of a proxy,\n"
            "or before and after a deployment. Times, addresses, grpc-timeout and date are\n"
            "not compared; latencies are told.",
        .exits =
            (const struct sl_cli_line[]){
                {"0", "the calls are equal"},
                {"1", "they are not"},
                {"2", "bad usage, or a capture of which nothing can be read"},
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
    if (result.operand_count != 2) {
        return fail("", "give two captures");
    }
    if (ins_opts_check(&options.base, &result, &error) != SL_OK) {
        return fail("", error.text);
    }
    return diff(&options, result.operands);
}
