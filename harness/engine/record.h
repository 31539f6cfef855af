/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_RECORD_H
#define HAR_RECORD_H

/*
 * What is kept of everything that happened: messages sent and received with their intended and actual
 * times, moments that were marked, findings on the wire. The checks judge these and nothing else.
 */
#include <stdbool.h>

#include "harness/engine/verdict.h"
#include "harness/target/resources.h"

enum {
    HAR_LAST_ID_MAX = 256,
    HAR_SENT_MAX = 1000000, /* records of one actor */
    HAR_PINGS_MAX = 256,
    HAR_PING_PROBES_MAX = 10000,
    HAR_MARKS_MAX = 256,
    HAR_FINDINGS_MAX = 64,
};

struct har_send_args; /* harness/steps/send.h */

/* What happened to one message of a publisher or chat; its index is its sequence number. */
struct har_sent {
    uint64_t intended_ns, sent_ns;
    uint64_t
        due_ns; /* intended, or when a closed loop was free to send it: later is our own delay */
    uint64_t replied_ns; /* reply or ack; 0: none yet */
    const struct har_send_args *how;
    uint32_t first;   /* of a chat: the first message of its stream */
    uint32_t size;    /* bytes of text; 0: as how says */
    uint32_t id_size; /* bytes of message_id; 0: as usual */
    uint32_t code;    /* gRPC status of the call */
    int phase;        /* -1: outside of phases */
    bool is_accepted;
    bool is_abandoned; /* its stream was left before the ack came */
    bool is_partial;   /* cut on purpose: must never be acted on */
};

struct har_received {
    uint64_t at_ns;
    uint32_t sequence;
    uint16_t publisher;  /* actor number */
    unsigned generation; /* of the receiver's stream */
    unsigned epoch;      /* messages of another one may come again */
    int phase;           /* of the receipt */
};

/* What a subscription asked for beside what is live, and what came of it. */
struct har_past {
    int32_t history;
    const char *after;                  /* the id to resume after; NULL: none */
    char last_id[HAR_LAST_ID_MAX];      /* of the last message received */
    const struct har_strings *refusals; /* statuses in place of a subscription; NULL: none */
    unsigned epoch;                     /* streams whose messages may repeat earlier ones' */
    uint32_t received;                  /* of before the stream was opened */
    bool has_report;                    /* the stream ended with a report of drops (SUB-14) */
    uint64_t reported;                  /* what it says; UINT64_MAX: no number */
};

/* An HTTP/2 PING of ours. */
struct har_ping_probe {
    uint64_t sent_ns, acked_ns; /* acked 0: not yet */
    int phase;
};

struct har_mark {
    const char *name;
    uint64_t at_ns;
    struct har_resources resources;
    bool has_resources, is_peak_reset; /* the next mark's peak is that since this one */
};

struct har_seen_finding {
    char rule[HAR_RULE_MAX];
    char level;
    bool is_server;
    uint64_t count;
    char text[240];
};

/* What the target said, where a step asked whether it serves, and what the scenario did to it. */
struct har_target_answer {
    bool is_down;     /* by the scenario's own doing (outage.h) */
    uint64_t back_ns; /* when it answered again; 0: it was never down */
    bool is_asked;    /* and has not answered yet */
    bool is_good;
    char text[512];
};

/* A message that shows whether a subscription is registered. */
struct har_probe {
    const char *room; /* of the actor that it was sent for */
};

#endif
