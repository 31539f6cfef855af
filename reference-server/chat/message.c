/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/message.h"

#include <assert.h>

#include "reference-server/chat/pb.h"

/* Field numbers of proto/chat/v1/chat.proto. */
enum {
    MESSAGE_ID = 1,
    MESSAGE_ROOM_ID = 2,
    MESSAGE_USER_ID = 3,
    MESSAGE_TEXT = 4,
    MESSAGE_CREATED_AT = 5,
    SUBSCRIPTION_ROOM_ID = 1,
    SUBSCRIPTION_MAX_RATE_HZ = 2,
    SUBSCRIPTION_HISTORY = 3,
    SUBSCRIPTION_AFTER_MESSAGE_ID = 4,
    ACTION_REQUEST_ID = 1,
    ACTION_ACCEPTED = 2,
    ACTION_REASON = 3,
    COMMAND_TYPE = 1,
    COMMAND_PAYLOAD = 2,
    FRAMING_MAX = 128, /* tags and lengths of any message here */
};

bool srv_message_decode(struct sl_span bytes, struct srv_message *ret_message)
{
    struct sl_rd rd;
    struct srv_pb_field field;
    sl_rd_init(&rd, bytes);
    *ret_message = (struct srv_message){0};
    while (srv_pb_next(&rd, &field)) {
        if (!srv_pb_take_string(&field, MESSAGE_ID, &ret_message->message_id) ||
            !srv_pb_take_string(&field, MESSAGE_ROOM_ID, &ret_message->room_id) ||
            !srv_pb_take_string(&field, MESSAGE_USER_ID, &ret_message->user_id) ||
            !srv_pb_take_string(&field, MESSAGE_TEXT, &ret_message->text)) {
            return false;
        }
        if (field.number == MESSAGE_CREATED_AT && field.wire == SRV_PB_VARINT) {
            ret_message->created_at = (int64_t)field.value;
        }
    }
    return sl_rd_ok(&rd);
}

struct sl_span srv_message_id(struct sl_span bytes)
{
    struct sl_rd rd;
    struct srv_pb_field field;
    struct sl_span id = sl_span(NULL, 0);
    sl_rd_init(&rd, bytes);
    while (srv_pb_next(&rd, &field)) {
        if (field.number == MESSAGE_ID && field.wire == SRV_PB_BYTES) {
            id = field.bytes;
        }
    }
    return id;
}

bool srv_subscription_decode(struct sl_span bytes, struct srv_subscription *ret_subscription)
{
    struct sl_rd rd;
    struct srv_pb_field field;
    sl_rd_init(&rd, bytes);
    *ret_subscription = (struct srv_subscription){0};
    while (srv_pb_next(&rd, &field)) {
        if (!srv_pb_take_string(&field, SUBSCRIPTION_ROOM_ID, &ret_subscription->room_id) ||
            !srv_pb_take_string(&field, SUBSCRIPTION_AFTER_MESSAGE_ID,
                                &ret_subscription->after_message_id)) {
            return false;
        }
        if (field.number == SUBSCRIPTION_MAX_RATE_HZ && field.wire == SRV_PB_VARINT) {
            ret_subscription->max_rate_hz = (int32_t)(uint32_t)field.value;
        }
        if (field.number == SUBSCRIPTION_HISTORY && field.wire == SRV_PB_VARINT) {
            ret_subscription->history = (int32_t)(uint32_t)field.value;
        }
    }
    return sl_rd_ok(&rd);
}

static struct srv_frame *frame_of(struct sl_buf *buf)
{
    struct srv_frame *frame = srv_frame_copy(sl_buf_span(buf));
    sl_buf_release(buf);
    return frame;
}

