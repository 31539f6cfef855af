/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_FRAMING_STATE_H
#define HAR_FRAMING_STATE_H

/* What framing.c and framing_rules.c share. Internal to harness/proxy. */
#include <uthash.h>

#include "harness/proxy/framing.h"

enum har_flow_state {
    HAR_FLOW_PREFACE, /* the client's 24 bytes */
    HAR_FLOW_HEADER,  /* between two frames, or in a header of 9 bytes */
    HAR_FLOW_PAYLOAD,
    HAR_FLOW_OPAQUE, /* not HTTP/2 */
};

/* A fault of frames on this connection. */
struct har_framing_rule {
    uint64_t id;
    const struct har_fault *fault;
    uint64_t seen[2], used[2]; /* frames that match, and that it was applied to, by direction */
    bool has_call;             /* a call that it names has begun */
    bool has_message[2];       /* and has reached the message that it waits for */
    bool is_told;
    struct har_framing_rule *next;
};

/* A call that is open. */
struct har_framing_call {
    uint32_t stream;
    char path[HAR_FAULT_METHOD_MAX];
    uint64_t messages[2];
    bool is_over;
    struct har_framing_call *next_over;
    UT_hash_handle hh;
};

/* A frame that waits beside the line: a delayed one, or (rule not NULL) one to be made. */
struct har_aside {
    struct har_aside *next;
    uint64_t due_ns;
    struct har_framing_rule *rule;
    uint32_t stream; /* of the call that it is made for */
    size_t len;
    uint8_t bytes[];
};

struct har_flow {
    enum har_flow_state state;
    size_t preface_len;
    uint8_t head[SL_H2_FRAME_HEADER_SIZE];
    size_t head_len;
    struct sl_h2_frame_header frame;
    uint32_t left;    /* of its payload */
    uint64_t frames;  /* that came whole */
    bool is_in_block; /* a CONTINUATION must follow: nothing may come between (RFC 9113 4.3) */
    bool is_stopped;
    struct har_framing_rule *rule; /* why the frame is held; NULL: it passes as it comes */
    bool is_dropping;              /* the rule was cleared in the middle of a frame that it drops */
    uint64_t delay_ns;             /* of a frame that passes in the line */
    struct sl_buf held;
    struct har_aside *asides; /* by time */
    size_t waiting;           /* what they cost */
};

struct har_framing {
    const struct har_framing_handler *handler;
    void *owner;
    struct sl_observer *observer;
    struct har_flow flows[2];
    struct har_framing_call *calls; /* by stream */
    struct har_framing_call *over;
    struct har_framing_rule *rules; /* in the order of their coming */
    struct har_framing_rule none;   /* in place of one that was cleared while it held a frame */
    uint32_t max_stream;
    uint64_t now_ns;
};

struct har_framing_call *har_framing_find_call(const struct har_framing *framing, uint32_t stream);

/* The rule that wants the frame whose header has come; NULL: it passes, after flow->delay_ns. */
struct har_framing_rule *har_framing_rules_choose(struct har_framing *framing, enum sl_dir dir);
/* The held frame is whole. */
void har_framing_rules_apply(struct har_framing *framing, enum sl_dir dir);
void har_framing_rules_call(struct har_framing *framing, const struct har_framing_call *call);
void har_framing_rules_message(struct har_framing *framing, const struct har_framing_call *call,
                               enum sl_dir dir);
/* Passes what is due, if dir is between two frames. */
void har_framing_rules_flush(struct har_framing *framing, enum sl_dir dir);
/* Passes what was set aside, whenever it is due, if dir is between two frames; else forgets it. */
void har_framing_rules_finish(struct har_framing *framing, enum sl_dir dir);
void har_framing_rules_release(struct har_framing *framing);

#endif
