/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_LINK_STATE_H
#define HAR_LINK_STATE_H

/* What link.c (bytes, TLS, the end) and link_connect.c (the way there) share. Internal to harness/transport. */
#include <netdb.h>

#include "harness/evidence/trace.h"
#include "harness/transport/link.h"
#include "harness/transport/turn.h"

enum link_state {
    LINK_CONNECTING,
    LINK_UP,
    LINK_CLOSED,
};

struct har_link {
    uv_loop_t *loop;
    struct har_link_config config;
    enum link_state state;
    struct har_turn *turn;
    struct har_turn_task task;
    uv_getaddrinfo_t resolve;
    struct addrinfo *addresses; /* of the host */
    struct addrinfo *address;   /* the one that is tried */
    struct addrinfo only;       /* that one, where it is known */
    struct sockaddr_storage known;
    uv_timer_t *patience; /* with an address that is not the last; NULL: none was needed */
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct har_tls_session *tls;
    struct sl_buf out;      /* plaintext, not handed over yet */
    struct sl_buf wire;     /* TLS: records that wait for the socket */
    struct sl_buf inflight; /* what uv_write works on */
    struct sockaddr_storage local, peer;
    struct sl_error failure; /* why the last address failed; told when there is no other */
    char name[HAR_TRACE_NAME_MAX];
    struct har_trace_flow *trace; /* since it is connected; NULL: none */
    bool is_freed;
    bool is_resolving;
    bool has_handle; /* tcp is open or closing */
    bool is_writing;
    bool is_write_broken; /* the peer takes no more; what it sent may still be read */
    bool is_paused;
    bool is_reading;
    bool is_finishing; /* FIN is asked for */
    bool has_shutdown; /* and under way */
    bool is_unix_up;   /* connected at once; to be told by the turn */
};

/* --- link_connect.c --- */

/* Finds the addresses and tries the first. */
void har_link_resolve(struct har_link *link);
/* Tries the current address; when there is none left, the refusal is told by the turn. */
void har_link_try_address(struct har_link *link);
/* The attempt has come to an end. */
void har_link_end_patience(struct har_link *link);

/* --- link.c --- */

/* Frees the memory once nothing of libuv's refers to it. */
void har_link_reap(struct har_link *link);
/* Its socket is connected. */
void har_link_opened(struct har_link *link);
/* Closes the socket; while it is connecting, the next address is tried then. */
void har_link_close_handle(struct har_link *link);

#endif
