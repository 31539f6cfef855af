/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/chat/refusal.h"

#include "reference-server/chat/pb.h"

/* Field numbers of google/rpc/status.proto, google/rpc/error_details.proto and google/protobuf/any.proto. */
enum {
    STATUS_CODE = 1,
    STATUS_MESSAGE = 2,
    STATUS_DETAILS = 3,
    ANY_TYPE_URL = 1,
    ANY_VALUE = 2,
    BAD_REQUEST_FIELD_VIOLATIONS = 1,
    VIOLATION_FIELD = 1,
    VIOLATION_DESCRIPTION = 2,
    DETAILS_MAX = 1024,
    FIRST_PRINTABLE = 0x20,
    DELETE = 0x7f,
};

bool srv_room_id_is_valid(struct sl_span room_id)
{
    for (size_t i = 0; i < room_id.len; i++) {
        if (room_id.data[i] < FIRST_PRINTABLE || room_id.data[i] == DELETE) {
            return false;
        }
    }
    return room_id.len <= SRV_ROOM_ID_MAX;
}

/* Moves the message in `inner` into field `number` of `outer`; inner is empty afterwards. */
static void wrap(struct sl_buf *outer, uint32_t number, struct sl_buf *inner)
{
    srv_pb_put_string(outer, number, sl_buf_span(inner));
    sl_buf_clear(inner);
}

struct srv_answer srv_bad_field(const struct srv_misbehave *misbehave, const char *field,
                                const char *description)
{
    struct sl_buf buf;
    struct sl_buf other;
    struct srv_answer refusal = srv_refusal(SL_GRPC_INVALID_ARGUMENT, description);
    if (misbehave->validation_without_details) {
        return refusal;
    }
    sl_buf_init(&buf, DETAILS_MAX);
    sl_buf_init(&other, DETAILS_MAX);
    srv_pb_put_string(&buf, VIOLATION_FIELD,
                      sl_span_str(misbehave->validation_names_wrong_field ? "text" : field));
    srv_pb_put_string(&buf, VIOLATION_DESCRIPTION, sl_span_str(description));
    wrap(&other, BAD_REQUEST_FIELD_VIOLATIONS, &buf);
    srv_pb_put_string(&buf, ANY_TYPE_URL, sl_span_str("type.googleapis.com/google.rpc.BadRequest"));
    wrap(&buf, ANY_VALUE, &other);
    srv_pb_put_varint(&other, STATUS_CODE, SL_GRPC_INVALID_ARGUMENT);
    srv_pb_put_string(&other, STATUS_MESSAGE, sl_span_str(description));
    wrap(&other, STATUS_DETAILS, &buf);
    refusal.details = srv_frame_copy(sl_buf_span(&other));
    sl_buf_release(&buf);
    sl_buf_release(&other);
    return refusal;
}

struct srv_answer srv_limit_reached(struct srv_chat *chat, enum srv_limit limit)
{
    sl_tally_add(&chat->stats.refused[limit], 1);
    return srv_refusal(SL_GRPC_RESOURCE_EXHAUSTED, chat->limit_texts.text[limit]);
}
