/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_OTLP_H
#define SRV_OTLP_H

/*
 * Sends spans to an OpenTelemetry collector: OTLP/JSON over HTTP, POST to PATH, by a thread of its own.
 *
 *     call_ended --> queue of SRV_OTLP_QUEUE_MAX spans --> batch --> POST --> 2xx
 *                                                            ^         |
 *                                                            +- wait <-+ 429, 502, 503, 504, no answer; else given up
 *
 * The front end never waits: a span that finds the queue full is dropped and counted; while a collector is away the queue
 * fills, and what comes then is lost. What was lost is logged once a minute, and at the end. Calls that their caller has
 * not sampled make no span.
 *
 * A batch goes when it is full or a second after its first span. A batch that failed is sent again after 1 s, 2 s, 4 s, 8 s,
 * or when Retry-After says, at most 30 s; then it is given up (OTLP specification 1.x, "Failures", "OTLP/HTTP Throttling").
 *
 * Threads: the sink is used by telemetry's thread; start and stop by the one that owns it.
 */
#include "lib/base/status.h"
#include "reference-server/telemetry/telemetry.h"
#include "reference-server/telemetry/trace_context.h"

enum {
    SRV_OTLP_QUEUE_MAX = 8192, /* spans, of about 300 bytes */
    SRV_OTLP_BATCH_MAX = 512,
    SRV_OTLP_ATTEMPTS = 5,
    SRV_OTLP_RETRY_AFTER_MAX_S = 30,
    SRV_OTLP_ANSWER_MS = 10000, /* the most that one POST takes */
    SRV_OTLP_STOP_MS = 3000,    /* the most that stop takes */
};

struct srv_otlp;

/* url is http or https; /v1/traces is its path unless it has another. NULL with SL_USAGE for any other url. ids names this
 * process; used here only. */
struct srv_otlp *srv_otlp_start(const char *url, struct srv_trace_source *ids,
                                struct sl_error *reterr_error);

/* The sink of calls, borrowed. */
struct srv_sink *srv_otlp_sink(struct srv_otlp *otlp);

/* Sends what is queued, for SRV_OTLP_STOP_MS at most, and frees it. NULL is fine. */
void srv_otlp_stop(struct srv_otlp *otlp);

#endif
