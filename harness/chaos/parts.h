/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_CHAOS_PARTS_H
#define HAR_CHAOS_PARTS_H

/* Who of a round is promised what. */
#include "harness/chaos/schedule.h"

enum { HAR_CHAOS_NAMES_MAX = 256 };

/* What the groups of a schedule are to its checks. */
enum har_chaos_part {
    HAR_CHAOS_WITNESSES,  /* subscribers who get everything, whatever is done to others */
    HAR_CHAOS_UNHARMED,   /* victims who get everything too */
    HAR_CHAOS_LEAVERS,    /* victims whose every stream is without a hole while it is open */
    HAR_CHAOS_LOSERS,     /* those who may miss messages, and stay */
    HAR_CHAOS_DEEP,       /* of them, those who get what their buffer holds, and no more */
    HAR_CHAOS_LIMITED,    /* a witness who gets everything late */
    HAR_CHAOS_ENDED,      /* those whose streams may end */
    HAR_CHAOS_RETURNED,   /* those who come back, of any of these */
    HAR_CHAOS_CHATS,      /* witnesses and victims */
    HAR_CHAOS_ENDS_CHATS, /* victims whose streams may end */
    HAR_CHAOS_PARTS,
};

/* Names of actors, for a selector. */
struct har_chaos_names {
    char text[HAR_CHAOS_NAMES_MAX];
    size_t len; /* 0: nobody */
};

struct har_chaos_parts {
    struct har_chaos_names of[HAR_CHAOS_PARTS];
};

void har_chaos_sort(const struct har_chaos_schedule *schedule, struct har_chaos_parts *parts);

#endif
