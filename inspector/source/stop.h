/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_STOP_H
#define INS_STOP_H

/*
 * SIGINT and SIGTERM as a request to come to an end: what was read is told, then the program ends as if
 * the input had ended. A second signal ends it at once.
 *
 * One for the process, as signals are.
 */
#include <poll.h>
#include <stdbool.h>

/* From here on the signals are requests. */
void ins_stop_install(void);

bool ins_stop_is_asked(void);

/* poll() that also ends when a stop is asked for. True when fd has something; a negative fd never has.
 * timeout_ms -1: for ever. */
bool ins_stop_poll(int fd, int timeout_ms);

/* Becomes readable when a stop is asked for; -1 before ins_stop_install. */
int ins_stop_fd(void);

#endif
