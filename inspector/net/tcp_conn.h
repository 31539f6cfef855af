/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_TCP_CONN_H
#define INS_TCP_CONN_H

/*
 * One TCP connection: two flows and the order between them. The part of tcp.c that decides when bytes
 * are handed on and when a hole is given up; tcp.c keeps the table of connections.
 */
#include <uthash.h>

#include "inspector/net/tcp_moved.h"

struct ins_tcp_key {
    struct ins_endpoint low, high; /* in the order of their bytes; padding zeroed */
};

struct ins_tcp_conn {
    struct ins_tcp_key key;
    UT_hash_handle hh;
    struct ins_tcp_conn *quieter, *livelier;       /* all connections, by their last segment */
    struct ins_tcp_conn *held_before, *held_after; /* those that hold bytes back, oldest first */
    struct ins_endpoint ends[2];
    struct ins_flow flows[2]; /* by sender */
    struct ins_moved moved;   /* segments that may be of another connection */
    void *user;
    uint64_t segments;
    uint64_t number;     /* from 1, in the order in which connections began */
    struct sl_at at;     /* of the last segment */
    int opener;          /* side that sent the SYN, or -1 */
    struct sl_at syn_at; /* of the last SYN ... */
    uint32_t syn_end;    /* ... which an answer to it acknowledges */
    bool has_handshake;  /* handshake_ns: to the first such answer */
    uint64_t handshake_ns;
    int reset_side; /* side whose RST ended it, or -1 */
    bool is_ignored;
    bool is_over; /* stays in the table so that late segments begin nothing */
    bool is_holding;
    size_t
        memory; /* of sl_alloc_used(), that what was done with it has taken; may wrap for a while */
};

/* What a connection needs to hand things on. */
struct ins_tcp_sink {
    const struct ins_tcp_handler *handler;
    void *owner;
    struct ins_tcp_totals totals;
    size_t flow_bytes;
};

/* True when the segment's SYN begins another connection between the same ends. */
bool ins_tcp_conn_is_renewed(const struct ins_tcp_conn *conn, int side,
                             const struct ins_segment *segment);

/* One segment of side. May end the connection (is_over). */
void ins_tcp_conn_feed(struct ins_tcp_conn *conn, struct ins_tcp_sink *sink, int side,
                       const struct ins_segment *segment);

/* Gives up the first hole of each side, and hands on what was held behind it. */
void ins_tcp_conn_force(struct ins_tcp_conn *conn, struct ins_tcp_sink *sink);

/* Hands on all that is held, tells what is missing, and ends the connection. */
void ins_tcp_conn_finish(struct ins_tcp_conn *conn, struct ins_tcp_sink *sink);

size_t ins_tcp_conn_held(const struct ins_tcp_conn *conn);

#endif
