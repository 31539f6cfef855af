/* SPDX-License-Identifier: Apache-2.0 */
/* CONN-06 to 09: the streams that clients begin, and what they send on those that they have ended. */
#include "lib/wire/obs/state.h"

static bool begins_stream(const struct sl_observer *observer,
                          const struct sl_h2_frame_header *header, const struct sl_stream *stream)
{
    return stream == NULL && header->type == SL_H2_HEADERS && header->stream != 0 &&
           header->stream > observer->highest_stream;
}

/* --- CONN-06, CONN-07 --- */

/* The client has ended this stream, or reset it. */
static void judge_after_end(struct sl_observer *observer, uint8_t type, struct sl_stream *stream)
{
    struct sl_stream_rules *rules = &stream->rules;
    bool is_reset = stream->is_reset[SL_DIR_REQUEST];
    bool is_content = type == SL_H2_DATA || type == SL_H2_HEADERS;
    bool is_told = is_content ? rules->has_reported_after : rules->has_told_after;
    if ((!stream->is_ended[SL_DIR_REQUEST] && !is_reset) || is_told || (!is_content && !is_reset)) {
        return;
    }
    struct sl_rule_place place = sl_rules_request_place(observer, stream);
    place.before = sl_rules_last_frame(stream, SL_DIR_REQUEST);
    const char *after = stream->is_ended[SL_DIR_REQUEST] ? "END_STREAM" : "RST_STREAM";
    if (!is_content) {
        rules->has_told_after = true;
        place.level = 'I'; /* neither is part of a call, and peers ignore it */
        after = "RST_STREAM";
    } else {
        rules->has_reported_after = true;
    }
    /* With both sides ended HEADERS can only be another call. */
    if (type == SL_H2_HEADERS && (is_reset || stream->is_ended[SL_DIR_RESPONSE])) {
        sl_rules_report(observer, SL_RULE_CONN_06, &place,
                        "the client sent HEADERS on stream %u again, after its own %s", stream->id,
                        after);
    } else {
        sl_rules_report(observer, SL_RULE_CONN_07, &place,
                        "the client sent %s on stream %u after its own %s", sl_h2_type_name(type),
                        stream->id, after);
    }
}

/* CONN-06: a block with the fields of a request on an id that is behind. Trailers of a stream that is forgotten have none. */
static void judge_orphan(struct sl_observer *observer, struct sl_stream *stream,
                         const struct sl_headers *headers, bool is_first, bool is_last)
{
    (void)is_first;
    (void)is_last;
    const struct sl_obs_dir *d = &observer->dir[SL_DIR_REQUEST];
    uint32_t id = d->block_header.stream;
    if (stream != NULL || id % 2 == 0 || sl_rules_doubt(observer, SL_DIR_REQUEST) || id <= 1 ||
        sl_headers_find(headers, ":method") == NULL) {
        return; /* stream 1 may have been begun by an upgrade (RFC 7540 3.2) */
    }
    struct sl_rule_place place = {.side = SL_DIR_REQUEST, .stream = id, .at = &observer->at};
    sl_rules_report(observer, SL_RULE_CONN_06, &place,
                    "the client began stream %u after stream %u: ids only go up", id,
                    observer->highest_stream);
}

/* --- CONN-08 --- */

static void report_crowd(struct sl_observer *observer, const struct sl_crowd *crowd)
{
    if (!sl_rules_saw_all(observer)) {
        return; /* what has come since shows that something is missing */
    }
    struct sl_rule_place place = {
        .side = SL_DIR_REQUEST,
        .stream = crowd->stream,
        .at = &crowd->at,
        .frame = {.dir = SL_DIR_REQUEST,
                  .type = SL_H2_HEADERS,
                  .number = crowd->number,
                  .packet = crowd->at.packet},
    };
    sl_rules_report(observer, SL_RULE_CONN_08, &place,
                    "the client began stream %u, with which it has %llu open: the server's "
                    "SETTINGS_MAX_CONCURRENT_STREAMS allows %u",
                    crowd->stream, (unsigned long long)crowd->open, crowd->limit);
}

