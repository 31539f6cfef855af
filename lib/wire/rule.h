/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_RULE_H
#define SL_RULE_H

/*
 * The rules that the observer judges, by the ids of the catalogue. One table, rules/rules.def, gives
 * the ids, the harness's `explain` and the documentation. Constant; nothing to free.
 */
#include <stddef.h>

struct sl_rule {
    const char *id;       /* "FLOW-01" */
    char level;           /* 'M' must, 'S' should, 'R' robustness, 'I' information */
    const char *clause;   /* "RFC 9113 6.9.1" */
    const char *title;    /* one line: what is demanded */
    const char *prevents; /* the failure in production that it prevents; no full stop */
    const char *text;     /* a paragraph: why, how it is judged, what is let pass */
    const char *look;     /* continues "look first:" when it is broken; no full stop */
};

/* NULL for an id without a passive rule. */
const struct sl_rule *sl_rule_find(const char *id);
/* In the order of the table; NULL past its end. */
const struct sl_rule *sl_rule_at(size_t index);

#endif
