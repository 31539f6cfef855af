/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_OBS_STATE_H
#define SL_OBS_STATE_H

/*
 * Internal: the observer's state, shared by the files of lib/wire/obs/ and read by the rules.
 *
 *     observer.c  the public face
 *     frames.c    bytes of a direction -> frames          hunt.c    the next frame after lost bytes
 *     control.c   SETTINGS, PING, GOAWAY, RST_STREAM ...  blocks.c  HEADERS and CONTINUATION
 *     data.[ch]   DATA frames -> bodies                   body.[ch] bodies -> messages
 *     exchange.c  calls over HTTP/1.1                     calls.c   begin, end and status of calls
 *     flow.[ch], stalls.[ch]  windows, who waited         streams.c the table of streams
 */
#include "lib/wire/obs/in_flight.h"
#include "lib/wire/obs/repeats.h"
#include "lib/wire/obs/stalls.h"
#include "lib/wire/observer.h"
#include "lib/wire/rules/rules.h"
#include "lib/wire/web_text.h"

enum {
    SL_OBS_SETTINGS_IN_FLIGHT = 16, /* SETTINGS of one side without their ack that are followed */
    SL_OBS_PINGS_IN_FLIGHT = 16,
    SL_OBS_CLOSED_STREAMS = 512, /* that are remembered, for frames after the end */
    SL_OBS_LINGERING_MAX = 256,  /* ended calls that wait for what crosses their end */
    SL_OBS_SPARE_CALLS = 64,     /* call objects kept for reuse */
    SL_OBS_CONTROL_MAX =
        65536, /* bytes of a SETTINGS, GOAWAY or unknown frame that are looked at */
};

enum sl_obs_phase {
    SL_OBS_PREFACE, /* of the client's preface */
    SL_OBS_HEADER,  /* of a frame header */
    SL_OBS_PAYLOAD, /* of a frame that is read when it is whole */
    SL_OBS_DATA,    /* of a DATA frame, passed on as it comes */
    SL_OBS_HUNT,    /* a frame boundary is looked for */
    SL_OBS_DEAD,    /* this is not HTTP/2 */
};

struct sl_obs_call {
    struct sl_call call; /* first: handlers hold a pointer to it */
    struct sl_stream *stream;
    struct sl_splitter splitter[2];
    enum sl_framing framing[2]; /* of the messages in DATA, by direction */
    struct sl_web_text text[2]; /* SL_FRAMING_WEB_TEXT */
    bool is_told;               /* call_begin was */
    uint64_t gap_epoch[2];      /* of the direction, as far as this call has taken note of it */
    bool is_lost[2];            /* where the next message begins is not known */
    struct sl_wait wait[2];
    struct sl_obs_call *next_spare;
};

struct sl_stream {
    uint32_t id;
    bool is_closed;         /* in the list of closed ones */
    bool is_lingering;      /* in the list of ended ones that wait for what crosses */
    bool is_credit_lost;    /* its beginning was not seen: credit of before may have gone unseen */
    uint64_t linger_mark;   /* sl_obs_dir.frames of who ended it, with that frame */
    enum sl_dir linger_dir; /* who ended it */
    bool is_ended[2];       /* END_STREAM was sent by this side */
    bool is_reset[2];       /* RST_STREAM was sent by this side */
    int64_t credit[2];      /* by sender: WINDOW_UPDATEs received less DATA sent */
    uint64_t opened_mark;   /* sl_obs_dir.frames of the client with its HEADERS */
    uint64_t ended_mark[2]; /* the same with END_STREAM, by sender */
    struct sl_obs_call *call;        /* NULL once it ended */
    struct sl_stream *older, *newer; /* of its list */
    struct sl_stream_rules rules;
};

struct sl_stream_list {
    struct sl_stream *oldest, *newest;
    size_t count;
};

/* Open addressing over the stream id; slots hold pointers, so that streams stay where they are. */
struct sl_streams {
    struct sl_stream **slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    struct sl_stream_list open, lingering, closed;
    struct sl_stream *spare; /* linked by newer */
    struct sl_stream *last;  /* found last; in a slot, or NULL */
};

/* The ledger of one sender. */
struct sl_flow {
    int64_t connection; /* window */
    int64_t initial;    /* INITIAL_WINDOW_SIZE of the receiver that the sender has acknowledged */
    int64_t largest;    /* the largest of that and those on their way */
    bool is_untrusted;  /* credit may have gone unseen */
    struct sl_connection_wait wait;
};

