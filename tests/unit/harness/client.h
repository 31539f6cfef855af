/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_CLIENT_H
#define TEST_CLIENT_H

/* A loop with a peer and a connection to it, and recorders of what streams and connection tell. */
#include "harness/transport/transport.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/harness/peer.h"

enum {
    CLIENT_STREAMS_MAX = 64,
};

struct client;

struct record {
    struct client *client;
    struct har_stream *stream;
    size_t headers, prefixes, messages, drained, ends;
    uint64_t bytes; /* of messages */
    uint8_t last_byte;
    bool is_in_order; /* the messages of a Burst carry their index */
    uint32_t code, reset_error;
    enum sl_status_source source;
    char text[128];
    char trailer[32]; /* x-trailer */
    char seen[32];    /* x-seen of the headers */
    bool is_freeing;  /* frees itself in its first message */
};

struct client {
    uv_loop_t loop;
    uv_timer_t guard;
    struct peer *peer;
    struct har_conn *conn;
    struct record records[CLIENT_STREAMS_MAX];
    size_t record_count;
    size_t connected, ended, goaways, ping_acks, frames, findings;
    uint32_t goaway_last;
    enum har_conn_end how;
    char text[256];
    char finding[256];
    bool is_freeing; /* frees the connection in the first message of a stream */
};

/* The peer of this script; no connection yet. */
struct client *client_new(const struct peer_script *script);
/* The defaults, for a connection to the peer. */
struct har_conn_config client_config(struct client *client, enum har_transport transport);
void client_connect(struct client *client, const struct har_conn_config *config);
/* Frees all, runs the loop dry and checks that nothing is left on it. */
void client_free(struct client *client);

struct record *client_open(struct client *client, const char *method, bool is_manual);
struct record *client_open_timed(struct client *client, const char *method, uint64_t timeout_ns);
/* One message and the half-close. */
struct record *client_call(struct client *client, const char *method, const char *message);

/* Runs the loop until it holds; fails after 10 s. */
#define client_until(client, condition)      \
    do {                                     \
        while (!(condition)) {               \
            client_step(client, #condition); \
        }                                    \
    } while (0)
void client_step(struct client *client, const char *waiting_for);
/* Runs the loop until two round trips of it have brought nothing: for what must not happen. */
void client_settle(struct client *client);

#endif
