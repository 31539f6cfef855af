/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/target/ready.h"

#include <stdio.h>

#include "harness/transport/tls.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/wire/grpc_status.h"

#define ATTEMPT_NS     (5 * SL_SECOND)
#define FIRST_PAUSE_NS (20 * SL_MS)
#define LAST_PAUSE_NS  (500 * SL_MS)

enum {
    LONELY_MS = 200, /* between the end of a call and that of its connection */
};

struct har_ready {
    struct har_ready_config config;
    uv_loop_t *loop;
    uv_timer_t timer; /* the next attempt, or the end of this one */
    struct har_conn *conn;
    struct har_stream *stream;
    uint64_t deadline_ns;
    uint64_t pause_ns;
    uint64_t begin_ns, took_ns; /* of the last attempt */
    char text[HAR_READY_TEXT_MAX];
    struct sockaddr_storage peer; /* of the connection that had the answer */
    bool is_connected, has_frame; /* how far the attempt has come */
    bool has_head;                /* HEADERS of gRPC came on our stream */
    bool is_broken;    /* the server broke a rule of the wire, or did not get beyond the head */
    uint64_t heard_ns; /* its first frame; 0: none yet */
    bool is_answered;  /* the last attempt had a status from the wire, though UNAVAILABLE */
    bool is_done;
};

static void begin_attempt(struct har_ready *ready);

static void end_attempt(struct har_ready *ready)
{
    har_stream_free(ready->stream);
    har_conn_free(ready->conn);
    ready->stream = NULL;
    ready->conn = NULL;
}

static void finish(struct har_ready *ready, enum sl_status status)
{
    ready->is_done = true;
    uv_timer_stop(&ready->timer);
    end_attempt(ready);
    ready->config.done(ready->config.owner, ready, status, ready->text);
}

static uint64_t to_ms(uint64_t ns)
{
    return (ns + SL_MS - 1) / SL_MS;
}

static void on_pause_over(uv_timer_t *timer)
{
    begin_attempt(timer->data);
}

/* What speaks HTTP/2 and breaks its rules, or those of gRPC, is a target: scenarios are to judge it. What says that it is
 * not available yet is asked again. */
static bool is_there(const struct har_ready *ready)
{
    return ready->is_broken && ready->has_frame && !ready->is_answered;
}

/* The attempt has failed: another one after a pause, while there is time. */
static void retry(struct har_ready *ready)
{
    const char *hint = har_conn_hint(ready->conn);
    if (hint != NULL) {
        snprintf(ready->text, sizeof ready->text, "%s", hint);
        finish(ready, SL_UNSUPPORTED);
        return;
    }
    if (is_there(ready)) {
        ready->took_ns = ready->heard_ns - ready->begin_ns;
        ready->peer = *har_conn_peer(ready->conn);
        finish(ready, SL_OK);
        return;
    }
    end_attempt(ready);
    if (sl_clock_mono_ns() + ready->pause_ns >= ready->deadline_ns) {
        finish(ready, ready->is_answered ? SL_OK : SL_TIMEOUT);
        return;
    }
    uv_timer_start(&ready->timer, on_pause_over, to_ms(ready->pause_ns), 0);
    ready->pause_ns = ready->pause_ns * 2 < LAST_PAUSE_NS ? ready->pause_ns * 2 : LAST_PAUSE_NS;
}

static void add(struct har_ready *ready, const char *more)
{
    size_t len = strlen(ready->text);
    snprintf(ready->text + len, sizeof ready->text - len, "%s", more);
}

/* Whoever stands before the server does not let us in, and says so by an HTTP status: 401, 403. */
static bool is_kept_out(const struct har_stream_result *result)
{
    return result->source == SL_FROM_HTTP_STATUS &&
           (result->code == SL_GRPC_UNAUTHENTICATED || result->code == SL_GRPC_PERMISSION_DENIED);
}

static void on_lonely_end(uv_timer_t *timer)
{
    retry(timer->data);
}

