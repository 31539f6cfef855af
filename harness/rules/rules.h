/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_RULES_H
#define HAR_RULES_H

/*
 * The rules of the contract: what `explain` and a failure say of them. Wire rules come from lib/wire.
 * Constant; nothing to free.
 */
#include <stddef.h>

struct har_rule {
    const char *id;       /* "SUB-04" */
    const char *level;    /* "core", "declared ready", "M" */
    const char *source;   /* "proto/CONTRACT.md", "RFC 9113 6.9" */
    const char *title;    /* what the rule asks for */
    const char *prevents; /* the failure in production */
    const char *look;     /* continues "look first:" */
};

const struct har_rule *har_rule_find(const char *id); /* NULL: none */
const char *har_rule_nearest(const char *id);         /* a known id; NULL: nothing is near */
const struct har_rule *har_rules(size_t *ret_count);

/* Where to look first when the rule, of the contract or of the wire, is broken; NULL: nothing is known. */
const char *har_rule_look(const char *id);
/* The failure in production that it prevents; NULL for an unknown id. */
const char *har_rule_prevents(const char *id);

#endif
