/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_CALL_H
#define HAR_CALL_H

/* A call that one actor has in flight: all its messages at once, then END_STREAM. Made by har_actor_call and its
 * kin (harness/engine/actor.h). */
#include "harness/messages/inbox.h"
#include "harness/transport/transport.h"

struct har_actor;
struct har_call;
typedef void har_call_fn(struct har_call *call, const struct har_stream_result *result);

/* The whole of it. */
struct har_call {
    struct har_actor *actor;
    struct har_stream *stream;
    uint32_t sequence;
    void *owner; /* of a step that made it */
    har_call_fn *done;
    struct sl_buf reply;      /* the first message */
    struct sl_buf request_id; /* x-request-id of its initial metadata; empty: none */
    unsigned messages;
    struct har_inbox *replies; /* all of them; NULL: not kept */
    bool are_replies_cut;      /* more came than an inbox holds */
    uint64_t begin_ns;
    struct har_call *next, *previous;
};

#endif
