/* SPDX-License-Identifier: Apache-2.0 */
/* A trace as a pcapng: the keys first, so that a reader has them before the packets that need them. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "harness/evidence/capture.h"
#include "harness/evidence/trace_log.h"
#include "lib/base/alloc.h"

enum {
    KEYS_A_BLOCK = 64 * 1024,
};

static const struct har_capture_interface interfaces[HAR_TRACE_PLACES] = {
    [HAR_TRACE_OWN] = {"harness",
                       "connections of the harness, to the server or to its fault proxy"},
    [HAR_TRACE_UPSTREAM] = {"upstream", "connections of the fault proxy to the server"},
    [HAR_TRACE_CLIENT] = {"clients", "connections of clients under test to the fault proxy"},
};

struct writing {
    struct har_capture *capture;
    struct har_capture_flow **flows;
    uint32_t flow_count;
    struct sl_buf keys;
};

static void flush_keys(struct writing *writing)
{
    if (writing->keys.len > 0) {
        har_capture_tls_keys(writing->capture, sl_buf_span(&writing->keys));
        sl_buf_clear(&writing->keys);
    }
}

static void on_keys(void *owner, const struct har_trace_record *record, struct sl_span content)
{
    struct writing *writing = owner;
    if (record->kind == HAR_TRACE_KEYS) {
        if (writing->keys.len + content.len > KEYS_A_BLOCK) {
            flush_keys(writing);
        }
        (void)sl_buf_add_span(&writing->keys, content);
    }
}

static void begin_flow(struct writing *writing, const struct har_trace_record *record,
                       struct sl_span content)
{
    struct har_trace_ends ends;
    memcpy(&ends, content.data, sizeof(ends));
    struct har_capture_flow_config config = {.client = ends.client,
                                             .server = ends.server,
                                             .interface = ends.place,
                                             .comment = ends.name};
    writing->flows[record->flow] = har_capture_flow_start(writing->capture, &config, record->at_ns);
}

static void on_packets(void *owner, const struct har_trace_record *record, struct sl_span content)
{
    struct writing *writing = owner;
    struct har_capture_flow *flow =
        record->flow < writing->flow_count ? writing->flows[record->flow] : NULL;
    uint64_t gap = 0;
    if (record->kind == HAR_TRACE_FLOW) {
        begin_flow(writing, record, content);
        return;
    }
    if (flow == NULL) {
        return;
    }
    switch ((enum har_trace_kind)record->kind) {
    case HAR_TRACE_BYTES:
        har_capture_flow_bytes(flow, record->is_from_client, content, record->at_ns);
        break;
    case HAR_TRACE_GAP:
        memcpy(&gap, content.data, sizeof(gap));
        har_capture_flow_skip(flow, record->is_from_client, gap);
        break;
    case HAR_TRACE_FIN:
    case HAR_TRACE_RST:
        har_capture_flow_end(flow, record->is_from_client, record->kind == HAR_TRACE_RST,
                             record->at_ns);
        break;
    case HAR_TRACE_FLOW:
    case HAR_TRACE_KEYS:
        break;
    }
}

enum sl_status har_trace_write(struct har_trace *trace, int fd, const char *path,
                               const char *comment, struct sl_error *reterr_error)
{
    struct har_trace_seen seen = har_trace_seen(trace);
    struct har_capture_about about = {.comment = comment,
                                      .interfaces = interfaces,
                                      .interface_count = HAR_TRACE_PLACES,
                                      .is_of_wire = true};
    struct writing writing = {.flow_count = seen.flows};
    writing.capture = har_capture_on(fd, path, &about);
    writing.flows = sl_calloc((size_t)seen.flows + 1, sizeof(struct har_capture_flow *));
    sl_buf_init(&writing.keys, (size_t)KEYS_A_BLOCK * 2);
    enum sl_status status = har_trace_each(trace, on_keys, &writing);
    flush_keys(&writing);
    if (status == SL_OK) {
        status = har_trace_each(trace, on_packets, &writing);
    }
    for (uint32_t i = 0; i < seen.flows; i++) {
        har_capture_flow_free(writing.flows[i]);
    }
    sl_free(writing.flows);
    sl_buf_release(&writing.keys);
    enum sl_status closed = har_capture_close(writing.capture, reterr_error);
    if (status != SL_OK) {
        return sl_error_set(reterr_error, status,
                            "what went through the sockets cannot be read: %s", strerror(errno));
    }
    return closed;
}
