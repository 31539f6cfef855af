/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/message_in.h"

#include "lib/wire/message.h"

enum {
    FLAG_COMPRESSED = 1,
    PREFIX_SIZE = SL_MESSAGE_PREFIX_SIZE,
};

void srv_h2_message_in_init(struct srv_h2_message_in *in, uint32_t max, bool takes_one,
                            enum srv_h2_encoding encoding)
{
    *in = (struct srv_h2_message_in){
        .max = max, .inflated_max = max, .takes_one = takes_one, .encoding = (uint8_t)encoding};
}

void srv_h2_message_in_release(struct srv_h2_message_in *in)
{
    srv_frame_unref(in->frame);
    in->frame = NULL;
}

static enum srv_h2_fed refuse(struct srv_h2_message_in *in, enum sl_grpc_status status,
                              const char *text, struct srv_h2_refusal *ret_refusal)
{
    srv_h2_message_in_release(in);
    in->is_refused = true;
    *ret_refusal = srv_h2_grpc_refusal(status, text);
    return SRV_H2_FED_REFUSED;
}

/* The prefix is whole: SRV_H2_FED_ALL when the message may come. */
static enum srv_h2_fed begin(struct srv_h2_message_in *in, struct srv_h2_refusal *ret_refusal)
{
    uint8_t flag = in->prefix[0];
    in->length = (uint32_t)in->prefix[1] << 24 | (uint32_t)in->prefix[2] << 16 |
                 (uint32_t)in->prefix[3] << 8 | in->prefix[4];
    in->have = 0;
    if (flag > FLAG_COMPRESSED) {
        return refuse(in, SL_GRPC_INTERNAL, "reserved flags of a message are set", ret_refusal);
    }
    if (flag == FLAG_COMPRESSED && in->encoding == SRV_H2_IDENTITY) {
        return refuse(in, SL_GRPC_INTERNAL, "a message is compressed without a grpc-encoding",
                      ret_refusal);
    }
    if (in->length > in->max) {
        return refuse(in, SL_GRPC_RESOURCE_EXHAUSTED, "the message is too large", ret_refusal);
    }
    if (in->takes_one && in->has_any) {
        return refuse(in, SL_GRPC_UNIMPLEMENTED, "the method takes one message", ret_refusal);
    }
    return SRV_H2_FED_ALL;
}

/* Reads on in the prefix; false when it is not whole. */
static bool take_prefix(struct srv_h2_message_in *in, struct sl_span *piece)
{
    size_t wanted = (size_t)PREFIX_SIZE - in->prefix_len;
    struct sl_span part = sl_span_first(*piece, wanted);
    if (part.len > 0) {
        memcpy(in->prefix + in->prefix_len, part.data, part.len);
        in->prefix_len = (uint8_t)(in->prefix_len + part.len);
        *piece = sl_span_from(*piece, part.len);
    }
    return in->prefix_len == PREFIX_SIZE;
}

/* Room for what has come, doubled while it grows. */
static void make_room(struct srv_h2_message_in *in, size_t len)
{
    size_t room = in->frame == NULL ? 0 : in->frame->len;
    if (len > room || in->frame == NULL) {
        size_t doubled = len > room * 2 ? len : room * 2;
        in->frame = srv_frame_resize(in->frame, doubled < in->length ? doubled : in->length);
    }
}

/* Reads on in the payload; false when it is not whole. */
static bool take_payload(struct srv_h2_message_in *in, struct sl_span *piece)
{
    struct sl_span part = sl_span_first(*piece, in->length - in->have);
    make_room(in, in->have + part.len);
    if (part.len > 0) {
        memcpy(in->frame->data + in->have, part.data, part.len);
        in->have += (uint32_t)part.len;
        *piece = sl_span_from(*piece, part.len);
    }
    return in->have == in->length;
}

static enum srv_h2_fed inflate_it(struct srv_h2_message_in *in, struct srv_frame **ret_frame,
                                  struct srv_h2_refusal *ret_refusal)
{
    struct sl_span encoding = sl_span_str(srv_h2_encoding_name((enum srv_h2_encoding)in->encoding));
    struct sl_buf plain;
    sl_buf_init(&plain, in->inflated_max);
    enum sl_status status = sl_message_decompress(encoding, srv_frame_span(in->frame), &plain);
    srv_h2_message_in_release(in);
    if (status == SL_OK) {
        *ret_frame = srv_frame_copy(sl_buf_span(&plain));
    }
    sl_buf_release(&plain);
    if (status == SL_LIMIT) {
        return refuse(in, SL_GRPC_RESOURCE_EXHAUSTED, "the message is too large when inflated",
                      ret_refusal);
    }
    return status == SL_OK
               ? SRV_H2_FED_MESSAGE
               : refuse(in, SL_GRPC_INTERNAL, "a compressed message is damaged", ret_refusal);
}

enum srv_h2_fed srv_h2_message_in_feed(struct srv_h2_message_in *in, struct sl_span *piece,
                                       struct srv_frame **ret_frame,
                                       struct srv_h2_refusal *ret_refusal)
{
    if (in->is_refused) {
        *piece = sl_span(NULL, 0);
        return SRV_H2_FED_ALL;
    }
    if (in->prefix_len < PREFIX_SIZE) {
        if (!take_prefix(in, piece)) {
            return SRV_H2_FED_ALL;
        }
        enum srv_h2_fed fed = begin(in, ret_refusal);
        if (fed != SRV_H2_FED_ALL) {
            return fed;
        }
    }
    if (!take_payload(in, piece)) {
        return SRV_H2_FED_ALL;
    }
    in->prefix_len = 0;
    in->has_any = true;
    in->is_zipped = in->prefix[0] == FLAG_COMPRESSED;
    if (in->is_zipped) {
        return inflate_it(in, ret_frame, ret_refusal);
    }
    *ret_frame = in->frame;
    in->frame = NULL;
    return SRV_H2_FED_MESSAGE;
}

struct srv_h2_refusal srv_h2_message_in_end(const struct srv_h2_message_in *in)
{
    if (in->prefix_len > 0) {
        return srv_h2_grpc_refusal(SL_GRPC_INTERNAL, "the request ends inside a message");
    }
    if (in->takes_one && !in->has_any) {
        return srv_h2_grpc_refusal(SL_GRPC_UNIMPLEMENTED, "the method takes one message");
    }
    return (struct srv_h2_refusal){.how = SRV_H2_SERVED, .text = ""};
}
