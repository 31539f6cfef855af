/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_RULES_KEPT_H
#define SL_RULES_KEPT_H

/*
 * Internal: what the rules remember of a connection and of each of its streams. Of fixed size, without pointers: it lives
 * and ends with the observer and its streams.
 */
#include "lib/wire/observer.h"

/* DATA beyond a window, seen in a capture, until it is proven. */
struct sl_overrun {
    bool is_pending;
    bool is_connection; /* the connection's window, not only the stream's */
    uint32_t stream;
    int64_t window; /* before the frame */
    uint32_t length;
    uint64_t number; /* sl_obs_dir.frames with the frame */
    struct sl_at at;
};

/* A client's stream beyond the server's limit, seen in a capture, until it is proven. */
struct sl_crowd {
    bool is_pending;
    uint32_t stream;
    uint32_t limit;
    uint64_t open;   /* streams, with it */
    uint64_t number; /* sl_obs_dir.frames with its HEADERS */
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
    uint8_t type;    /* of the frame */
    uint64_t number; /* sl_obs_dir.frames with it */
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
    bool takes_true_binary[2];    /* META-02: this side's SETTINGS say so */
    struct sl_rule_limit streams; /* CONN-08: of the server's SETTINGS; UINT32_MAX without one */
    struct sl_crowd crowd;
    uint32_t walked;           /* FLOW-20: streams that were looked at for SETTINGS */
    uint32_t highest_promised; /* FRM-18: by PUSH_PROMISE */
    uint32_t broken_block
        [2]; /* FRM-20: the stream of the last block that this side left in the middle */
    uint64_t
        goaway_mark; /* CONN-09: sl_obs_dir.frames of the server with its first GOAWAY; 0: none */
    bool has_told_goaway;    /* CONN-09: the client began a stream after it */
    bool has_told_te;        /* CALL-11 at level I: once a connection is enough */
    bool has_told_authority; /* CALL-12: the same */
    uint64_t served_path;    /* FRM-08: of the last call that was OK, hashed; 0: none */
    uint64_t told;           /* findings */
    bool is_between;         /* what is judged now is no frame, but what was fed, lost or closed */
};

/* Per stream; zeroed with it. */
struct sl_stream_rules {
    uint64_t reset_mark[2];    /* FLOW-24: sl_obs_dir.frames with its RST_STREAM; 0: none */
    uint64_t closed_packet[2]; /* of the frame that ended or reset this side, the last of them */
    struct sl_partial {
        uint32_t length;   /* as the prefix says */
        uint32_t received; /* payload bytes of it */
        bool has_any;      /* FRM-17, FRM-14: this side ended within a message, or its prefix */
        bool has_prefix;   /* of which the prefix is whole */
    } partial[2];
    bool has_reported_window[2];   /* FLOW-01 */
    bool is_end_on_data[2];        /* END_STREAM was on DATA */
    bool has_sent_on[2];           /* FLOW-24: after its RST_STREAM */
    bool has_reported_reset[2];    /* FLOW-24 */
    bool has_told_reset[2];        /* FLOW-24 at level I */
    bool has_reported_padding[2];  /* META-02 at level S */
    bool has_reported_flag[2];     /* FRM-17, FRM-05, FRM-06 */
    bool has_reported_after : 1;   /* CONN-06, CONN-07: a frame after the client's own end */
    bool has_told_after : 1;       /* CONN-07 at level I */
    bool has_told_superfluous : 1; /* CALL-20 at level I */
    bool has_reported_end : 1;     /* CALL-20 */
    bool has_late_request : 1;     /* CALL-20: the client sent on after the server's END_STREAM */
    bool is_closed_proven : 1;     /* CALL-20: at its END_STREAM the server had the client's */
    bool has_open_trailers : 1;    /* CALL-02: told of trailers without END_STREAM */
    bool has_reported_fields : 1;  /* CALL-22: once a stream is enough */
    bool has_reported_request : 1; /* CALL-13, 24, META-06: the same */
    bool has_told_value : 1;       /* META-05: the same */
    bool lacks_message : 1; /* CALL-18: the client has ended its request without any message */
    struct sl_malformed {
        uint64_t frame; /* sl_obs_dir.frames of the client; 0: nothing is */
        uint64_t packet;
        uint8_t rule; /* enum sl_rule_index */
        uint8_t type; /* of the frame */
        bool is_head; /* it is in the first header block */
    } malformed;      /* of what a server must refuse */
};

#endif
