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
 * Where the handler takes no findings no hook is called.
 *
 * A rule that rests on what a sender had received must have proof on the wire: see sl_obs_dir.proven.
 */
#include "lib/wire/observer.h"
#include "lib/wire/rule.h"
#include "lib/wire/rules/kept.h"

enum sl_rule_index {
#define X(group, number, level, clause, title, prevents, text, look) SL_RULE_##group##_##number,
#include "lib/wire/rules/rules.def"
#undef X
    SL_RULE_COUNT
};

struct sl_stream;

/* Where a finding was made. */
struct sl_rule_place {
    enum sl_dir side;
    uint32_t stream;
    const struct sl_at *at;
    struct sl_call *call; /* or NULL */
    char level;           /* 0: the rule's */
    struct sl_frame_ref
        frame; /* number 0: the one that is being read, where at is the observer's */
    struct sl_frame_ref before; /* an earlier one that it rests on; number 0: none */
};

/* What rules.c gives a new observer. */
void sl_rules_init(struct sl_rules *own);
/* Whether a capture may have swapped what came at then and at now. */
bool sl_rules_are_near(const struct sl_at *then, const struct sl_at *now);
/* The same of a capture that was put together from several, or shuffled by the network: what is missing may still come. */
bool sl_rules_are_close(const struct sl_at *then, const struct sl_at *now);
/* Bytes of dir were lost, or those before the first were not seen: what is read as a frame may be none. */
bool sl_rules_doubt(const struct sl_observer *observer, enum sl_dir dir);
/* Nothing of either direction is missing, from the connection's beginning on. */
bool sl_rules_saw_all(const struct sl_observer *observer);
/* The call of this stream is gRPC, and its request and all that came of its response were seen and decoded: what is not
 * there was not sent. False where the stream has none, or one that has ended. */
bool sl_rules_saw_call(const struct sl_stream *stream);
/* Of this stream's call the request was seen and decoded, whatever protocol it is of: what is not there was not sent. */
bool sl_rules_saw_request(const struct sl_stream *stream);
/* Some field of the list was not decoded but inferred. */
bool sl_rules_are_inferred(const struct sl_headers *headers);
/* A value of a -bin field of the sender of dir that is a NUL and the bytes as they are (gRPC proposal G1), which the
 * other side takes, or may have said that it takes. */
bool sl_rules_is_true_binary(const struct sl_observer *observer, enum sl_dir dir,
                             const struct sl_header *field);
/* META-05: one field of the sender of dir, the first of a stream. Pseudo-header fields, -bin ones and grpc-message have rules of
 * their own, and white space at the ends of a response's values is CALL-22's. */
void sl_rules_judge_value(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                          const struct sl_header *field);
/* META-02: one field of the sender of dir, a -bin one or not. */
void sl_rules_judge_binary(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                           const struct sl_header *field);
/* The grpc-status of a response, or NULL without one, or with one that is malformed or inferred. */
const struct sl_header *sl_rules_status_of(const struct sl_call *call, uint32_t *ret_code);
/* A finding about this side of a stream, at its call. */
struct sl_rule_place sl_rules_side_place(const struct sl_observer *observer, enum sl_dir side,
                                         const struct sl_stream *stream);
/* The same about a response. */
struct sl_rule_place sl_rules_place_of(const struct sl_observer *observer,
                                       const struct sl_stream *stream);
/* The same about a request. */
struct sl_rule_place sl_rules_request_place(const struct sl_observer *observer,
                                            const struct sl_stream *stream);
/* "client" or "server" */
const char *sl_rules_side_name(enum sl_dir dir);
/* A request breaks this rule, in the frame that is being read, and no server may serve it: one that does is told. The
 * first such breach of a stream counts. is_head: it is in the first header block. */
void sl_rules_note_malformed(struct sl_observer *observer, struct sl_stream *stream,
                             enum sl_rule_index rule, bool is_head);
/* The frame that reset this side of the stream, or else ended it. */
struct sl_frame_ref sl_rules_last_frame(const struct sl_stream *stream, enum sl_dir dir);
/* The sender of dir has sent SETTINGS with this value of a limit for the other side. */
void sl_rules_limit_announce(struct sl_rule_limit *limit, uint32_t value, uint64_t mark);
/* Its SETTINGS with this mark were acknowledged. True when a lower limit counts from now on. */
bool sl_rules_limit_ack(struct sl_rule_limit *limit, uint64_t mark);

struct sl_rule_group {
    /* A frame's header is there. stream: NULL when the observer has none of that id (any more). */
    void (*frame)(struct sl_observer *observer, enum sl_dir dir,
                  const struct sl_h2_frame_header *header, struct sl_stream *stream);
    /* A frame other than DATA is whole, nothing of it is missing; payload may be cut to what is looked at. */
    void (*whole)(struct sl_observer *observer, enum sl_dir dir,
                  const struct sl_h2_frame_header *header, struct sl_span payload);
    /* SETTINGS of dir, no acknowledgement, are whole, and say this; before `whole`. */
    void (*setting)(struct sl_observer *observer, enum sl_dir dir,
                    const struct sl_h2_setting_pair *pair);
    /* The sender of dir acknowledges the other side's oldest SETTINGS on its way, whose mark this is; before `whole`. */
    void (*acked)(struct sl_observer *observer, enum sl_dir dir, uint64_t mark);
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
    /* A header block of a client was decoded, and is in its call. stream: NULL where its id could begin no stream any
     * more; then the fields are as far as they could be read. is_first: no block came before. is_last: it ends the
     * stream. */
    void (*request)(struct sl_observer *observer, struct sl_stream *stream,
                    const struct sl_headers *headers, bool is_first, bool is_last);
    /* A prefix of a message of this side is whole, or a message of it is, or was cut by the end of its side. */
    void (*prefix)(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                   uint8_t flag);
    void (*message)(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
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
extern const struct sl_rule_group sl_rules_request;
extern const struct sl_rule_group sl_rules_client;
extern const struct sl_rule_group sl_rules_served;

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
void sl_rules_tell_request(struct sl_observer *observer, struct sl_stream *stream,
                           const struct sl_headers *headers, bool is_first, bool is_last);
void sl_rules_prefix(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                     uint8_t flag);
void sl_rules_message(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
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
