/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_RUN_OPTIONS_H
#define HAR_RUN_OPTIONS_H

/* The command line of `run`. Strings borrow argv. */
#include <sys/types.h>

#include "harness/report/report.h"
#include "lib/base/cli.h"
#include "lib/wire/hpack.h"

enum {
    HAR_LIST_MAX = 64,
    HAR_REPEAT_MAX = 1000,
};

struct har_list {
    const char *items[HAR_LIST_MAX];
    size_t count;
};

struct har_run_options {
    const char *target; /* as given */
    char host[256];     /* as struct har_address has it */
    uint16_t port;
    const char *command; /* --exec */
    const char *client;  /* a program under test, for scenarios that judge clients */
    const char *profile;
    const char *binding; /* a name or a file; NULL: chat */
    struct har_list tags, skips;
    const char *known_failing;
    unsigned jobs, repeat;
    uint64_t seed, budget_ns;
    uint64_t ready_ns; /* for the first answer; 0: as struct har_target_config has it */
    bool has_seed, is_strict, has_no_canary, has_tls;
    const char *ca, *cert, *key, *authority, *server_name;
    struct sl_headers metadata; /* from everywhere, in the order of the options */
    struct har_list metadata_given, metadata_files, metadata_variables; /* the options */
    pid_t pid;
    const char *reports[HAR_FORMATS]; /* files; NULL: none */
    const char *evidence, *capture;
    struct har_list includes, protos, descriptor_sets; /* -I, --proto, -d */
};

extern const struct sl_cli har_run_cli;

/* One option of run by its long name, for subcommands that share it; their options begin with a
 * struct har_run_options. */
const struct sl_cli_option *har_run_option(const char *name);

/* Defines set_NAME() of an option without a value: MEMBER of the options, which are of this type, becomes true. */
#define HAR_SET_FLAG(type, name, member)                                                       \
    static enum sl_status set_##name(void *target, const char *value, struct sl_error *reterr) \
    {                                                                                          \
        type *options = target;                                                                \
        (void)value;                                                                           \
        (void)reterr;                                                                          \
        options->member = true;                                                                \
        return SL_OK;                                                                          \
    }

#endif
