/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_STREAM_H
#define INS_STREAM_H

/*
 * What lies between a TCP connection and its calls, as layers on top of each other:
 *
 *     tcp -> sniff -> layer -> sniff -> layer -> ... -> http2 (or another end)
 *
 * Everywhere the same three events pass: bytes of one side, a hole in them, the end of a side. Where a
 * stream begins, sniffing decides from its first bytes which layer it is (layers.c has the table); a layer
 * takes off what is its own (a PROXY header, TLS records, the head of a CONNECT) and hands on what it
 * carries, where sniffing begins again. An end hands nothing on.
 *
 * Sides are those of the TCP connection in every layer: 0 sent the first segment seen. Events of both
 * sides come in the order in which they passed the wire; a layer that holds bytes of one side back must
 * keep that order.
 *
 * Limits: INS_STREAM_NESTING layers; a stream nested deeper is ignored and counted.
 */
#include "inspector/net/address.h"
#include "inspector/stream/conflicts.h"
#include "inspector/stream/via.h"
#include "inspector/view/stats.h"
#include "lib/wire/observer.h"

enum {
    INS_STREAM_NESTING = 8,
    INS_STREAM_HEAD = 16 * 1024, /* bytes of a side that a claim may wait for */
};

/* Who takes events. bytes and at are borrowed for the call. */
struct ins_stream_sink {
    void (*data)(void *owner, int side, struct sl_span bytes, const struct sl_at *at);
    void (*gap)(void *owner, int side, uint64_t count, const struct sl_at *at);
    void (*close)(void *owner, int side, bool is_reset, const struct sl_at *at);
    void *owner;
};

struct ins_session;
struct ins_upgrade;
struct ins_tls_all;
struct ins_tls_info;

/* What the layers of all connections may use; borrowed. */
struct ins_stream_tools {
    struct ins_session *session; /* calls and connections become records there */
    struct ins_stats *stats;
    struct ins_tls_all *tls;
};

/* What is known of one TCP connection; its layers add to it. */
struct ins_stream {
    const struct ins_stream_tools *tools;
    struct ins_endpoint ends[2]; /* by side */
    uint64_t tcp_number;         /* ins_tcp_number */
    bool has_handshake;          /* as ins_tcp_handshake */
    uint64_t handshake_ns;
    struct ins_tls_info *tls; /* owned; NULL: no TLS */
    struct ins_via *via;      /* the outermost; NULL when there is none */
    size_t via_count;
    struct ins_upgrade
        *upgrade; /* owned; the request that an HTTP/2 connection above begins with */
    struct ins_conflicts *conflicts[2]; /* owned, by side; NULL: none */
    bool has_end;                       /* a conversation was found */
    bool is_given_up; /* it has not ended, but memory or places for connections were short */
};

/* Takes upgrade. */
void ins_stream_set_upgrade(struct ins_stream *stream, struct ins_upgrade *upgrade);

/* Tells what the layers above pass through; a copy is kept. No more than INS_VIA_MAX are. */
void ins_stream_add_via(struct ins_stream *stream, const struct ins_via *via);

/* From inside any event of a layer of the stream: it holds no calls. No event comes any more, only end(). */
void ins_stream_ignore(struct ins_stream *stream);

/* The beginning of one side where a layer may begin. */
struct ins_head {
    struct sl_span bytes; /* all that came of the side, up to INS_STREAM_HEAD; not empty */
    bool is_start;        /* they are the stream's first; else some segment's, of a connection seen
                             from its middle */
};

enum ins_claim {
    INS_CLAIM_NO,
    INS_CLAIM_MAYBE,  /* more bytes will tell */
    INS_CLAIM_CLIENT, /* it is mine, and the client sent this */
    INS_CLAIM_SERVER, /* it is mine, and the server sent this */
    INS_CLAIM_EITHER, /* it is mine; by whom it was sent does not show */
};

/* How a layer begins. */
struct ins_layer_place {
    struct ins_stream *stream;
    int client;                   /* side, or -1 when nothing tells */
    bool is_midway;               /* the first bytes of the client were not seen */
    bool is_guessed;              /* client is no more than a guess */
    struct ins_stream_sink above; /* where to hand on what it carries */
};

/* One kind of layer. */
struct ins_layer_kind {
    const char *name;
    /* Does the stream begin with this layer? NULL: sniffing knows by itself (http2). */
    enum ins_claim (*claim)(const struct ins_head *head);
    /* Never NULL. All that sniffing held back comes as events next. */
    void *(*begin)(const struct ins_layer_place *place);
    void (*data)(void *layer, int side, struct sl_span bytes, const struct sl_at *at);
    void (*gap)(void *layer, int side, uint64_t count, const struct sl_at *at);
    void (*close)(void *layer, int side, bool is_reset, const struct sl_at *at);
    /* Nothing more comes: hands on what it still holds, and frees itself. */
    void (*end)(void *layer);
    /* The connection has ended, but what is held may become readable yet: end() comes later. NULL: never. */
    bool (*is_waiting)(const void *layer);
};

/* In the order in which they are asked; ends with NULL. A new layer is a new line in layers.c. */
extern const struct ins_layer_kind *const ins_layer_kinds[];

#endif
