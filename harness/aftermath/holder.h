/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_HOLDER_H
#define HAR_HOLDER_H

/*
 * What the target's processes hold between two moments in which clients are connected or not: memory, and the
 * descriptors that are not a connection whose other end is still there.
 *
 * A connection that a client still holds is ESTABLISHED in the kernel's table and counts nothing, whoever the client
 * is; so what is counted does not depend on who else is connected. One that the client has closed, and the server not,
 * does count, and so does every descriptor of another kind. Connections over a socket in the file system always count:
 * the kernel does not tell their state.
 *
 * Also which processes serve, that is hold a listening socket, and whether each of them lives on.
 *
 * Read from /proc. Limits: HAR_HOLDER_PROCESSES_MAX processes, HAR_HOLDER_FDS_MAX descriptors; beyond them nothing is known.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/status.h"

enum {
    HAR_HOLDER_PROCESSES_MAX = 256,
    HAR_HOLDER_FDS_MAX = 64 * 1024,
};

struct har_held {
    uint64_t rss_bytes;
    uint64_t fds;
};

struct har_holder;

/* Those of pid, its group and its descendants. NULL when they cannot be looked at: gone, another's, too many. */
struct har_holder *har_holder_new(pid_t pid);
/* NULL is fine. */
void har_holder_free(struct har_holder *holder);

/* Looks which processes there are now, the costly part: all of /proc is read. SL_NOT_FOUND when nothing of it is left;
 * SL_IO, SL_LIMIT. */
SL_MUST_USE enum sl_status har_holder_refresh(struct har_holder *holder);

/* What these processes hold now. Where there are no more than enough_fds descriptors at all, whether they are connections is not
 * asked, which is cheaper, and the number may be too high. SL_IO, SL_LIMIT. */
SL_MUST_USE enum sl_status har_holder_read(struct har_holder *holder, uint64_t enough_fds,
                                           struct har_held *ret_held);

/* A process that served when the holder was made, and has ended; 0 when there is none. */
pid_t har_holder_lost(const struct har_holder *holder);

#endif
