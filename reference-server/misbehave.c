/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/misbehave.h"

#include "lib/base/cli.h"
#include "lib/base/log.h"

struct wrong_server {
    const char *name;
    const char *frontends;
    const char *rule;
    const char *what;
    size_t offset;
};

static const struct wrong_server wrong_servers[] = {
#define X(field, name, frontends, rule, what) \
    {name, frontends, rule, what, offsetof(struct srv_misbehave, field)},
#include "reference-server/misbehave.def"
#undef X
};

enum {
    WRONG_SERVER_COUNT = sizeof(wrong_servers) / sizeof(wrong_servers[0]),
};

enum sl_status srv_misbehave_set(struct srv_misbehave *misbehave, const char *name,
                                 struct sl_error *reterr_error)
{
    const char *names[WRONG_SERVER_COUNT];
    for (size_t i = 0; i < WRONG_SERVER_COUNT; i++) {
        names[i] = wrong_servers[i].name;
        if (strcmp(name, names[i]) == 0) {
            *(bool *)((char *)misbehave + wrong_servers[i].offset) = true;
            return SL_OK;
        }
    }
    const char *nearest = sl_cli_nearest(name, names, WRONG_SERVER_COUNT);
    return sl_error_set(reterr_error, SL_USAGE, "no such wrong server%s%s; 'list' prints them",
                        nearest == NULL ? "" : "; the nearest is ", nearest == NULL ? "" : nearest);
}

bool srv_misbehave_is_any(const struct srv_misbehave *misbehave)
{
    bool is_any = false;
#define X(field, name, frontends, rule, what) is_any |= misbehave->field;
#include "reference-server/misbehave.def"
#undef X
    return is_any;
}

void srv_misbehave_log(const struct srv_misbehave *misbehave)
{
    for (size_t i = 0; i < WRONG_SERVER_COUNT; i++) {
        if (*(const bool *)((const char *)misbehave + wrong_servers[i].offset)) {
            sl_log(SL_LOG_WARN, "misbehave", "name=%s rule=%s: %s", wrong_servers[i].name,
                   wrong_servers[i].rule, wrong_servers[i].what);
        }
    }
}

void srv_misbehave_list(struct sl_buf *out)
{
    for (size_t i = 0; i < WRONG_SERVER_COUNT; i++) {
        (void)sl_buf_addf(out, "%s\t%s\t%s\n", wrong_servers[i].name, wrong_servers[i].frontends,
                          wrong_servers[i].rule);
    }
}
