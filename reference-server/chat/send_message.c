/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/send_message.h"

#include "lib/base/clock.h"
#include "reference-server/chat/refusal.h"
#include "reference-server/chat/wrong_text.h"

enum {
    TRUNCATED_TEXT = 1024,
    LATE_EVERY = 7,
    QUOTA_A_SECOND = 500,
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
    struct sl_buf composed;
    sl_buf_init(&composed, message.text.len + 1);
    if (misbehave->unicode_normalised) {
        srv_wrong_compose(message.text, &composed);
        message.text = sl_buf_span(&composed);
    }
    struct srv_frame *frame = srv_message_encode(&message);
    sl_buf_release(&composed);
    return frame;
}

/* A wrong server: true when frame is not published now but behind the next one. */
static bool is_late(struct srv_chat *chat, struct srv_frame *frame)
{
    if (!chat->config.misbehave.ack_before_order || chat->late != NULL ||
        ++chat->sent % LATE_EVERY != 0) {
        return false;
    }
    chat->late = srv_frame_ref(frame);
    return true;
}

static void publish_late(struct srv_chat *chat, uint64_t now_ns)
{
    struct srv_frame *late = chat->late;
    struct srv_message message;
    if (late != NULL && srv_message_decode(srv_frame_span(late), &message)) {
        srv_rooms_publish(&chat->rooms, message.room_id, late, now_ns);
    }
    srv_frame_unref(late);
    chat->late = NULL;
}

/* A wrong server: true when too many came in this second, from all together. */
static bool is_over_quota(struct srv_chat *chat, uint64_t now_ns)
{
    if (!chat->config.misbehave.global_quota) {
        return false;
    }
    bool is_same = chat->second == now_ns / SL_SECOND;
    chat->second = now_ns / SL_SECOND;
    chat->second_count = is_same ? chat->second_count + 1 : 1;
    return chat->second_count > QUOTA_A_SECOND;
}

void srv_broadcast(struct srv_chat *chat, struct srv_frame *frame,
                   const struct srv_message *message, uint64_t now_ns)
{
    const struct srv_misbehave *misbehave = &chat->config.misbehave;
    if (is_late(chat, frame)) {
        return;
    }
    if (misbehave->text_truncated || misbehave->nul_truncated || misbehave->int64_through_double ||
        misbehave->unicode_normalised) {
        struct srv_frame *other = altered(misbehave, *message);
        srv_rooms_publish(&chat->rooms, message->room_id, other, now_ns);
        srv_frame_unref(other);
        return;
    }
    srv_rooms_publish(&chat->rooms, message->room_id, frame, now_ns);
    publish_late(chat, now_ns);
}

/* SEND-08 */
static void fill(struct srv_chat *chat, struct srv_frame **frame, struct srv_message *message,
                 int64_t unix_ms)
{
    const struct srv_misbehave *misbehave = &chat->config.misbehave;
    char id[SRV_ID_MAX];
    bool needs_id = message->message_id.len == 0 && !misbehave->fill_no_id;
    bool needs_time = message->created_at == 0 && !misbehave->fill_no_time;
    if (!needs_id && !needs_time) {
        return;
    }
    struct sl_span new_id = sl_span(NULL, 0);
    if (needs_id) {
        new_id = sl_span_str(misbehave->fill_same_id ? "filled" : srv_ids_next(&chat->ids, id));
    }
    int64_t new_time = needs_time ? misbehave->fill_seconds ? unix_ms / 1000 : unix_ms : 0;
    struct srv_frame *amended = srv_message_amend(*frame, new_id, new_time, message);
    srv_frame_unref(*frame);
    *frame = amended;
}

/* SEND-09: without an id there is nothing to know it again by. */
static bool is_repeated(struct srv_chat *chat, const struct srv_message *message, uint64_t now_ns)
{
    const struct srv_misbehave *misbehave = &chat->config.misbehave;
    struct sl_span room = misbehave->dedup_by_id_alone ? sl_span(NULL, 0) : message->room_id;
    return message->message_id.len > 0 && !misbehave->dedup_never &&
           srv_dedup_seen(&chat->dedup, room, message->message_id, now_ns);
}

