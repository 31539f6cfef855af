/* SPDX-License-Identifier: Apache-2.0 */
/* FLOW-24, and of CALL-20 what concerns RST_STREAM: frames of a stream that was reset. */
#include "lib/wire/obs/state.h"

/* The sender of dir had the other side's RST_STREAM and sent this all the same. */
static void judge_after_reset(struct sl_observer *observer, enum sl_dir dir, uint8_t type,
                              struct sl_stream *stream)
{
    enum sl_dir other = sl_obs_other(dir);
    struct sl_stream_rules *rules = &stream->rules;
    uint64_t mark = rules->reset_mark[other];
    if (mark == 0 || observer->dir[dir].proven < mark || rules->has_reported_reset[dir]) {
        return;
    }
    struct sl_rule_place place = sl_rules_side_place(observer, dir, stream);
    place.before = (struct sl_frame_ref){
        .dir = other,
        .type = SL_H2_RST_STREAM,
        .number = mark,
        .packet = rules->closed_packet[other],
    };
    if (type == SL_H2_RST_STREAM || type == SL_H2_WINDOW_UPDATE) {
        if (rules->has_sent_on[other] || rules->has_told_reset[dir]) {
            return; /* RFC 9113 5.1: it may answer what came on the stream that was closed */
        }
        rules->has_told_reset[dir] = true;
        place.level = 'I'; /* neither takes of a window nor is taken for part of a call */
    } else {
        rules->has_reported_reset[dir] = true;
    }
    sl_rules_report(observer, SL_RULE_FLOW_24, &place,
                    "the %s sent %s on stream %u after it had received the %s's RST_STREAM",
                    sl_rules_side_name(dir), sl_h2_type_name(type), stream->id,
                    sl_rules_side_name(other));
}

/* CALL-20: the server has reset the stream itself. After END_STREAM the frame is told by rules/call.c. */
static void judge_after_own(struct sl_observer *observer, uint8_t type, struct sl_stream *stream)
{
    if ((type != SL_H2_DATA && type != SL_H2_HEADERS) || !stream->is_reset[SL_DIR_RESPONSE] ||
        stream->is_ended[SL_DIR_RESPONSE] || stream->rules.has_reported_end) {
        return;
    }
    stream->rules.has_reported_end = true;
    struct sl_rule_place place = sl_rules_place_of(observer, stream);
    place.before = sl_rules_last_frame(stream, SL_DIR_RESPONSE);
    sl_rules_report(observer, SL_RULE_CALL_20, &place,
                    "the server sent %s on stream %u after its RST_STREAM", sl_h2_type_name(type),
                    stream->id);
}

static void judge_frame(struct sl_observer *observer, enum sl_dir dir,
                        const struct sl_h2_frame_header *header, struct sl_stream *stream)
{
    uint8_t type = header->type;
    if (stream == NULL || sl_rules_doubt(observer, dir) ||
        (type != SL_H2_DATA && type != SL_H2_HEADERS && type != SL_H2_RST_STREAM &&
         type != SL_H2_WINDOW_UPDATE)) {
        return;
    }
    struct sl_stream_rules *rules = &stream->rules;
    judge_after_reset(observer, dir, type, stream);
    if (dir == SL_DIR_RESPONSE) {
        judge_after_own(observer, type, stream);
    }
    if (rules->reset_mark[dir] != 0) {
        rules->has_sent_on[dir] = true;
    } else if (type == SL_H2_RST_STREAM && header->length == 4) {
        rules->reset_mark[dir] = observer->dir[dir].frames;
        rules->closed_packet[dir] = observer->at.packet;
    }
}

const struct sl_rule_group sl_rules_reset = {
    .frame = judge_frame,
};
