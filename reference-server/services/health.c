/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/services/health.h"

#include <utlist.h>

#include "lib/base/alloc.h"
#include "reference-server/chat/pb.h"

/* HealthCheckResponse.ServingStatus */
enum serving {
    NOTHING = 0, /* UNKNOWN: never sent; a watcher that has seen none */
    SERVING = 1,
    NOT_SERVING = 2,
    SERVICE_UNKNOWN = 3,
};

enum {
    REQUEST_SERVICE = 1,
    RESPONSE_STATUS = 1,
    RESPONSE_MAX = 8,
};

struct srv_watcher {
    struct srv_stream stream;
    struct srv_health *health;
    bool is_known;
    enum serving told;
    struct srv_watcher *prev;
    struct srv_watcher *next;
};

/* "" is the server as a whole. */
static const char *const services[] = {"", "chat.v1.ChatService", "grpc.health.v1.Health"};

static bool decode(struct sl_span request, struct sl_span *ret_service)
{
    struct sl_rd rd;
    struct srv_pb_field field;
    sl_rd_init(&rd, request);
    *ret_service = sl_span(NULL, 0);
    while (srv_pb_next(&rd, &field)) {
        if (!srv_pb_take_string(&field, REQUEST_SERVICE, ret_service)) {
            return false;
        }
    }
    return sl_rd_ok(&rd);
}

static bool is_known(struct sl_span service)
{
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        if (sl_span_is(service, services[i])) {
            return true;
        }
    }
    return false;
}

static enum serving status_of(const struct srv_health *health, bool is_known_service)
{
    if (!is_known_service) {
        return SERVICE_UNKNOWN;
    }
    return health->is_draining ? NOT_SERVING : SERVING;
}

static struct srv_frame *encode(enum serving status)
{
    struct sl_buf buf;
    sl_buf_init(&buf, RESPONSE_MAX);
    srv_pb_put_varint(&buf, RESPONSE_STATUS, status);
    struct srv_frame *frame = srv_frame_copy(sl_buf_span(&buf));
    sl_buf_release(&buf);
    return frame;
}

struct srv_answer srv_health_check(const struct srv_health *health, struct sl_span request)
{
    struct sl_span service;
    if (!decode(request, &service)) {
        return srv_refusal(SL_GRPC_INTERNAL, "the request is not a valid HealthCheckRequest");
    }
    bool is_known_service = is_known(service);
    if (!is_known_service && !health->misbehave->health_not_found_wrong) {
        return srv_refusal(SL_GRPC_NOT_FOUND, "unknown service");
    }
    return (struct srv_answer){
        .status = SL_GRPC_OK, .text = "", .reply = encode(status_of(health, is_known_service))};
}

static enum srv_pull pull(struct srv_stream *stream, uint64_t now_ns, struct srv_pulled *ret_pulled)
{
    (void)now_ns;
    struct srv_watcher *watcher = (struct srv_watcher *)stream;
    enum serving status = status_of(watcher->health, watcher->is_known);
    if (status == watcher->told) {
        *ret_pulled = (struct srv_pulled){.until_ns = SRV_NEVER};
        return SRV_PULL_WAIT;
    }
    watcher->told = status;
    *ret_pulled = (struct srv_pulled){.frame = encode(status)};
    return SRV_PULL_FRAME;
}

static void sent(struct srv_stream *stream, uint64_t now_ns)
{
    (void)stream;
    (void)now_ns;
}

static void close_watcher(struct srv_stream *stream)
{
    struct srv_watcher *watcher = (struct srv_watcher *)stream;
    DL_DELETE(watcher->health->watchers, watcher);
    sl_free(watcher);
}

static const struct srv_stream_ops watcher_ops = {
    .pull = pull,
    .sent = sent,
    .close = close_watcher,
};

struct srv_stream *srv_health_watch(struct srv_health *health, struct sl_span request,
                                    struct srv_answer *ret_refusal)
{
    struct sl_span service;
    if (!decode(request, &service)) {
        *ret_refusal =
            srv_refusal(SL_GRPC_INTERNAL, "the request is not a valid HealthCheckRequest");
        return NULL;
    }
    if (!is_known(service) && health->misbehave->watch_closes) {
        *ret_refusal = srv_refusal(SL_GRPC_NOT_FOUND, "unknown service");
        return NULL;
    }
    struct srv_watcher *watcher = sl_alloc(sizeof(*watcher));
    watcher->stream.ops = &watcher_ops;
    watcher->health = health;
    watcher->is_known = is_known(service);
    watcher->told =
        health->misbehave->watch_silent ? status_of(health, watcher->is_known) : NOTHING;
    DL_APPEND(health->watchers, watcher);
    return &watcher->stream;
}

void srv_health_drain(struct srv_health *health)
{
    health->is_draining = true;
    struct srv_watcher *watcher = NULL;
    DL_FOREACH (health->watchers, watcher) {
        if (watcher->stream.wake != NULL) {
            watcher->stream.wake(watcher->stream.wake_context);
        }
    }
}
