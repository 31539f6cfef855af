/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/evidence/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#include "harness/evidence/folder.h"
#include "harness/evidence/trace_log.h"
#include "lib/base/alloc.h"
#include "lib/base/buf.h"

enum {
    PIECE_MAX = 64 * 1024, /* bytes of one record */
    /* Of everything in the log: bytes, and some records about connections beyond their limit. */
    LOG_MAX = HAR_TRACE_MAX + HAR_TRACE_MAX / 8,
};

struct har_trace {
    int folder; /* borrowed; not used any more once the owner has freed the trace */
    int fd;     /* of the file; -1: none yet */
    uint64_t filed;
    struct sl_buf waiting; /* for the file */
    struct har_trace_seen seen;
    unsigned refs; /* the owner's, and a flow's each */
};

struct har_trace_flow {
    struct har_trace *trace;
    uint32_t number;
    struct har_trace_port *port; /* of the server, in the trace; NULL: it has none there */
    uint64_t bytes;              /* of both sides, kept */
    uint64_t gap[2];             /* left out since the last record: [is_from_client] */
};

/* ---- the log ---- */

struct har_trace *har_trace_new(int folder)
{
    struct har_trace *trace = sl_alloc(sizeof(*trace));
    trace->folder = folder;
    trace->fd = -1;
    trace->refs = 1;
    sl_buf_init(&trace->waiting, (size_t)HAR_TRACE_BUFFER + PIECE_MAX * 2);
    return trace;
}

static void unref(struct har_trace *trace)
{
    if (--trace->refs == 0) {
        if (trace->fd >= 0) {
            (void)close(trace->fd);
        }
        sl_buf_release(&trace->waiting);
        sl_free(trace);
    }
}

void har_trace_free(struct har_trace *trace)
{
    if (trace == NULL) {
        return;
    }
    trace->seen.error = trace->seen.error == 0 ? ECANCELED : trace->seen.error; /* no more */
    sl_buf_release(&trace->waiting);
    unref(trace);
}

/* What waits goes to the file. After an error nothing is added any more, and what waits stays: it is all there is
 * behind what the file has. */
static void spill(struct har_trace *trace)
{
    if (trace->fd < 0) {
        trace->fd = har_folder_scratch(trace->folder);
        trace->seen.error = trace->fd < 0 ? errno : 0;
    }
    while (trace->waiting.len > 0 && trace->seen.error == 0) {
        ssize_t count =
            pwrite(trace->fd, trace->waiting.data, trace->waiting.len, (off_t)trace->filed);
        if (count > 0) {
            trace->filed += (uint64_t)count;
            sl_buf_consume(&trace->waiting, (size_t)count);
        } else if (errno != EINTR) {
            trace->seen.error = errno;
        }
    }
}

/* Whether the log takes so many bytes more. */
static bool has_room(const struct har_trace *trace, size_t len)
{
    return trace->seen.error == 0 &&
           trace->filed + trace->waiting.len + sizeof(struct har_trace_record) + len <= LOG_MAX;
}

static bool add(struct har_trace_flow *flow, enum har_trace_kind kind, bool is_from_client,
                struct sl_span content, uint64_t now_ns)
{
    struct har_trace *trace = flow->trace;
    struct har_trace_record record = {.at_ns = now_ns,
                                      .flow = flow->number,
                                      .len = (uint32_t)content.len,
                                      .kind = (uint8_t)kind,
                                      .is_from_client = is_from_client};
    if (!has_room(trace, content.len)) {
        return false;
    }
    (void)sl_buf_add(&trace->waiting, &record, sizeof(record));
    (void)sl_buf_add_span(&trace->waiting, content);
    if (trace->waiting.len >= HAR_TRACE_BUFFER) {
        spill(trace);
    }
    return true;
}

/* ---- flows ---- */

/* Packets know no sockets in the file system: such a connection has made-up ports of this machine. */
static void make_up(struct har_trace_ends *ends, uint32_t number)
{
    struct sockaddr_in client = {.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                 .sin_port = htons((uint16_t)(1024 + number % 60000))};
    struct sockaddr_in server = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(1)};
    har_packet_end_init(&ends->client, (const struct sockaddr *)&client);
    har_packet_end_init(&ends->server, (const struct sockaddr *)&server);
}

/* Its entry, NULL when there are too many. */
static struct har_trace_port *port_of(struct har_trace *trace, uint16_t number)
{
    for (size_t i = 0; i < HAR_TRACE_PORTS_MAX; i++) {
        struct har_trace_port *port = &trace->seen.ports[i];
        if (port->number == number || port->number == 0) {
            port->number = number;
            return port;
        }
    }
    return NULL;
}

