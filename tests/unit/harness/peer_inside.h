/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_PEER_INSIDE_H
#define TEST_PEER_INSIDE_H

/* What peer.c (sockets) and peer_answers.c (the script) share. */
#include "tests/unit/harness/peer.h"

enum {
    OUTPUT_MAX = 256 * 1024 * 1024,
};

struct peer_call {
    struct peer_call *prev, *next;
    struct peer_conn *conn;
    struct sl_call *call; /* NULL once it is over for the observer */
    uint32_t stream;
    char method[32];
    struct sl_buf out; /* DATA that waits for windows */
    bool has_headers, is_finishing;
};

struct peer_conn {
    struct peer_conn *prev, *next;
    struct peer *peer;
    uv_tcp_t tcp;
    struct sl_observer *observer;
    struct sl_hpack_encoder *encoder;
    struct peer_call *calls;
    struct sl_buf out;
    size_t sent;
    bool is_dying, is_closed, has_been_generous;
    char read_buffer[16 * 1024];
};

struct peer {
    uv_loop_t *loop;
    uv_tcp_t listener;
    struct peer_script script;
    struct peer_conn *conns;
    struct peer_seen seen;
    size_t open_handles;
    bool is_freed;
    uint16_t port;
};

/* peer.c: what is in conn->out goes to the socket. */
void peer_flush(struct peer_conn *conn);

/* peer_answers.c */
extern const struct sl_observer_handler peer_observer;
/* Begins the answers to the requests that have come. */
void peer_answer(struct peer_conn *conn);
/* Sends what the windows allow. */
void peer_pump(struct peer_conn *conn);
void peer_forget_calls(struct peer_conn *conn);

#endif
