/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/history.h"

#include "reference-server/chat/message.h"

void srv_history_init(struct srv_history *history, size_t max)
{
    *history = (struct srv_history){0};
    srv_ring_init(&history->messages, max);
}

void srv_history_release(struct srv_history *history)
{
    srv_ring_release(&history->messages);
    history->bytes = 0;
}

void srv_history_forget(struct srv_history *history)
{
    struct srv_frame *oldest = srv_ring_pop(&history->messages);
    if (oldest != NULL) {
        history->bytes -= srv_frame_cost(oldest);
        srv_frame_unref(oldest);
    }
}

void srv_history_add(struct srv_history *history, struct srv_frame *frame)
{
    size_t cost = srv_frame_cost(frame);
    while (history->messages.count > 0 && (srv_ring_is_full(&history->messages) ||
                                           history->bytes + cost > SRV_HISTORY_ROOM_BYTES)) {
        srv_history_forget(history);
    }
    if (cost <= SRV_HISTORY_ROOM_BYTES) {
        srv_ring_push(&history->messages, srv_frame_ref(frame));
        history->bytes += cost;
    }
}

bool srv_history_find(const struct srv_history *history, struct sl_span message_id,
                      size_t *ret_place)
{
    for (size_t i = 0; i < history->messages.count; i++) {
        struct sl_span id = srv_message_id(srv_frame_span(srv_ring_at(&history->messages, i)));
        if (sl_span_equal(id, message_id)) {
            *ret_place = i;
            return true;
        }
    }
    return false;
}

void srv_history_copy(const struct srv_history *history, size_t first, struct srv_ring *ring)
{
    for (size_t i = first; i < history->messages.count && !srv_ring_is_full(ring); i++) {
        srv_ring_push(ring, srv_frame_ref(srv_ring_at(&history->messages, i)));
    }
}
