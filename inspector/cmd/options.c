/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/cmd/options.h"

#include <assert.h>

static bool is_of_views(const char *name)
{
    static const char *const names[] = {"view",        "format",        "lint",   "strict",
                                        "buffer-size", "call-messages", "follow", "interface"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

size_t ins_cmd_options(const struct sl_cli_option *own, size_t own_count,
                       struct sl_cli_option all[INS_CMD_OPTIONS_MAX])
{
    const struct sl_cli *cli = ins_opts_cli();
    size_t count = 0;
    for (size_t i = 0; i < own_count; i++) {
        assert(count < INS_CMD_OPTIONS_MAX);
        all[count++] = own[i];
    }
    for (size_t i = 0; i < cli->option_count; i++) {
        if (!is_of_views(cli->options[i].name)) {
            assert(count < INS_CMD_OPTIONS_MAX);
            all[count++] = cli->options[i];
        }
    }
    return count;
}
