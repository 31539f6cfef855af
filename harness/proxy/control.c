/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proxy/control.h"

#include <microhttpd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/proxy/bind.h"
#include "lib/base/alloc.h"
#include "lib/base/json_out.h"
#include "lib/base/units.h"

enum {
    CONNECTIONS_MAX = 64,
    IDLE_SECONDS = 30,
    ANSWER_MAX = HAR_FAULTS_MAX * (HAR_FAULT_TEXT_MAX + 256),
    BACKLOG = 64,
};

struct har_control {
    struct har_proxy *proxy;
    struct MHD_Daemon *daemon;
    uv_poll_t poll; /* the daemon's epoll descriptor */
    uv_timer_t timer;
    unsigned handles_open;
    struct har_bound bound; /* its fd is the daemon's */
};

/* One request, until it is answered. */
struct request {
    struct sl_buf body;
};

/* ---- answers ---- */

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status,
                              const struct sl_buf *text)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(text->len, text->data, MHD_RESPMEM_MUST_COPY);
    if (response == NULL) {
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, POST, DELETE");
    }
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_error(struct MHD_Connection *connection, unsigned status,
                                    const char *text, size_t line)
{
    struct sl_buf out;
    struct sl_json_out json;
    sl_buf_init(&out, ANSWER_MAX);
    sl_json_out_init(&json, &out);
    sl_json_out_begin_object(&json);
    sl_json_out_key_str(&json, "error", text);
    if (line > 0) {
        sl_json_out_key_u64(&json, "line", line);
    }
    sl_json_out_end_object(&json);
    (void)sl_buf_add_u8(&out, '\n');
    enum MHD_Result result = answer(connection, status, &out);
    sl_buf_release(&out);
    return result;
}

static enum MHD_Result answer_number(struct MHD_Connection *connection, unsigned status,
                                     const char *key, uint64_t value)
{
    struct sl_buf out;
    sl_buf_init(&out, 128);
    (void)sl_buf_addf(&out, "{\"%s\":%llu}\n", key, (unsigned long long)value);
    enum MHD_Result result = answer(connection, status, &out);
    sl_buf_release(&out);
    return result;
}

/* ---- the three methods ---- */

static enum MHD_Result list_faults(struct har_control *control, struct MHD_Connection *connection)
{
    struct sl_buf out;
    struct sl_json_out json;
    struct har_proxy_fault fault;
    sl_buf_init(&out, ANSWER_MAX);
    sl_json_out_init(&json, &out);
    sl_json_out_begin_object(&json);
    sl_json_out_key(&json, "faults");
    sl_json_out_begin_array(&json);
    for (size_t i = 0; har_proxy_fault(control->proxy, i, &fault); i++) {
        sl_json_out_begin_object(&json);
        sl_json_out_key_u64(&json, "id", fault.id);
        sl_json_out_key_u64(&json, "connections", fault.connections);
        sl_json_out_key(&json, "fault");
        sl_json_out_raw(&json, sl_span_str(fault.text));
        sl_json_out_end_object(&json);
    }
    sl_json_out_end_array(&json);
    sl_json_out_end_object(&json);
    (void)sl_buf_add_u8(&out, '\n');
    enum MHD_Result result = answer(connection, MHD_HTTP_OK, &out);
    sl_buf_release(&out);
    return result;
}

static size_t count_faults(const struct har_proxy *proxy)
{
    struct har_proxy_fault fault;
    size_t count = 0;
    while (har_proxy_fault(proxy, count, &fault)) {
        count++;
    }
    return count;
}

static enum MHD_Result add_list(struct har_control *control, struct MHD_Connection *connection,
                                const struct har_fault_list *list)
{
    if (count_faults(control->proxy) + list->count > HAR_FAULTS_MAX) {
        char text[80];
        (void)snprintf(text, sizeof(text), "more than %d faults", HAR_FAULTS_MAX);
        return answer_error(connection, MHD_HTTP_CONFLICT, text, 0);
    }
    uint64_t id = 0;
    struct sl_buf out;
    sl_buf_init(&out, ANSWER_MAX);
    (void)sl_buf_add_str(&out, "{\"ids\":[");
    for (size_t i = 0; i < list->count; i++) {
        id = har_proxy_add(control->proxy, &list->faults[i], list->texts[i]);
        (void)sl_buf_addf(&out, "%s%llu", i == 0 ? "" : ",", (unsigned long long)id);
    }
    (void)sl_buf_add_str(&out, "]}\n");
    enum MHD_Result result = list->is_array ? answer(connection, MHD_HTTP_CREATED, &out)
                                            : answer_number(connection, MHD_HTTP_CREATED, "id", id);
    sl_buf_release(&out);
    return result;
}

static enum MHD_Result add_faults(struct har_control *control, struct MHD_Connection *connection,
                                  const struct request *request)
{
    struct har_fault_list list;
    struct sl_error error = {0};
    if (request->body.is_full) {
        return answer_error(connection, MHD_HTTP_CONTENT_TOO_LARGE, "the body is too long", 0);
    }
    if (har_faults_read(sl_buf_span(&request->body), &list, &error) != SL_OK) {
        return answer_error(connection, MHD_HTTP_BAD_REQUEST, error.text, error.line);
    }
    enum MHD_Result result = add_list(control, connection, &list);
    har_fault_list_release(&list);
    return result;
}