static void on_end(void *owner, struct har_stream *stream, const struct har_stream_result *result)
{
    struct har_ready *ready = owner;
    const char *name = sl_grpc_status_name(result->code);
    (void)stream;
    bool is_from_wire =
        result->source == SL_FROM_TRAILERS || result->source == SL_FROM_TRAILERS_ONLY;
    ready->is_answered = is_from_wire;
    if (result->source ==
        SL_FROM_CONNECTION_CLOSED) { /* ended() comes and knows more; a GOAWAY has none */
        snprintf(ready->text, sizeof ready->text, "%s", result->message);
        uv_timer_start(&ready->timer, on_lonely_end, LONELY_MS, 0);
        return;
    }
    ready->took_ns = sl_clock_mono_ns() - ready->begin_ns;
    /* Whether it came before the call was sent or after it is luck. */
    const char *message = result->source == SL_FROM_GOAWAY
                              ? "the server takes no new streams: it sent GOAWAY"
                              : result->message;
    snprintf(ready->text, sizeof ready->text, "%s: %s", name == NULL ? "unknown status" : name,
             message);
    ready->peer = *har_conn_peer(ready->conn);
    if (is_from_wire && result->code != SL_GRPC_UNAVAILABLE) {
        finish(ready, SL_OK);
    } else if (is_kept_out(result)) {
        add(ready, "; credentials are given by --metadata-file or --metadata-env");
        finish(ready, SL_UNSUPPORTED);
    } else {
        ready->is_broken |= ready->has_head && !is_from_wire;
        retry(ready);
    }
}

/* Who broke the rules and sent no frame of HTTP/2 speaks another protocol. */
static void set_text(struct har_ready *ready, bool is_broken, const char *text)
{
    static const char stranger[] = "not HTTP/2: ";
    bool is_stranger = is_broken && !ready->has_frame && har_conn_has_heard(ready->conn) &&
                       strncmp(text, stranger, sizeof stranger - 1) != 0;
    snprintf(ready->text, sizeof ready->text, "%s%s", is_stranger ? stranger : "", text);
}

static void on_ended(void *owner, struct har_conn *conn, enum har_conn_end how, const char *text)
{
    struct har_ready *ready = owner;
    set_text(ready, how == HAR_CONN_ERROR, text);
    if (how == HAR_CONN_UNFIT && !is_there(ready)) {
        finish(ready, SL_UNSUPPORTED);
        return;
    }
    bool is_silent = (how == HAR_CONN_FIN || how == HAR_CONN_RST) && !har_conn_has_heard(conn);
    if (is_silent && ready->config.conn.tls == NULL) {
        add(ready, " without a word; if it has TLS there: --tls");
    } else if (is_silent && har_tls_files(ready->config.conn.tls)->cert_file == NULL) {
        add(ready, " without a word; if it wants a client's certificate: --cert FILE --key FILE");
    }
    retry(ready);
}

static void on_connected(void *owner, struct har_conn *conn)
{
    struct har_ready *ready = owner;
    (void)conn;
    ready->is_connected = true;
}

static void on_frame(void *owner, struct har_conn *conn, const struct sl_frame_event *event)
{
    struct har_ready *ready = owner;
    uint8_t of_type = event->header.type;
    bool is_http2 =
        event->is_malformed ? of_type == SL_H2_SETTINGS : sl_h2_type_name(of_type) != NULL;
    if (conn != ready->conn || event->dir != SL_DIR_RESPONSE || !is_http2) {
        return;
    }
    ready->has_frame = true;
    ready->heard_ns = ready->heard_ns == 0 ? sl_clock_mono_ns() : ready->heard_ns;
    const struct sl_header *status =
        event->headers == NULL ? NULL : sl_headers_find(event->headers, ":status");
    /* RFC 9113 8.1: an informational response that ends the stream is malformed. */
    ready->is_broken |= status != NULL && sl_span_starts(status->value, "1") &&
                        (event->header.flags & SL_H2_FLAG_END_STREAM) != 0;
    const struct sl_header *type =
        event->headers == NULL ? NULL : sl_headers_find(event->headers, "content-type");
    ready->has_head |= type != NULL && sl_span_starts(type->value, "application/grpc");
}

