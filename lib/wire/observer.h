/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_OBSERVER_H
#define SL_OBSERVER_H

/*
 * The connection observer: fed both directions of one HTTP/2 connection, it yields frames, gRPC
 * messages, calls, the flow-control ledger and rule findings. It does no I/O and reads no clock.
 *
 * The inspector feeds it from reassembled captures, the harness from every live connection it opens,
 * the proxy from what it forwards; so one rule, with one id, is a passive finding in a field capture
 * and an always-on check under every scenario.
 *
 *     bytes of a direction -> frames -> header blocks -> calls -> handler
 *                                    -> DATA -> splitter -> messages -> handler
 *                                    -> ledger, rules -> findings -> handler
 *
 * Order: within one feed, events come in wire order; for one frame: header or message events of its
 * call first, then the frame event, so that a frame's event can list what it completed.
 *
 * Ownership: everything passed to a handler is borrowed for the call, except struct sl_call, which
 * lives from call_begin to the end of call_end. The handler must not free the observer from inside.
 * Limits: all sizes that the peers choose are bounded by struct sl_observer_config.
 */
#include "lib/wire/call.h"
#include "lib/wire/h2_frame.h"
#include "lib/wire/message.h"

enum sl_block {
    SL_BLOCK_REQUEST,
    SL_BLOCK_REQUEST_TRAILERS,
    SL_BLOCK_INFORMATIONAL /* 1xx */,
    SL_BLOCK_RESPONSE,
    SL_BLOCK_TRAILERS /* also Trailers-Only */
};

struct sl_frame_event {
    enum sl_dir dir;
    struct sl_h2_frame_header header;
    uint64_t number;          /* in its direction, from 1; of those that were read */
    struct sl_at first, last; /* its first and last byte */
    struct sl_span payload;   /* whole, or its first config.keep_frame_max bytes; a DATA frame
                                         is streamed and shows none */
    const struct sl_headers *headers; /* on the frame that ends a block; else NULL */
    struct sl_call *call;             /* of its stream; NULL when there is none (any more) */
    uint64_t message_count;           /* messages that it completed */
    bool is_malformed;                /* breaks the frame grammar of RFC 9113 6 */
};

/* A frame of the connection: the number counts those of its direction that were read, from 1. */
struct sl_frame_ref {
    enum sl_dir dir;
    uint8_t type;
    uint64_t number; /* 0: none */
    uint64_t packet;
};

struct sl_finding {
    const char *rule; /* "FLOW-01" */
    char level;       /* 'M', 'S', 'R' or 'I': the rule's, or lower where this breach is harmless */
    enum sl_dir side; /* whose fault: the sender of this direction */
    uint32_t stream;  /* 0: the connection */
    struct sl_at at;
    const char *clause;   /* "RFC 9113 6.9.1" */
    char text[240];       /* one sentence: what was seen, with the figures */
    struct sl_call *call; /* or NULL */
    struct sl_frame_ref
        frame; /* that breaks it; none where what is missing is told at the connection's end */
    struct sl_frame_ref before; /* an earlier one that it rests on; or none */
};

struct sl_stall; /* lib/wire/stall.h */

/* Any callback may be NULL. */
struct sl_observer_handler {
    /* its request headers are there; where they were not seen (a capture that begins late, lost
     * bytes) request.has_headers is false and they may still come as an SL_BLOCK_REQUEST */
    void (*call_begin)(void *owner, struct sl_call *call);
    /* a block of a call was decoded, and nothing was made of it yet: the handler may add the fields that
     * it infers for lost ones (sl_headers_recover). is_last: it ends its side. decoder has decoded it */
    void (*block)(void *owner, struct sl_call *call, enum sl_dir dir, bool is_last,
                  const struct sl_hpack_decoder *decoder, struct sl_headers *headers);
    /* all of the call has come; its status is about to be derived. Lost fields of its four lists may
     * still be recovered */
    void (*call_ending)(void *owner, struct sl_call *call);
    void (*headers)(void *owner, struct sl_call *call, enum sl_block block,
                    const struct sl_headers *headers, const struct sl_at *at);
    /* the 5-byte prefix of a message has come: length is what it announces */
    void (*prefix)(void *owner, struct sl_call *call, enum sl_dir dir, uint8_t flag,
                   uint32_t length);
    /* also, with is_complete false, one that its side's end or a gap cut short */
    void (*message)(void *owner, struct sl_call *call, enum sl_dir dir,
                    const struct sl_message *message, const struct sl_at *at);
    void (*call_end)(void *owner, struct sl_call *call);
    /* a side of the call waited for credit: told with its next DATA, or before call_end */
    void (*stall)(void *owner, const struct sl_stall *stall);
    void (*frame)(void *owner, const struct sl_frame_event *event);
    /* asked, by CALL-23: the call's method answers with exactly one message, by a schema that the handler has; false
     * where it answers with a stream of them, or is not known. NULL: none is known */
    bool (*is_single_answer)(void *owner, const struct sl_call *call);
    /* the same, by CALL-18: its method takes exactly one message */
    bool (*is_single_request)(void *owner, const struct sl_call *call);
    void (*finding)(void *owner, const struct sl_finding *finding);
    /* count bytes of dir could not be read as frames (a gap, or no frame boundary found after one) */
    void (*skipped)(void *owner, enum sl_dir dir, uint64_t count, const struct sl_at *at);
};

