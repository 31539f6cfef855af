/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_ACCEPT_H
#define SRV_ACCEPT_H

#include <stdbool.h>

/*
 * accept4(2), as the listeners of the C core and of h2 call it.
 *
 * The C core 1.51 stops listening for good when accept4 fails with anything but EAGAIN or EINTR: after one moment
 * without a free file descriptor no client would ever be served again (RES-02). It has no setting for that, and takes
 * no listener of ours with TLS. So this program has an accept4 of its own, which the dynamic linker puts before the
 * C library's. What comes and goes is not told as an error, and a connection for which there is no descriptor is closed
 * at once, by means of one that is held in reserve.
 *
 * Threads: any.
 */

/* Takes the reserve. Call before the server listens. is_deaf: a wrong server, which leaves the C core to itself. */
void srv_accept_init(bool is_deaf);

/* Gives it back. */
void srv_accept_release(void);

/* Whether HOST:PORT can be bound without SO_REUSEADDR, so that nothing of it is in TIME_WAIT; for wrong servers. */
bool srv_accept_can_bind(const char *listen);

#endif
