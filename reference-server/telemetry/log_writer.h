/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_LOG_WRITER_H
#define SRV_LOG_WRITER_H

/*
 * Writes the log from a thread of its own, so that a stderr that nobody reads (a full pipe, a stopped terminal) delays no
 * call. Lines wait in a buffer of SRV_LOG_WAITING_MAX bytes; those that find it full are dropped and counted, and how many
 * is a line of its own when there is room again.
 *
 * A line of level error is written at once where stderr takes it, as it may be the last one of the process.
 *
 * Threads: lines come from any thread.
 */
enum {
    SRV_LOG_WAITING_MAX = 1024 * 1024,
    SRV_LOG_STOP_MS = 1000, /* the most that stop waits for a reader */
};

struct srv_log_writer;

/* Lines go through it from now on (sl_log_set_writer). fd is borrowed. */
struct srv_log_writer *srv_log_writer_start(int fd);

/* Writes what waits, as far as it goes within SRV_LOG_STOP_MS, and frees it. No other thread logs any more. NULL is fine. */
void srv_log_writer_stop(struct srv_log_writer *writer);

#endif