struct sl_obs_dir {
    enum sl_obs_phase phase;
    uint8_t head[SL_H2_PREFACE_SIZE]; /* of a preface or frame header in pieces */
    size_t head_len;
    struct sl_h2_frame_header header;
    struct sl_at first;    /* first byte of the frame in progress */
    uint64_t left;         /* of its payload */
    struct sl_buf payload; /* of a frame in pieces; in SL_OBS_HUNT what was not yet placed */
    size_t segment;        /* SL_OBS_HUNT: where in payload the last piece began */
    bool is_at_segment;    /* SL_OBS_HUNT: payload begins where a piece began */
    uint32_t pad_left;     /* DATA: padding still to come, part of left */
    bool is_pad_due;       /* DATA: the pad length is still to come */
    bool is_bad;           /* the frame in progress breaks the grammar */
    bool is_holed;         /* bytes of the frame in progress are missing */
    bool is_at_start;      /* DATA: no content has been passed on yet */
    bool has_frame;        /* a frame was read: what comes is HTTP/2 */
    bool is_ended;         /* the connection's end was told */
    uint32_t max_frame;    /* the largest SETTINGS_MAX_FRAME_SIZE that the receiver announced */
    uint64_t messages;     /* completed by the frame in progress */
    uint64_t gap_epoch;    /* counts the gaps of unknown place */
    uint64_t frames;       /* begun in this direction */
    uint64_t proven;       /* frames of the other direction that this sender has shown to have */
    /* Of its own, more than are followed, or unseen ones: then their acks prove nothing. */
    bool are_pings_lost, are_settings_lost;
    struct sl_obs_in_flight settings, pings;
    struct sl_resumed *
        resumed; /* NULL before the first; SL_OBS_DATA: the stall that the frame in progress may have ended */
    /* The header block in progress. */
    bool is_in_block;
    bool is_block_lost;                     /* a part of it is missing or passed the limit */
    bool is_block_holed;                    /* because bytes are missing */
    struct sl_h2_frame_header block_header; /* of its HEADERS or PUSH_PROMISE */
    struct sl_at block_first;
    struct sl_buf block;
    struct sl_hpack_decoder *hpack; /* NULL before the first block */
    uint32_t hpack_table;           /* the largest announced to this encoder */
    bool is_hpack_distrusted;       /* before the first block */
    struct sl_obs_repeats repeats;
};

struct sl_observer {
    struct sl_observer_config config;
    struct sl_observer_handler handler;
    struct sl_observer_totals totals;
    struct sl_obs_dir dir[2];
    struct sl_flow flow[2];
    struct sl_streams streams;
    struct sl_rules rules;
    uint64_t calls_open;     /* that nobody has ended or reset, and no GOAWAY gave up */
    uint32_t highest_stream; /* opened by the client */
    uint32_t goaway_last;    /* of the server's GOAWAY; UINT32_MAX without one */
    uint64_t scan_budget; /* streams that may be visited for SETTINGS: grows with the bytes fed */
    size_t held_bytes;    /* in the splitters, of this observer */
    size_t held_fields;   /* where config.held_fields is NULL */
    struct sl_headers scratch;
    struct sl_obs_call *spare_calls;
    size_t spare_count;
    bool has_closer;
    enum sl_dir closer; /* who ended the connection first */
    /* The frame that is being read. */
    struct sl_at at;
    enum sl_dir feeding;
    struct sl_obs_call *frame_call;
    const struct sl_headers *frame_headers;
    struct sl_obs_call *data_call; /* whose messages are being split */
    enum sl_dir data_dir;
    struct sl_obs_call *ending; /* its call ends after the frame's event */
    enum sl_call_end ending_how;
    bool is_goaway_due; /* calls above goaway_last end after the frame's event */
};

static inline enum sl_dir sl_obs_other(enum sl_dir dir)
{
    return dir == SL_DIR_REQUEST ? SL_DIR_RESPONSE : SL_DIR_REQUEST;
}

static inline struct sl_call_side *sl_obs_side(struct sl_obs_call *call, enum sl_dir dir)
{
    return dir == SL_DIR_REQUEST ? &call->call.request : &call->call.response;
}