/* CALL-01 alone is what any web server breaks. The answer has a moment to come to its end. */
static void on_finding(void *owner, struct har_conn *conn, const struct sl_finding *finding)
{
    struct har_ready *ready = owner;
    if (conn != ready->conn || ready->is_done || ready->is_broken || finding->level != 'M' ||
        finding->side != SL_DIR_RESPONSE || strcmp(finding->rule, "CALL-01") == 0) {
        return;
    }
    ready->is_broken = true;
    char text[HAR_READY_TEXT_MAX];
    snprintf(text, sizeof text, "%s: %s", finding->rule, finding->text);
    set_text(ready, true, text);
    uv_timer_start(&ready->timer, on_lonely_end, LONELY_MS, 0);
}

static void on_attempt_over(uv_timer_t *timer)
{
    struct har_ready *ready = timer->data;
    bool has_tls = ready->config.conn.tls != NULL;
    if (!ready->is_connected) {
        snprintf(ready->text, sizeof ready->text, "no %s in time: nobody answers there",
                 has_tls ? "connection, or no TLS on it," : "connection");
    } else if (!ready->has_frame) {
        snprintf(ready->text, sizeof ready->text, "it takes connections and says nothing%s",
                 has_tls ? "" : "; if it has TLS there: --tls");
    } else {
        snprintf(ready->text, sizeof ready->text,
                 "it speaks HTTP/2, but the call had no answer in time: %s", ready->config.method);
    }
    ready->is_answered = false;
    retry(ready);
}

static const struct har_conn_handler conn_handler = {
    .connected = on_connected, .ended = on_ended, .frame = on_frame, .finding = on_finding};
static const struct har_stream_handler stream_handler = {.end = on_end};

static void begin_attempt(struct har_ready *ready)
{
    ready->begin_ns = sl_clock_mono_ns();
    ready->is_connected = ready->has_frame = ready->has_head = ready->is_broken = false;
    ready->heard_ns = 0;
    struct har_conn_config conn = ready->config.conn;
    conn.handler = &conn_handler;
    conn.owner = ready;
    ready->conn = har_conn_new(ready->loop, &conn);
    struct har_stream_config stream = {
        .method = ready->config.method,
        .metadata = ready->config.metadata,
        .metadata_count = ready->config.metadata_count,
        .handler = &stream_handler,
        .owner = ready,
    };
    ready->stream = har_stream_new(ready->conn, &stream);
    (void)har_stream_send(ready->stream, ready->config.request);
    har_stream_half_close(ready->stream);
    uint64_t now_ns = sl_clock_mono_ns();
    uint64_t left_ns = ready->deadline_ns > now_ns ? ready->deadline_ns - now_ns : 0;
    uint64_t attempt_ns = ready->config.attempt_ns < left_ns ? ready->config.attempt_ns : left_ns;
    uv_timer_start(&ready->timer, on_attempt_over, to_ms(attempt_ns), 0);
}

struct har_ready *har_ready_new(uv_loop_t *loop, const struct har_ready_config *config)
{
    struct har_ready *ready = sl_alloc(sizeof *ready);
    ready->config = *config;
    if (config->attempt_ns == 0) {
        ready->config.attempt_ns = ATTEMPT_NS;
    }
    ready->loop = loop;
    ready->pause_ns = FIRST_PAUSE_NS;
    ready->deadline_ns = sl_clock_mono_ns() + config->timeout_ns;
    uv_timer_init(loop, &ready->timer);
    ready->timer.data = ready;
    begin_attempt(ready);
    return ready;
}

uint64_t har_ready_took_ns(const struct har_ready *ready)
{
    return ready->took_ns;
}

const struct sockaddr_storage *har_ready_peer(const struct har_ready *ready)
{
    return &ready->peer;
}

static void on_closed(uv_handle_t *handle)
{
    sl_free(handle->data);
}

void har_ready_free(struct har_ready *ready)
{
    if (ready != NULL && !uv_is_closing((uv_handle_t *)&ready->timer)) {
        end_attempt(ready);
        uv_close((uv_handle_t *)&ready->timer, on_closed);
    }
}
