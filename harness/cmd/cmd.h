/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_CMD_H
#define HAR_CMD_H

#include <stddef.h>

/* The subcommands. Each parses its own arguments (argv[0] is its name) and returns the exit status. */
int har_cmd_run(int argc, char **argv);
int har_cmd_replay(int argc, char **argv);
int har_cmd_list(int argc, char **argv);
int har_cmd_print_schema(int argc, char **argv);
int har_cmd_explain(int argc, char **argv);
int har_cmd_check(int argc, char **argv);
int har_cmd_calibrate(int argc, char **argv);
int har_cmd_proxy(int argc, char **argv);
int har_cmd_selftest(int argc, char **argv);
int har_cmd_compare(int argc, char **argv);
int har_cmd_baseline(int argc, char **argv);
int har_cmd_chaos(int argc, char **argv);
int har_cmd_probe(int argc, char **argv);
int har_cmd_client(int argc, char **argv); /* of the harness itself: harness/target/child.h */

/* Loads the built-in scenarios; 0, or 2 with the reason on stderr. */
struct har_library;
int har_cmd_library(const char *program, struct har_library *library);
/* Only these, where each is the id of one; else all, as globs, files and mistakes need them. */
int har_cmd_library_named(const char *program, struct har_library *library, char *const *ids,
                          size_t count);
/* The baselines beside the scenarios of the folder; a bad one is told on stderr and left out. */
struct har_baselines;
void har_cmd_baselines(const char *program, const char *folder, struct har_baselines *set);

#endif