struct srv_frame *srv_message_encode(const struct srv_message *message)
{
    struct sl_buf buf;
    sl_buf_init(&buf, message->message_id.len + message->room_id.len + message->user_id.len +
                          message->text.len + FRAMING_MAX);
    srv_pb_put_string(&buf, MESSAGE_ID, message->message_id);
    srv_pb_put_string(&buf, MESSAGE_ROOM_ID, message->room_id);
    srv_pb_put_string(&buf, MESSAGE_USER_ID, message->user_id);
    srv_pb_put_string(&buf, MESSAGE_TEXT, message->text);
    srv_pb_put_varint(&buf, MESSAGE_CREATED_AT, (uint64_t)message->created_at);
    return frame_of(&buf);
}

struct srv_frame *srv_message_move(struct sl_span bytes, struct sl_span room_id)
{
    struct sl_buf buf;
    sl_buf_init(&buf, bytes.len + room_id.len + FRAMING_MAX);
    (void)sl_buf_add_span(&buf, bytes);
    srv_pb_put_string(&buf, MESSAGE_ROOM_ID, room_id);
    return frame_of(&buf);
}

/* A span of old, as one of the same bytes in new. */
static struct sl_span moved(struct sl_span span, const uint8_t *old, const uint8_t *new)
{
    return span.data == NULL ? span : sl_span(new + (span.data - old), span.len);
}

/* Written behind what there was: of a field that occurs twice the last value counts. What was decoded is not decoded
 * again, and nothing is copied twice: that was a tenth of the instructions of a unary call. */
struct srv_frame *srv_message_amend(const struct srv_frame *frame, struct sl_span message_id,
                                    int64_t created_at, struct srv_message *message)
{
    size_t len = frame->len + srv_pb_string_size(MESSAGE_ID, message_id.len) +
                 srv_pb_varint_size(MESSAGE_CREATED_AT, (uint64_t)created_at);
    struct srv_frame *amended = srv_frame_new(len);
    const uint8_t *old = frame->data;
    uint8_t *end = amended->data;
    memcpy(end, old, frame->len);
    message->message_id = moved(message->message_id, old, amended->data);
    message->room_id = moved(message->room_id, old, amended->data);
    message->user_id = moved(message->user_id, old, amended->data);
    message->text = moved(message->text, old, amended->data);
    end = srv_pb_write_string(end + frame->len, MESSAGE_ID, message_id);
    if (message_id.len > 0) {
        message->message_id = sl_span(end - message_id.len, message_id.len);
    }
    end = srv_pb_write_varint(end, MESSAGE_CREATED_AT, (uint64_t)created_at);
    if (created_at != 0) {
        message->created_at = created_at;
    }
    assert(end == amended->data + len);
    return amended;
}

struct srv_frame *srv_action_encode(struct sl_span request_id, bool is_accepted, const char *reason)
{
    struct sl_span text = sl_span_str(reason);
    uint64_t accepted = is_accepted ? 1 : 0;
    size_t len = srv_pb_string_size(ACTION_REQUEST_ID, request_id.len) +
                 srv_pb_varint_size(ACTION_ACCEPTED, accepted) +
                 srv_pb_string_size(ACTION_REASON, text.len);
    struct srv_frame *frame = srv_frame_new(len);
    uint8_t *end = srv_pb_write_string(frame->data, ACTION_REQUEST_ID, request_id);
    end = srv_pb_write_varint(end, ACTION_ACCEPTED, accepted);
    end = srv_pb_write_string(end, ACTION_REASON, text);
    assert(end == frame->data + len);
    return frame;
}

struct srv_frame *srv_command_encode(enum srv_command type, const char *prefix, struct sl_span rest)
{
    struct sl_buf payload;
    struct sl_buf buf;
    sl_buf_init(&payload, strlen(prefix) + rest.len);
    (void)sl_buf_add_str(&payload, prefix);
    (void)sl_buf_add_span(&payload, rest);
    sl_buf_init(&buf, payload.len + FRAMING_MAX);
    srv_pb_put_varint(&buf, COMMAND_TYPE, type);
    srv_pb_put_string(&buf, COMMAND_PAYLOAD, sl_buf_span(&payload));
    sl_buf_release(&payload);
    return frame_of(&buf);
}
