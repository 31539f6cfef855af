/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_CALL_H
#define SL_CALL_H

/*
 * A call as the observer knows it: who speaks what, its two sides, how it ended.
 *
 * Ownership: a call belongs to its observer and lives from call_begin to the end of call_end; but for
 * user and label nobody else writes into it.
 */
#include "lib/wire/hpack.h"

enum sl_dir {
    SL_DIR_REQUEST,  /* client to server */
    SL_DIR_RESPONSE, /* server to client */
};

/* Where and when a byte was seen. packet is 0 outside captures; has_time is false where a capture has
 * no times (Simple Packet Block). */
struct sl_at {
    uint64_t time_ns;
    uint64_t packet;
    bool has_time;
};

enum sl_call_end {
    SL_CALL_OPEN,     /* not ended when the observer was told to finish */
    SL_CALL_TRAILERS, /* the server's END_STREAM: on its last header block, as it should be, or
                                on DATA (response.has_trailers then says whether any came) */
    SL_CALL_RESET_BY_CLIENT, /* RST_STREAM */
    SL_CALL_RESET_BY_SERVER,
    SL_CALL_GOAWAY,           /* above the server's last-stream-id: not processed */
    SL_CALL_CLOSED_BY_CLIENT, /* the connection ended under it */
    SL_CALL_CLOSED_BY_SERVER,
};

enum sl_status_source {
    SL_FROM_NONE,
    SL_FROM_TRAILERS,
    SL_FROM_TRAILERS_ONLY,
    SL_FROM_GRPC_WEB_TRAILERS,
    SL_FROM_RST_STREAM,
    SL_FROM_GOAWAY,
    SL_FROM_HTTP_STATUS,
    SL_FROM_CONNECTION_CLOSED,
    SL_FROM_CONNECT_END_STREAM, /* Connect: the end-stream message */
    SL_FROM_CONNECT_ERROR,      /* Connect: the JSON body of a unary error */
};
/* "trailers_only", as the records name it. */
const char *sl_status_source_name(enum sl_status_source source);

enum sl_protocol {
    SL_PROTOCOL_GRPC,
    SL_PROTOCOL_GRPC_WEB,
    SL_PROTOCOL_GRPC_WEB_TEXT,
    SL_PROTOCOL_CONNECT,
    SL_PROTOCOL_OTHER /* an HTTP/2 request that is none of these */
};
const char *sl_protocol_name(enum sl_protocol protocol);

/* How messages lie in the bytes of a body. */
enum sl_framing {
    SL_FRAMING_NONE,     /* not at all: the bytes are only counted */
    SL_FRAMING_MESSAGES, /* gRPC: each with its 5-byte prefix */
    SL_FRAMING_WEB,      /* the same; one with flag 0x80 holds the trailers */
    SL_FRAMING_WEB_TEXT, /* that in base64 */
    SL_FRAMING_CONNECT,  /* as gRPC; one with flag 0x02 ends the stream */
    SL_FRAMING_WHOLE,    /* the body is one message (unary Connect) */
};

/* What a message is, by the subtype of its content-type. */
enum sl_codec {
    SL_CODEC_PROTO,
    SL_CODEC_JSON,
    SL_CODEC_OTHER,
};

/* One direction of a call. */
struct sl_call_side {
    struct sl_headers headers;  /* with pseudo-headers; the request's, or the response's first block
                                     that is not 1xx; empty for a Trailers-Only response */
    struct sl_headers trailers; /* the last block; the single block of a Trailers-Only response */
    struct sl_at headers_at;    /* last byte of the first block */
    struct sl_at first_message_at, last_message_at; /* last byte of those messages */
    struct sl_at end_at;       /* last byte of what ended this side; when is_ended */
    uint64_t message_count;    /* whole messages */
    uint64_t partial_messages; /* 0 or 1: a last one cut short */
    uint64_t message_bytes;    /* payloads as on the wire, without prefixes */
    uint64_t data_bytes;       /* DATA content, padding left out */
    bool has_headers, has_trailers, is_ended;
};

struct sl_call {
    uint64_t number; /* in its connection, from 1, by first appearance; SL_PROTOCOL_OTHER has a
                        count of its own */
    uint32_t stream;
    enum sl_protocol protocol;
    struct sl_call_side request, response;
    struct sl_at start;  /* first byte of the first HEADERS */
    struct sl_at end_at; /* last byte of what ended the call */
    enum sl_call_end end;
    uint32_t reset_error;    /* of the RST_STREAM, where one ended the call */
    unsigned http_status;    /* 0 while unknown */
    uint64_t timeout_ns;     /* grpc-timeout; UINT64_MAX when there is none */
    bool is_status_inferred; /* the grpc-status field is one that the handler has added */
    bool has_status;         /* code and status_source hold; false while open */
    uint32_t code;           /* may be out of range */
    enum sl_status_source status_source;
    uint64_t stalled_stream_ns,
        stalled_connection_ns; /* lib/wire/stall.h; of both sides together */
    bool is_http1;             /* over HTTP/1.1: stream says nothing */
    bool has_end_message; /* gRPC-Web's trailers or Connect's end-stream message were in the body */
    bool has_connect_error;      /* the server told an error, and connect_code its code */
    uint32_t connect_code;       /* as a gRPC status */
    struct sl_buf connect_error; /* the JSON document that told it; bounded */
    const char *body_problem;    /* a constant: what is wrong with a body's encoding; or NULL */
    bool is_midway;              /* its beginning was before the observer's first byte */
    bool
        is_given_up; /* too many calls were open at once, or held too much memory; it is not followed */
    bool has_gap;          /* bytes of it are missing */
    bool has_cut_headers;  /* fields of it were dropped by a limit */
    bool has_lost_headers; /* a block of it could not be decoded */
    bool may_have_ended;   /* bytes are missing that may have held its end: a connection that closes
                              later says nothing about its status */
    bool may_have_answered; /* the same of its trailers: neither does a reset that came later */
    void *user;             /* the handler's own; NULL at call_begin */
    uint64_t label;         /* the same; names the call where others are told of it */
};

/* Header fields of it may exist that its lists do not show. */
static inline bool sl_call_lacks_fields(const struct sl_call *call)
{
    return call->has_lost_headers || call->has_cut_headers;
}

#endif
