/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/probe/link.h"

#include <stdio.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/rd.h"
#include "lib/wire/grpc_status.h"

enum {
    OUT_MAX = 4 * 1024 * 1024,
    CHOKED = 256 * 1024, /* bytes that wait for the socket */
    SILENCE = HAR_SUPPRESS_PREFACE | HAR_SUPPRESS_SETTINGS_ACK | HAR_SUPPRESS_PING_ACK |
              HAR_SUPPRESS_WINDOW_UPDATES,
};

void har_probe_link_limit(struct har_probe_link *link, enum har_probe_limit limit, const char *text)
{
    bool is_first = link->limit == HAR_PROBE_NO_LIMIT;
    if (link->is_over) {
        return;
    }
    bool is_worse = !is_first && limit < link->limit && limit <= HAR_PROBE_CLOSED;
    if (!is_first && !is_worse) {
        return;
    }
    if (!is_worse) { /* a reset and then the GOAWAY: the first one has the number */
        link->is_late = link->has_end;
        link->limit_after = link->sent;
        link->limit_bytes = link->bytes;
        link->limit_ns = sl_clock_mono_ns() - link->begin_ns;
    }
    link->limit = limit;
    (void)snprintf(link->limit_text, sizeof(link->limit_text), "%s", text);
}

static void limit_by_error(struct har_probe_link *link, enum har_probe_limit limit,
                           const char *what, uint32_t error)
{
    char text[96];
    const char *name = sl_h2_error_name(error);
    if (name == NULL) {
        (void)snprintf(text, sizeof(text), "%s %u", what, error);
    } else {
        (void)snprintf(text, sizeof(text), "%s %s", what, name);
    }
    har_probe_link_limit(link, limit, text);
}

/* ---- what comes ---- */

static void on_connected(void *owner, struct har_conn *conn)
{
    struct har_probe_link *link = owner;
    (void)conn;
    link->is_connected = true;
}

static void on_ended(void *owner, struct har_conn *conn, enum har_conn_end how, const char *text)
{
    struct har_probe_link *link = owner;
    (void)conn;
    link->has_ended = true;
    if (link->is_connected) {
        const char *seen = how == HAR_CONN_FIN   ? "closed"
                           : how == HAR_CONN_RST ? "reset of the connection"
                                                 : text;
        har_probe_link_limit(link, HAR_PROBE_CLOSED, seen);
    }
}

static void on_goaway(void *owner, struct har_conn *conn, uint32_t last_stream, uint32_t error)
{
    struct har_probe_link *link = owner;
    (void)conn;
    (void)last_stream;
    link->has_goaway = true;
    limit_by_error(link, HAR_PROBE_GOAWAY, "GOAWAY", error);
}

static uint32_t number_of(const struct sl_header *field)
{
    uint32_t number = 0;
    for (size_t i = 0; i < field->value.len && i < 4; i++) {
        uint8_t c = field->value.data[i];
        number = number * 10 + (uint32_t)(c >= '0' && c <= '9' ? c - '0' : 0);
    }
    return number;
}

static void on_block(struct har_probe_link *link, const struct sl_headers *headers)
{
    bool is_counted = (link->of->flags & HAR_PROBE_BY_STREAM) != 0;
    const struct sl_header *status = sl_headers_find(headers, "grpc-status");
    const struct sl_header *http = sl_headers_find(headers, ":status");
    char text[96];
    if (status != NULL && number_of(status) == SL_GRPC_OK) {
        link->is_served |= !link->is_over;
    } else if (status != NULL && is_counted) {
        const char *name = sl_grpc_status_name(number_of(status));
        (void)snprintf(text, sizeof(text), "status %s", name == NULL ? "unknown" : name);
        har_probe_link_limit(link, HAR_PROBE_STATUS, text);
    } else if (http != NULL && number_of(http) >= 400 && is_counted) {
        (void)snprintf(text, sizeof(text), "HTTP status %u", number_of(http));
        har_probe_link_limit(link, HAR_PROBE_STATUS, text);
    }
}

