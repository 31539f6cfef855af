/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/view/stats.h"

#include <stdio.h>

#include "inspector/view/names.h"
#include "lib/base/alloc.h"
#include "lib/wire/grpc_status.h"

void ins_stats_release(struct ins_stats *stats)
{
    ins_method_table_release(&stats->methods);
    ins_latency_release(&stats->round_trips);
}

void ins_stats_connection(struct ins_stats *stats, const struct ins_connection *connection,
                          const struct sl_observer_totals *totals)
{
    stats->connections++;
    stats->connections_midway += connection->is_midway ? 1 : 0;
    if (connection->has_round_trip) {
        ins_latency_add(&stats->round_trips, connection->round_trip_ns);
        stats->round_trips_by_answer += connection->is_by_answer ? 1 : 0;
    }
    ins_stats_totals(stats, totals);
}

void ins_stats_totals(struct ins_stats *stats, const struct sl_observer_totals *totals)
{
    stats->other_http += totals->other_http;
    stats->frames_skipped += totals->frames_skipped;
    for (int dir = 0; dir < 2; dir++) {
        stats->gaps += totals->gaps[dir];
        stats->bytes_missing += totals->missing_bytes[dir];
        stats->bytes_skipped += totals->skipped_bytes[dir];
        for (size_t type = 0; type < SL_OBS_KNOWN_TYPES; type++) {
            stats->frames[type] += totals->frames_by_type[dir][type];
        }
    }
}

void ins_stats_ignored(struct ins_stats *stats)
{
    stats->connections_ignored++;
}

static void count_code(struct ins_status_counts *counts, uint32_t code)
{
    if (code < INS_STATS_RANGE) {
        counts->by_code[code]++;
        return;
    }
    for (size_t i = 0; i < counts->odd_count; i++) {
        if (counts->odd[i].code == code) {
            counts->odd[i].count++;
            return;
        }
    }
    if (counts->odd_count == INS_STATS_STATUSES) {
        counts->odd_rest++;
        return;
    }
    counts->odd[counts->odd_count].code = code;
    counts->odd[counts->odd_count].count = 1;
    counts->odd_count++;
}

static void count_status(struct ins_stats *stats, const struct sl_call *call)
{
    if (!call->has_status) {
        bool is_open = call->end == SL_CALL_OPEN;
        stats->calls_open += is_open ? 1 : 0;
        stats->calls_undecoded += is_open ? 0 : 1; /* its trailers could not be read */
        return;
    }
    count_code(&stats->statuses, call->code);
    if (call->is_status_inferred) {
        stats->statuses_inferred++;
    } else if (call->status_source == SL_FROM_TRAILERS ||
               call->status_source == SL_FROM_TRAILERS_ONLY ||
               call->status_source == SL_FROM_GRPC_WEB_TRAILERS ||
               call->status_source == SL_FROM_CONNECT_END_STREAM ||
               call->status_source == SL_FROM_CONNECT_ERROR) {
        count_code(&stats->on_wire, call->code);
    }
}

void ins_stats_call(struct ins_stats *stats, const struct ins_call *own)
{
    const struct sl_call *call = own->call;
    stats->calls++;
    ins_method_table_call(&stats->methods, own);
    const struct sl_call_side *sides[2] = {&call->request, &call->response};
    for (int dir = 0; dir < 2; dir++) {
        stats->messages[dir] += sides[dir]->message_count;
        stats->messages_partial += sides[dir]->partial_messages;
    }
    const struct sl_header *field = sl_headers_find(&call->request.headers, ":path");
    stats->methods_inferred += field != NULL && sl_header_is_inferred(field) ? 1 : 0;
    count_status(stats, call);
}

void ins_stats_frame(struct ins_stats *stats, const struct sl_frame_event *event)
{
    stats->frames[event->header.type] += event->header.type >= SL_OBS_KNOWN_TYPES ? 1 : 0;
}

void ins_stats_finding(struct ins_stats *stats, const struct sl_finding *finding)
{
    stats->must_findings += finding->level == 'M' ? 1 : 0;
    for (size_t i = 0; i < stats->finding_count; i++) {
        if (strcmp(stats->findings[i].rule, finding->rule) == 0) {
            stats->findings[i].count++;
            return;
        }
    }
    if (stats->finding_count < INS_STATS_FINDINGS) {
        stats->findings[stats->finding_count].rule = finding->rule;
        stats->findings[stats->finding_count].count = 1;
        stats->finding_count++;
    }
}

