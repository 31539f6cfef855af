/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_TRACE_CONTEXT_H
#define SRV_TRACE_CONTEXT_H

/*
 * W3C Trace Context (Recommendation of 2021): the trace that a caller says its call belongs to, or a new one.
 *
 * Pure. Threads: one at a time.
 */
#include "lib/base/span.h"
#include "lib/base/status.h"
#include "reference-server/telemetry/telemetry.h"

enum {
    SRV_TRACE_KEY = 16,
    SRV_TRACE_HEX = 2 * SRV_TRACE_ID + 1, /* with a NUL */
    SRV_SPAN_HEX = 2 * SRV_SPAN_ID + 1,
};

/* Where new ids come from: nobody who does not know the key can tell the next one. */
struct srv_trace_source {
    uint8_t key[SRV_TRACE_KEY];
    uint64_t next;
};

/* The key is derived from secret, which may serve other purposes beside this one. */
void srv_trace_source_init(struct srv_trace_source *source, const uint8_t secret[SRV_TRACE_KEY]);

/* Reads trace_id, parent_id and is_sampled of a traceparent; span_id becomes zero. False, and a zeroed trace, when it is
 * not one (2.2.2.3, 2.2.2.4): upper-case digits, zero ids, version ff, a length that version 00 does not have. A later
 * version is read as far as this one goes, if it ends there or goes on with "-" (2.2.5 "Versioning"). */
SL_MUST_USE bool srv_trace_parse(struct sl_span traceparent, struct srv_trace *ret_trace);

/* The call's place: in the caller's trace, or in a new one that is sampled, and a span id of its own. */
void srv_trace_begin(struct srv_trace_source *source, struct sl_span traceparent,
                     struct srv_trace *ret_trace);

/* The second half of that: gives new ids to what srv_trace_parse() has read, or has zeroed. */
void srv_trace_complete(struct srv_trace_source *source, struct srv_trace *trace);

/* As lower-case hex digits; return out. */
const char *srv_trace_id_text(const struct srv_trace *trace, char out[SRV_TRACE_HEX]);
const char *srv_span_id_text(const uint8_t id[SRV_SPAN_ID], char out[SRV_SPAN_HEX]);

#endif
