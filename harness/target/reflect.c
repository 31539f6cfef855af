/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/target/reflect.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/schema/reflect.h"
#include "lib/wire/grpc_status.h"

enum {
    REQUEST_MAX = 2 * SL_REFLECT_NAME_MAX,
};

struct har_reflect {
    struct har_reflect_config config;
    struct sl_reflect *files;
    uv_timer_t timer;
    struct har_conn *conn;
    struct har_stream *stream;
    bool is_alpha; /* v1 is not there */
    bool is_answered;
};

static void close_all(struct har_reflect *reflect)
{
    har_stream_free(reflect->stream);
    har_conn_free(reflect->conn);
    reflect->stream = NULL;
    reflect->conn = NULL;
    (void)uv_timer_stop(&reflect->timer);
}

static void finish(struct har_reflect *reflect, enum sl_status status, const char *format, ...)
    SL_PRINTF(3, 4);
static void finish(struct har_reflect *reflect, enum sl_status status, const char *format, ...)
{
    char text[HAR_REFLECT_TEXT_MAX];
    struct sl_error error = {0};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    close_all(reflect);
    if (sl_pool_link(reflect->config.pool, &error) != SL_OK && status == SL_OK) {
        status = error.status;
        (void)snprintf(text, sizeof(text), "%.300s", error.text);
    }
    for (char *c = text; *c != '\0'; c++) { /* a part of it is the server's */
        *c = (unsigned char)*c < ' ' ? '?' : *c;
    }
    reflect->config.done(reflect->config.owner, status, text);
}

/* Sends what is to be asked next. */
static void ask(struct har_reflect *reflect)
{
    struct sl_buf request;
    sl_buf_init(&request, REQUEST_MAX);
    if (sl_reflect_next(reflect->files, &request)) {
        (void)har_stream_send(reflect->stream, sl_buf_span(&request));
    }
    sl_buf_release(&request);
}

/* Ends when everything was asked and answered. */
static void go_on(struct har_reflect *reflect)
{
    ask(reflect);
    if (!sl_reflect_is_waiting(reflect->files)) {
        finish(reflect, SL_OK, "%s", sl_reflect_left_out(reflect->files));
    }
}

static void on_message(void *owner, struct har_stream *stream, struct sl_span payload,
                       uint64_t now_ns)
{
    struct har_reflect *reflect = owner;
    struct sl_error error = {0};
    (void)stream;
    (void)now_ns;
    reflect->is_answered = true;
    if (sl_reflect_answer(reflect->files, payload, &error) != SL_OK) {
        finish(reflect, error.status, "the server gave %s", error.text);
        return;
    }
    go_on(reflect);
}

static void open_stream(struct har_reflect *reflect);

static void on_end(void *owner, struct har_stream *stream, const struct har_stream_result *result)
{
    struct har_reflect *reflect = owner;
    har_stream_free(stream);
    reflect->stream = NULL;
    bool is_missing = result->code == SL_GRPC_UNIMPLEMENTED && !reflect->is_answered;
    /* Some servers end the call over what they do not know. */
    bool is_unknown = result->code == SL_GRPC_NOT_FOUND && sl_reflect_is_waiting(reflect->files);
    if (is_missing && !reflect->is_alpha) {
        reflect->is_alpha = true;
        sl_reflect_ask_again(reflect->files);
        open_stream(reflect);
        go_on(reflect);
    } else if (is_missing) {
        finish(reflect, SL_UNSUPPORTED, "the server has no reflection");
    } else if (is_unknown) {
        sl_reflect_not_found(reflect->files);
        reflect->is_answered = true;
        open_stream(reflect);
        go_on(reflect);
    } else {
        const char *name = sl_grpc_status_name(result->code);
        finish(reflect, SL_CLOSED, "the server ended the call: %s: %.200s",
               name == NULL ? "an unknown status" : name, result->message);
    }
}

static void on_ended(void *owner, struct har_conn *conn, enum har_conn_end how, const char *text)
{
    (void)conn;
    (void)how;
    finish(owner, SL_CLOSED, "the connection ended: %.200s", text);
}

static void on_timer(uv_timer_t *timer)
{
    struct har_reflect *reflect = timer->data;
    finish(reflect, SL_TIMEOUT, "not all was answered within %.0f s",
           (double)reflect->config.timeout_ns / 1e9);
}

/* No name that could be asked for: told from the loop, as everything is. */
static void on_nothing(uv_timer_t *timer)
{
    finish(timer->data, SL_OK, "%s", "");
}

static const struct har_conn_handler conn_handler = {.ended = on_ended};
static const struct har_stream_handler stream_handler = {.message = on_message, .end = on_end};

static void open_stream(struct har_reflect *reflect)
{
    const struct har_stream_config config = {
        .method = reflect->is_alpha ? SL_REFLECT_V1ALPHA : SL_REFLECT_V1,
        .metadata = reflect->config.metadata,
        .metadata_count = reflect->config.metadata_count,
        .handler = &stream_handler,
        .owner = reflect,
    };
    reflect->stream = har_stream_new(reflect->conn, &config);
}

struct har_reflect *har_reflect_new(uv_loop_t *loop, const struct har_reflect_config *config)
{
    struct har_reflect *reflect = sl_alloc(sizeof(*reflect));
    struct har_conn_config conn = config->conn;
    reflect->config = *config;
    reflect->files = sl_reflect_new(config->pool);
    (void)uv_timer_init(loop, &reflect->timer);
    reflect->timer.data = reflect;
    for (size_t i = 0; i < config->method_count; i++) {
        const char *service = config->methods[i] + 1;
        /* One that is too long is no method of any server: nobody is asked for it. */
        (void)!sl_reflect_want_symbol(reflect->files, sl_span(service, strcspn(service, "/")),
                                      NULL);
    }
    conn.transport = HAR_TRANSPORT_H2;
    conn.handler = &conn_handler;
    conn.owner = reflect;
    reflect->conn = har_conn_new(loop, &conn);
    open_stream(reflect);
    ask(reflect);
    bool is_asking = sl_reflect_is_waiting(reflect->files);
    (void)uv_timer_start(&reflect->timer, is_asking ? on_timer : on_nothing,
                         is_asking ? config->timeout_ns / SL_MS : 0, 0);
    return reflect;
}

static void on_closed(uv_handle_t *handle)
{
    sl_free(handle->data);
}

void har_reflect_free(struct har_reflect *reflect)
{
    if (reflect != NULL) {
        close_all(reflect);
        sl_reflect_free(reflect->files);
        uv_close((uv_handle_t *)&reflect->timer, on_closed);
    }
}