static struct srv_answer reply(struct srv_frame *request_id, bool is_accepted, const char *reason)
{
    return (struct srv_answer){
        .status = SL_GRPC_OK,
        .text = "",
        .reply = srv_action_encode(srv_frame_span(request_id), is_accepted, reason)};
}

/* Publishes a message that is complete, and answers. */
static struct srv_answer accept(struct srv_chat *chat, struct srv_frame **frame,
                                struct srv_message *message, struct srv_frame *request_id,
                                const struct srv_unary *unary)
{
    if (is_repeated(chat, message, unary->now_ns)) {
        sl_tally_add(&chat->stats.received[SRV_OUTCOME_REPEATED], 1);
        return chat->config.misbehave.dedup_refuses ? reply(request_id, false, "repeated")
                                                    : reply(request_id, true, "");
    }
    sl_tally_add(&chat->stats.received[SRV_OUTCOME_BROADCAST], 1);
    fill(chat, frame, message, unary->unix_ms);
    srv_broadcast(chat, *frame, message, unary->now_ns);
    return reply(request_id, true, "");
}

/* SEND-07: the caller's, or a new one. */
static struct srv_frame *new_request_id(struct srv_chat *chat, const struct srv_unary *unary)
{
    const struct srv_misbehave *misbehave = &chat->config.misbehave;
    char id[SRV_ID_MAX];
    if (unary->request_id.len > 0 && !misbehave->request_id_not_echoed) {
        return srv_frame_copy(unary->request_id);
    }
    return srv_frame_copy(
        sl_span_str(misbehave->request_id_constant ? "request" : srv_ids_next(&chat->ids, id)));
}

static struct srv_answer answer_to(struct srv_chat *chat, struct srv_frame **frame,
                                   struct srv_message *message, struct srv_frame *request_id,
                                   const struct srv_unary *unary)
{
    const struct srv_misbehave *misbehave = &chat->config.misbehave;
    bool is_complete =
        message->room_id.len > 0 && (message->text.len > 0 || misbehave->accepts_empty_text);
    bool is_valid = srv_room_id_is_valid(message->room_id) || misbehave->validation_never;
    if (!is_valid && (is_complete || misbehave->validation_first)) {
        sl_tally_add(&chat->stats.received[SRV_OUTCOME_REJECTED], 1);
        return srv_bad_field(misbehave, "room_id",
                             misbehave->validation_in_ascii
                                 ? "room_id: at most 256 bytes, no control characters"
                                 : "room_id: at most 256 bytes \xe2\x80\x94 no control characters");
    }
    if (is_complete) {
        return accept(chat, frame, message, request_id, unary);
    }
    sl_tally_add(&chat->stats.received[SRV_OUTCOME_REJECTED], 1);
    if (misbehave->broadcasts_rejected) {
        srv_broadcast(chat, *frame, message, unary->now_ns);
    }
    return reply(request_id, false, misbehave->reject_without_reason ? "" : "missing room or text");
}

struct srv_answer srv_send_message(struct srv_chat *chat, struct srv_frame **message,
                                   const struct srv_unary *unary)
{
    struct srv_message decoded;
    if (!srv_message_decode(srv_frame_span(*message), &decoded)) {
        sl_tally_add(&chat->stats.received[SRV_OUTCOME_MALFORMED], 1);
        return srv_refusal(SL_GRPC_INTERNAL, "the request is not a valid ChatMessage");
    }
    if (is_over_quota(chat, unary->now_ns)) {
        return srv_refusal(SL_GRPC_RESOURCE_EXHAUSTED, "too many messages");
    }
    struct srv_frame *request_id = new_request_id(chat, unary);
    struct srv_answer answer = answer_to(chat, message, &decoded, request_id, unary);
    if (chat->config.misbehave.request_id_in_reply_only) {
        srv_frame_unref(request_id);
    } else {
        answer.request_id = request_id;
    }
    return answer;
}
