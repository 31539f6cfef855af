/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_STATS_H
#define INS_STATS_H

/*
 * What the summary tells, counted over the whole input, whatever the view: connections, calls,
 * messages, frames, statuses, methods, findings, and the balance of what was lost.
 *
 * Limits: INS_STATS_STATUSES statuses out of range by name; further ones count together, and so do methods
 * (method_stats.h). INS_STATS_DAMAGE places of damage are told, further ones counted.
 */
#include "inspector/net/unwrap.h"
#include "inspector/tls/totals.h"
#include "inspector/view/latency.h"
#include "inspector/view/method_stats.h"
#include "inspector/view/view.h"
#include "lib/base/json_out.h"

enum {
    INS_STATS_STATUSES = 64,
    INS_STATS_DAMAGE = 64,
    INS_STATS_FINDINGS = 128,
    INS_STATS_CAPTURE_MAX = 256,
    INS_STATS_RANGE = 17, /* statuses OK to UNAUTHENTICATED */
};

struct ins_damage_note {
    char capture[INS_STATS_CAPTURE_MAX]; /* its name, cut */
    uint64_t packet;
    char text[160];
};

/* Calls by status. */
struct ins_status_counts {
    uint64_t by_code[INS_STATS_RANGE];
    struct {
        uint32_t code;
        uint64_t count;
    } odd[INS_STATS_STATUSES]; /* out of range by name */
    size_t odd_count;
    uint64_t odd_rest; /* of codes beyond those */
};

struct ins_stats {
    uint64_t captures, packets, packets_filtered;
    uint64_t packets_dropped;           /* by the kernel, before the capture */
    struct ins_unwrap_totals unwrapped; /* packets by what they hold */
    uint64_t connections, connections_midway, connections_ignored;
    uint64_t connections_too_deep; /* of those ignored: layers nested deeper than is looked */
    uint64_t calls, calls_open, calls_undecoded, other_http;
    uint64_t calls_given_up; /* because too many were open at once */
    uint64_t messages[2];    /* by direction */
    uint64_t messages_partial;
    uint64_t frames[256];              /* by type */
    struct ins_status_counts statuses; /* of all calls that ended */
    struct ins_status_counts on_wire;  /* of those whose status came in a grpc-status field */
    uint64_t methods_inferred, statuses_inferred; /* calls whose method or status is */
    struct ins_method_table methods;
    struct ins_latency round_trips; /* of connections */
    uint64_t round_trips_by_answer; /* of them, those not known from a handshake */
    struct {
        const char *rule;
        uint64_t count;
    } findings[INS_STATS_FINDINGS];
    size_t finding_count;
    uint64_t must_findings; /* of level M */
    uint64_t gaps, bytes_missing, bytes_skipped, frames_skipped;
    struct ins_tcp_totals tcp;
    struct ins_tls_totals tls;
    struct ins_damage_note damage[INS_STATS_DAMAGE];
    uint64_t damage_count;
};

/* Starts from a zeroed struct. */
void ins_stats_release(struct ins_stats *stats);

void ins_stats_connection(struct ins_stats *stats, const struct ins_connection *connection,
                          const struct sl_observer_totals *totals);
/* The totals alone, of a part of a connection. */
void ins_stats_totals(struct ins_stats *stats, const struct sl_observer_totals *totals);
/* A TCP connection that is not HTTP/2. */
void ins_stats_ignored(struct ins_stats *stats);
void ins_stats_call(struct ins_stats *stats, const struct ins_call *call);
/* A frame of a type that RFC 9113 does not define; the others are in the totals of their connection. */
void ins_stats_frame(struct ins_stats *stats, const struct sl_frame_event *event);
void ins_stats_finding(struct ins_stats *stats, const struct sl_finding *finding);
void ins_stats_damage(struct ins_stats *stats, const char *capture, uint64_t packet,
                      const char *text);

/* Something that was on the wire is missing from the input. */
bool ins_stats_has_loss(const struct ins_stats *stats);

/* The summary record, as one JSON object. Sorts the methods by name. */
void ins_stats_write(struct ins_stats *stats, struct sl_json_out *out);

#endif
