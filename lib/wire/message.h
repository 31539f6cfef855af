/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_MESSAGE_H
#define SL_MESSAGE_H

/*
 * gRPC message framing (PROTOCOL-HTTP2 "Length-Prefixed-Message"): 1 byte compressed flag, 4 bytes
 * length, payload; and the payload's grpc-encoding.
 *
 * The splitter takes a stream's DATA in pieces of any size and yields messages. Where a whole message
 * lies in one piece it is handed out in place, without a copy.
 */
#include "lib/base/buf.h"

enum {
    SL_MESSAGE_PREFIX_SIZE = 5,
};

/* One message, or the visible part of one that never ended. Borrowed for the call. */
struct sl_message {
    uint64_t index;         /* from 1, in its direction */
    uint8_t flag;           /* first byte of the prefix: 1 means compressed */
    uint32_t length;        /* as the prefix says; valid when has_prefix */
    bool has_prefix;        /* all 5 bytes of the prefix came */
    struct sl_span payload; /* at most the splitter's keep limit */
    uint64_t received;      /* payload bytes that came */
    bool is_complete;       /* received == length, and no bytes are missing */
    bool is_cut;            /* payload is shorter than received: the keep limit */
};

typedef void sl_message_fn(void *owner, const struct sl_message *message);
/* The 5 bytes of a prefix have come. */
typedef void sl_prefix_fn(void *owner, uint8_t flag, uint32_t length);

struct sl_splitter {
    uint64_t count; /* messages completed */
    uint64_t begun; /* messages whose prefix is complete */
    uint8_t prefix[SL_MESSAGE_PREFIX_SIZE];
    size_t prefix_len;
    uint64_t received;
    size_t keep_max;         /* how much of a message's payload is handed out */
    size_t hold_max;         /* how much of one in pieces is held in payload; keep_max after init */
    struct sl_buf payload;   /* of a message that came in more than one piece */
    sl_prefix_fn *prefix_fn; /* may be set after init; told the same owner as the message_fn */
    bool is_holed;           /* bytes of the message in progress are missing */
};

/* keep_max: payload bytes of a message that are kept; the rest is counted and dropped. */
void sl_splitter_init(struct sl_splitter *splitter, size_t keep_max);
void sl_splitter_release(struct sl_splitter *splitter);
/* Feeds DATA content; fn is called for each message that becomes complete. */
void sl_splitter_feed(struct sl_splitter *splitter, struct sl_span data, sl_message_fn *fn,
                      void *owner);
/* True when the stream is between two messages. */
bool sl_splitter_is_idle(const struct sl_splitter *splitter);
/* Payload bytes that the message in progress still waits for; 0 when there is none, or its prefix is
 * not whole. */
uint64_t sl_splitter_wanted(const struct sl_splitter *splitter);
/* The unfinished message at the end of a stream; false when there is none. */
bool sl_splitter_partial(const struct sl_splitter *splitter, struct sl_message *ret_message);
/* count bytes are missing here. True when they lay inside one message's payload: that message is then
 * reported incomplete at its end and the next one is read as usual. False when the place of the next
 * prefix is lost: the splitter is as after sl_splitter_resync. */
bool sl_splitter_skip(struct sl_splitter *splitter, uint64_t count, sl_message_fn *fn, void *owner);
/* A body that is one message without a prefix: begun on an idle splitter, with the flag that a prefix
 * would have had; its bytes, or count of missing ones; its end, after which the splitter is idle. */
void sl_splitter_whole_begin(struct sl_splitter *splitter, uint8_t flag);
void sl_splitter_whole_feed(struct sl_splitter *splitter, struct sl_span data);
void sl_splitter_whole_skip(struct sl_splitter *splitter, uint64_t count);
void sl_splitter_whole_end(struct sl_splitter *splitter, sl_message_fn *fn, void *owner);
/* What came cannot be trusted any more (bytes of this stream are missing): forgets the message in
 * progress. The next fed byte is taken as the start of a prefix. */
void sl_splitter_resync(struct sl_splitter *splitter);

/* Appends prefix and payload. */
enum sl_status sl_message_write(struct sl_buf *out, uint8_t flag, struct sl_span payload);

/* Appends the decoded payload to out, whose max is the limit (SL_LIMIT past it, before it is
 * inflated). encoding: "identity", "gzip", "deflate" (zlib-wrapped), "zstd",
 * "snappy"; SL_UNSUPPORTED otherwise. SL_MALFORMED on damaged or cut input: out then holds what came
 * before the damage. */
SL_MUST_USE enum sl_status sl_message_decompress(struct sl_span encoding, struct sl_span payload,
                                                 struct sl_buf *out);
/* The reverse, for "identity", "gzip" and "deflate". */
SL_MUST_USE enum sl_status sl_message_compress(struct sl_span encoding, struct sl_span payload,
                                               struct sl_buf *out);

#endif
