/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/rules/stacks.h"

#include <string.h>

#define C "gRPC C core 1.51.1, grpc-go 1.33.3 and grpc-js 1.14.7, one chat.v1 service, raw frames"
#define T "stacks of 2026 in the versions named, one chat.v1 service, this harness"
#define S "a server and clients on gRPC C core 1.51.1; its source, and raw frames"
static const struct har_stack_fact facts[] = {
#define X(ids, where, text) {ids, where, text},
#include "harness/rules/stacks.def"
#undef X
};

const struct har_stack_fact *har_stack_fact_at(size_t index)
{
    return index < sizeof(facts) / sizeof(facts[0]) ? &facts[index] : NULL;
}

bool har_stack_fact_is_of(const struct har_stack_fact *fact, const char *id)
{
    size_t len = strlen(id);
    for (const char *c = strstr(fact->ids, id); c != NULL && len > 0; c = strstr(c + 1, id)) {
        bool begins = c == fact->ids || c[-1] == ' ';
        if (begins && (c[len] == ' ' || c[len] == '\0')) {
            return true;
        }
    }
    return false;
}
