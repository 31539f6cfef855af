/* SPDX-License-Identifier: Apache-2.0 */
#include <utlist.h>

#include "lib/base/alloc.h"
#include "lib/wire/h2_frame.h"
#include "reference-server/frontend/h2/internal.h"
#include "reference-server/frontend/h2/life.h"
#include "reference-server/frontend/h2/wrong.h"

enum {
    /* WINDOW_UPDATEs are sent when half a window was used. */
    SETTINGS_MAX = 5,
};

static struct srv_h2_call *call_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

static void look_at_windows(struct srv_h2_conn *conn)
{
    const struct srv_h2_call *call = NULL;
    DL_FOREACH (conn->calls, call) {
        srv_h2_overflow_look(&conn->overflow, nghttp2_session_get_stream_remote_window_size(
                                                  conn->session, call->id));
    }
}

void srv_h2_session_sent_meanwhile(struct srv_h2_conn *conn)
{
    if (conn->overflow.is_awaited) {
        srv_h2_overflow_again(&conn->overflow);
        look_at_windows(conn);
    }
}

static uint32_t initial_window(nghttp2_session *session)
{
    return nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE);
}

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *head, void *context)
{
    struct srv_h2_conn *conn = context;
    if (head->type == NGHTTP2_SETTINGS && (head->flags & NGHTTP2_FLAG_ACK) == 0) {
        srv_h2_overflow_begin(&conn->overflow, initial_window(session));
        look_at_windows(conn);
    }
    return 0;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    (void)session;
    struct srv_h2_conn *conn = context;
    srv_h2_request_clear(&conn->head, frame->headers.cat != NGHTTP2_HCAT_REQUEST);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *context)
{
    (void)session;
    (void)frame;
    (void)flags;
    struct srv_h2_conn *conn = context;
    if (!srv_h2_request_field(&conn->head, sl_span(name, name_len), sl_span(value, value_len))) {
        srv_h2_life_calm(conn, SRV_REFUSED_FLOOD, "header_block_too_large");
    }
    return 0;
}

/* RFC 9113 8.2.1: what nghttp2 would only skip makes the request malformed. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
                             const uint8_t *name, size_t name_len, const uint8_t *value,
                             size_t value_len, uint8_t flags, void *context)
{
    (void)session;
    (void)frame;
    (void)name;
    (void)name_len;
    (void)value;
    (void)value_len;
    (void)flags;
    (void)context;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct srv_h2_conn *conn = context;
    srv_h2_life_frame_received(conn, frame, call_of(session, frame->hd.stream_id));
    if (frame->hd.type == NGHTTP2_SETTINGS &&
        srv_h2_overflow_end(&conn->overflow, initial_window(session))) {
        (void)nghttp2_session_terminate_session(session, NGHTTP2_FLOW_CONTROL_ERROR);
    }
    bool is_over = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        srv_h2_call_begin(conn, frame->hd.stream_id, is_over);
    } else if (is_over && (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA)) {
        struct srv_h2_call *call = call_of(session, frame->hd.stream_id);
        if (call != NULL) {
            srv_h2_call_half_close(call);
        }
    }
    return 0;
}

static int on_data_chunk(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data,
                         size_t len, void *context)
{
    (void)flags;
    (void)context;
    struct srv_h2_call *call = call_of(session, id);
    /* The connection's window never waits for a stream. */
    int error = nghttp2_session_consume_connection(session, len);
    if (error == 0 && call != NULL) {
        srv_h2_call_input(call, sl_span(data, len));
    }
    return error == 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
    struct srv_h2_conn *conn = context;
    srv_h2_life_frame_sent(conn, frame);
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
        srv_h2_wrong_error(conn->h2);
    }
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
        srv_h2_closed_note_reset(&conn->closed, (uint32_t)frame->hd.stream_id);
    }
    if (frame->hd.type != NGHTTP2_HEADERS) {
        return 0;
    }
    struct srv_h2_call *call = call_of(session, frame->hd.stream_id);
    if (call != NULL) {
        call->is_head_sent = true;
    }
    if (call != NULL && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        srv_h2_refused_sent_end(call);
    }
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *context)
{
    (void)error;
    (void)context;
    struct srv_h2_call *call = call_of(session, id);
    if (call != NULL) {
        srv_h2_call_free(call, !call->is_over);
    }
    return 0;
}

nghttp2_session_callbacks *srv_h2_callbacks_new(void)
{
    nghttp2_session_callbacks *callbacks = NULL;
    if (nghttp2_session_callbacks_new(&callbacks) != 0) {
        return NULL;
    }
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    return callbacks;
}

nghttp2_session *srv_h2_session_new(struct srv_h2_conn *conn)
{
    struct srv_h2 *h2 = conn->h2;
    const struct srv_connection_limits *limits = &h2->config->limits;
    nghttp2_session *session = NULL;
    nghttp2_settings_entry settings[SETTINGS_MAX];
    size_t count = 0;
    if (limits->max_streams > 0) {
        /* First, for srv_h2_session_patch(). */
        settings[count++] =
            (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, INT32_MAX};
    }
    settings[count++] =
        (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, SRV_H2_HEAD_BYTES_MAX};
    settings[count++] =
        (nghttp2_settings_entry){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits->initial_window};
    if (limits->max_frame != SL_H2_DEFAULT_MAX_FRAME) {
        settings[count++] =
            (nghttp2_settings_entry){NGHTTP2_SETTINGS_MAX_FRAME_SIZE, limits->max_frame};
    }
    if (limits->header_table_size != NGHTTP2_DEFAULT_HEADER_TABLE_SIZE) {
        settings[count++] =
            (nghttp2_settings_entry){NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, limits->header_table_size};
    }
    if (nghttp2_session_server_new3(&session, h2->callbacks, conn, h2->option, &h2->heap.mem) !=
        0) {
        return NULL;
    }
    if (nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, count) != 0 ||
        nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0,
                                              SRV_H2_CONNECTION_WINDOW) != 0) {
        nghttp2_session_del(session);
        return NULL;
    }
    return session;
}

/* nghttp2 itself is told of no limit, because it would close the connection for a stream too many. */
void srv_h2_session_patch(const struct srv_h2_conn *conn, uint8_t *frame, size_t len)
{
    enum { VALUE_AT = 9 + 2, VALUE_END = VALUE_AT + 4 };
    uint32_t max = conn->h2->config->limits.max_streams;
    if (max > 0 && len >= VALUE_END) {
        frame[VALUE_AT] = (uint8_t)(max >> 24);
        frame[VALUE_AT + 1] = (uint8_t)(max >> 16);
        frame[VALUE_AT + 2] = (uint8_t)(max >> 8);
        frame[VALUE_AT + 3] = (uint8_t)max;
    }
}
