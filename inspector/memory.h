/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_MEMORY_H
#define INS_MEMORY_H

/*
 * The memory of the program as a whole, whatever a capture makes it keep: under 64 MB.
 *
 * Each holder of memory has limits of its own; together they could still be too much, so what was allocated is counted
 * (sl_alloc_used) and, after the packet that brought it above INS_MEMORY_MAX, connections are given up until
 * INS_MEMORY_AFTER is left: first those that have ended and wait for TLS secrets, then the heaviest, then the quietest. Before
 * that, beyond INS_MEMORY_CALLS, connections with many open calls lose the oldest of them. All of it is told: a problem of
 * the records, connections_given_up and calls_given_up in the summary's loss.
 *
 * What is left up to 64 MB: the code and libraries (9 MiB), a message of INS_VIEW_MESSAGE_MAX on its way from the wire to the
 * output, and what the allocator cannot give back.
 */
enum {
    INS_MEMORY_MAX = 30 * 1024 * 1024,
    INS_MEMORY_AFTER = 28 * 1024 * 1024,
    INS_MEMORY_CALLS = 24 * 1024 * 1024,
};

/* Before anything else is done: OpenSSL's memory counts too, and what is large goes back to the system at once. */
void ins_memory_prepare(void);

#endif
