/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/services/methods.h"

#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "reference-server/chat/chat_room.h"
#include "reference-server/chat/send_message.h"
#include "reference-server/chat/subscriber.h"

/* A call that half-closed without a message, or (as the C core tells it) in the middle of one. */
static bool has_message(const struct srv_request *request, struct srv_begun *begun)
{
    if (request->message == NULL) {
        begun->answer = srv_refusal(SL_GRPC_INTERNAL, "the call has no request message");
    }
    return request->message != NULL;
}

static void begin_send_message(struct srv_services *services, const struct srv_request *request,
                               struct srv_begun *begun)
{
    struct srv_chat *chat = services->chat;
    if (!has_message(request, begun)) {
        return;
    }
    struct srv_frame *message = srv_frame_ref(request->message);
    const struct srv_unary unary = {
        .request_id = request->request_id, .now_ns = request->now_ns, .unix_ms = request->unix_ms};
    begun->answer = srv_send_message(chat, &message, &unary);
    if (chat->config.misbehave.publisher_waits_for_subscriber) {
        begun->held = srv_frame_ref(message);
    }
    srv_frame_unref(message);
}

/* As a look-up in a store that is cold, which is waited for in the one thread that serves all. */
static void look_up(const struct srv_services *services)
{
    if (services->is_cold) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 40 * (long)SL_MS}, NULL);
    }
}

static void begin_subscribe(struct srv_services *services, const struct srv_request *request,
                            struct srv_begun *begun)
{
    look_up(services);
    if (has_message(request, begun)) {
        begun->stream = srv_subscribe(services->chat, srv_frame_span(request->message),
                                      request->connection, request->now_ns, &begun->answer);
    }
}

static void begin_chat_room(struct srv_services *services, const struct srv_request *request,
                            struct srv_begun *begun)
{
    begun->stream = srv_chat_room_open(services->chat, request->now_ns);
}

static void begin_check(struct srv_services *services, const struct srv_request *request,
                        struct srv_begun *begun)
{
    if (has_message(request, begun)) {
        begun->answer = srv_health_check(services->health, srv_frame_span(request->message));
    }
}

static void begin_watch(struct srv_services *services, const struct srv_request *request,
                        struct srv_begun *begun)
{
    if (has_message(request, begun)) {
        begun->stream =
            srv_health_watch(services->health, srv_frame_span(request->message), &begun->answer);
    }
}

static void begin_reflection(struct srv_services *services, const struct srv_request *request,
                             struct srv_begun *begun)
{
    (void)request;
    begun->stream = srv_reflection_open(services->reflection);
}

static void begin_reflection_v1alpha(struct srv_services *services,
                                     const struct srv_request *request, struct srv_begun *begun)
{
    if (services->chat->config.misbehave.reflection_v1alpha_missing) {
        begun->answer = srv_refusal(SL_GRPC_UNIMPLEMENTED, "unknown service");
        return;
    }
    begin_reflection(services, request, begun);
}

static enum srv_pull hang(struct srv_stream *stream, uint64_t now_ns, struct srv_pulled *ret_pulled)
{
    (void)stream;
    (void)now_ns;
    *ret_pulled = (struct srv_pulled){.until_ns = SRV_NEVER};
    return SRV_PULL_WAIT;
}

static void let_go(struct srv_stream *stream)
{
    stream->wake = NULL;
}

static const struct srv_stream_ops hanging_ops = {.pull = hang, .close = let_go};

static void begin_unknown(struct srv_services *services, const struct srv_request *request,
                          struct srv_begun *begun)
{
    (void)request;
    static struct srv_stream hanging = {.ops = &hanging_ops}; /* has no state: shared */
    const struct srv_misbehave *misbehave = &services->chat->config.misbehave;
    if (misbehave->unimplemented_hangs) {
        begun->stream = &hanging;
    } else if (misbehave->unknown_method_ok) {
        begun->answer = (struct srv_answer){.status = SL_GRPC_OK, .text = ""};
    } else {
        begun->answer = srv_refusal(SL_GRPC_UNIMPLEMENTED, "unknown method");
    }
}

const struct srv_method srv_methods[SRV_METHOD_COUNT] = {
    {"/chat.v1.ChatService/SendMessage", true, true, begin_send_message},
    {"/chat.v1.ChatService/SubscribeToRoom", true, false, begin_subscribe},
    {"/chat.v1.ChatService/ChatRoom", false, false, begin_chat_room},
    {"/grpc.health.v1.Health/Check", true, true, begin_check},
    {"/grpc.health.v1.Health/Watch", true, false, begin_watch},
    {"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", false, false, begin_reflection},
    {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", false, false,
     begin_reflection_v1alpha},
};

const struct srv_method srv_unknown_method = {NULL, false, false, begin_unknown};

const struct srv_method *srv_method_find(struct sl_span path)
{
    for (size_t i = 0; i < SRV_METHOD_COUNT; i++) {
        if (sl_span_is(path, srv_methods[i].path)) {
            return &srv_methods[i];
        }
    }
    return &srv_unknown_method;
}
