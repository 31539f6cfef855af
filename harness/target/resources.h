/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_RESOURCES_H
#define HAR_RESOURCES_H

/*
 * What a process and all that belongs to it hold: its descendants, and the members of the group that
 * it leads. Read from /proc; a process that vanishes meanwhile is left out.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/status.h"

struct har_resources {
    uint64_t rss_bytes;
    uint64_t
        peak_bytes; /* the most that was resident since the start, or since the peak was reset */
    uint64_t fds;   /* open file descriptors */
    uint64_t threads;
    uint64_t cpu_ns;    /* user and system time used so far */
    uint64_t processes; /* summed up here */
};

/* SL_NOT_FOUND when nothing of it is left; SL_IO when /proc cannot be read, or the descriptors of a
 * process may not be counted. */
SL_MUST_USE enum sl_status har_resources_read(pid_t pid, struct har_resources *ret_resources,
                                              struct sl_error *reterr_error);

/* The peak begins anew at what is resident now. False where the system does not let us: then it stays the most
 * since the start. */
bool har_resources_reset_peak(pid_t pid);

/* One process, told from a later one of the same number. */
struct har_member {
    pid_t pid;
    uint64_t started_ticks;
};
/* Those that har_resources_read() sums up. SL_LIMIT when there are more than max; SL_NOT_FOUND, SL_IO as there. */
SL_MUST_USE enum sl_status har_resources_members(pid_t pid, struct har_member *ret_members,
                                                 size_t max, size_t *ret_count);
/* Zombies are not. */
bool har_resources_is_alive(const struct har_member *member);
/* Of this process alone; 0 when it has gone. */
uint64_t har_resources_rss(pid_t pid);

/* Whether a process of this group is alive; zombies are not. */
bool har_resources_has_group(pid_t group);

#endif
