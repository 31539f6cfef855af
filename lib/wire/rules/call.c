/* SPDX-License-Identifier: Apache-2.0 */
/* CALL-20: frames of a stream that the server has ended. */
#include "lib/wire/obs/state.h"

/* RST_STREAM or WINDOW_UPDATE after the server's END_STREAM: why it should not be there, or NULL. */
static const char *why_superfluous(const struct sl_stream *stream, uint8_t type)
{
    if (type == SL_H2_RST_STREAM && stream->rules.has_late_request) {
        return NULL; /* RFC 9113 5.1: the answer to a frame on a stream that was closed */
    }
    if (stream->is_reset[SL_DIR_RESPONSE]) {
        return "after its END_STREAM and RST_STREAM";
    }
    return stream->rules.is_closed_proven ? "after both sides had ended" : NULL;
}

/* CALL-20: a frame of the server on a stream that it has ended. */
static void frame_after_end(struct sl_observer *observer, enum sl_dir dir,
                            const struct sl_h2_frame_header *header, struct sl_stream *stream)
{
    if (stream == NULL || !stream->is_ended[SL_DIR_RESPONSE] || header->type == SL_H2_PRIORITY ||
        header->type == SL_H2_CONTINUATION || sl_h2_type_name(header->type) == NULL) {
        return; /* RFC 9113 5.5: extension frames have rules of their own */
    }
    if (dir == SL_DIR_REQUEST) {
        stream->rules.has_late_request = true;
        return;
    }
    bool may_follow = header->type == SL_H2_RST_STREAM || header->type == SL_H2_WINDOW_UPDATE;
    const char *after = "after its END_STREAM";
    if (may_follow) {
        after = why_superfluous(stream, header->type);
    }
    if (after == NULL || stream->rules.has_reported_end) {
        return;
    }
    struct sl_rule_place place = sl_rules_place_of(observer, stream);
    place.before = sl_rules_last_frame(stream, SL_DIR_RESPONSE);
    /* RFC 9113 5.4.2: a second RST_STREAM may answer a frame of the client that crossed the first. */
    bool may_have_crossed = !stream->rules.is_closed_proven && header->type == SL_H2_RST_STREAM;
    if (may_follow && (!stream->is_reset[SL_DIR_RESPONSE] || may_have_crossed)) {
        if (stream->rules.has_told_superfluous) {
            return;
        }
        stream->rules.has_told_superfluous = true;
        place.level = 'I'; /* The gRPC C core does so at every deadline; peers ignore it. */
    } else {
        stream->rules.has_reported_end = true;
    }
    sl_rules_report(observer, SL_RULE_CALL_20, &place, "the server sent %s on stream %u %s",
                    sl_h2_type_name(header->type), stream->id, after);
}

static void end_stream(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                       bool is_on_data)
{
    (void)is_on_data;
    if (dir == SL_DIR_RESPONSE) {
        stream->rules.is_closed_proven =
            stream->is_ended[SL_DIR_REQUEST] &&
            stream->ended_mark[SL_DIR_REQUEST] <= observer->dir[SL_DIR_RESPONSE].proven;
    }
}

const struct sl_rule_group sl_rules_call = {
    .frame = frame_after_end,
    .end_stream = end_stream,
};
