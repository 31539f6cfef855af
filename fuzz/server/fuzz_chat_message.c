/* SPDX-License-Identifier: Apache-2.0 */
/* Input: the bytes of any request of the server. What decodes as a ChatMessage must survive being encoded. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "reference-server/chat/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct srv_subscription subscription;
    struct srv_message message;
    struct srv_message again;
    (void)srv_subscription_decode(sl_span(data, size), &subscription);
    if (!srv_message_decode(sl_span(data, size), &message)) {
        return 0;
    }
    struct srv_frame *frame = srv_message_encode(&message);
    bool is_decoded = srv_message_decode(srv_frame_span(frame), &again);
    assert(is_decoded && sl_span_equal(message.message_id, again.message_id));
    assert(sl_span_equal(message.room_id, again.room_id));
    assert(sl_span_equal(message.user_id, again.user_id));
    assert(sl_span_equal(message.text, again.text));
    assert(message.created_at == again.created_at);
    (void)is_decoded;
    srv_frame_unref(frame);
    return 0;
}
