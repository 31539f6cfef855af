/* SPDX-License-Identifier: Apache-2.0 */
/* FRM-18 to FRM-20: the grammar of frames. */
#include "lib/base/rd.h"
#include "lib/wire/obs/state.h"

static const char *type_of(uint8_t type)
{
    const char *name = sl_h2_type_name(type);
    return name == NULL ? "an unknown frame" : name;
}

static struct sl_rule_place place_of(const struct sl_observer *observer, enum sl_dir dir)
{
    return (struct sl_rule_place){
        .side = dir,
        .stream = observer->dir[dir].header.stream,
        .at = &observer->at,
    };
}

/* RFC 9113 6: what is wrong with the place of such a frame, or NULL. */
static const char *wrong_place(const struct sl_h2_frame_header *header)
{
    switch (header->type) {
    case SL_H2_DATA:
    case SL_H2_HEADERS:
    case SL_H2_PRIORITY:
    case SL_H2_RST_STREAM:
    case SL_H2_PUSH_PROMISE:
    case SL_H2_CONTINUATION:
        return header->stream == 0 ? "on the connection, not on a stream" : NULL;
    case SL_H2_SETTINGS:
    case SL_H2_PING:
    case SL_H2_GOAWAY:
        return header->stream != 0 ? "on a stream, not on the connection" : NULL;
    default:
        return NULL;
    }
}

/* RFC 9113 6: whether such a frame cannot have this length. An ack of SETTINGS is CONN-17's. */
static bool is_length_wrong(const struct sl_h2_frame_header *header)
{
    uint32_t prefix = 0;
    switch (header->type) {
    case SL_H2_PRIORITY:
        return header->length != 5;
    case SL_H2_RST_STREAM:
    case SL_H2_WINDOW_UPDATE:
        return header->length != 4;
    case SL_H2_PING:
        return header->length != 8;
    case SL_H2_GOAWAY:
        return header->length < 8;
    case SL_H2_SETTINGS:
        return header->length % 6 != 0;
    case SL_H2_HEADERS:
        prefix += (header->flags & SL_H2_FLAG_PRIORITY) != 0 ? 5 : 0;
        prefix += (header->flags & SL_H2_FLAG_PADDED) != 0 ? 1 : 0;
        return header->length < prefix;
    case SL_H2_PUSH_PROMISE:
        return header->length < 4;
    default:
        return false;
    }
}

static void report_idle(struct sl_observer *observer, enum sl_dir dir, const struct sl_early *early)
{
    struct sl_rule_place place = {
        .side = dir,
        .stream = early->stream,
        .at = &early->at,
        .frame = {.dir = dir,
                  .type = early->type,
                  .number = early->number,
                  .packet = early->at.packet},
    };
    sl_rules_report(observer, SL_RULE_FRM_18, &place,
                    "the %s sent %s on stream %u, which nobody had begun", sl_rules_side_name(dir),
                    type_of(early->type), early->stream);
}

/* RFC 9113 5.1: on an idle stream only HEADERS of the client and PRIORITY may come. */
static void judge_idle(struct sl_observer *observer, enum sl_dir dir,
                       const struct sl_h2_frame_header *header, const struct sl_stream *stream)
{
    struct sl_rules *rules = &observer->rules;
    bool is_of_stream = header->type == SL_H2_DATA || header->type == SL_H2_RST_STREAM ||
                        header->type == SL_H2_WINDOW_UPDATE ||
                        (header->type == SL_H2_HEADERS && dir == SL_DIR_RESPONSE);
    /* Stream 1 may have been begun by an upgrade (RFC 7540 3.2). */
    if (!is_of_stream || header->stream <= 1 || !sl_rules_saw_all(observer)) {
        return;
    }
    struct sl_early seen = {
        .kind = SL_EARLY_STREAM,
        .type = header->type,
        .stream = header->stream,
        .number = observer->dir[dir].frames,
        .at = observer->at,
    };
    if (dir == SL_DIR_REQUEST) {
        bool is_own = header->stream % 2 == 1;
        uint32_t begun = is_own ? observer->highest_stream : rules->highest_promised;
        if (stream == NULL && header->stream > begun) {
            report_idle(observer, dir, &seen);
        }
        return;
    }
    /* What the client has named, rightly or not, may be answered. */
    if (header->stream <= rules->highest_named[SL_DIR_REQUEST] ||
        rules->early[dir].kind != SL_EARLY_NONE) {
        return;
    }
    if (observer->at.packet == 0) {
        report_idle(observer, dir, &seen);
        return;
    }
    rules->early[dir] = seen;
}