static void judge_crowd(struct sl_observer *observer, uint32_t id)
{
    struct sl_rules *rules = &observer->rules;
    uint64_t open = observer->calls_open + 1;
    if (open <= rules->streams.value || rules->crowd.is_pending || !sl_rules_saw_all(observer)) {
        return;
    }
    rules->crowd = (struct sl_crowd){
        .stream = id,
        .limit = rules->streams.value,
        .open = open,
        .number = observer->dir[SL_DIR_REQUEST].frames,
        .at = observer->at,
    };
    if (observer->at.packet == 0) {
        report_crowd(observer, &rules->crowd);
    } else {
        rules->crowd.is_pending =
            true; /* the end of another may be in the packet behind this one */
    }
}

/* --- */

static void judge_new(struct sl_observer *observer, const struct sl_h2_frame_header *header)
{
    struct sl_rules *rules = &observer->rules;
    struct sl_rule_place place = {
        .side = SL_DIR_REQUEST, .stream = header->stream, .at = &observer->at};
    if (header->stream % 2 == 0) {
        sl_rules_report(observer, SL_RULE_CONN_06, &place,
                        "the client began stream %u: a client's ids are odd", header->stream);
        return;
    }
    judge_crowd(observer, header->stream);
    if (rules->goaway_mark != 0 && !rules->has_told_goaway && sl_rules_saw_all(observer) &&
        observer->dir[SL_DIR_REQUEST].proven >= rules->goaway_mark) {
        rules->has_told_goaway = true;
        sl_rules_report(observer, SL_RULE_CONN_09, &place,
                        "the client began stream %u after it had received the server's GOAWAY",
                        header->stream);
    }
}

static void judge_frame(struct sl_observer *observer, enum sl_dir dir,
                        const struct sl_h2_frame_header *header, struct sl_stream *stream)
{
    if (dir != SL_DIR_REQUEST || sl_rules_doubt(observer, dir)) {
        return;
    }
    if (begins_stream(observer, header, stream)) {
        judge_new(observer, header);
    } else if (stream != NULL && stream->id % 2 == 1 &&
               (header->type == SL_H2_DATA || header->type == SL_H2_HEADERS ||
                header->type == SL_H2_RST_STREAM || header->type == SL_H2_WINDOW_UPDATE)) {
        judge_after_end(observer, header->type, stream);
    }
}

static void note_setting(struct sl_observer *observer, enum sl_dir dir,
                         const struct sl_h2_setting_pair *pair)
{
    if (dir == SL_DIR_RESPONSE && pair->id == SL_H2_SETTINGS_MAX_CONCURRENT_STREAMS) {
        sl_rules_limit_announce(&observer->rules.streams, pair->value, observer->dir[dir].frames);
    }
}

static void whole(struct sl_observer *observer, enum sl_dir dir,
                  const struct sl_h2_frame_header *header, struct sl_span payload)
{
    struct sl_rules *rules = &observer->rules;
    (void)payload;
    if (header->stream != 0) {
        return;
    }
    if (header->type == SL_H2_GOAWAY && dir == SL_DIR_RESPONSE && rules->goaway_mark == 0) {
        rules->goaway_mark = observer->dir[dir].frames;
    }
}

static void acked(struct sl_observer *observer, enum sl_dir dir, uint64_t mark)
{
    if (dir == SL_DIR_REQUEST) {
        (void)sl_rules_limit_ack(&observer->rules.streams, mark);
    }
}

static void fed(struct sl_observer *observer, enum sl_dir dir)
{
    struct sl_crowd *crowd = &observer->rules.crowd;
    if (!crowd->is_pending || dir != SL_DIR_RESPONSE) {
        return;
    }
    bool is_close = sl_rules_are_close(&crowd->at, &observer->at);
    crowd->is_pending = is_close && observer->calls_open > crowd->limit;
    if (!is_close) {
        report_crowd(observer, crowd);
    }
}

static void gap(struct sl_observer *observer, enum sl_dir dir)
{
    (void)dir;
    observer->rules.crowd.is_pending = false;
}

static void closed(struct sl_observer *observer, enum sl_dir dir)
{
    struct sl_crowd *crowd = &observer->rules.crowd;
    /* A direction that was not captured at all ended nothing and proves nothing. */
    if (crowd->is_pending && dir == SL_DIR_RESPONSE && observer->dir[dir].has_frame) {
        crowd->is_pending = false;
        report_crowd(observer, crowd);
    }
}

const struct sl_rule_group sl_rules_client = {
    .frame = judge_frame,
    .whole = whole,
    .setting = note_setting,
    .acked = acked,
    .request = judge_orphan,
    .fed = fed,
    .gap = gap,
    .closed = closed,
};
