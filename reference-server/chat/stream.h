/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_STREAM_H
#define SRV_STREAM_H

/*
 * The face between what the server does and the front end that carries it. Neither knows the other.
 *
 * A stream is pulled: whenever the front end could send, it asks for the next frame, and is told one, or
 * when to ask again, or that the stream is over. When that answer changes, the stream calls wake.
 *
 *     front end                              stream
 *        | <------------- wake -------------- |   something may have changed: ask again
 *        | ------------- pull --------------> |   frame, or wait until, or end(status)
 *        | ------------- sent --------------> |   the transport took the frame that pull gave
 *        | --- receive, half_close ---------> |   while can_receive
 *        | ------------- close -------------> |   the call is over, whatever the reason; once
 *
 * Threads: one at a time (the front end's lock). wake may call pull before it returns.
 */
#include "lib/wire/grpc_status.h"
#include "reference-server/chat/frame.h"

#define SRV_NEVER UINT64_MAX

enum srv_pull {
    SRV_PULL_FRAME,
    SRV_PULL_WAIT,
    SRV_PULL_END,
};

/* The answer of pull. */
struct srv_pulled {
    struct srv_frame *frame;    /* FRAME: the front end takes it */
    bool is_followed;           /* FRAME: the next one may go as soon as this was sent */
    uint64_t until_ns;          /* WAIT: pull again then, or SRV_NEVER */
    enum sl_grpc_status status; /* END */
    const char *text;           /* END: outlives the stream */
};

/* The answer to a call that is no stream, or that opened none. */
struct srv_answer {
    enum sl_grpc_status status;
    const char *text;        /* lives as long as the service; "" when OK */
    struct srv_frame *reply; /* when OK, of a unary method; yours */
    /* Yours; NULL: none. */
    struct srv_frame *details;    /* a google.rpc.Status, for grpc-status-details-bin */
    struct srv_frame *request_id; /* for the initial metadata x-request-id */
};

/* What a unary call brings beside its request. */
struct srv_unary {
    struct sl_span request_id; /* its metadata x-request-id; empty: it has none */
    uint64_t now_ns;
    int64_t unix_ms; /* the wall clock, for created_at */
};

static inline struct srv_answer srv_refusal(enum sl_grpc_status status, const char *text)
{
    return (struct srv_answer){.status = status, .text = text};
}

/* A number that goes with the status of a stream that the server ends. */
struct srv_trailer {
    const char *name; /* static */
    uint64_t value;
};

struct srv_stream;

struct srv_stream_ops {
    enum srv_pull (*pull)(struct srv_stream *stream, uint64_t now_ns,
                          struct srv_pulled *ret_pulled);
    void (*sent)(struct srv_stream *stream, uint64_t now_ns);
    void (*close)(struct srv_stream *stream); /* frees the stream */
    /* What goes with the status. NULL where nothing does; false: nothing this time. */
    bool (*trailer)(const struct srv_stream *stream, struct srv_trailer *ret_trailer);
    /* NULL where the client sends one request only. */
    bool (*can_receive)(const struct srv_stream *stream);
    void (*receive)(struct srv_stream *stream, struct srv_frame *frame, uint64_t now_ns);
    void (*half_close)(struct srv_stream *stream, uint64_t now_ns);
};

/* The base of every stream; its owner embeds it first. */
struct srv_stream {
    const struct srv_stream_ops *ops;
    void (*wake)(void *context); /* set by the front end before the first pull */
    void *wake_context;
};

#endif
