/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_LISTENER_H
#define SRV_LISTENER_H

/* Listening sockets of our own, by address; the C core makes its own ones. */

/* A socket that listens on HOST:PORT, the first address of HOST that can be bound; [HOST] for IPv6, port 0 for any free one.
 * Non-blocking, closed on exec; yours. -1 with the reason in *ret_why, which is valid until the thread's next call of
 * strerror(3). Looks names up, so it may block. */
int srv_listen(const char *listen, int backlog, const char **ret_why);

/* The port that it listens on; 0 when the system does not tell. */
int srv_listen_port(int fd);

#endif