/* FRM-20, and CONTINUATION without anything to continue. */
static void judge_block(struct sl_observer *observer, enum sl_dir dir,
                        const struct sl_h2_frame_header *header)
{
    const struct sl_obs_dir *d = &observer->dir[dir];
    bool is_continuation = header->type == SL_H2_CONTINUATION;
    uint32_t *broken = &observer->rules.broken_block[dir];
    if (!d->is_in_block && (!is_continuation || header->stream == *broken)) {
        return; /* the rest of a block that is no more was told with what broke it */
    }
    struct sl_rule_place place = place_of(observer, dir);
    if (d->is_in_block && (!is_continuation || header->stream != d->block_header.stream)) {
        *broken = d->block_header.stream;
        sl_rules_report(observer, SL_RULE_FRM_20, &place,
                        "the %s sent %s on stream %u within the header block of stream %u",
                        sl_rules_side_name(dir), type_of(header->type), header->stream,
                        d->block_header.stream);
    } else if (!d->is_in_block) {
        sl_rules_report(observer, SL_RULE_FRM_18, &place,
                        "the %s sent CONTINUATION on stream %u without HEADERS before it",
                        sl_rules_side_name(dir), header->stream);
    }
}

static void judge_frame(struct sl_observer *observer, enum sl_dir dir,
                        const struct sl_h2_frame_header *header, struct sl_stream *stream)
{
    struct sl_rules *rules = &observer->rules;
    if (header->stream > rules->highest_named[dir]) {
        rules->highest_named[dir] = header->stream;
    }
    if (sl_rules_doubt(observer, dir)) {
        return;
    }
    judge_block(observer, dir, header);
    /* A capture may lack all that the other side sent, and so its SETTINGS. */
    bool is_limit_known = observer->at.packet == 0 || observer->dir[sl_obs_other(dir)].has_frame;
    if (is_limit_known && sl_rules_saw_all(observer) &&
        (header->length > observer->dir[dir].max_frame ||
         header->length > rules->frame_size[dir].value)) {
        struct sl_rule_place place = place_of(observer, dir);
        sl_rules_report(observer, SL_RULE_FRM_19, &place,
                        "the %s sent %s of %u bytes, longer than the other side allows",
                        sl_rules_side_name(dir), type_of(header->type), header->length);
        return;
    }
    const char *where = wrong_place(header);
    if (where != NULL) {
        struct sl_rule_place place = place_of(observer, dir);
        sl_rules_report(observer, SL_RULE_FRM_18, &place, "the %s sent %s %s",
                        sl_rules_side_name(dir), type_of(header->type), where);
    } else if (is_length_wrong(header)) {
        struct sl_rule_place place = place_of(observer, dir);
        sl_rules_report(observer, SL_RULE_FRM_18, &place, "the %s sent %s of %u bytes",
                        sl_rules_side_name(dir), type_of(header->type), header->length);
    } else {
        judge_idle(observer, dir, header, stream);
    }
}

/* The client's SETTINGS_ENABLE_PUSH, and the frame size that the sender of dir takes. */
static void note_setting(struct sl_observer *observer, enum sl_dir dir,
                         const struct sl_h2_setting_pair *pair)
{
    struct sl_rules *rules = &observer->rules;
    uint64_t mark = observer->dir[dir].frames;
    if (pair->id == SL_H2_SETTINGS_ENABLE_PUSH && dir == SL_DIR_REQUEST) {
        bool was_off = rules->push_off_mark != 0;
        rules->push_off_mark = pair->value != 0 ? 0 : was_off ? rules->push_off_mark : mark;
    } else if (pair->id == SL_H2_SETTINGS_MAX_FRAME_SIZE &&
               pair->value >= SL_H2_DEFAULT_MAX_FRAME && pair->value <= SL_H2_MAX_FRAME_LIMIT) {
        sl_rules_limit_announce(&rules->frame_size[sl_obs_other(dir)], pair->value, mark);
    }
}

/* RFC 9113 6.6: the stream that it promises; 0 where that is cut off. */
static uint32_t promised_by(const struct sl_h2_frame_header *header, struct sl_span payload)
{
    struct sl_rd rd;
    sl_rd_init(&rd, payload);
    if ((header->flags & SL_H2_FLAG_PADDED) != 0) {
        (void)sl_rd_u8(&rd);
    }
    uint32_t id = sl_rd_be32(&rd) & SL_H2_MAX_WINDOW;
    return sl_rd_ok(&rd) ? id : 0;
}

