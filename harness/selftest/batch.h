/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_SELFTEST_BATCH_H
#define HAR_SELFTEST_BATCH_H

/*
 * The cases that one run plays, and the command line of that run.
 *
 * What must be seen of a scenario (on a clean server, or on a wrong one that it names) is seen in a run of its own. Two kinds share
 * one: the scenarios that were drawn for a wrong server, one after another on one instance of it, as nothing is asked of them;
 * and scenarios on a server that does nothing, beside each other, as there nothing happens that one could do to another.
 * A case that has to be asked again is alone.
 *
 * Ownership: borrows the cases; the words of a command line belong to it.
 */
#include "harness/selftest/cases.h"

enum {
    HAR_BATCH_MAX = 32,
    HAR_BATCH_WORDS = HAR_BATCH_MAX + 20,
};

struct har_batch {
    struct har_case *items[HAR_BATCH_MAX];
    size_t count;
};

/* Takes first and, of the others that have not begun, those that can share its run. others may hold first too. */
void har_batch_gather(struct har_batch *batch, struct har_case *first,
                      struct har_case *const *others, size_t count);

/* Whether the case was played beside others, and its verdict is not as it must be or not there: only a run of its own counts. */
bool har_batch_asks_again(const struct har_batch *batch, const struct har_case *item);

struct har_batch_command {
    char *words[HAR_BATCH_WORDS]; /* NULL behind the last */
    size_t count;
};

/* `sluice-harness run ID ... --exec '...'`, as its users type it. known: a known-failing list for servers on the C
 * core, or NULL. Release it. */
void har_batch_command(const struct har_batch *batch, const char *harness, const char *server,
                       const char *known, uint64_t seed, const char *report,
                       struct har_batch_command *ret_command);
void har_batch_command_release(struct har_batch_command *command);

#endif
