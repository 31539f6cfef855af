/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_AFTERMATH_H
#define HAR_AFTERMATH_H

/*
 * What a play leaves behind in the target's process: looked at after the canary, where the process is known
 * (--exec, --pid).
 *
 * - It is the same process: one that held a listening socket and has ended breaks RES-02, whoever answers in its place.
 * - Descriptors that are no client's connection (holder.h) are as many as before within HAR_AFTERMATH_WITHIN_NS of the
 *   end of the play's connections, else RES-01.
 * - After a play that wrote frames of its own memory grew by less than HAR_AFTERMATH_RSS_MAX, looked at as long, else
 *   RES-01.
 *
 * Growth is no leak yet: a pool is filled, a heap grows until it is collected, and with several plays at once it may be
 * another's. So the scenario is played again, alone, and it counts when each of HAR_AFTERMATH_PLAYS plays left more
 * behind. Where a scenario failed by itself nothing is played again; what it left is a note.
 *
 * Cost: some reads of /proc for each play. A target that leaks, or whose descriptors come back late, is waited for
 * a few times only (HAR_AFTERMATH_PROOFS_MAX, HAR_AFTERMATH_DOUBTS_MAX); har_aftermath_note says so then.
 *
 * Life: one loop, one thread; callbacks come from the loop.
 */
#include <uv.h>

#include "harness/aftermath/holder.h"
#include "harness/scenario/model.h"

#define HAR_AFTERMATH_WITHIN_NS (3 * SL_SECOND)
/* For so long nobody minds: the next play may begin. */
#define HAR_AFTERMATH_GRACE_NS (100 * SL_MS)
#define HAR_AFTERMATH_RSS_MAX  (32ULL * 1024 * 1024)

enum {
    HAR_AFTERMATH_PLAYS = 3,
    HAR_AFTERMATH_PROOFS_MAX = 3, /* scenarios that were shown to leak descriptors, or memory */
    HAR_AFTERMATH_DOUBTS_MAX = 4, /* scenarios that were played again, and nothing more stayed */
    HAR_AFTERMATH_TEXT_MAX = 240,
};

struct har_aftermath;

enum har_aftermath_verdict {
    HAR_AFTERMATH_CLEAN,  /* text: "", or what is worth a note */
    HAR_AFTERMATH_AGAIN,  /* to be played again, alone */
    HAR_AFTERMATH_BROKEN, /* rule and text say what */
};

typedef void har_aftermath_fn(void *owner, enum har_aftermath_verdict verdict);

/* Of one scenario, over its plays; zeroed before the first. */
struct har_trail {
    struct har_held before; /* the play that is on, or was last */
    uint64_t fds_limit;
    uint64_t fds_first, rss_first; /* before the first play that left something */
    unsigned plays;                /* that left something, one after the other */
    bool has_fds, has_rss;         /* each of them left these */
    bool has_before, is_looking, has_failed;
    bool is_negative;           /* it writes frames of its own */
    uint64_t begin_ns, next_ns; /* of the look; its next reading */
    har_aftermath_fn *done;
    void *owner;
    const char *rule;
    char text[HAR_AFTERMATH_TEXT_MAX];
    struct har_trail *next;
};

struct har_aftermath *har_aftermath_new(uv_loop_t *loop);
/* NULL is fine. Looks that go on end without a callback. */
void har_aftermath_free(struct har_aftermath *aftermath);

/* The target serves, for the first time or again; pid 0: it is not known. */
void har_aftermath_watch(struct har_aftermath *aftermath, pid_t pid);
/* A play of scenario begins. */
void har_aftermath_before(struct har_aftermath *aftermath, const struct har_scenario *scenario,
                          struct har_trail *trail);
/* The play has ended, its connections are closed, the canary was answered. has_failed: it did not pass. done() is called once, from the loop, unless har_aftermath_drop or _free comes before. */
void har_aftermath_look(struct har_aftermath *aftermath, struct har_trail *trail, bool has_failed,
                        har_aftermath_fn *done, void *owner);
void har_aftermath_drop(struct har_aftermath *aftermath, struct har_trail *trail);
/* True while something that stayed is looked at: nothing new should begin. */
bool har_aftermath_is_doubting(const struct har_aftermath *aftermath);
/* What was not looked at in this run, behind "not looked at: "; NULL: everything was. */
const char *har_aftermath_note(const struct har_aftermath *aftermath);

#endif