static void on_frame(void *owner, struct har_conn *conn, const struct sl_frame_event *event)
{
    struct har_probe_link *link = owner;
    bool is_ack = (event->header.flags & SL_H2_FLAG_ACK) != 0;
    (void)conn;
    if (event->dir != SL_DIR_RESPONSE) {
        return;
    }
    if (event->header.type == SL_H2_SETTINGS) {
        link->settings_acks += is_ack;
        link->has_settings |= !is_ack;
    } else if (event->header.type == SL_H2_PING) {
        link->ping_acks += is_ack;
    } else if (event->header.type == SL_H2_RST_STREAM) {
        struct sl_rd rd;
        sl_rd_init(&rd, event->payload);
        link->resets++;
        /* NO_ERROR after a whole answer is no refusal (RFC 9113 8.1). */
        uint32_t error = sl_rd_be32(&rd);
        if ((link->of->flags & HAR_PROBE_BY_STREAM) != 0 && error != SL_H2_NO_ERROR) {
            limit_by_error(link, HAR_PROBE_RESET, "RST_STREAM", error);
        }
    } else if (event->headers != NULL) {
        on_block(link, event->headers);
    }
}

static const struct har_conn_handler handler = {
    .connected = on_connected, .ended = on_ended, .goaway = on_goaway, .frame = on_frame};

static uint32_t take_stream(void *owner)
{
    const struct har_probe_link *link = owner;
    return har_conn_take_stream_id(link->conn);
}

static void table_update(void *owner, struct sl_buf *block)
{
    const struct har_probe_link *link = owner;
    har_conn_table_update(link->conn, block);
}

void har_probe_link_start(struct har_probe_link *link, uv_loop_t *loop,
                          const struct har_conn_config *conn)
{
    struct har_conn_config config = *conn;
    bool is_silent = (link->of->flags & HAR_PROBE_SILENT) != 0;
    config.transport = HAR_TRANSPORT_H2;
    config.handler = &handler;
    config.owner = link;
    config.is_literal = true;
    config.suppress = is_silent ? SILENCE : 0;
    config.receive_buffer = (link->of->flags & HAR_PROBE_UNREAD) != 0 ? 4096 : 0;
    link->conn = har_conn_new(loop, &config);
    link->begin_ns = sl_clock_mono_ns();
    link->wire.take_stream = take_stream;
    link->wire.table_update = table_update;
    link->wire.owner = link;
    link->wire.authority = har_conn_authority(link->conn);
    link->wire.settings = is_silent ? 0 : 1; /* that of the preface */
}

bool har_probe_link_is_ready(const struct har_probe_link *link)
{
    bool is_silent = (link->of->flags & HAR_PROBE_SILENT) != 0;
    return link->is_connected && (is_silent || (link->has_settings && link->settings_acks > 0));
}

/* ---- what goes ---- */

static void put(struct har_probe_link *link, struct sl_buf *out)
{
    link->bytes += sl_buf_span(out).len;
    link->sent_ns = sl_clock_mono_ns();
    (void)har_conn_send_raw(link->conn, sl_buf_span(out));
    sl_buf_release(out);
}

void har_probe_link_write(struct har_probe_link *link, uint32_t count, bool syncs)
{
    struct sl_buf out;
    sl_buf_init(&out, OUT_MAX);
    if (!link->has_begun && link->of->begin != NULL) {
        link->of->begin(&link->wire, &out);
    }
    link->has_begun = true;
    for (uint32_t i = 0; i < count && link->of->write != NULL; i++) {
        link->wire.unit = link->sent++;
        link->of->write(&link->wire, &out);
    }
    if (syncs) {
        link->wire.settings++;
        (void)sl_h2_write_settings(&out, NULL, 0);
    }
    put(link, &out);
}

void har_probe_link_finish(struct har_probe_link *link)
{
    struct sl_buf out;
    if (link->of->end != NULL && !link->has_end && link->limit == HAR_PROBE_NO_LIMIT) {
        link->has_end = true;
        sl_buf_init(&out, OUT_MAX);
        link->of->end(&link->wire, &out);
        put(link, &out);
    }
}

bool har_probe_link_is_synced(const struct har_probe_link *link)
{
    return (link->of->flags & HAR_PROBE_UNREAD) != 0 ||
           (link->ping_acks >= link->wire.pings && link->settings_acks >= link->wire.settings);
}

bool har_probe_link_is_choked(struct har_probe_link *link, uint64_t now_ns)
{
    size_t unsent = har_conn_unsent(link->conn);
    if (unsent < link->unsent || unsent < CHOKED) {
        link->drained_ns = now_ns;
    }
    link->unsent = unsent;
    return unsent >= CHOKED;
}

uint32_t har_probe_link_answered(const struct har_probe_link *link)
{
    if (link->wire.pings > 0) {
        return link->ping_acks;
    }
    if (link->of->write == har_probe_write_settings) {
        return link->settings_acks > 0 ? link->settings_acks - 1 : 0;
    }
    return link->resets;
}
