/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_H1_READER_H
#define INS_H1_READER_H

/*
 * One direction of an HTTP/1.1 connection (RFC 9112): its bytes, in pieces of any size, become heads,
 * bodies without their chunks, and ends of messages.
 *
 *     HEAD -> LENGTH | CHUNK_SIZE -> CHUNK_DATA -> CHUNK_END -> ... TRAILERS | CLOSE -> HEAD
 *     any -> LOST: what comes cannot be placed until a piece begins with a start line
 *     any -> OPAQUE: after a switch of protocols; all that comes is handed on
 *
 * Strict: what RFC 9112 does not allow (folded lines, space before a colon, bare CR, bytes that are no
 * part of a token, lengths that contradict each other) ends the reading until a piece begins a message
 * again. Line ends may be a bare LF (2.2). Transfer-Encoding goes before Content-Length (6.3), and that
 * both are there is told.
 *
 * Ownership: events borrow what they get; the fields of a head may be taken (swapped away).
 * Limits: INS_H1_HEAD_MAX bytes of a head or of trailers, INS_H1_LINE_MAX of a chunk's size line.
 */
#include "lib/wire/call.h"

enum {
    INS_H1_HEAD_MAX = 64 * 1024,
    INS_H1_LINE_MAX = 4 * 1024,
};

/* A message's head. fields: with :method, :path, :authority or :status before the others, names in lower
 * case; Host stands as :authority. */
struct ins_h1_head {
    struct sl_headers *fields;
    unsigned status;     /* of a response; 0 of a request */
    const char *problem; /* a constant: its lengths contradict each other; or NULL */
    struct sl_at first;  /* its first byte */
};

/* What follows a head. */
enum ins_h1_follow {
    INS_H1_AS_TOLD, /* a body as its fields tell */
    INS_H1_NO_BODY, /* a response to HEAD */
    INS_H1_SWITCH,  /* another protocol */
};

struct ins_h1_events {
    enum ins_h1_follow (*head)(void *owner, struct ins_h1_head *head, const struct sl_at *at);
    void (*body)(void *owner, struct sl_span bytes, const struct sl_at *at);
    /* count bytes of the body are not there */
    void (*missing)(void *owner, uint64_t count, const struct sl_at *at);
    void (*trailers)(void *owner, struct sl_headers *fields, const struct sl_at *at);
    void (*end)(void *owner, const struct sl_at *at);
    /* where this message (or the next) goes on is not known. why: a constant, or NULL for a hole */
    void (*lost)(void *owner, const char *why, const struct sl_at *at);
    /* after a switch of protocols: bytes of the next one, all that come in this or an earlier piece */
    void (*switched)(void *owner, struct sl_span bytes, const struct sl_at *at);
    /* bytes that were not read */
    void (*skipped)(void *owner, uint64_t count, const struct sl_at *at);
};

struct ins_h1_reader;

/* is_midway: the first byte of the stream is not to come; a piece that begins a message will. */
struct ins_h1_reader *ins_h1_reader_new(enum sl_dir dir, bool is_midway,
                                        const struct ins_h1_events *events, void *owner);
void ins_h1_reader_free(struct ins_h1_reader *reader);

void ins_h1_reader_feed(struct ins_h1_reader *reader, struct sl_span bytes, const struct sl_at *at);
/* count bytes are missing here; 0: nobody knows how many. */
void ins_h1_reader_gap(struct ins_h1_reader *reader, uint64_t count, const struct sl_at *at);
/* The sender closed: the end of a body that has no other. */
void ins_h1_reader_close(struct ins_h1_reader *reader, bool is_reset, const struct sl_at *at);
/* The other direction switched protocols: what came behind the last message, and all that comes, is the
 * next protocol's. */
void ins_h1_reader_switch(struct ins_h1_reader *reader);

/* Does text begin with a start line of this direction, and is the line whole? For who has to recognise
 * HTTP/1.1. */
enum ins_h1_start { INS_H1_NO_START, INS_H1_MAY_START, INS_H1_START };
enum ins_h1_start ins_h1_start_line(enum sl_dir dir, struct sl_span text);

#endif
