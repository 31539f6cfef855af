/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_RULES_H
#define HAR_RULES_H

/* The rules of the contract: what `explain` says of them. Wire rules come from lib/wire. */
#include <stddef.h>

struct har_rule {
    const char *id;    /* "SUB-04" */
    const char *level; /* "core", "declared ready", "M" */
    const char *title; /* what the rule asks for */
    const char *prevents;
};

const struct har_rule *har_rule_find(const char *id); /* NULL: none */
const char *har_rule_nearest(const char *id);         /* a known id; NULL: nothing is near */
const struct har_rule *har_rules(size_t *ret_count);

#endif
