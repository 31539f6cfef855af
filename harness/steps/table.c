/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/steps/verbs.h"
#include "lib/base/cli.h"

static const struct har_step_type *const types[] = {
#define X(name) &har_step_##name,
    HAR_STEPS(X)
#undef X
};
enum {
    TYPE_COUNT = sizeof(types) / sizeof(types[0]),
};

const struct har_step_type *har_step_find(const char *name)
{
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (strcmp(types[i]->name, name) == 0) {
            return types[i];
        }
    }
    return NULL;
}

const char *har_step_nearest(const char *name, bool is_control)
{
    const char *names[TYPE_COUNT];
    size_t count = 0;
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if ((types[i]->kinds == 0) == is_control) {
            names[count++] = types[i]->name;
        }
    }
    return sl_cli_nearest(name, names, count);
}

const struct har_step_type *const *har_step_types(size_t *ret_count)
{
    *ret_count = TYPE_COUNT;
    return types;
}