/* streams.c */
struct sl_stream *sl_obs_stream_look_up(const struct sl_streams *streams, uint32_t id);
/* The same, remembered: it is asked several times a frame. */
static inline struct sl_stream *sl_obs_stream_find(struct sl_streams *streams, uint32_t id)
{
    if (streams->last == NULL || streams->last->id != id) {
        streams->last = sl_obs_stream_look_up(streams, id);
    }
    return streams->last;
}
struct sl_stream *sl_obs_stream_add(struct sl_streams *streams, uint32_t id);
/* From the open to the lingering ones. */
void sl_obs_stream_linger(struct sl_streams *streams, struct sl_stream *stream);
/* From the open or lingering to the closed ones; the oldest of those is forgotten when they are too many. */
void sl_obs_stream_close(struct sl_streams *streams, struct sl_stream *stream);
void sl_obs_streams_release(struct sl_streams *streams);

/* frames.c: reads bytes as frames, from any phase but SL_OBS_HUNT. */
void sl_obs_frames_feed(struct sl_observer *observer, enum sl_dir dir, struct sl_span bytes);
/* Breaks RFC 9113 6: wrong size, or stream, or larger than max_frame. */
bool sl_obs_is_malformed(const struct sl_h2_frame_header *header, uint32_t max_frame);
/* A frame other than DATA is there; payload may be cut to what is looked at, or of no worth where
 * is_holed. */
void sl_obs_frame_whole(struct sl_observer *observer, enum sl_dir dir, struct sl_span payload);
/* The event of the frame in progress, and the ends of calls that were due behind it. */
void sl_obs_frame_done(struct sl_observer *observer, enum sl_dir dir, struct sl_span payload);

/* hunt.c */
void sl_obs_hunt_begin(struct sl_observer *observer, enum sl_dir dir);
void sl_obs_hunt_feed(struct sl_observer *observer, enum sl_dir dir, struct sl_span bytes);
/* Counts and tells bytes that were not read. */
void sl_obs_skipped(struct sl_observer *observer, enum sl_dir dir, uint64_t count);
void sl_obs_gap(struct sl_observer *observer, enum sl_dir dir, uint64_t count);

/* control.c */
void sl_obs_control(struct sl_observer *observer, enum sl_dir dir, struct sl_span payload);

/* blocks.c: a whole HEADERS, PUSH_PROMISE or CONTINUATION frame. */
void sl_obs_block_frame(struct sl_observer *observer, enum sl_dir dir, struct sl_span payload);
/* The call's fields were told and stay until it ends: they are counted, or cut to the short ones. */
void sl_obs_keep_fields(struct sl_observer *observer, struct sl_obs_call *call);
/* A part of the block in progress is missing. */
void sl_obs_block_abandon(struct sl_observer *observer, enum sl_dir dir);
void sl_obs_hpack_distrust(struct sl_obs_dir *d);

/* calls.c */
/* A stream and its call. is_seen: its HEADERS are there, else it is joined late. */
struct sl_stream *sl_obs_call_begin(struct sl_observer *observer, uint32_t id, bool is_seen,
                                    const struct sl_at *start);
/* The request's headers are there, or will not be: protocol, deadline; tells call_begin, once. */
void sl_obs_call_classify(struct sl_observer *observer, struct sl_obs_call *call);
/* The response's first headers are there: whether its DATA holds messages. */
void sl_obs_call_response(struct sl_obs_call *call);
/* Takes note of gaps of this direction since the call was last looked at. */
void sl_obs_call_catch_up(struct sl_observer *observer, struct sl_obs_call *call, enum sl_dir dir);
void sl_obs_call_end(struct sl_observer *observer, struct sl_obs_call *call, enum sl_call_end how);
/* Ends the lingering calls whose other side has shown that it knows of the end. */
void sl_obs_calls_settle(struct sl_observer *observer);
/* The server's FIN: no answer can come any more, though the client may still be sending. */
void sl_obs_calls_close_by_server(struct sl_observer *observer);
void sl_obs_calls_end_all(struct sl_observer *observer, enum sl_call_end how);
/* The sender of dir ended the stream, with this frame. */
void sl_obs_end_stream(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                       bool is_on_data);
/* The stream of a frame that may be of a call whose beginning was not seen. */
struct sl_stream *sl_obs_stream_joined(struct sl_observer *observer, enum sl_dir dir, uint32_t id);
void sl_obs_calls_release(struct sl_observer *observer);

#endif
