/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_TOPICS_H
#define HAR_TOPICS_H

/*
 * What can be explained, by id: scenarios, rules of the contract and of the wire, tags (catalogue ids among them), verbs,
 * checks, kinds of actors, and the words of glossary.def. One id may be several things; all are told.
 *
 * Ownership: borrows everything.
 */
#include "harness/baseline/baseline.h"
#include "harness/explain/prose.h"
#include "harness/scenario/library.h"
#include "harness/selftest/cases.h"

struct har_topics {
    const struct har_library *library;
    const struct har_mutants
        *mutants; /* wrong servers and the rules they break; empty: not known */
    const struct har_baselines *baselines; /* of known stacks; NULL: not known */
};

/* False when id names nothing. */
bool har_topics_explain(const struct har_topics *topics, const char *id, struct har_prose *prose);
/* Every rule, of the contract and of the wire. */
void har_topics_rules(const struct har_topics *topics, struct har_prose *prose);
/* What can be asked. */
void har_topics_list(const struct har_topics *topics, struct har_prose *prose);
/* The known id nearest to one that is not; NULL: none is near. Borrowed from the topics. */
const char *har_topics_nearest(const struct har_topics *topics, const char *id);

#endif
