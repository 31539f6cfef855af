/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_WIRE_H
#define HAR_WIRE_H

/*
 * What came on one connection, frame by frame: counts, GOAWAYs, and how streams ended that no actor
 * holds, because a scenario wrote their frames itself. For expressions, for `outcome` and for checks.
 *
 * Limit: HAR_WIRE_STREAMS_MAX streams are kept apart; of those beyond only the counts are known.
 */
#include <uthash.h>

#include "harness/transport/transport.h"

enum {
    HAR_WIRE_TYPES = 10,   /* frame types of RFC 9113 6 */
    HAR_WIRE_SETTINGS = 6, /* of RFC 9113 6.5.2 */
    HAR_WIRE_STREAMS_MAX = 20000,
    HAR_WIRE_ECHO_MAX = 64, /* bytes of an x-request-id that are kept, with the end */
};

struct har_actor;
struct har_play;

struct har_wire_stream {
    uint32_t id;
    uint32_t reset_code, status;
    unsigned http_status; /* 0: no response headers yet */
    bool is_reset;        /* by the server */
    bool has_status;      /* grpc-status, well formed */
    bool is_ended;        /* END_STREAM or RST_STREAM of the server */
    bool is_open;         /* of ours: counts in `open` */
    bool is_our_end;      /* END_STREAM of ours was sent */
    bool has_deadline;    /* our request said grpc-timeout */
    struct har_actor
        *actor; /* whose messages first to first + count - 1 it carries; NULL: nobody's */
    uint32_t first, count;
    char echo[HAR_WIRE_ECHO_MAX]; /* x-request-id of the response, its beginning; "": none */
    UT_hash_handle hh;
};

struct har_wire {
    uint64_t frames[HAR_WIRE_TYPES + 1];      /* of the server by type; last: all others */
    uint64_t sent_frames[HAR_WIRE_TYPES + 1]; /* of ours */
    uint64_t settings_sent;                   /* of ours, acknowledgements left out */
    uint64_t settings_acks, ping_acks;        /* of the server */
    uint64_t refused;                         /* RST_STREAM(REFUSED_STREAM) */
    uint64_t statuses, served;                /* blocks with a grpc-status; with 0 */
    uint64_t data_bytes, data_bytes_sent;     /* of DATA payloads, padding included */
    uint64_t stream_credit, credit;           /* WINDOW_UPDATEs of streams, and of stream 0 */
    uint32_t settings[HAR_WIRE_SETTINGS];     /* of the server, by id - 1 */
    bool has_setting[HAR_WIRE_SETTINGS];
    uint32_t goaway_code, goaway_last; /* of the last one; frames[SL_H2_GOAWAY] says whether */
    struct har_wire_stream *streams;
    size_t stream_count;
    bool keeps_streams;
    uint32_t open; /* of our streams, where they are kept: not ended by both sides, nor reset */
};

/* A connection, of one actor or shared. */
struct har_link {
    struct har_play *play;
    const char *name; /* "shared:NAME"; NULL for an actor's own */
    struct har_conn *conn;
    struct har_tls
        *tls; /* of its own, where the actor's differs from the run's; NULL: it does not */
    bool is_connected, has_ended, is_closed_by_us;
    bool was_ended; /* one before this, by the server; or it was told to go */
    bool is_core;   /* of transport grpc */
    bool
        is_garbled; /* frames with a wrong length were sent: the observer may misread what is ours */
    uint64_t ping_acks;
    enum har_conn_end how; /* it ended */
    char end_text[160];    /* of the last that ended */
    struct har_wire wire;  /* of the connection made last */
    /* Of those that a canary has replaced: GOAWAYs, and connections that had one, or that the server ended. */
    uint64_t past_goaways, past_told, past_ended;
    unsigned counted; /* the play's count that it was last part of */
    uint64_t
        served_at; /* har_wire_written() when a canary of `outcome` was served on it; 0: none was */
    uint32_t number;   /* of the connection made last, in the play, from 1; 0: not known */
    size_t unfollowed; /* streams whose windows are to be noted and are not yet */
    struct har_link *next;
};

/* One frame, of either direction. */
void har_wire_note(struct har_wire *wire, const struct sl_frame_event *event);
/* The stream, made when there is none; NULL beyond the limit. */
struct har_wire_stream *har_wire_stream(struct har_wire *wire, uint32_t id);
/* True when the stream's request, of ours, said grpc-timeout. */
bool har_wire_has_deadline(const struct har_wire *wire, uint32_t id);
/* What the server did to the connection stays counted when the next one is made, by a canary. */
void har_link_replace(struct har_link *link);
/* Frames of ours that open, carry or end streams, and unknown ones. */
uint64_t har_wire_written(const struct har_wire *wire);
/* Forgets everything; keeps_streams stays. */
void har_wire_clear(struct har_wire *wire);

#endif
