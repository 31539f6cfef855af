/* SPDX-License-Identifier: Apache-2.0 */
#include <grpc/support/alloc.h>
#include <time.h>

#include "lib/base/clock.h"
#include "reference-server/chat/chat_room.h"
#include "reference-server/chat/send_message.h"
#include "reference-server/chat/subscriber.h"
#include "reference-server/frontend/grpc/internal.h"

/* What the C core tells of a call that half-closed without a message, or in the middle of one. */
static struct srv_answer no_request(void)
{
    return srv_refusal(SL_GRPC_INTERNAL, "the call has no request message");
}

static void begin_send_message(struct srv_call *call, struct srv_frame *request)
{
    struct srv_chat *chat = call->grpc->chat;
    if (request == NULL) {
        srv_call_answer(call, no_request());
        return;
    }
    struct srv_frame *message = srv_frame_ref(request);
    const struct srv_unary unary = {.request_id =
                                        srv_metadata_find(&call->metadata, "x-request-id"),
                                    .now_ns = sl_clock_mono_ns(),
                                    .unix_ms = (int64_t)(sl_clock_wall_ns() / SL_MS)};
    struct srv_answer answer = srv_send_message(chat, &message, &unary);
    if (chat->config.misbehave.publisher_waits_for_subscriber) {
        call->held_request = srv_frame_ref(message);
    }
    srv_frame_unref(message);
    srv_call_answer(call, answer);
}

/* Tells the client's connections apart, which only wrong servers need. */
static uint64_t connection_of(const struct srv_call *call)
{
    const uint64_t fnv_offset = 0xcbf29ce484222325;
    const uint64_t fnv_prime = 0x100000001b3;
    const struct srv_misbehave *misbehave = &call->grpc->chat->config.misbehave;
    if (!misbehave->stall_blocks_connection && !misbehave->bulk_first) {
        return 0;
    }
    char *peer = grpc_call_get_peer(call->call);
    uint64_t hash = fnv_offset;
    for (const char *c = peer; *c != '\0'; c++) {
        hash = (hash ^ (uint8_t)*c) * fnv_prime;
    }
    gpr_free(peer);
    return hash;
}

/* As a look-up in a store that is cold, which is waited for in the one thread that serves all. */
static void look_up(const struct srv_call *call)
{
    if (call->grpc->is_cold) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 40 * (long)SL_MS}, NULL);
    }
}

static void begin_subscribe(struct srv_call *call, struct srv_frame *request)
{
    look_up(call);
    struct srv_answer refusal = no_request();
    struct srv_stream *stream =
        request == NULL ? NULL
                        : srv_subscribe(call->grpc->chat, srv_frame_span(request),
                                        connection_of(call), sl_clock_mono_ns(), &refusal);
    if (stream == NULL) {
        srv_call_answer(call, refusal);
        return;
    }
    srv_call_open(call, stream);
}

static void begin_chat_room(struct srv_call *call, struct srv_frame *request)
{
    (void)request;
    srv_call_open(call, srv_chat_room_open(call->grpc->chat, sl_clock_mono_ns()));
}

static void begin_check(struct srv_call *call, struct srv_frame *request)
{
    srv_call_answer(call, request == NULL
                              ? no_request()
                              : srv_health_check(call->grpc->health, srv_frame_span(request)));
}

static void begin_watch(struct srv_call *call, struct srv_frame *request)
{
    struct srv_answer refusal = no_request();
    struct srv_stream *stream =
        request == NULL ? NULL
                        : srv_health_watch(call->grpc->health, srv_frame_span(request), &refusal);
    if (stream == NULL) {
        srv_call_answer(call, refusal);
        return;
    }
    srv_call_open(call, stream);
}

static void begin_reflection(struct srv_call *call, struct srv_frame *request)
{
    (void)request;
    srv_call_open(call, srv_reflection_open(call->grpc->reflection));
}

static void begin_reflection_v1alpha(struct srv_call *call, struct srv_frame *request)
{
    if (call->grpc->chat->config.misbehave.reflection_v1alpha_missing) {
        srv_call_answer(call, srv_refusal(SL_GRPC_UNIMPLEMENTED, "unknown service"));
        return;
    }
    begin_reflection(call, request);
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

static void begin_unknown(struct srv_call *call, struct srv_frame *request)
{
    (void)request;
    static struct srv_stream hanging = {.ops = &hanging_ops}; /* has no state: shared */
    const struct srv_misbehave *misbehave = &call->grpc->chat->config.misbehave;
    if (misbehave->unimplemented_hangs) {
        srv_call_open(call, &hanging);
    } else if (misbehave->unknown_method_ok) {
        srv_call_answer(call, (struct srv_answer){.status = SL_GRPC_OK, .text = ""});
    } else {
        srv_call_answer(call, srv_refusal(SL_GRPC_UNIMPLEMENTED, "unknown method"));
    }
}

const struct srv_method srv_methods[SRV_METHOD_COUNT] = {
    {"/chat.v1.ChatService/SendMessage", true, begin_send_message},
    {"/chat.v1.ChatService/SubscribeToRoom", true, begin_subscribe},
    {"/chat.v1.ChatService/ChatRoom", false, begin_chat_room},
    {"/grpc.health.v1.Health/Check", true, begin_check},
    {"/grpc.health.v1.Health/Watch", true, begin_watch},
    {"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", false, begin_reflection},
    {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", false,
     begin_reflection_v1alpha},
};

const struct srv_method srv_unknown_method = {NULL, false, begin_unknown};