struct sl_observer_config {
    const struct sl_observer_handler *handler; /* kept */
    void *owner;
    size_t keep_message_max; /* payload bytes of a message that are kept; 0: count only */
    size_t keep_frame_max;   /* payload bytes of other frames than DATA that are kept */
    size_t keep_total_max;   /* of all unfinished messages together */
    size_t *held_bytes;      /* what counts for that, where several observers share the maximum: one
                                message takes half of what the others leave at most; or NULL */
    size_t keep_fields_max;  /* memory of the header lists of open calls, small ones left out */
    size_t *held_fields;     /* what counts for that, as above; or NULL */
    size_t block_max;        /* HEADERS + CONTINUATION, compressed */
    bool
        is_crossing_counted; /* a call that was reset, or answered before its client had ended, stays
                                 until what was on its way must have come: those messages, and a
                                 grpc-status among it, are its own. call_end comes later for it; end,
                                 end_at and reset_error tell what ended it first. The server's FIN
                                 ends the calls then: what the client does after it is no cancel */
    bool is_http1;           /* calls come by lib/wire/exchange.h, not as frames */
    size_t streams_max;  /* open at once; the oldest is given up (call_end, has_gap) beyond it */
    size_t calls_memory; /* of sl_alloc_used(): beyond it, of a connection with many open calls the
                             oldest are given up (is_given_up) when others begin; 0: never */
    size_t memory_max;   /* of sl_alloc_used(): beyond it any call is, and header blocks are not
                             kept (has_lost_headers); 0: none */
    bool
        are_frames_told; /* to the handler; else it is told of unknown types only, which totals count as one */
    bool are_repeats_kept; /* of header blocks, which then share their fields: up to 24 KiB */
    bool
        is_begin_seen; /* a capture shows where the bytes of both sides begin, as a TCP handshake does:
                           none came before the first that is fed */
    bool is_midway;    /* the connection began before the first byte: no preface is expected, and
                                the HPACK tables and the ledger are not trusted */
};
/* 4 MiB, 64 KiB, 64 MiB, 64 MiB, 1 MiB, 65536, frames told, repeats kept, false; handler NULL. */
struct sl_observer_config sl_observer_defaults(void);

struct sl_observer;

struct sl_observer *sl_observer_new(const struct sl_observer_config *config);
/* Frees without further events. NULL is fine. */
void sl_observer_free(struct sl_observer *observer);

/* Bytes of one direction, in order, in pieces of any size. The client's preface belongs to the bytes. */
void sl_observer_feed(struct sl_observer *observer, enum sl_dir dir, struct sl_span bytes,
                      const struct sl_at *at);
/* Settings of the sender of dir that the other side has applied before its first frame: the payload of
 * the HTTP2-Settings header of an upgraded request (RFC 7540 3.2.1), which needs no SETTINGS ack. Before
 * anything is fed. What is no whole setting at its end has no effect. */
void sl_observer_settled(struct sl_observer *observer, enum sl_dir dir, struct sl_span payload);
/* count bytes of dir are missing here (a capture lost them). 0 when it is not known how many. */
void sl_observer_gap(struct sl_observer *observer, enum sl_dir dir, uint64_t count,
                     const struct sl_at *at);
/* The sender of dir ended the TCP connection (FIN or RST). Open calls end when both directions did, or
 * at once when is_reset. */
void sl_observer_close(struct sl_observer *observer, enum sl_dir dir, bool is_reset,
                       const struct sl_at *at);
/* No more will come: ends the calls that are still open: as SL_CALL_OPEN, or by who closed the
 * connection where one side had. */
void sl_observer_finish(struct sl_observer *observer);

/* The ledger: bytes that the sender of dir may still send on stream (0: connection). Negative after a
 * lowered INITIAL_WINDOW_SIZE (RFC 9113 6.9.2), which counts from the SETTINGS ack; a raised one
 * counts at once. Of a stream that is not open: what a new one would have. Counts from the header of
 * a DATA frame. */
int64_t sl_observer_window(const struct sl_observer *observer, enum sl_dir dir, uint32_t stream);

/* The shortest time that the sender of dir took to answer a SETTINGS or PING, as seen from where the
 * bytes were taken; false when it has answered none. */
bool sl_observer_answer_ns(const struct sl_observer *observer, enum sl_dir dir, uint64_t *ret_ns);

enum {
    SL_OBS_KNOWN_TYPES = 10, /* RFC 9113 6: those below it */
};

struct sl_observer_totals {
    uint64_t bytes[2];         /* fed, by direction */
    uint64_t framed_bytes[2];  /* read as frames (and preface) */
    uint64_t skipped_bytes[2]; /* could not be */
    uint64_t missing_bytes[2]; /* told by sl_observer_gap */
    uint64_t gaps[2];
    uint64_t frames_by_type[2]
                           [SL_OBS_KNOWN_TYPES + 1]; /* last: types that RFC 9113 does not define */
    uint64_t frames_skipped; /* frames whose length was known but bytes were missing */
    uint64_t calls;          /* begun, SL_PROTOCOL_OTHER left out */
    uint64_t other_http;
};
const struct sl_observer_totals *sl_observer_totals(const struct sl_observer *observer);

#endif
