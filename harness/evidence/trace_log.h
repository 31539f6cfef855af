/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_TRACE_LOG_H
#define HAR_TRACE_LOG_H

/* The log of a trace, as trace.c writes it and trace_pcap.c reads it. Internal to harness/evidence. */
#include "harness/evidence/packet.h"
#include "harness/evidence/trace.h"

enum har_trace_kind {
    HAR_TRACE_FLOW,  /* a struct har_trace_ends follows */
    HAR_TRACE_BYTES, /* they follow */
    HAR_TRACE_GAP,   /* bytes that were left out: their number follows, a uint64_t */
    HAR_TRACE_FIN,
    HAR_TRACE_RST,
    HAR_TRACE_KEYS, /* key log lines follow */
};

struct har_trace_record {
    uint64_t at_ns;
    uint32_t flow; /* from 0 */
    uint32_t len;  /* of what follows */
    uint8_t kind;
    uint8_t is_from_client;
    uint8_t unused[6];
};

struct har_trace_ends {
    struct har_packet_end client, server;
    uint32_t place;
    char name[HAR_TRACE_NAME_MAX];
};

typedef void har_trace_record_fn(void *owner, const struct har_trace_record *record,
                                 struct sl_span content);
/* Every record in its order; SL_IO when the file cannot be read. */
SL_MUST_USE enum sl_status har_trace_each(struct har_trace *trace, har_trace_record_fn *fn,
                                          void *owner);

#endif