static void judge_push(struct sl_observer *observer, enum sl_dir dir,
                       const struct sl_h2_frame_header *header, struct sl_span payload)
{
    struct sl_rules *rules = &observer->rules;
    struct sl_rule_place place = place_of(observer, dir);
    uint32_t promised = promised_by(header, payload);
    uint32_t before = rules->highest_promised;
    if (dir == SL_DIR_RESPONSE && promised > before) {
        rules->highest_promised = promised;
    }
    if (dir == SL_DIR_REQUEST) {
        sl_rules_report(observer, SL_RULE_FRM_18, &place, "the client sent PUSH_PROMISE");
    } else if (rules->push_off_mark != 0 && observer->dir[dir].proven >= rules->push_off_mark &&
               sl_rules_saw_all(observer)) {
        sl_rules_report(observer, SL_RULE_FRM_18, &place,
                        "the server sent PUSH_PROMISE, which the client's SETTINGS forbid");
    } else if (promised % 2 == 1 || promised <= before) {
        sl_rules_report(observer, SL_RULE_FRM_18, &place,
                        "the server promised stream %u after stream %u: its ids are even, and only "
                        "go up",
                        promised, before);
    }
}

static void report_padding(struct sl_observer *observer, enum sl_dir dir)
{
    const struct sl_h2_frame_header *header = &observer->dir[dir].header;
    struct sl_rule_place place = place_of(observer, dir);
    if (!sl_rules_doubt(observer, dir)) {
        sl_rules_report(observer, SL_RULE_FRM_18, &place,
                        "the %s sent %s of %u bytes on stream %u with more padding than that",
                        sl_rules_side_name(dir), type_of(header->type), header->length,
                        header->stream);
    }
}

static void judge_whole(struct sl_observer *observer, enum sl_dir dir,
                        const struct sl_h2_frame_header *header, struct sl_span payload)
{
    if (header->type == SL_H2_PUSH_PROMISE && !sl_rules_doubt(observer, dir)) {
        judge_push(observer, dir, header, payload);
    }
    struct sl_span content;
    bool is_padded = (header->type == SL_H2_HEADERS || header->type == SL_H2_PUSH_PROMISE) &&
                     (header->flags & SL_H2_FLAG_PADDED) != 0;
    if (is_padded && payload.len == header->length && !is_length_wrong(header) &&
        sl_h2_frame_content(header, payload, &content) != SL_OK) {
        report_padding(observer, dir);
    }
}

static void acked(struct sl_observer *observer, enum sl_dir dir, uint64_t mark)
{
    (void)sl_rules_limit_ack(&observer->rules.frame_size[dir], mark);
}

/* --- what a capture may show before what it rests on --- */

/* What has come since may show that the beginning is missing. */
static void report_early(struct sl_observer *observer, enum sl_dir dir,
                         const struct sl_early *early)
{
    if (sl_rules_saw_all(observer)) {
        report_idle(observer, dir, early);
    }
}

static void fed(struct sl_observer *observer, enum sl_dir dir)
{
    struct sl_early *early = &observer->rules.early[sl_obs_other(dir)];
    if (early->kind != SL_EARLY_STREAM) {
        return;
    }
    bool is_close = sl_rules_are_close(&early->at, &observer->at);
    if (early->stream <= observer->rules.highest_named[dir] && is_close) {
        early->kind = SL_EARLY_NONE; /* here it is */
    } else if (!is_close) {
        early->kind = SL_EARLY_NONE;
        report_early(observer, sl_obs_other(dir), early);
    }
}

static void gap(struct sl_observer *observer, enum sl_dir dir)
{
    struct sl_early *early = &observer->rules.early[sl_obs_other(dir)];
    if (early->kind == SL_EARLY_STREAM) {
        early->kind = SL_EARLY_NONE;
    }
}

static void closed(struct sl_observer *observer, enum sl_dir dir)
{
    const struct sl_early *early = &observer->rules.early[sl_obs_other(dir)];
    if (observer->dir[dir].has_frame && early->kind == SL_EARLY_STREAM) {
        report_early(observer, sl_obs_other(dir), early);
    }
    gap(observer, dir);
}

const struct sl_rule_group sl_rules_frames = {
    .frame = judge_frame,
    .whole = judge_whole,
    .setting = note_setting,
    .acked = acked,
    .padding = report_padding,
    .fed = fed,
    .gap = gap,
    .closed = closed,
};
