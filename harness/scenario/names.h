/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_NAMES_H
#define HAR_NAMES_H

/*
 * The names that expressions may use, in one place for the parser, the engine and the documentation.
 *
 * Values of the profile (buffer, default_rate_hz ...), the short names of scenarios.md (B, S, H, k),
 * counters of actors (received(sub)), and percentiles of what a phase measured (healthy.ack.p99).
 */
#include "harness/scenario/model.h"

/* Numeric values a profile may hold. */
extern const char *const har_value_names[];
extern const size_t har_value_count;

enum har_counter {
    HAR_COUNT_RECEIVED, /* stamped messages, all instances together */
    HAR_COUNT_LEAST,    /* the least of the instances */
    HAR_COUNT_FRESH,    /* the same, of messages sent since a phase was entered last */
    HAR_COUNT_SENT,
    HAR_COUNT_ACCEPTED, /* replies with accepted=true */
    HAR_COUNT_REPLIED,  /* replies of any kind */
    HAR_COUNT_ACKED,
    HAR_COUNT_PINGS,
    HAR_COUNT_OPEN,  /* instances with an open stream */
    HAR_COUNT_ENDED, /* instances whose stream the server has ended */
    HAR_COUNT_CLIENT_MESSAGES, /* of clients under test, as a subscriber received them, each message_id once */
    HAR_COUNT_CLIENT_REPEATS, /* those that came again */
    HAR_COUNT_RUNNING,        /* clients under test that run */
    /* of the fault proxy, and so of all that goes through it */
    HAR_COUNT_CONNECTS,         /* connections that came, refused ones too */
    HAR_COUNT_OPEN_CONNECTIONS, /* that were let in, and that nobody has ended */
    HAR_COUNT_LEFT,             /* that the client has closed */
    HAR_COUNT_SENDS,            /* calls of SendMessage */
    /* of connections, each counted once */
    HAR_COUNT_CONNECTED,  /* that are up */
    HAR_COUNT_CLOSED,     /* that the server has ended */
    HAR_COUNT_UNREADABLE, /* on which it sent what is no HTTP/2 */
    HAR_COUNT_GOAWAYS,    /* frames of the server */
    HAR_COUNT_TOLD,       /* those that had a GOAWAY, however many */
    HAR_COUNT_RESETS,     /* RST_STREAM */
    HAR_COUNT_REFUSED,    /* RST_STREAM(REFUSED_STREAM) */
    HAR_COUNT_SETTINGS_ACKS,
    HAR_COUNT_PING_ACKS,
    HAR_COUNT_DATA_FRAMES,
    HAR_COUNT_HEADERS_FRAMES,
    HAR_COUNT_SETTINGS_FRAMES,
    HAR_COUNT_PING_FRAMES,
    HAR_COUNT_WINDOW_UPDATES,
    HAR_COUNT_STATUSES, /* grpc-status of any stream */
    HAR_COUNT_SERVED,   /* grpc-status 0 */
    HAR_COUNT_DATA_FRAMES_SENT,
    HAR_COUNT_DATA_BYTES, /* of a raw connection; of the streams of the others */
    /* what the server's SETTINGS and WINDOW_UPDATEs allow */
    HAR_COUNT_DATA_BYTES_SENT, /* of DATA payloads of ours, padding included */
    HAR_COUNT_FRAME_LIMIT,     /* MAX_FRAME_SIZE */
    HAR_COUNT_STREAM_LIMIT,    /* MAX_CONCURRENT_STREAMS */
    HAR_COUNT_STREAM_WINDOW,   /* INITIAL_WINDOW_SIZE */
    HAR_COUNT_STREAM_CREDIT,   /* WINDOW_UPDATEs of streams, together */
    HAR_COUNT_CREDIT,          /* of the connection, with what it begins with */
    HAR_COUNT_TABLE_LIMIT,     /* HEADER_TABLE_SIZE */
    HAR_COUNT_GOAWAY_LAST,     /* the last stream of its last GOAWAY; 0: none */
    HAR_COUNTERS,
};
/* True for what the fault proxy counts. */
bool har_counter_is_of_proxy(enum har_counter counter);
/* The counter of a function's name; HAR_COUNTERS when there is none. */
enum har_counter har_counter_find(struct sl_span name);

enum har_metric {
    HAR_METRIC_ACK,      /* from the intended send to the reply or ack */
    HAR_METRIC_SERVICE,  /* from the actual send to the reply or ack */
    HAR_METRIC_DELIVERY, /* from the intended send to the receipt */
    HAR_METRIC_RESPONSE, /* as ack: the name that scenarios of unary calls use */
    HAR_METRIC_SLIP,     /* from when a message was due to its actual send: our own lateness */
    HAR_METRIC_SKEW,     /* from a message's first receipt to its last */
    HAR_METRIC_PING,     /* from an HTTP/2 PING to its acknowledgement */
    HAR_METRICS,
};
extern const char *const har_metric_names[]; /* NULL-terminated */

/* Splits "healthy.ack.p99". False when name has no such form or names no phase of the scenario. "base" is
 * the phase of that name, or else "healthy"; *ret_is_base says that it was written so. */
bool har_percentile_name(const struct har_scenario *scenario, struct sl_span name, int *ret_phase,
                         enum har_metric *ret_metric, double *ret_q, bool *ret_is_base);

/* What a scenario may ask to be measured before it: its key `calibrate`. */
enum har_calibrated {
    HAR_CAL_RTT,           /* gives rtt and rtt_p99, in ms */
    HAR_CAL_HIDDEN,        /* gives H */
    HAR_CAL_BUFFER,        /* gives B where the profile is silent */
    HAR_CAL_DROP_POLICY,   /* gives is_oldest where the profile is silent */
    HAR_CAL_DEFAULT_RATE,  /* gives default_rate_hz where the profile is silent */
    HAR_CAL_PING_INTERVAL, /* gives ping_interval_ms where the profile is silent */
    HAR_CAL_CAPACITY,      /* gives capacity, in messages a second */
    HAR_CALIBRATED,
};
extern const char *const har_calibrated_names[]; /* NULL-terminated */
/* The index of a name, or HAR_CALIBRATED. */
enum har_calibrated har_calibrated_find(const char *name);

/* True when an expression of this scenario may use the name. */
bool har_name_is_known(const struct har_scenario *scenario, struct sl_span name,
                       struct sl_span argument);
/* A known name near to the one that an error of har_expr_eval begins with ("'received(sbu)' ..."): the name, or
 * what is nearest to its actor or phase; NULL when nothing is. */
const char *har_name_suggestion(const struct har_scenario *scenario, struct sl_span error);

/* Checks "{room}" and "{i}" in a template; NULL or what is wrong. */
const char *har_template_problem(struct sl_span text);

#endif
