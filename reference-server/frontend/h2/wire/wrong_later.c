/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong servers: how they read messages of requests by the place where these begin and end, behind the first one too. */
#include "lib/base/alloc.h"
#include "reference-server/frontend/h2/wire/deviation.h"

enum {
    PREFIX = 5,  /* of a message */
    LOST = 0xff, /* in place of prefix: nothing more of the stream is read */
};

/* Where a stream stands in its messages; kept in its notes. */
struct place {
    uint8_t prefix;    /* bytes of the prefix that came */
    uint8_t first;     /* flag of the first message */
    uint32_t messages; /* that are whole */
    uint32_t length;   /* of the present one, as far as it is known */
    uint32_t left;
};

static struct place place_of(const struct srv_wire_stream *stream)
{
    return (struct place){
        .prefix = (uint8_t)stream->note[0],
        .first = (uint8_t)(stream->note[0] >> 8),
        .messages = (uint32_t)(stream->note[0] >> 32),
        .length = (uint32_t)stream->note[1],
        .left = (uint32_t)(stream->note[1] >> 32),
    };
}

static void keep(struct srv_wire_stream *stream, const struct place *place)
{
    stream->note[0] = place->prefix | (uint64_t)place->first << 8 | (uint64_t)place->messages << 32;
    stream->note[1] = place->length | (uint64_t)place->left << 32;
}

static bool is_at_start(const struct place *place)
{
    return place->prefix == 0;
}

static void step(struct place *place, uint8_t byte)
{
    if (place->prefix == PREFIX) {
        place->left--;
    } else {
        if (is_at_start(place) && place->messages == 0) {
            place->first = byte;
        }
        place->length = is_at_start(place) ? 0 : place->length << 8 | byte;
        place->left = place->length;
        place->prefix++;
    }
    if (place->prefix == PREFIX && place->left == 0) {
        place->prefix = 0;
        place->messages++;
    }
}

static bool is_data(const struct srv_wire_stream *stream, const struct srv_wire_frame *frame)
{
    return stream != NULL && frame->type == SL_H2_DATA && (frame->flags & SL_H2_FLAG_PADDED) == 0;
}

/* Follows the frame; false where it is none of messages, or its stream is lost. */
static bool follow(struct srv_wire_stream *stream, const struct srv_wire_frame *frame,
                   struct place *ret_place)
{
    if (!is_data(stream, frame)) {
        return false;
    }
    *ret_place = place_of(stream);
    if (ret_place->prefix == LOST) {
        return false;
    }
    for (size_t i = 0; i < frame->payload.len; i++) {
        step(ret_place, frame->payload.data[i]);
    }
    keep(stream, ret_place);
    return true;
}

static bool is_lost(const struct srv_wire_stream *stream, const struct srv_wire_frame *frame)
{
    return is_data(stream, frame) && place_of(stream).prefix == LOST;
}

static bool lose(struct srv_wire_stream *stream, struct place *place)
{
    place->prefix = LOST;
    keep(stream, place);
    return true;
}

/* A frame that ends with a prefix is waited upon for its message, and what comes next is not looked at. */
SRV_WIRE_FRAME_HOOK(prefix_alone_hangs)
{
    struct place place;
    (void)wire;
    if (!follow(stream, frame, &place)) {
        return is_lost(stream, frame);
    }
    bool is_alone = place.prefix == PREFIX && place.left == place.length;
    return is_alone && lose(stream, &place);
}

SRV_WIRE_FRAME_HOOK(later_split_prefix_hangs)
{
    struct place place;
    (void)wire;
    if (!follow(stream, frame, &place)) {
        return is_lost(stream, frame);
    }
    bool is_split = place.messages > 0 && place.prefix > 0 && place.prefix < PREFIX;
    return is_split && lose(stream, &place);
}

/* Only the first message's flag is looked at. */
SRV_WIRE_FRAME_HOOK(later_flags_not_read)
{
    if (!is_data(stream, frame) || frame->payload.len == 0) {
        return false;
    }
    struct place place = place_of(stream);
    uint8_t *bytes = sl_alloc(frame->payload.len);
    for (size_t i = 0; i < frame->payload.len; i++) {
        uint8_t byte = frame->payload.data[i];
        bytes[i] = is_at_start(&place) && place.messages > 0 ? 0 : byte;
        step(&place, byte);
    }
    keep(stream, &place);
    srv_wire_put_data(wire, SRV_WIRE_IN, frame->stream, frame->flags,
                      sl_span(bytes, frame->payload.len));
    sl_free(bytes);
    return true;
}

/* What a stream's end cuts is thrown away where a whole message came before. */
SRV_WIRE_FRAME_HOOK(later_cut_dropped)
{
    if (!is_data(stream, frame)) {
        return false;
    }
    struct place place = place_of(stream);
    size_t whole = 0; /* bytes up to the end of the last whole message */
    for (size_t i = 0; i < frame->payload.len; i++) {
        step(&place, frame->payload.data[i]);
        whole = is_at_start(&place) ? i + 1 : whole;
    }
    keep(stream, &place);
    if ((frame->flags & SL_H2_FLAG_END_STREAM) == 0 || is_at_start(&place) || place.messages == 0) {
        return false;
    }
    srv_wire_put_data(wire, SRV_WIRE_IN, frame->stream, frame->flags,
                      sl_span_first(frame->payload, whole));
    return true;
}

/* While a message is not whole, streams that begin are not looked at. */
SRV_WIRE_FRAME_HOOK(stalled_prefix_blocks)
{
    struct place place;
    uint64_t *waits_for = &wire->note[0];
    if (follow(stream, frame, &place)) {
        bool is_within = !is_at_start(&place);
        *waits_for = is_within ? frame->stream : *waits_for == frame->stream ? 0 : *waits_for;
    }
    return frame->type == SL_H2_HEADERS && *waits_for != 0 && *waits_for != frame->stream;
}

/* Messages of one stream are all compressed, or none is. */
SRV_WIRE_FRAME_HOOK(mixed_flags_refused)
{
    if (!is_data(stream, frame)) {
        return false;
    }
    struct place place = place_of(stream);
    bool is_mixed = false;
    for (size_t i = 0; i < frame->payload.len; i++) {
        uint8_t byte = frame->payload.data[i];
        is_mixed |= is_at_start(&place) && place.messages > 0 && byte != place.first;
        step(&place, byte);
    }
    keep(stream, &place);
    if (is_mixed) {
        (void)sl_h2_write_rst_stream(wire->to[SRV_WIRE_OUT], frame->stream, SL_H2_INTERNAL_ERROR);
    }
    return is_mixed;
}

#define FRAME(name) SRV_WIRE_DEVIATION(name, .frame[SRV_WIRE_IN] = (name))

static const struct srv_wire_deviation deviations[] = {
    FRAME(prefix_alone_hangs), FRAME(later_split_prefix_hangs), FRAME(later_flags_not_read),
    FRAME(later_cut_dropped),  FRAME(stalled_prefix_blocks),    FRAME(mixed_flags_refused),
};
const struct srv_wire_group srv_wire_group_later = {deviations,
                                                    sizeof(deviations) / sizeof(deviations[0])};
