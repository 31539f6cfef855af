/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_FAN_CONN_H
#define BENCH_FAN_CONN_H

/*
 * One HTTP/2 connection of the load generator: it must cost far less than the server that it measures.
 *
 * It reads a mebibyte at a time, keeps its windows open wide, counts messages by their prefixes and looks into those
 * of at most one stream. Header blocks of the server are not decoded: that a stream ended is all it wants to know.
 * The server is one of ours or of ci/peers, so that what is wrong ends the program with a text.
 *
 * Ownership: the caller's struct, with what it allocated until fan_conn_close. Threads: one.
 */
#include <nghttp2/nghttp2.h>

#include "lib/base/buf.h"

enum {
    FAN_MESSAGE_MAX = 64 * 1024,
    FAN_STREAMS_MAX = 1 << 20, /* of one connection, in its whole life */
};

struct fan_stream {
    uint64_t messages; /* whole ones, counted */
    uint64_t consumed; /* bytes since the window was opened again */
    uint32_t left;     /* of the message that is being read */
    uint8_t prefix[5];
    uint8_t prefix_len;
    bool is_open;
};

struct fan_conn {
    int fd;
    void *owner;
    /* A message of the first stream, the only one whose payloads are looked at; NULL: of none. */
    void (*on_message)(struct fan_conn *conn, struct sl_span payload);
    void (*on_end)(struct fan_conn *conn, uint32_t index); /* by END_STREAM or RST_STREAM */
    uint64_t read_ns;                                      /* when the last bytes were read */
    uint64_t messages;                                     /* of all streams */
    uint64_t consumed;
    uint32_t stream_count;
    struct fan_stream *streams; /* index = (id - 1) / 2 */
    uint32_t streams_capacity;
    uint32_t pongs;       /* PINGs of ours that were answered */
    uint64_t next_number; /* the owner's: what it expects of on_message */
    struct sl_buf piece;  /* the beginning of a message of the first stream */
    struct sl_buf out;
    uint8_t *in;
    size_t in_len;
    nghttp2_hd_deflater *deflater;
    struct sl_buf block; /* the last header block, which repeats once it is all in the table */
    const char *block_path;
    bool is_block_stable;
};

/* Connects to 127.0.0.1, and queues the preface. Blocks; ends the program when it is refused. */
void fan_conn_open(struct fan_conn *conn, uint16_t port);
void fan_conn_close(struct fan_conn *conn);

/* Opens a stream with one message, half-closed; returns its index. path is kept. Sent by fan_conn_flush. */
uint32_t fan_conn_call(struct fan_conn *conn, const char *path, struct sl_span message);
void fan_conn_ping(struct fan_conn *conn);

/* Writes what is queued; true when all of it went. */
bool fan_conn_flush(struct fan_conn *conn);

/* Reads what there is, at most a mebibyte, at now_ns. */
void fan_conn_read(struct fan_conn *conn, uint64_t now_ns);

/* Says what is wrong, and ends the program with status 1. */
_Noreturn void fan_fail(const char *format, ...) SL_PRINTF(1, 2);

#endif
