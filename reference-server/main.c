/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "reference-server/again.h"
#include "reference-server/run.h"

enum {
    EXIT_CANNOT_SERVE = 1,
    EXIT_USAGE = 2,
    LIST_MAX = 64 * 1024,
};

static int print_misbehave_list(void)
{
    struct sl_buf list;
    sl_buf_init(&list, LIST_MAX);
    srv_misbehave_list(&list);
    (void)fputs(sl_buf_str(&list), stdout);
    sl_buf_release(&list);
    return 0;
}

int main(int argc, char **argv)
{
    struct srv_opts opts;
    struct sl_cli_result result;
    struct sl_error error = {0};
    int exit_status = 0;
    srv_opts_init(&opts);
    if (!sl_cli_start(&srv_cli, argc, argv, &opts, &result, &exit_status)) {
        return exit_status;
    }
    if (srv_opts_check(&opts, &error) != SL_OK) {
        (void)fprintf(stderr, "sluice-server: %s\n", error.text);
        return EXIT_USAGE;
    }
    if (opts.wants_misbehave_list) {
        return print_misbehave_list();
    }
    sl_log_setup(SL_LOG_INFO, opts.log_format);
    if (opts.chat.misbehave.dies_after_error) {
        srv_again();
    }
    enum sl_status status = srv_run(&opts, &error);
    if (status != SL_OK) {
        (void)fprintf(stderr, "sluice-server: %s\n", error.text);
        return status == SL_USAGE ? EXIT_USAGE : EXIT_CANNOT_SERVE;
    }
    return 0;
}
