/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/cmd/cmd.h"
#include "lib/base/cli.h"

static const struct sl_cli_command commands[] = {
    {"run", har_cmd_run, "play scenarios against a server and judge it"},
    {"list", har_cmd_list, "the scenarios that there are"},
    {"explain", har_cmd_explain, "what a scenario or a rule is about"},
    {"check", har_cmd_check, "find mistakes in a scenario file"},
    {"calibrate", har_cmd_calibrate, "measure what a target's stack holds back"},
    {"proxy", har_cmd_proxy, "put faults between a client and a server"},
    {"replay", har_cmd_replay, "repeat a run from its decisions.jsonl"},
    {"compare", har_cmd_compare, "two reports side by side"},
    {"baseline", har_cmd_baseline, "what known stacks do, as data"},
    {"schema", har_cmd_print_schema, "the JSON Schema of reports and scenarios"},
    {"selftest", har_cmd_selftest, "prove the scenarios on wrong servers"},
    {"chaos", har_cmd_chaos, "random faults for a time"},
    {"probe", har_cmd_probe, "is a server affected by known ways of abuse"},
    {NULL, NULL, NULL},
};

static const struct sl_cli cli = {
    .program = "sluice-harness",
    .operands = "COMMAND [ARGUMENT ...]",
    .summary = "Judges a streaming gRPC server: does it keep its contract under bursts, slow "
               "consumers and\ndisconnects?",
    .commands = commands,
    .exits = (const struct sl_cli_line[]){{"0", "all passed"},
                                          {"1", "a rule was broken"},
                                          {"2", "bad usage, or the target cannot be reached"},
                                          {"3", "the machine was too noisy to tell"},
                                          {"4", "nothing ran"},
                                          {NULL, NULL}},
    .environment =
        (const struct sl_cli_line[]){
            {"SLUICE_SCENARIOS", "the folder of the built-in scenarios, in place of the one that "
                                 "is found beside the program"},
            {NULL, NULL}},
    .files = (const struct sl_cli_line[]){{"../share/sluice/scenarios",
                                           "the built-in scenarios and, in profiles, the profiles; "
                                           "found from where the program lies"},
                                          {NULL, NULL}},
};

/* What could not be printed must not end as a success. */
static int finish(int status)
{
    if (fflush(stdout) != 0 || ferror(stdout)) {
        (void)fprintf(stderr, "sluice-harness: cannot write to the standard output\n");
        return 2;
    }
    return status;
}

/* A descriptor below 3 that is closed would be given to a file or a socket, which then got what is printed. One that
 * cannot be written to is told as such. */
static void fill_standard_descriptors(void)
{
    int fd = 0;
    while (fd >= 0 && fd <= STDERR_FILENO) {
        fd = open("/dev/null", O_RDONLY);
    }
    if (fd > STDERR_FILENO) {
        (void)close(fd);
    }
}

static int no_command(const char *name)
{
    const char *names[sizeof(commands) / sizeof(commands[0])];
    size_t count = 0;
    for (const struct sl_cli_command *known = commands; known->name != NULL; known++) {
        if (known->run != NULL) {
            names[count++] = known->name;
        }
    }
    const char *near = sl_cli_nearest(name, names, count);
    (void)fprintf(stderr, "sluice-harness: no command '%s'%s%s%s\nTry 'sluice-harness --help'.\n",
                  name, near == NULL ? "" : "; did you mean ", near == NULL ? "" : near,
                  near == NULL ? "" : "?");
    return 2;
}

/* "help" and "help COMMAND", as other programs have them: --help of the one or the other. */
static int help(const char *name)
{
    char program[] = "sluice-harness";
    char option[] = "--help";
    char *arguments[] = {program, option, NULL};
    const struct sl_cli_command *command = name == NULL ? NULL : sl_cli_command(&cli, name);
    struct sl_cli_result result;
    int status = 0;
    if (name != NULL && (command == NULL || command->run == NULL)) {
        return no_command(name);
    }
    if (command != NULL) {
        return finish(command->run(2, arguments));
    }
    (void)sl_cli_start(&cli, 2, arguments, NULL, &result, &status);
    return finish(status);
}

int main(int argc, char **argv)
{
    fill_standard_descriptors();
    const char *name = argc < 2 ? "" : argv[1];
    if (name[0] == '-') {
        struct sl_cli_result result;
        int status = 0;
        if (!sl_cli_start(&cli, argc, argv, NULL, &result, &status)) {
            return finish(status);
        }
    }
    if (strcmp(name, "help") == 0) {
        return help(argc > 2 ? argv[2] : NULL);
    }
    if (strcmp(name, "client") == 0) {
        return har_cmd_client(argc - 1, argv + 1);
    }
    const struct sl_cli_command *command = sl_cli_command(&cli, name);
    if (command != NULL && command->run != NULL) {
        return finish(command->run(argc - 1, argv + 1));
    }
    if (command != NULL) {
        (void)fprintf(stderr, "sluice-harness: '%s' is not built yet\n", name);
        return 2;
    }
    if (argc < 2) {
        (void)fprintf(stderr, "sluice-harness: which command? There are");
        for (const struct sl_cli_command *known = commands; known->name != NULL; known++) {
            if (known->run != NULL) {
                (void)fprintf(stderr, " %s", known->name);
            }
        }
        (void)fprintf(stderr, ".\nTry 'sluice-harness --help'.\n");
        return 2;
    }
    return no_command(name);
}