void ins_stats_damage(struct ins_stats *stats, const char *capture, uint64_t packet,
                      const char *text)
{
    if (stats->damage_count < INS_STATS_DAMAGE) {
        struct ins_damage_note *note = &stats->damage[stats->damage_count];
        (void)snprintf(note->capture, sizeof(note->capture), "%s", capture);
        note->packet = packet;
        (void)snprintf(note->text, sizeof(note->text), "%s", text);
    }
    stats->damage_count++;
}

bool ins_stats_has_loss(const struct ins_stats *stats)
{
    return stats->gaps > 0 || stats->bytes_missing > 0 || stats->frames_skipped > 0 ||
           stats->damage_count > 0 || stats->unwrapped.fragments_lost > 0 ||
           stats->tcp.evicted > 0 || stats->tls.bytes_skipped > 0 || stats->packets_dropped > 0 ||
           stats->calls_given_up > 0 || stats->tcp.dropped > 0;
}

static void write_frames(const struct ins_stats *stats, struct sl_json_out *out)
{
    sl_json_out_key(out, "frames");
    sl_json_out_begin_object(out);
    for (unsigned type = 0; type < 256; type++) {
        char name[INS_NAME_MAX];
        if (stats->frames[type] > 0) {
            sl_json_out_key_u64(out, ins_frame_type_name((uint8_t)type, name), stats->frames[type]);
        }
    }
    sl_json_out_end_object(out);
}

static void write_counts(const struct ins_status_counts *counts, struct sl_json_out *out)
{
    for (uint32_t code = 0; code < INS_STATS_RANGE; code++) {
        if (counts->by_code[code] > 0) {
            sl_json_out_key_u64(out, sl_grpc_status_name(code), counts->by_code[code]);
        }
    }
    for (size_t i = 0; i < counts->odd_count; i++) {
        char name[INS_NAME_MAX];
        (void)snprintf(name, sizeof(name), "%u", (unsigned)counts->odd[i].code);
        sl_json_out_key_u64(out, name, counts->odd[i].count);
    }
    if (counts->odd_rest > 0) {
        sl_json_out_key_u64(out, "other", counts->odd_rest);
    }
}

static void write_statuses(const struct ins_stats *stats, struct sl_json_out *out)
{
    sl_json_out_key(out, "statuses");
    sl_json_out_begin_object(out);
    write_counts(&stats->statuses, out);
    if (stats->calls_undecoded > 0) {
        sl_json_out_key_u64(out, "undecoded", stats->calls_undecoded);
    }
    if (stats->calls_open > 0) {
        sl_json_out_key_u64(out, "open", stats->calls_open);
    }
    sl_json_out_end_object(out);
    sl_json_out_key(out, "statuses_on_wire");
    sl_json_out_begin_object(out);
    write_counts(&stats->on_wire, out);
    sl_json_out_end_object(out);
    if (stats->methods_inferred > 0 || stats->statuses_inferred > 0) {
        sl_json_out_key(out, "calls_inferred");
        sl_json_out_begin_object(out);
        sl_json_out_key_u64(out, "method", stats->methods_inferred);
        sl_json_out_key_u64(out, "status", stats->statuses_inferred);
        sl_json_out_end_object(out);
    }
}

static void write_pair(struct sl_json_out *out, const char *key, const uint64_t counts[2])
{
    sl_json_out_key(out, key);
    sl_json_out_begin_object(out);
    sl_json_out_key_u64(out, "request", counts[SL_DIR_REQUEST]);
    sl_json_out_key_u64(out, "response", counts[SL_DIR_RESPONSE]);
    sl_json_out_end_object(out);
}

/* How far the servers were from where the capture was taken, and how that is known. */
static void write_round_trips(const struct ins_stats *stats, struct sl_json_out *out)
{
    sl_json_out_key(out, "round_trip_ms");
    ins_latency_write(&stats->round_trips, out);
    sl_json_out_key(out, "round_trips");
    sl_json_out_begin_object(out);
    sl_json_out_key_u64(out, "handshake", stats->round_trips.count - stats->round_trips_by_answer);
    sl_json_out_key_u64(out, "answer", stats->round_trips_by_answer);
    sl_json_out_key_u64(out, "unknown", stats->connections - stats->round_trips.count);
    sl_json_out_end_object(out);
}

