/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/telemetry/metrics_page.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "lib/base/alloc.h"
#include "lib/base/log.h"
#include "reference-server/listener.h"

enum {
    BACKLOG = 16,
    SPARE_CONNECTIONS = 8, /* those that were told to end and have not yet */
    CONNECTION_BYTES = 16 * 1024,
    CLIENT_STRICT = 1,
};

/* An open connection; touched by the page's thread alone. */
struct scraper {
    int fd;
    bool is_ended;
    struct scraper *next;
    struct scraper *prev;
};

struct srv_metrics_page {
    const struct srv_metrics *metrics;
    struct MHD_Daemon *daemon;
    struct scraper *scrapers; /* the oldest first */
    size_t count;             /* of those that were not ended */
    int port;
};

/* ---- connections ---- */

/* libmicrohttpd owns the socket and sees it end. */
static void end_oldest(struct srv_metrics_page *page)
{
    struct scraper *scraper = page->scrapers;
    while (scraper->is_ended) {
        scraper = scraper->next;
    }
    scraper->is_ended = true;
    page->count--;
    (void)shutdown(scraper->fd, SHUT_RDWR);
}

static void connection_changed(void *context, struct MHD_Connection *connection,
                               void **socket_context, enum MHD_ConnectionNotificationCode code)
{
    struct srv_metrics_page *page = context;
    struct scraper *scraper = *socket_context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        scraper = sl_alloc(sizeof(*scraper));
        scraper->fd =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        *socket_context = scraper;
        DL_APPEND(page->scrapers, scraper);
        if (++page->count > SRV_PAGE_CONNECTIONS) {
            end_oldest(page);
        }
        return;
    }
    page->count -= scraper->is_ended ? 0 : 1;
    DL_DELETE(page->scrapers, scraper);
    sl_free(scraper);
    *socket_context = NULL;
}

/* ---- requests ---- */

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status,
                              struct MHD_Response *response, const char *name, const char *value)
{
    if (response == NULL) {
        return MHD_NO; /* the connection ends */
    }
    (void)MHD_add_response_header(response, name, value);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer_text(struct MHD_Connection *connection, unsigned status,
                                   const char *text, const char *name, const char *value)
{
    char *copy = sl_strdup(text);
    size_t len = strlen(copy);
    return answer(connection, status,
                  MHD_create_response_from_buffer_with_free_callback(len, copy, sl_free), name,
                  value);
}

static enum MHD_Result answer_metrics(const struct srv_metrics_page *page,
                                      struct MHD_Connection *connection)
{
    struct sl_buf text;
    size_t len = 0;
    sl_buf_init(&text, SRV_PAGE_BYTES_MAX);
    enum sl_status status = srv_metrics_write(page->metrics, &text);
    if (status != SL_OK) {
        sl_buf_release(&text);
        return answer_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "the page is too long\n",
                           MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain");
    }
    uint8_t *bytes = sl_buf_take(&text, &len);
    return answer(connection, MHD_HTTP_OK,
                  MHD_create_response_from_buffer_with_free_callback(len, bytes, sl_free),
                  MHD_HTTP_HEADER_CONTENT_TYPE, SRV_METRICS_CONTENT_TYPE);
}

static enum MHD_Result request(void *context, struct MHD_Connection *connection, const char *path,
                               const char *method, const char *version, const char *upload,
                               size_t *upload_len, void **request_context)
{
    (void)version;
    (void)upload;
    if (strcmp(path, "/metrics") != 0) {
        return answer_text(connection, MHD_HTTP_NOT_FOUND, "the metrics are at /metrics\n",
                           MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain");
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        return answer_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "", MHD_HTTP_HEADER_ALLOW,
                           "GET, HEAD");
    }
    /* An answer to the first call, before a body could have come, would end the connection. */
    if (*request_context == NULL || *upload_len > 0) {
        *request_context = context;
        *upload_len = 0;
        return MHD_YES;
    }
    return answer_metrics(context, connection);
}

/* ---- the page ---- */

static void log_of_library(void *context, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
static void log_of_library(void *context, const char *format, va_list arguments)
{
    char text[256];
    (void)context;
    (void)vsnprintf(text, sizeof(text), format, arguments);
    text[strcspn(text, "\n")] = '\0';
    sl_log(SL_LOG_DEBUG, "metrics", "%s", text);
}

struct srv_metrics_page *srv_metrics_page_start(const char *listen,
                                                const struct srv_metrics *metrics,
                                                struct sl_error *reterr_error)
{
    const char *why = NULL;
    int fd = srv_listen(listen, BACKLOG, &why);
    if (fd < 0) {
        (void)sl_error_set(reterr_error, SL_IO, "cannot show metrics on %s: %s", listen, why);
        return NULL;
    }
    struct srv_metrics_page *page = sl_alloc(sizeof(*page));
    page->metrics = metrics;
    page->port = srv_listen_port(fd);
    page->daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_USE_ERROR_LOG | MHD_USE_ITC, 0, NULL,
        NULL, request, page, MHD_OPTION_EXTERNAL_LOGGER, log_of_library, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)(SRV_PAGE_CONNECTIONS + SPARE_CONNECTIONS), MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)SRV_PAGE_TIMEOUT_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
        MHD_OPTION_STRICT_FOR_CLIENT, (int)CLIENT_STRICT, MHD_OPTION_NOTIFY_CONNECTION,
        connection_changed, page, MHD_OPTION_END);
    if (page->daemon == NULL) {
        (void)close(fd);
        sl_free(page);
        (void)sl_error_set(reterr_error, SL_IO, "cannot show metrics on %s", listen);
        return NULL;
    }
    return page;
}

int srv_metrics_page_port(const struct srv_metrics_page *page)
{
    return page->port;
}

void srv_metrics_page_free(struct srv_metrics_page *page)
{
    if (page == NULL) {
        return;
    }
    MHD_stop_daemon(page->daemon);
    sl_free(page);
}
