/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_RULES_H
#define SL_RULES_H

/*
 * Internal: how the observer tells the rules what it sees.
 *
 * A group of rules is one file, rules/<group>.c, with one struct sl_rule_group; it is listed in
 * rules.c. A hook reads the observer's state as it was before the frame is applied, unless it says
 * otherwise, keeps what it must remember in its part of struct sl_rules or struct sl_stream_rules,
 * and reports with sl_rules_report(). Hooks never change the observer's own state.
 *
 * A rule that rests on what a sender had received must have proof on the wire: see sl_obs_dir.proven.
 */
#include "lib/wire/observer.h"
#include "lib/wire/rule.h"

enum sl_rule_index {
#define X(group, number, level, clause, title, prevents, text, look) SL_RULE_##group##_##number,
#include "lib/wire/rules/rules.def"
#undef X
    SL_RULE_COUNT
};

struct sl_stream;

/* DATA beyond a window, seen in a capture, until it is proven. */
struct sl_overrun {
    bool is_pending;
    bool is_connection; /* the connection's window, not only the stream's */
    uint32_t stream;
    int64_t window; /* before the frame */
    uint32_t length;
    struct sl_at at;
};

/* What a frame rests on was not seen, in a capture that may have swapped the two. */
enum sl_early_kind {
    SL_EARLY_NONE,
    SL_EARLY_SETTINGS_ACK, /* without SETTINGS */
    SL_EARLY_PING_ACK,     /* without a PING of these bytes */
    SL_EARLY_STREAM,       /* a frame of a stream that nobody began */
};

struct sl_early {
    enum sl_early_kind kind;
    uint8_t type;    /* SL_EARLY_STREAM: of the frame */
    uint32_t stream; /* the same */
    uint64_t opaque; /* SL_EARLY_PING_ACK */
    struct sl_at at;
};

/* Whose answer has not come, though its sender has shown that it had the question. */
struct sl_unanswered {
    uint64_t mark;  /* of the question; 0: none */
    uint64_t since; /* sl_obs_dir.frames of who should answer, when that was first seen */
    bool is_told;
};

/* A limit that one side announces to the other. A higher one counts at once, a lower one from its ack. */
struct sl_rule_limit {
    uint32_t value;
    uint32_t lower;
    uint64_t lower_mark; /* sl_obs_dir.frames of who announced it; 0: none is on its way */
};

/* Per connection; arrays by the sender whose fault it would be, unless said otherwise. */
struct sl_rules {
    struct sl_overrun overrun[2];
    bool has_reported_connection[2]; /* FLOW-01, until that window has room again */
    struct sl_early early[2];
    struct sl_unanswered settings[2], pings[2]; /* CONN-01, CONN-02 */
    bool are_settings_untracked[2]; /* of this asker more were in flight than are followed */
    bool are_pings_untracked[2];    /* the same */
    bool is_start_missing;          /* a capture lacks the server's first frames */
    bool has_goaway[2];
    bool is_giving_up[2]; /* a GOAWAY told an error: it owes no more answers */
    uint32_t goaway_last[2];
    uint32_t highest_answered; /* stream with a response */
    bool has_reported_answer;  /* CONN-11: on a stream above its GOAWAY */
    uint32_t highest_named[2]; /* by a frame of this side */
    uint64_t
        push_off_mark; /* sl_obs_dir.frames of the client when it forbade push; 0: it did not */
    struct sl_rule_limit frame_size[2];
    struct sl_rule_limit table_size[2];
    bool is_update_due[2]; /* META-12: the next block must begin with a size update */
    bool has_reported_table[2];
    bool takes_true_binary; /* META-02: the client's SETTINGS say so */
};

/* Where a finding was made. */
struct sl_rule_place {
    enum sl_dir side;
    uint32_t stream;
    const struct sl_at *at;
    struct sl_call *call; /* or NULL */
    char level;           /* 0: the rule's */
};

/* What rules.c gives a new observer. */
void sl_rules_init(struct sl_rules *own);
/* Whether a capture may have swapped what came at then and at now. */
bool sl_rules_are_near(const struct sl_at *then, const struct sl_at *now);
/* Bytes of dir were lost, or those before the first were not seen: what is read as a frame may be none. */
bool sl_rules_doubt(const struct sl_observer *observer, enum sl_dir dir);
/* Nothing of either direction is missing, from the connection's beginning on. */
bool sl_rules_saw_all(const struct sl_observer *observer);
/* The call of this stream is gRPC, and its request and all that came of its response were seen and decoded: what is not
 * there was not sent. False where the stream has none, or one that has ended. */
bool sl_rules_saw_call(const struct sl_stream *stream);
/* Some field of the list was not decoded but inferred. */
bool sl_rules_are_inferred(const struct sl_headers *headers);
/* A value of a -bin field that is a NUL and the bytes as they are (gRPC proposal G1), which the client takes, or may have
 * said that it takes. */
bool sl_rules_is_true_binary(const struct sl_observer *observer, const struct sl_header *field);
/* The grpc-status of a response, or NULL without one, or with one that is malformed or inferred. */
const struct sl_header *sl_rules_status_of(const struct sl_call *call, uint32_t *ret_code);
/* A finding about a response, at its stream and call. */
struct sl_rule_place sl_rules_place_of(const struct sl_observer *observer,
                                       const struct sl_stream *stream);
/* The sender of dir has sent SETTINGS with this value of a limit for the other side. */
void sl_rules_limit_announce(struct sl_rule_limit *limit, uint32_t value, uint64_t mark);
/* Its SETTINGS with this mark were acknowledged. True when a lower limit counts from now on. */
bool sl_rules_limit_ack(struct sl_rule_limit *limit, uint64_t mark);