static enum MHD_Result clear_faults(struct har_control *control, struct MHD_Connection *connection,
                                    const char *id_text)
{
    uint64_t id = 0;
    if (*id_text == '\0') {
        uint64_t count = har_proxy_clear_named(control->proxy, NULL);
        return answer_number(connection, MHD_HTTP_OK, "cleared", count);
    }
    if (sl_units_u64(sl_span_str(id_text), &id) != SL_OK || !har_proxy_clear(control->proxy, id)) {
        return answer_error(connection, MHD_HTTP_NOT_FOUND, "there is no such fault", 0);
    }
    return answer_number(connection, MHD_HTTP_OK, "cleared", 1);
}

static enum MHD_Result dispatch(struct har_control *control, struct MHD_Connection *connection,
                                const char *url, const char *method, const struct request *request)
{
    static const char base[] = "/faults";
    const char *rest = strncmp(url, base, sizeof(base) - 1) == 0 ? url + sizeof(base) - 1 : "?";
    bool is_delete = strcmp(method, MHD_HTTP_METHOD_DELETE) == 0;
    if (*rest != '\0' && *rest != '/') {
        return answer_error(connection, MHD_HTTP_NOT_FOUND, "only /faults is here", 0);
    }
    rest += *rest == '/';
    if (is_delete) {
        return clear_faults(control, connection, rest);
    }
    if (*rest != '\0') {
        return answer_error(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
                            "one fault can only be cleared, by DELETE", 0);
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) == 0) {
        return list_faults(control, connection);
    }
    if (strcmp(method, MHD_HTTP_METHOD_POST) == 0) {
        return add_faults(control, connection, request);
    }
    return answer_error(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET, POST and DELETE are known",
                        0);
}

/* ---- libmicrohttpd ---- */

/* Called when the headers are there, for each piece of the body, and at its end. */
static enum MHD_Result on_request(void *owner, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_size, void **state)
{
    struct har_control *control = owner;
    struct request *request = *state;
    (void)version;
    if (request == NULL) {
        request = sl_alloc(sizeof(*request));
        sl_buf_init(&request->body, HAR_FAULT_TEXT_MAX);
        *state = request;
        return MHD_YES;
    }
    if (*data_size > 0) {
        (void)sl_buf_add(&request->body, data, *data_size); /* what does not fit shows at the end */
        *data_size = 0;
        return MHD_YES;
    }
    return dispatch(control, connection, url, method, request);
}

static void on_completed(void *owner, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    struct request *request = *state;
    (void)owner;
    (void)connection;
    (void)code;
    if (request != NULL) {
        sl_buf_release(&request->body);
        sl_free(request);
        *state = NULL;
    }
}

static void run(struct har_control *control);

static void on_timer(uv_timer_t *timer)
{
    run(timer->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    run(poll->data);
}

static void run(struct har_control *control)
{
    MHD_UNSIGNED_LONG_LONG ms = 0;
    (void)MHD_run(control->daemon);
    if (MHD_get_timeout(control->daemon, &ms) == MHD_YES) {
        (void)uv_timer_start(&control->timer, on_timer, ms, 0);
    } else {
        (void)uv_timer_stop(&control->timer);
    }
}

/* ---- life ---- */

static void attach(struct har_control *control, uv_loop_t *loop)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(control->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    (void)uv_poll_init(loop, &control->poll, info->epoll_fd);
    (void)uv_timer_init(loop, &control->timer);
    control->poll.data = control->timer.data = control;
    control->handles_open = 2;
    (void)uv_poll_start(&control->poll, UV_READABLE, on_poll);
}

enum sl_status har_control_new(struct har_proxy *proxy, uv_loop_t *loop, const char *host,
                               uint16_t port, struct har_control **ret_control,
                               struct sl_error *reterr_error)
{
    struct har_bound bound;
    enum sl_status status = har_bind(host, port, &bound, reterr_error);
    if (status != SL_OK) {
        return status;
    }
    (void)listen(bound.fd, BACKLOG);
    struct har_control *control = sl_alloc(sizeof(*control));
    control->proxy = proxy;
    control->bound = bound;
    control->daemon = MHD_start_daemon(
        MHD_USE_EPOLL, port, NULL, NULL, on_request, control, MHD_OPTION_LISTEN_SOCKET, bound.fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)IDLE_SECONDS, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
    if (control->daemon == NULL) {
        (void)close(bound.fd);
        sl_free(control);
        return sl_error_set(reterr_error, SL_IO, "the control port cannot be started");
    }
    attach(control, loop);
    *ret_control = control;
    return SL_OK;
}

const char *har_control_address(const struct har_control *control)
{
    return control->bound.address;
}

static void on_closed(uv_handle_t *handle)
{
    struct har_control *control = handle->data;
    if (--control->handles_open == 0) {
        MHD_stop_daemon(control->daemon);
        sl_free(control);
    }
}

void har_control_free(struct har_control *control)
{
    if (control != NULL) {
        uv_close((uv_handle_t *)&control->poll, on_closed);
        uv_close((uv_handle_t *)&control->timer, on_closed);
    }
}
