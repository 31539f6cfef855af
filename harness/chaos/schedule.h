/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_CHAOS_SCHEDULE_H
#define HAR_CHAOS_SCHEDULE_H

/*
 * What one round of chaos does: a load, groups of victims beside witnesses whom nothing is done to, and faults, each of which
 * hits one group (or the server's process). It is data of a fixed size, so that it can be generated from a seed, varied
 * by the shrinker, written as a scenario and compared, all without a server.
 *
 * A round is `cycles` times: the load with all faults, healing, and a few messages that everybody must get.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

enum {
    HAR_CHAOS_FAULTS_MAX = 16,
    HAR_CHAOS_GROUPS_MAX = 8,
    HAR_CHAOS_ACTORS_MAX = 200, /* of one group */
    HAR_CHAOS_CYCLES_MAX = 8,
    HAR_CHAOS_CYCLE_MAX_MS = 5000,
    HAR_CHAOS_RATE_MAX = 2000, /* messages a second, all publishers together */
    HAR_CHAOS_SIZE_MAX = 65536,
};

enum har_chaos_kind {
#define X(id, name, set, victims, flags, what) HAR_CHAOS_##id,
#include "harness/chaos/kinds.def"
#undef X
    HAR_CHAOS_KINDS,
};

/* The sets of --faults. */
enum har_chaos_set {
    HAR_CHAOS_NETWORK,
    HAR_CHAOS_CLIENT,
    HAR_CHAOS_SET_PAUSE,
    HAR_CHAOS_SET_DRAIN,
    HAR_CHAOS_SET_KILL,
    HAR_CHAOS_SETS,
};

enum har_chaos_who { HAR_CHAOS_SUBSCRIBER, HAR_CHAOS_CHAT, HAR_CHAOS_PUBLISHER, HAR_CHAOS_WHO };

/* Of kinds.def. */
enum {
    HAR_CHAOS_PROXY = 1 << 0,
    HAR_CHAOS_ENDS = 1 << 1,
    HAR_CHAOS_LOSES = 1 << 2,
    HAR_CHAOS_LEAVES = 1 << 3,
    HAR_CHAOS_LASTS = 1 << 4,
    HAR_CHAOS_H2 = 1 << 5,
    HAR_CHAOS_OUTAGE = 1 << 6,
    HAR_CHAOS_FILLS = 1 << 7,
};

struct har_chaos_kind_info {
    const char *name, *what;
    enum har_chaos_set set;
    unsigned victims; /* bits of enum har_chaos_who; 0: the server's process */
    unsigned flags;
};
extern const struct har_chaos_kind_info har_chaos_kinds[HAR_CHAOS_KINDS];
extern const char *const har_chaos_set_names[HAR_CHAOS_SETS];

/* Victims: they begin with a stream each (a publisher with nothing), and what is done to them is a fault. */
struct har_chaos_group {
    unsigned who; /* enum har_chaos_who */
    unsigned count;
    bool is_grpc;       /* the gRPC C core in place of own frames */
    bool is_shared;     /* all on one connection */
    bool is_first;      /* they join before the witnesses */
    bool has_neighbour; /* a witness on the connection that they share */
};

struct har_chaos_fault {
    unsigned kind;   /* enum har_chaos_kind */
    unsigned group;  /* its victims; of a fault of the process: 0 */
    unsigned at_ms;  /* from the beginning of the cycle */
    unsigned for_ms; /* 0: until the end of the cycle */
    unsigned amount; /* of what the kind counts: ms, bytes, messages, times */
    bool is_other;   /* the other way to do it: FIN for RST, one direction for both */
};

struct har_chaos_load {
    unsigned publishers, rate_hz; /* rate: of each */
    unsigned size;                /* bytes of a text */
    unsigned live, core;          /* witnesses: subscribers over h2, and over the gRPC C core */
    unsigned talkers;             /* chats as witnesses */
    bool has_elsewhere;           /* a second room, with a publisher and a subscriber */
    bool has_limited; /* a subscriber who asked for less than comes, and whose buffer never fills */
};

struct har_chaos_schedule {
    uint64_t seed;
    unsigned round;
    bool has_buffer; /* the target's profile says how many messages its buffers hold */
    bool
        is_ready; /* of its capabilities; else whoever subscribes sends messages, which fill buffers too */
    unsigned cycles, cycle_ms;
    struct har_chaos_load load;
    struct har_chaos_group groups[HAR_CHAOS_GROUPS_MAX];
    size_t group_count;
    struct har_chaos_fault faults[HAR_CHAOS_FAULTS_MAX];
    size_t fault_count;
};

/* The flags of all faults of a group, or'ed; LOSES also where latency leaves less than comes. */
unsigned har_chaos_group_flags(const struct har_chaos_schedule *schedule, size_t group);
/* Whether any fault has one of the flags. */
bool har_chaos_has(const struct har_chaos_schedule *schedule, unsigned flags);
bool har_chaos_has_kind(const struct har_chaos_schedule *schedule, unsigned kind);
/* Whether a fault can be done to this group as it is. */
bool har_chaos_fits(unsigned kind, const struct har_chaos_group *group);
/* Whether a fault leaves the other streams of its victims' connection alone. */
bool har_chaos_is_of_stream(unsigned kind);

/* What a limited subscriber asks for, messages a second: less than come. */
unsigned har_chaos_limited_hz(const struct har_chaos_schedule *schedule);
/* Messages that wait for it at the end of a cycle, with room to spare; more than can be when no such rate is promised
 * to be reached (SUB-15). Faults are not looked at. */
unsigned har_chaos_holds_back(const struct har_chaos_schedule *schedule);
/* Whether all that is done to a group is that it stops reading from the beginning of the one cycle to its end, while one
 * publisher sends alone: what it gets then is its buffer (SUB-05, SUB-06). */
bool har_chaos_is_deep(const struct har_chaos_schedule *schedule, size_t group);

/* Without fault i; groups stay. */
void har_chaos_drop_fault(struct har_chaos_schedule *schedule, size_t i);
/* Without group i and its faults; the numbers of the others close up. */
void har_chaos_drop_group(struct har_chaos_schedule *schedule, size_t i);
/* Without the groups that no fault hits. */
void har_chaos_drop_idle(struct har_chaos_schedule *schedule);

/* "reader-stall of 3 subscribers from 200 ms to the end" */
void har_chaos_tell_fault(const struct har_chaos_schedule *schedule, size_t i, struct sl_buf *out);
/* All of them, with "; " between; "no fault" when there is none. */
void har_chaos_tell(const struct har_chaos_schedule *schedule, struct sl_buf *out);

#endif
