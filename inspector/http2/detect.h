/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_DETECT_H
#define INS_DETECT_H

/*
 * Is this TCP connection HTTP/2, and which end is the client? Decided from the bytes, never from ports.
 *
 *  - A side that begins with the connection preface (RFC 9113 3.4) is the client.
 *  - A side whose first byte was seen and begins with a SETTINGS frame is a server that speaks first.
 *  - Where the beginning was not captured, segments that begin with a chain of valid frames make it
 *    HTTP/2, and the pseudo-headers in a HEADERS frame tell the roles: :method, :path, :scheme of a
 *    request, :status of a response, as far as the static table or literals show them.
 *  - Anything else is not HTTP/2.
 *
 * What came before the decision is held back, in order, and replayed after it.
 *
 * Limits: INS_DETECT_HOLD bytes and INS_DETECT_EVENTS events a connection; then it is decided by what
 * there is.
 */
#include "inspector/stream/stream.h"

enum {
    INS_DETECT_HOLD = 64 * 1024,
    INS_DETECT_EVENTS = 256,
};

enum ins_detect_verdict {
    INS_DETECT_UNDECIDED,
    INS_DETECT_HTTP2,
    INS_DETECT_OTHER,
};

struct ins_detect;

/* opener: the side that sent the SYN, or -1. */
struct ins_detect *ins_detect_new(int opener);
void ins_detect_free(struct ins_detect *detect);

/* The same events as a connection's, until they lead to a verdict. saw_start: the side's data began
 * with the first byte of the connection. */
enum ins_detect_verdict ins_detect_data(struct ins_detect *detect, int side, bool saw_start,
                                        struct sl_span bytes, const struct sl_at *at);
enum ins_detect_verdict ins_detect_gap(struct ins_detect *detect, int side, uint64_t count,
                                       const struct sl_at *at);
void ins_detect_close(struct ins_detect *detect, int side, bool is_reset, const struct sl_at *at);

/* Nothing more comes, or nothing more can be held: HTTP2 or OTHER. */
enum ins_detect_verdict ins_detect_decide(struct ins_detect *detect);

/* After the verdict HTTP2. */
int ins_detect_client(const struct ins_detect *detect);
/* True when the client's preface was not there. */
bool ins_detect_is_midway(const struct ins_detect *detect);
/* True when nothing showed which end is the client: it may turn out to be the other one. */
bool ins_detect_is_guessed(const struct ins_detect *detect);

/* Hands on what was held back, in the order it came. */
void ins_detect_replay(const struct ins_detect *detect, const struct ins_stream_sink *sink);

/* True when its limits are reached. */
bool ins_detect_is_full(const struct ins_detect *detect);

/* Bytes held back. */
size_t ins_detect_held(const struct ins_detect *detect);

#endif
