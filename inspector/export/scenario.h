/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_EXPORT_SCENARIO_H
#define INS_EXPORT_SCENARIO_H

/*
 * What clients did in a capture, as one list of events in the order in which they passed the wire, and the scenario
 * file that is made of it (docs/SCENARIOS.md).
 *
 *     scenario.c       events of the capture -> struct ins_plan
 *     scenario_check.c which of them can be written down
 *     scenario_text.c  struct ins_plan -> the file
 *
 * Order is kept by events, not by time: before a client does something, all is awaited that had come before it in the
 * capture, and then as long as the client had waited there.
 *
 * Limits: below. Past one of them calls are left out, and counted.
 */
#include <jansson.h>

#include "inspector/export/export.h"

enum {
    INS_PLAN_CALLS_MAX = 2000,
    INS_PLAN_EVENTS_MAX = 20000,
    INS_PLAN_BYTES_MAX = 640 * 1024, /* of messages and metadata; a scenario has 1 MiB */
    INS_PLAN_STREAMS_MAX = 20,       /* actors, so calls that overlap, by connection and method */
    INS_PLAN_CLIENTS_MAX = 10, /* actors for calls that do not; connections beyond share the last */
    INS_PLAN_STEPS_MAX = 900,  /* in one phase */
    INS_PLAN_FILE_MAX = 1024 * 1024, /* sluice-harness reads no larger one */
};

enum ins_plan_kind {
    INS_PLAN_OPEN,
    INS_PLAN_SEND,
    INS_PLAN_HALF_CLOSE,
    INS_PLAN_CREDIT,
    INS_PLAN_RESUME,
    INS_PLAN_CANCEL,
    INS_PLAN_HEADERS, /* from here on by the server */
    INS_PLAN_RECEIVED,
    INS_PLAN_END,
};

struct ins_plan_event {
    enum ins_plan_kind kind;
    uint32_t call;    /* index */
    uint32_t count;   /* RECEIVED: messages; CREDIT: bytes */
    uint64_t time_ns; /* 0: not known */
    json_t *json;     /* SEND: owned */
};

struct ins_plan_call {
    uint64_t id, connection;
    char *method;     /* owned */
    json_t *metadata; /* owned */
    char *hex;        /* owned: the only message, where there is no schema */
    bool has_schema, is_client_streaming;
    bool is_stalled;  /* by its client: credit is part of the plan */
    int64_t window;   /* of the stream, at its beginning */
    int64_t credited; /* by WINDOW_UPDATE since */
    uint32_t sent, received;
    uint64_t timeout_ns; /* UINT64_MAX: none */
    uint64_t duration_ns;
    const char *status;  /* a name; NULL: the client left */
    const char *problem; /* why it is left out; NULL: it is not */
    uint32_t event_count;
    bool has_ended;
};

struct ins_plan {
    struct ins_plan_call *calls;
    size_t call_count, call_capacity;
    struct ins_plan_event *events;
    size_t event_count, event_capacity;
    size_t bytes;
    uint64_t unplanned;      /* calls that came when it was full */
    uint64_t unknown_fields; /* messages that had some */
    uint64_t redacted;
};

/* Gives calls whose contents have no place in a scenario their problem. */
void ins_plan_judge(struct ins_plan *plan);
/* Appends the file. Calls that cannot be expressed get their problem. SL_LIMIT when the file is too large. */
SL_MUST_USE enum sl_status ins_plan_write(struct ins_plan *plan, struct sl_buf *out);
void ins_plan_release(struct ins_plan *plan);

#endif
