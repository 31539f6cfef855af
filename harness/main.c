/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "harness/cmd/cmd.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv); /* NULL: planned, not built yet */
    const char *help;
} commands[] = {
    {"run", har_cmd_run, "play scenarios against a server and judge it"},
    {"list", har_cmd_list, "the scenarios that there are"},
    {"explain", har_cmd_explain, "what a scenario or a rule is about"},
    {"check", har_cmd_check, "find mistakes in a scenario file"},
    {"calibrate", har_cmd_calibrate, "measure what a target's stack holds back"},
    {"proxy", har_cmd_proxy, "put faults between a client and a server"},
    {"replay", har_cmd_replay, "repeat a run from its decisions.jsonl"},
    {"compare", NULL, "two reports side by side"},
    {"selftest", har_cmd_selftest, "prove the scenarios on wrong servers"},
    {"chaos", NULL, "random faults for a time"},
    {"probe", NULL, "checks of the protocol"},
};

static void help(FILE *out)
{
    (void)fprintf(out, "usage: sluice-harness COMMAND [OPTION ...]\n\n");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        (void)fprintf(out, "  %-10s %s%s\n", commands[i].name, commands[i].help,
                      commands[i].run == NULL ? " (not built yet)" : "");
    }
    (void)fprintf(out, "\n'sluice-harness COMMAND --help' says more.\n");
}

/* What could not be printed must not end as a success. */
static int finish(int status)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        (void)fprintf(stderr, "sluice-harness: cannot write to the standard output\n");
        return 2;
    }
    return status;
}

int main(int argc, char **argv)
{
    const char *name = argc < 2 ? "" : argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        help(stdout);
        return 0;
    }
    if (strcmp(name, "--version") == 0) {
        return printf("sluice-harness %s\n", SL_VERSION) < 0;
    }
    if (strcmp(name, "client") == 0) {
        return har_cmd_client(argc - 1, argv + 1);
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, name) == 0 && commands[i].run != NULL) {
            return finish(commands[i].run(argc - 1, argv + 1));
        }
        if (strcmp(commands[i].name, name) == 0) {
            (void)fprintf(stderr, "sluice-harness: '%s' is not built yet\n", name);
            return 2;
        }
    }
    (void)fprintf(stderr, "sluice-harness: no command '%s'\n", name);
    help(stderr);
    return 2;
}
