/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_OPEN_TARGET_H
#define HAR_OPEN_TARGET_H

/* The target of a subcommand, with the TLS and the capture that its options ask for. Zeroed is none. */
#include "harness/cmd/run_options.h"
#include "harness/engine/target.h"
#include "harness/scenario/profile.h"

struct har_cmd_target {
    struct har_tls_kit *kit; /* certificates made for the run, where the target has TLS */
    char *command;           /* --exec, with their files in it */
    struct har_tls *tls;
    struct har_capture *capture;
    struct har_target *target;
};

/* Whether the options that say which target go together; 0, or 2 with the reason on stderr. */
int har_cmd_check_target(const char *program, const struct har_run_options *options);
/* 0, or 2 with the reason on stderr. options and binding (NULL: chat.v1) are kept. Nothing is started yet. */
int har_cmd_open_target(const char *program, const struct har_run_options *options,
                        const struct har_binding *binding, uv_loop_t *loop,
                        struct har_cmd_target *ret_target);
/* What the run knows of its target, and a profile cannot: whether it has TLS, and with which certificates. */
void har_cmd_settle_profile(const struct har_run_options *options,
                            const struct har_cmd_target *target, struct har_profile *profile);
/* Frees what is there and closes the loop; 2 when the capture could not be written. */
int har_cmd_close_target(const char *program, uv_loop_t *loop, struct har_cmd_target *target);

#endif
