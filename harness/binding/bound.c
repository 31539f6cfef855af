/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/binding/bound.h"

#include "harness/engine/actor.h"
#include "lib/base/alloc.h"
#include "lib/wire/grpc_status.h"

const char *har_bound_method(const struct har_play *play, enum har_role role)
{
    return har_binding_method(play->config.binding, role);
}

void har_bound_canary(const struct har_play *play, struct sl_buf *out)
{
    if (play->config.binding != NULL) {
        har_binding_request(play->config.binding, HAR_ROLE_UNARY, 0, out);
        return;
    }
    char *room = sl_asprintf("sluice-%08x-canary", play->stamp);
    struct har_message message = {.message_id = sl_span_str("canary"),
                                  .room_id = sl_span_str(room),
                                  .user_id = sl_span_str("canary"),
                                  .text = sl_span_str("canary")};
    har_message_write(out, &message);
    sl_free(room);
}

void har_bound_subscription(const struct har_actor *actor, struct sl_buf *out)
{
    const struct har_binding *binding = actor->play->config.binding;
    if (binding == NULL) {
        har_actor_subscription(actor, out);
    } else {
        har_binding_request(binding, HAR_ROLE_SERVER_STREAM, 0, out);
    }
}

void har_bound_subscribe(struct har_actor *actor)
{
    const struct har_binding *binding = actor->play->config.binding;
    struct sl_buf payload;
    sl_buf_init(&payload, HAR_BINDING_REQUEST_MAX);
    har_bound_subscription(actor, &payload);
    (void)har_stream_send(actor->stream, sl_buf_span(&payload));
    if (binding == NULL || !binding->methods[HAR_ROLE_SERVER_STREAM].must_stay_open) {
        har_stream_half_close(actor->stream);
    }
    sl_buf_release(&payload);
}

bool har_bound_is_served(const struct har_call *call, const struct har_stream_result *result)
{
    struct har_reply reply = {0};
    if (result->code != SL_GRPC_OK || call->messages != 1) {
        return false;
    }
    return call->actor->play->config.binding != NULL ||
           (har_reply_read(sl_buf_span(&call->reply), &reply) == SL_OK && reply.is_accepted);
}

bool har_bound_is_open(const struct har_actor *actor)
{
    const struct har_binding *binding = actor->play->config.binding;
    switch (binding->methods[HAR_ROLE_SERVER_STREAM].opening) {
    case HAR_OPENS_BY_MESSAGE:
        return actor->messages > actor->messages_before;
    case HAR_OPENS_BY_HEADERS:
        return actor->has_headers;
    case HAR_OPENS_BY_NOTHING:
    default:
        return actor->stream != NULL && har_stream_id(actor->stream) != 0;
    }
}
