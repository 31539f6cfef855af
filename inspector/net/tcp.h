/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_TCP_H
#define INS_TCP_H

/*
 * TCP connections out of captured segments: each direction's bytes in order and once, every hole told.
 *
 *     segment -> connection -> flow of its sender -> data() in place when in order
 *                                                 -> held back when early
 *     held bytes -> data() when the hole before them is filled, or after gap() when it is given up
 *
 * What a capture makes of TCP is undone: segments out of order, sent twice, overlapping, keep-alive
 * and window probes. Bytes of one side are not handed on before the bytes of the other side that their
 * segment acknowledges, so a response never comes before its request. A side whose SYN was not captured
 * begins with the earliest of its bytes in the first INS_TCP_SETTLING segments of the connection. A hole
 * is given up when
 *  - the other side has acknowledged bytes beyond it (it got them, the capture did not) and
 *    INS_TCP_PATIENCE more segments of the connection did not bring them;
 *  - the memory limits are reached: then the oldest hole of all first;
 *  - the connection or the capture ends.
 *
 * A SYN with another number begins a new connection between the same ends, and so do segments of both
 * directions that lie far from where the connection is and fit each other (tcp_moved.h).
 *
 * Pure: no I/O, no clock. Handlers must not call back, except for ins_tcp_set_user and ins_tcp_ignore.
 * Limits: struct ins_tcp_limits.
 */
#include "inspector/net/address.h"
#include "lib/base/span.h"
#include "lib/wire/observer.h"

enum {
    INS_TCP_FIN = 0x01,
    INS_TCP_SYN = 0x02,
    INS_TCP_RST = 0x04,
    INS_TCP_ACK = 0x10,
    INS_TCP_PATIENCE = 64,
    INS_TCP_SETTLING = 16,
    INS_TCP_HEAVY = 2 * 1024 * 1024,
};

struct ins_segment {
    struct ins_endpoint from, to;
    uint32_t sequence, acknowledged;
    uint8_t flags;
    struct sl_span payload; /* as captured */
    uint32_t len;           /* of the payload on the wire */
    struct sl_at at;
};

/* The TCP header at bytes, of which wire_len were on the wire. Fills all but addresses and at. False
 * when the header is malformed or cut. */
bool ins_segment_read(struct sl_span bytes, size_t wire_len, struct ins_segment *ret_segment);

struct ins_tcp_conn;

/* side: 0 or 1, the end that sends; 0 sent the first segment seen. */
struct ins_tcp_handler {
    void (*data)(void *owner, struct ins_tcp_conn *conn, int side, struct sl_span bytes,
                 const struct sl_at *at);
    void (*gap)(void *owner, struct ins_tcp_conn *conn, int side, uint64_t count,
                const struct sl_at *at);
    /* the side ended its direction by FIN; or, is_reset, the connection by RST */
    void (*close)(void *owner, struct ins_tcp_conn *conn, int side, bool is_reset,
                  const struct sl_at *at);
    /* May be NULL. Bytes of side came again with other ones; the first stay. packet: where those were, which have been
     * handed on, or are next. */
    void (*conflict)(void *owner, struct ins_tcp_conn *conn, int side, uint64_t packet);
    /* May be NULL. The connection is given up, though it has not ended: end follows. */
    void (*give_up)(void *owner, struct ins_tcp_conn *conn);
    /* nothing more comes; conn's user is to be released */
    void (*end)(void *owner, struct ins_tcp_conn *conn);
};

struct ins_tcp_limits {
    size_t flow_bytes;  /* held back for one direction */
    size_t total_bytes; /* for all */
    size_t connections; /* known at a time; an ended one is given up, else the quietest */
};
/* 2 MiB, 12 MiB, 12288. */
struct ins_tcp_limits ins_tcp_limits_default(void);

struct ins_tcp_totals {
    uint64_t segments;
    uint64_t connections;
    uint64_t reordered;     /* segments that came before bytes that precede them */
    uint64_t retransmitted; /* segments whose bytes had all come before */
    uint64_t conflicting;   /* of those, with other bytes than the first time; the first stay */
    uint64_t cut_segments;  /* shortened by a snaplen */
    uint64_t given_up;      /* holes given up because of a memory limit */
    uint64_t evicted;       /* open connections given up because there were too many */
    uint64_t reused;        /* connections that began at another place between the same ends */
    uint64_t dropped;       /* segments with data that lie where nothing of the connection can */
};

struct ins_tcp;

/* handler and owner are kept; all functions must be there but those that may be NULL. */
struct ins_tcp *ins_tcp_new(const struct ins_tcp_handler *handler, void *owner,
                            const struct ins_tcp_limits *limits);
/* Without further events: call ins_tcp_finish first, so that users are released. */
void ins_tcp_free(struct ins_tcp *tcp);

void ins_tcp_feed(struct ins_tcp *tcp, const struct ins_segment *segment);

/* Gives connections up, with all that is held for them, until sl_alloc_used() is no more than memory: one that has more
 * than INS_TCP_HEAVY first, the heaviest, else those that are over, else the quietest. Not from inside a handler. */
void ins_tcp_make_room(struct ins_tcp *tcp, size_t memory);

/* The capture has ended: gives up all holes and ends all connections, in the order they began. */
void ins_tcp_finish(struct ins_tcp *tcp);

const struct ins_tcp_totals *ins_tcp_totals(const struct ins_tcp *tcp);

/* From 1, in the order in which connections began: the same each time that the same packets are read. */
uint64_t ins_tcp_number(const struct ins_tcp_conn *conn);
/* Of the last segment that was fed; 0 when it belongs to none. */
uint64_t ins_tcp_last_number(const struct ins_tcp *tcp);

const struct ins_endpoint *ins_tcp_end(const struct ins_tcp_conn *conn, int side);
/* True when the first byte that data() gave for side was the first of the connection. */
bool ins_tcp_saw_start(const struct ins_tcp_conn *conn, int side);
/* The side that sent the SYN; -1 when it was not captured. */
int ins_tcp_opener(const struct ins_tcp_conn *conn);
/* How long the answer to the SYN took, as seen where the capture was taken; false when not both were
 * captured with times. Of a SYN that was sent again, from the last. */
bool ins_tcp_handshake(const struct ins_tcp_conn *conn, uint64_t *ret_ns);
void *ins_tcp_user(const struct ins_tcp_conn *conn);
void ins_tcp_set_user(struct ins_tcp_conn *conn, void *user);
/* The connection is of no interest: no more data, gap or close for it, and nothing is held for it. */
void ins_tcp_ignore(struct ins_tcp_conn *conn);

#endif
