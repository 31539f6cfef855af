/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/closed.h"

#include "lib/wire/h2_frame.h"

void srv_h2_closed_init(struct srv_h2_closed *closed)
{
    *closed = (struct srv_h2_closed){.left = SL_H2_PREFACE_SIZE};
}

/* HEADERS of a new stream make it the newest. True when the stream was not new. */
static bool is_old(struct srv_h2_closed *closed, const struct sl_h2_frame_header *frame)
{
    bool is_opening = frame->type == SL_H2_HEADERS && frame->stream > closed->newest;
    if (is_opening && frame->stream % 2 == 1) {
        closed->newest = frame->stream;
        closed->is_newest_open = true;
        return false;
    }
    return frame->stream % 2 == 1 && frame->stream <= closed->newest;
}

/* Notes what a head tells of streams. True when its frame could belong to a closed one. */
static bool is_suspect(struct srv_h2_closed *closed, const struct sl_h2_frame_header *frame)
{
    if (frame->type == SL_H2_RST_STREAM) {
        closed->is_newest_open = closed->is_newest_open && frame->stream != closed->newest;
        return false;
    }
    if (frame->type != SL_H2_DATA && frame->type != SL_H2_HEADERS) {
        return false;
    }
    bool is_known_open = false;
    bool was_old = is_old(closed, frame);
    if (frame->stream == closed->newest) {
        is_known_open = closed->is_newest_open;
        if ((frame->flags & SL_H2_FLAG_END_STREAM) != 0) {
            closed->is_newest_open = false;
        }
    }
    return was_old && !is_known_open;
}

/* Reads on in a head; false when it is not whole. */
static bool take_head(struct srv_h2_closed *closed, struct sl_span rest, size_t *used)
{
    size_t wanted = (size_t)SRV_H2_CLOSED_HEAD - closed->head_len;
    struct sl_span part = sl_span_first(rest, wanted);
    memcpy(closed->head + closed->head_len, part.data, part.len);
    closed->head_len += part.len;
    *used += part.len;
    return closed->head_len == SRV_H2_CLOSED_HEAD;
}

size_t srv_h2_closed_scan(struct srv_h2_closed *closed, struct sl_span bytes)
{
    size_t used = 0;
    closed->suspect = 0;
    while (used < bytes.len) {
        struct sl_span rest = sl_span_from(bytes, used);
        size_t skipped = closed->left < rest.len ? closed->left : rest.len;
        struct sl_h2_frame_header frame;
        closed->left -= skipped;
        used += skipped;
        rest = sl_span_from(rest, skipped);
        if (rest.len == 0 || !take_head(closed, rest, &used)) {
            break;
        }
        closed->head_len = 0;
        if (sl_h2_frame_header_read(sl_span(closed->head, sizeof closed->head), &frame) != SL_OK) {
            break;
        }
        closed->left = frame.length;
        if (is_suspect(closed, &frame)) {
            /* nghttp2 acts when it has the last byte of a head. */
            closed->left++;
            closed->suspect = frame.stream;
            closed->suspect_type = frame.type;
            return used - 1;
        }
    }
    return used;
}

static bool was_reset(const struct srv_h2_closed *closed, uint32_t id)
{
    for (size_t i = 0; i < SRV_H2_CLOSED_RESETS; i++) {
        if (closed->resets[i] == id) {
            return true;
        }
    }
    return id <= closed->forgotten;
}

uint32_t srv_h2_closed_judge(const struct srv_h2_closed *closed, uint32_t last_processed)
{
    uint32_t id = closed->suspect;
    if (id > last_processed || was_reset(closed, id)) {
        return SL_H2_NO_ERROR;
    }
    bool is_reused = closed->suspect_type == SL_H2_HEADERS && id < closed->newest;
    return is_reused ? SL_H2_PROTOCOL_ERROR : SL_H2_STREAM_CLOSED;
}

void srv_h2_closed_note_reset(struct srv_h2_closed *closed, uint32_t id)
{
    uint32_t *place = &closed->resets[closed->next_reset];
    if (*place > closed->forgotten) {
        closed->forgotten = *place;
    }
    *place = id;
    closed->next_reset = (closed->next_reset + 1) % SRV_H2_CLOSED_RESETS;
}
