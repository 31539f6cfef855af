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

/* Per connection. */
struct sl_rules {
    struct sl_overrun overrun[2];    /* by sender */
    bool has_reported_connection[2]; /* FLOW-01, until that window has room again */
};

/* Per stream; zeroed with it. */
struct sl_stream_rules {
    bool has_reported_window[2]; /* FLOW-01 */
    bool has_told_superfluous;   /* CALL-20 at level I */
    bool has_reported_end;       /* CALL-20 */
    bool has_late_request;       /* CALL-20: the client sent on after the server's END_STREAM */
    bool is_closed_proven;       /* CALL-20: at its END_STREAM the server had the client's */
};

struct sl_rule_group {
    /* A frame's header is there. stream: NULL when the observer has none of that id (any more). */
    void (*frame)(struct sl_observer *observer, enum sl_dir dir,
                  const struct sl_h2_frame_header *header, struct sl_stream *stream);
    /* DATA of header->length bytes has been taken from the ledger. */
    void (*data)(struct sl_observer *observer, enum sl_dir dir,
                 const struct sl_h2_frame_header *header, struct sl_stream *stream);
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

void sl_rules_frame(struct sl_observer *observer, enum sl_dir dir,
                    const struct sl_h2_frame_header *header, struct sl_stream *stream);
void sl_rules_data(struct sl_observer *observer, enum sl_dir dir,
                   const struct sl_h2_frame_header *header, struct sl_stream *stream);
void sl_rules_end_stream(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                         bool is_on_data);
void sl_rules_fed(struct sl_observer *observer, enum sl_dir dir);
void sl_rules_gap(struct sl_observer *observer, enum sl_dir dir);
void sl_rules_closed(struct sl_observer *observer, enum sl_dir dir);

/* Where a finding was made. */
struct sl_rule_place {
    enum sl_dir side;
    uint32_t stream;
    const struct sl_at *at;
    struct sl_call *call; /* or NULL */
    char level;           /* 0: the rule's */
};

/* Passes a finding to the handler, at the rule's level unless place gives a lower one. */
void sl_rules_report(struct sl_observer *observer, enum sl_rule_index rule,
                     const struct sl_rule_place *place, const char *format, ...) SL_PRINTF(4, 5);

#endif
