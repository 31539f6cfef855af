/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_LINK_H
#define HAR_LINK_H

/*
 * A byte link to a server: TCP or a socket in the file system, with TLS on it when asked. What is written in one turn of the loop
 * becomes one write.
 *
 * State:  CONNECTING --connected()--> UP --closed()--> CLOSED
 *             `--------closed()-----------------------^
 *
 * Bytes pass in plaintext: sent() sees what is handed to the socket (in the order and at the time of
 * the handing over), read() what came. Backpressure: har_link_pause stops reading; har_link_queued
 * says what waits for the socket, drained() that nothing does.
 *
 * Signals: SIGPIPE is ignored in the whole process from the first link on.
 * Life: one loop; callbacks come from the loop. har_link_free may be called from any callback, none
 * comes after it. Memory: at most HAR_CONN_QUEUE_MAX bytes wait; one read buffer for all links.
 */
#include <sys/socket.h>

#include "harness/transport/transport.h"

struct har_link;

/* Every callback must be set. */
struct har_link_handler {
    void (*connected)(void *owner, uint64_t now_ns);
    void (*read)(void *owner, struct sl_span bytes, uint64_t now_ns);
    /* The end of a turn in which har_link_wake was called: the last chance to add to the output. */
    void (*turn)(void *owner);
    void (*sent)(void *owner, struct sl_span bytes, uint64_t now_ns);
    void (*drained)(void *owner);
    void (*closed)(void *owner, enum har_conn_end how, const char *text);
};

struct har_link_config {
    const char *host; /* a name, an address without brackets, or "unix:PATH"; kept */
    uint16_t port;
    const struct sockaddr_storage *address; /* NULL: the host is looked up; copied */
    const struct har_tls *tls;              /* NULL: plaintext; kept */
    int receive_buffer;                     /* SO_RCVBUF; 0: the system's */
    struct har_trace *trace;                /* gets what goes through the socket; NULL: none */
    const char *trace_name;                 /* of the connection in it; copied */
    const struct har_link_handler *handler;
    void *owner;
};

/* Begins to connect, to each address of the host in turn until one answers; one that does not is given up after a
 * second while there are others. */
struct har_link *har_link_new(uv_loop_t *loop, const struct har_link_config *config);
void har_link_free(struct har_link *link);

/* The output: append to it while the link is up, then wake. Full: the peer does not read. */
struct sl_buf *har_link_out(struct har_link *link);
/* Asks for turn() and a write at the end of this turn of the loop. */
void har_link_wake(struct har_link *link);
/* Bytes that wait for the socket. */
size_t har_link_queued(const struct har_link *link);
bool har_link_is_up(const struct har_link *link);

/* Writes what is queued (sent() and drained() come from inside this call), then FIN, after close_notify
 * with TLS; reading goes on. What the socket does not take at once is lost when the link is freed. */
void har_link_finish(struct har_link *link);
/* TCP RST at once; no callback comes after it. */
void har_link_reset(struct har_link *link);
/* Closes the socket at once, in order; no callback comes after it. */
void har_link_close(struct har_link *link);
void har_link_pause(struct har_link *link, bool is_paused);

/* The two ends of a link that was up; AF_UNSPEC before. */
const struct sockaddr_storage *har_link_local(const struct har_link *link);
const struct sockaddr_storage *har_link_peer(const struct har_link *link);

#endif