/* Per stream; zeroed with it. */
struct sl_stream_rules {
    bool has_reported_window[2]; /* FLOW-01 */
    bool has_told_superfluous;   /* CALL-20 at level I */
    bool has_reported_end;       /* CALL-20 */
    bool has_late_request;       /* CALL-20: the client sent on after the server's END_STREAM */
    bool is_closed_proven;       /* CALL-20: at its END_STREAM the server had the client's */
    uint64_t reset_mark[2];      /* FLOW-24: sl_obs_dir.frames with its RST_STREAM; 0: none */
    bool has_sent_on[2];         /* FLOW-24: after its RST_STREAM */
    bool has_reported_reset[2];  /* FLOW-24 */
    bool has_told_reset[2];      /* FLOW-24 at level I */
    bool has_open_trailers;      /* CALL-02: told of trailers without END_STREAM */
    bool has_reported_fields;    /* CALL-22: once a stream is enough */
    bool has_reported_padding;   /* META-02 at level S */
    bool has_reported_flag;      /* FRM-17 */
    bool has_partial;            /* FRM-17: the response ended within a message, or its prefix */
    bool has_partial_prefix;     /* of which the prefix is whole: */
    uint32_t partial_length;     /* as it says */
    uint64_t partial_received;   /* payload bytes of it */
};

struct sl_rule_group {
    /* A frame's header is there. stream: NULL when the observer has none of that id (any more). */
    void (*frame)(struct sl_observer *observer, enum sl_dir dir,
                  const struct sl_h2_frame_header *header, struct sl_stream *stream);
    /* A frame other than DATA is whole, nothing of it is missing; payload may be cut to what is looked at. */
    void (*whole)(struct sl_observer *observer, enum sl_dir dir,
                  const struct sl_h2_frame_header *header, struct sl_span payload);
    /* The padding of the DATA frame in progress is longer than the frame. */
    void (*padding)(struct sl_observer *observer, enum sl_dir dir);
    /* A header block of dir is whole and about to be decoded; its HEADERS are sl_obs_dir.block_header. */
    void (*block)(struct sl_observer *observer, enum sl_dir dir, struct sl_span block);
    /* It could not be. */
    void (*undecodable)(struct sl_observer *observer, enum sl_dir dir);
    /* DATA of header->length bytes has been taken from the ledger. */
    void (*data)(struct sl_observer *observer, enum sl_dir dir,
                 const struct sl_h2_frame_header *header, struct sl_stream *stream);
    /* A header block of a response was decoded, as far as it could be. is_first: no final block came before; then
     * http_status and the call's lists are not set yet. is_last: it ends the stream. */
    void (*answer)(struct sl_observer *observer, struct sl_stream *stream,
                   const struct sl_headers *headers, bool is_first, bool is_last);
    /* A prefix of a response's messages is whole, or a message of it is, or was cut by the end of its side. */
    void (*prefix)(struct sl_observer *observer, struct sl_stream *stream, uint8_t flag);
    void (*message)(struct sl_observer *observer, struct sl_stream *stream,
                    const struct sl_message *message);
    /* The sender of dir ended the stream (END_STREAM), on a header block or on DATA; applied. */
    void (*end_stream)(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                       bool is_on_data);
    /* What was fed of dir has been read. */
    void (*fed)(struct sl_observer *observer, enum sl_dir dir);
    /* Bytes of dir are missing. */
    void (*gap)(struct sl_observer *observer, enum sl_dir dir);
    /* No more of dir will come. */
    void (*closed)(struct sl_observer *observer, enum sl_dir dir);
};

extern const struct sl_rule_group sl_rules_call;
extern const struct sl_rule_group sl_rules_flow;
extern const struct sl_rule_group sl_rules_frames;
extern const struct sl_rule_group sl_rules_conn;
extern const struct sl_rule_group sl_rules_reset;
extern const struct sl_rule_group sl_rules_hpack;
extern const struct sl_rule_group sl_rules_response;
extern const struct sl_rule_group sl_rules_status;
extern const struct sl_rule_group sl_rules_fields;
extern const struct sl_rule_group sl_rules_messages;
extern const struct sl_rule_group sl_rules_details;

void sl_rules_frame(struct sl_observer *observer, enum sl_dir dir,
                    const struct sl_h2_frame_header *header, struct sl_stream *stream);
void sl_rules_whole(struct sl_observer *observer, enum sl_dir dir,
                    const struct sl_h2_frame_header *header, struct sl_span payload);
void sl_rules_padding(struct sl_observer *observer, enum sl_dir dir);
void sl_rules_block(struct sl_observer *observer, enum sl_dir dir, struct sl_span block);
void sl_rules_undecodable(struct sl_observer *observer, enum sl_dir dir);
void sl_rules_data(struct sl_observer *observer, enum sl_dir dir,
                   const struct sl_h2_frame_header *header, struct sl_stream *stream);
void sl_rules_answer(struct sl_observer *observer, struct sl_stream *stream,
                     const struct sl_headers *headers, bool is_first, bool is_last);
void sl_rules_prefix(struct sl_observer *observer, struct sl_stream *stream, uint8_t flag);
void sl_rules_message(struct sl_observer *observer, struct sl_stream *stream,
                      const struct sl_message *message);
void sl_rules_end_stream(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                         bool is_on_data);
void sl_rules_fed(struct sl_observer *observer, enum sl_dir dir);
void sl_rules_gap(struct sl_observer *observer, enum sl_dir dir);
void sl_rules_closed(struct sl_observer *observer, enum sl_dir dir);

/* Passes a finding to the handler, at the rule's level unless place gives a lower one. */
void sl_rules_report(struct sl_observer *observer, enum sl_rule_index rule,
                     const struct sl_rule_place *place, const char *format, ...) SL_PRINTF(4, 5);

#endif
