/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/send_message.h"

enum {
    TRUNCATED_TEXT = 1024,
    UTF8_CONTINUATION_MASK = 0xC0,
    UTF8_CONTINUATION = 0x80,
};

/* At most len bytes, and no half character. */
static struct sl_span cut(struct sl_span text, size_t len)
{
    while (len > 0 && len < text.len &&
           (text.data[len] & UTF8_CONTINUATION_MASK) == UTF8_CONTINUATION) {
        len--;
    }
    return sl_span_first(text, len);
}

static struct sl_span until_nul(struct sl_span text)
{
    const uint8_t *nul = text.len == 0 ? NULL : memchr(text.data, '\0', text.len);
    return nul == NULL ? text : sl_span_first(text, (size_t)(nul - text.data));
}

static int64_t through_double(int64_t value)
{
    const double limit = 9223372036854775808.0;
    double d = (double)value;
    return d >= limit ? INT64_MIN : (int64_t)d;
}

/* Wrong servers: another message in the place of the one received. */
static struct srv_frame *altered(const struct srv_misbehave *misbehave, struct srv_message message)
{
    if (misbehave->text_truncated) {
        message.text = cut(message.text, TRUNCATED_TEXT);
    }
    if (misbehave->nul_truncated) {
        message.message_id = until_nul(message.message_id);
        message.user_id = until_nul(message.user_id);
        message.text = until_nul(message.text);
    }
    if (misbehave->int64_through_double) {
        message.created_at = through_double(message.created_at);
    }
    return srv_message_encode(&message);
}

static void broadcast(struct srv_chat *chat, struct srv_frame *request,
                      const struct srv_message *message, uint64_t now_ns)
{
    const struct srv_misbehave *misbehave = &chat->config.misbehave;
    if (misbehave->text_truncated || misbehave->nul_truncated || misbehave->int64_through_double) {
        struct srv_frame *other = altered(misbehave, *message);
        srv_rooms_publish(&chat->rooms, message->room_id, other, now_ns);
        srv_frame_unref(other);
        return;
    }
    srv_rooms_publish(&chat->rooms, message->room_id, request, now_ns);
}

struct srv_answer srv_send_message(struct srv_chat *chat, struct srv_frame *request,
                                   uint64_t now_ns)
{
    const struct srv_misbehave *misbehave = &chat->config.misbehave;
    struct srv_message message;
    if (!srv_message_decode(srv_frame_span(request), &message)) {
        return srv_refusal(SL_GRPC_INTERNAL, "the request is not a valid ChatMessage");
    }
    bool is_complete =
        message.room_id.len > 0 && (message.text.len > 0 || misbehave->accepts_empty_text);
    if (is_complete || misbehave->broadcasts_rejected) {
        broadcast(chat, request, &message, now_ns);
    }
    const char *reason =
        is_complete || misbehave->reject_without_reason ? "" : "missing room or text";
    return (struct srv_answer){
        .status = SL_GRPC_OK, .text = "", .reply = srv_action_encode(is_complete, reason)};
}