static void write_loss(const struct ins_stats *stats, struct sl_json_out *out)
{
    sl_json_out_key(out, "loss");
    sl_json_out_begin_object(out);
    sl_json_out_key_u64(out, "gaps", stats->gaps);
    sl_json_out_key_u64(out, "bytes_missing", stats->bytes_missing);
    sl_json_out_key_u64(out, "messages_partial", stats->messages_partial);
    sl_json_out_key_u64(out, "frames_skipped", stats->frames_skipped);
    sl_json_out_key_u64(out, "bytes_skipped", stats->bytes_skipped);
    sl_json_out_key_u64(out, "segments_cut", stats->tcp.cut_segments);
    sl_json_out_key_u64(out, "fragments_lost", stats->unwrapped.fragments_lost);
    sl_json_out_key_u64(out, "connections_given_up", stats->tcp.evicted);
    sl_json_out_key_u64(out, "calls_given_up", stats->calls_given_up);
    sl_json_out_key_u64(out, "segments_dropped", stats->tcp.dropped);
    sl_json_out_key_u64(out, "packets_dropped", stats->packets_dropped);
    sl_json_out_key_u64(out, "damaged", stats->damage_count);
    sl_json_out_key(out, "damage");
    sl_json_out_begin_array(out);
    for (size_t i = 0; i < stats->damage_count && i < INS_STATS_DAMAGE; i++) {
        sl_json_out_begin_object(out);
        sl_json_out_key_str(out, "capture", stats->damage[i].capture);
        sl_json_out_key_u64(out, "packet", stats->damage[i].packet);
        sl_json_out_key_str(out, "text", stats->damage[i].text);
        sl_json_out_end_object(out);
    }
    sl_json_out_end_array(out);
    sl_json_out_end_object(out);
}

/* Packets without a TCP segment, by what they are. */
static void write_not_tcp(const struct ins_stats *stats, struct sl_json_out *out)
{
    static const struct {
        const char *key;
        enum ins_wrap_kind kind;
    } kinds[] = {
        {"unknown_link", INS_WRAP_UNKNOWN_LINK},
        {"not_ip", INS_WRAP_NOT_IP},
        {"other_ip", INS_WRAP_OTHER_IP},
        {"udp", INS_WRAP_OTHER_UDP},
        {"quic", INS_WRAP_QUIC},
        {"encrypted", INS_WRAP_ENCRYPTED},
        {"malformed", INS_WRAP_MALFORMED},
    };
    const struct ins_unwrap_totals *unwrapped = &stats->unwrapped;
    sl_json_out_key(out, "packets_not_tcp");
    sl_json_out_begin_object(out);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        sl_json_out_key_u64(out, kinds[i].key, unwrapped->ends[kinds[i].kind]);
    }
    sl_json_out_key_u64(out, "nested_too_deep", unwrapped->too_deep);
    sl_json_out_key(out, "link_types");
    sl_json_out_begin_object(out);
    for (size_t i = 0; i < unwrapped->unknown_link_count; i++) {
        char name[INS_NAME_MAX];
        (void)snprintf(name, sizeof(name), "%u", (unsigned)unwrapped->unknown_links[i].type);
        sl_json_out_key_u64(out, name, unwrapped->unknown_links[i].packets);
    }
    sl_json_out_end_object(out);
    sl_json_out_end_object(out);
}

static void write_findings(const struct ins_stats *stats, struct sl_json_out *out)
{
    sl_json_out_key(out, "findings");
    sl_json_out_begin_object(out);
    for (size_t i = 0; i < stats->finding_count; i++) {
        sl_json_out_key_u64(out, stats->findings[i].rule, stats->findings[i].count);
    }
    sl_json_out_end_object(out);
}

void ins_stats_write(struct ins_stats *stats, struct sl_json_out *out)
{
    sl_json_out_begin_object(out);
    sl_json_out_key_str(out, "type", "summary");
    sl_json_out_key_u64(out, "captures", stats->captures);
    sl_json_out_key_u64(out, "packets", stats->packets);
    write_not_tcp(stats, out);
    sl_json_out_key_u64(out, "connections", stats->connections);
    sl_json_out_key_u64(out, "connections_midway", stats->connections_midway);
    sl_json_out_key_u64(out, "connections_other", stats->connections_ignored);
    sl_json_out_key_u64(out, "calls", stats->calls);
    sl_json_out_key_u64(out, "other_http", stats->other_http);
    write_pair(out, "messages", stats->messages);
    write_frames(stats, out);
    sl_json_out_key(out, "methods");
    ins_method_table_write(&stats->methods, out);
    write_round_trips(stats, out);
    write_statuses(stats, out);
    sl_json_out_key(out, "tcp");
    sl_json_out_begin_object(out);
    sl_json_out_key_u64(out, "reordered", stats->tcp.reordered);
    sl_json_out_key_u64(out, "retransmitted", stats->tcp.retransmitted);
    sl_json_out_key_u64(out, "conflicting", stats->tcp.conflicting);
    sl_json_out_key_u64(out, "reused", stats->tcp.reused);
    sl_json_out_end_object(out);
    sl_json_out_key(out, "tls");
    ins_tls_totals_write(&stats->tls, out);
    write_loss(stats, out);
    write_findings(stats, out);
    sl_json_out_end_object(out);
}