struct har_trace_flow *har_trace_flow_new(struct har_trace *trace, enum har_trace_place place,
                                          const struct sockaddr *client,
                                          const struct sockaddr *server, const char *name,
                                          uint64_t now_ns)
{
    struct har_trace_flow *flow = sl_alloc(sizeof(*flow));
    struct har_trace_ends ends = {.place = place};
    bool is_ip = server->sa_family == AF_INET || server->sa_family == AF_INET6;
    if (is_ip && client->sa_family == server->sa_family) {
        har_packet_end_init(&ends.client, client);
        har_packet_end_init(&ends.server, server);
    } else {
        make_up(&ends, trace->seen.flows);
    }
    (void)snprintf(ends.name, sizeof(ends.name), "%s", name);
    flow->trace = trace;
    flow->number = trace->seen.flows;
    trace->refs++;
    if (add(flow, HAR_TRACE_FLOW, true, sl_span(&ends, sizeof(ends)), now_ns)) {
        trace->seen.flows++;
        flow->port = port_of(trace, ends.server.port);
    } else { /* what comes on it is left out */
        flow->number = UINT32_MAX;
    }
    return flow;
}

static void tell_gap(struct har_trace_flow *flow, bool is_from_client, uint64_t now_ns)
{
    uint64_t *gap = &flow->gap[is_from_client];
    if (*gap > 0 && add(flow, HAR_TRACE_GAP, is_from_client, sl_span(gap, sizeof(*gap)), now_ns)) {
        *gap = 0;
    }
}

void har_trace_bytes(struct har_trace_flow *flow, bool is_from_client, struct sl_span bytes,
                     uint64_t now_ns)
{
    while (flow != NULL && bytes.len > 0) {
        struct har_trace *trace = flow->trace;
        struct sl_span piece = sl_span_first(bytes, PIECE_MAX);
        bool fits = flow->number != UINT32_MAX && flow->bytes + piece.len <= HAR_TRACE_FLOW_MAX &&
                    trace->seen.bytes + piece.len <= HAR_TRACE_MAX &&
                    flow->gap[is_from_client] == 0; /* one gap a side: what is decoded ends there */
        if (fits && add(flow, HAR_TRACE_BYTES, is_from_client, piece, now_ns)) {
            trace->seen.bytes += piece.len;
            flow->bytes += piece.len;
        } else {
            trace->seen.skipped += piece.len;
            flow->gap[is_from_client] += piece.len;
        }
        bytes = sl_span_from(bytes, piece.len);
    }
}

void har_trace_end(struct har_trace_flow *flow, bool is_from_client, bool is_reset, uint64_t now_ns)
{
    if (flow != NULL && flow->number != UINT32_MAX) {
        tell_gap(flow, is_from_client, now_ns);
        (void)add(flow, is_reset ? HAR_TRACE_RST : HAR_TRACE_FIN, is_from_client, sl_span(NULL, 0),
                  now_ns);
    }
}

void har_trace_keys(struct har_trace_flow *flow, struct sl_span lines)
{
    if (flow != NULL && flow->number != UINT32_MAX && lines.len > 0 && lines.len <= PIECE_MAX) {
        flow->trace->seen.has_keys |= add(flow, HAR_TRACE_KEYS, true, lines, 0);
        if (flow->port != NULL) {
            flow->port->has_tls = true;
        }
    }
}

void har_trace_flow_free(struct har_trace_flow *flow)
{
    if (flow != NULL) {
        unref(flow->trace);
        sl_free(flow);
    }
}

/* ---- reading ---- */

struct har_trace_seen har_trace_seen(const struct har_trace *trace)
{
    return trace->seen;
}

/* Hands out the whole records at the beginning of bytes; how many bytes those were. */
static size_t hand_out(struct sl_span bytes, har_trace_record_fn *fn, void *owner)
{
    size_t at = 0;
    struct har_trace_record record;
    while (bytes.len - at >= sizeof(record)) {
        memcpy(&record, bytes.data + at, sizeof(record));
        if (bytes.len - at - sizeof(record) < record.len) {
            break;
        }
        fn(owner, &record, sl_span(bytes.data + at + sizeof(record), record.len));
        at += sizeof(record) + record.len;
    }
    return at;
}

enum sl_status har_trace_each(struct har_trace *trace, har_trace_record_fn *fn, void *owner)
{
    struct sl_buf left; /* read, and not handed out yet */
    enum sl_status status = SL_OK;
    sl_buf_init(&left, (size_t)PIECE_MAX * 4 + trace->waiting.len);
    for (uint64_t at = 0; at < trace->filed && status == SL_OK;) {
        uint8_t *room = sl_buf_reserve(&left, PIECE_MAX);
        uint64_t rest = trace->filed - at;
        ssize_t count =
            room == NULL ? -1
                         : pread(trace->fd, room, rest < PIECE_MAX ? rest : PIECE_MAX, (off_t)at);
        if (count <= 0) {
            status = SL_IO;
            break;
        }
        sl_buf_commit(&left, (size_t)count);
        at += (uint64_t)count;
        sl_buf_consume(&left, hand_out(sl_buf_span(&left), fn, owner));
    }
    if (status == SL_OK) {
        (void)sl_buf_add_span(&left, sl_buf_span(&trace->waiting));
        (void)hand_out(sl_buf_span(&left), fn, owner);
    }
    sl_buf_release(&left);
    return status;
}
