/* SPDX-License-Identifier: Apache-2.0 */
/* CONN rules: SETTINGS, PING and GOAWAY. */
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/rd.h"
#include "lib/wire/obs/state.h"

enum {
    PATIENCE = 8, /* frames that a sender may send before an answer that it owes */
};

/* After which an answer is owed in a capture though nothing proves that the question came: no peer, and no network that
 * carries the other direction, takes so long. */
#define LONG_NS (UINT64_C(30) * 1000 * 1000 * 1000)

/* RFC 9113 6.5.3: in a reasonable amount of time. A stack whose writers are tasks of their own answers later frames first,
 * but not for so long. */
#define REASONABLE_NS (UINT64_C(1) * 1000 * 1000 * 1000)

static bool is_older(const struct sl_observer *observer, const struct sl_obs_sent *asked,
                     uint64_t age_ns)
{
    return observer->at.time_ns > asked->at.time_ns + age_ns;
}

static bool has_times(const struct sl_observer *observer, const struct sl_obs_sent *asked)
{
    return observer->at.has_time && asked->at.has_time;
}

/* A capture shows that this was asked LONG_NS ago. */
static bool is_long_ago(const struct sl_observer *observer, const struct sl_obs_sent *asked)
{
    return observer->at.packet != 0 && has_times(observer, asked) &&
           is_older(observer, asked, LONG_NS);
}

/* That the answer may still come: of what has ended in a capture it does not; we end connections of our own early. */
static bool may_come(const struct sl_observer *observer, const struct sl_obs_sent *asked,
                     bool is_last)
{
    bool is_over = is_last && observer->at.packet != 0;
    return !is_over && has_times(observer, asked) && !is_older(observer, asked, REASONABLE_NS);
}

static struct sl_rule_place place_of(const struct sl_observer *observer, enum sl_dir dir)
{
    return (struct sl_rule_place){.side = dir, .at = &observer->at};
}

/* CONN-01: the first frame of a side is SETTINGS. */
static void judge_first(struct sl_observer *observer, enum sl_dir dir,
                        const struct sl_h2_frame_header *header)
{
    bool is_settings = header->type == SL_H2_SETTINGS && (header->flags & SL_H2_FLAG_ACK) == 0;
    if (is_settings || observer->config.is_midway || observer->totals.gaps[dir] > 0) {
        return;
    }
    /* The client's preface was seen right before it; of a server the beginning may not be captured. */
    if (dir == SL_DIR_RESPONSE && observer->at.packet != 0 && !observer->config.is_begin_seen) {
        observer->rules.is_start_missing = true;
        return;
    }
    const char *type = sl_h2_type_name(header->type);
    struct sl_rule_place place = place_of(observer, dir);
    sl_rules_report(observer, SL_RULE_CONN_01, &place, "the %s's first frame is %s%s, not SETTINGS",
                    sl_rules_side_name(dir), type == NULL ? "of an unknown type" : type,
                    header->type == SL_H2_SETTINGS ? " with the ACK flag" : "");
}

/* CONN-01, CONN-02: whether the oldest question of the other side should have been answered by now. */
static void judge_owed(struct sl_observer *observer, enum sl_dir dir, bool is_last, bool are_pings)
{
    struct sl_rules *rules = &observer->rules;
    enum sl_dir asker = sl_obs_other(dir);
    const struct sl_obs_dir *d = &observer->dir[dir];
    const struct sl_obs_in_flight *asked =
        are_pings ? &observer->dir[asker].pings : &observer->dir[asker].settings;
    struct sl_unanswered *owed = are_pings ? &rules->pings[dir] : &rules->settings[dir];
    bool is_proven = asked->count > 0 && asked->all[0].mark <= d->proven;
    if (asked->count == 0 || (!is_proven && !is_long_ago(observer, &asked->all[0]))) {
        *owed = (struct sl_unanswered){0};
        return;
    }
    if (owed->mark != asked->all[0].mark) {
        *owed = (struct sl_unanswered){.mark = asked->all[0].mark, .since = d->frames};
    }
    bool is_due = ((is_last && is_proven) || d->frames >= owed->since + PATIENCE) &&
                  !may_come(observer, &asked->all[0], is_last);
    bool is_untracked =
        are_pings ? rules->are_pings_untracked[asker] : rules->are_settings_untracked[asker];
    if (!is_due || owed->is_told || is_untracked || !sl_rules_saw_all(observer)) {
        return;
    }
    owed->is_told = true;
    struct sl_rule_place place = place_of(observer, dir);
    place.before = (struct sl_frame_ref){
        .dir = asker,
        .type = are_pings ? SL_H2_PING : SL_H2_SETTINGS,
        .number = asked->all[0].mark,
        .packet = asked->all[0].at.packet,
    };
    const char *it = are_pings ? "it" : "them";
    char though[64];
    (void)snprintf(though, sizeof(though), "%s %s",
                   is_proven ? "it has answered what came after" : "it has sent on for 30 s after",
                   it);
    if (are_pings) {
        sl_rules_report(observer, SL_RULE_CONN_02, &place,
                        "the %s has not acknowledged the PING of %016" PRIx64 ", though %s",
                        sl_rules_side_name(dir), asked->all[0].value, though);
    } else {
        sl_rules_report(observer, SL_RULE_CONN_01, &place,
                        "the %s has not acknowledged %u SETTINGS, though %s",
                        sl_rules_side_name(dir), (unsigned)asked->count, though);
    }
}

/* CONN-11: a response on a stream that the server's GOAWAY gave up. */
static void judge_answer(struct sl_observer *observer, const struct sl_h2_frame_header *header,
                         const struct sl_stream *stream)
{
    struct sl_rules *rules = &observer->rules;
    if (stream == NULL || header->type != SL_H2_HEADERS ||
        sl_rules_doubt(observer, SL_DIR_RESPONSE)) {
        return;
    }
    if (stream->id > rules->highest_answered) {
        rules->highest_answered = stream->id;
    }
    if (rules->has_goaway[SL_DIR_RESPONSE] && stream->id > rules->goaway_last[SL_DIR_RESPONSE] &&
        !rules->has_reported_answer) {
        rules->has_reported_answer = true;
        struct sl_rule_place place = place_of(observer, SL_DIR_RESPONSE);
        place.stream = stream->id;
        sl_rules_report(observer, SL_RULE_CONN_11, &place,
                        "the server answers on stream %u after its GOAWAY of last stream %u",
                        stream->id, rules->goaway_last[SL_DIR_RESPONSE]);
    }
}

static void judge_frame(struct sl_observer *observer, enum sl_dir dir,
                        const struct sl_h2_frame_header *header, struct sl_stream *stream)
{
    if (observer->dir[dir].frames == 1) {
        judge_first(observer, dir, header);
    }
    struct sl_unanswered *settings = &observer->rules.settings[dir];
    if (header->type == SL_H2_PING && (header->flags & SL_H2_FLAG_ACK) != 0 &&
        settings->mark != 0) {
        settings->since++; /* RFC 9113 6.7: these go before all else, the ack of SETTINGS too */
    }
    const struct sl_obs_dir *asker = &observer->dir[sl_obs_other(dir)];
    if (asker->settings.count > 0 || settings->mark != 0) {
        judge_owed(observer, dir, false, false);
    }
    if (asker->pings.count > 0 || observer->rules.pings[dir].mark != 0) {
        judge_owed(observer, dir, false, true);
    }
    if (dir == SL_DIR_RESPONSE) {
        judge_answer(observer, header, stream);
    }
}

/* --- SETTINGS and PING --- */

static void report_early(struct sl_observer *observer, enum sl_dir dir,
                         const struct sl_early *early)
{
    struct sl_rule_place place = {
        .side = dir,
        .at = &early->at,
        .frame = {.dir = dir,
                  .type = early->type,
                  .number = early->number,
                  .packet = early->at.packet},
    };
    if (early->kind == SL_EARLY_SETTINGS_ACK) {
        sl_rules_report(observer, SL_RULE_CONN_17, &place,
                        "the %s acknowledged SETTINGS once more than there were",
                        sl_rules_side_name(dir));
    } else {
        sl_rules_report(observer, SL_RULE_CONN_02, &place,
                        "the %s acknowledged a PING of %016" PRIx64
                        ", which did not come, or was acknowledged before",
                        sl_rules_side_name(dir), early->opaque);
    }
}

static void note_early(struct sl_observer *observer, enum sl_dir dir, struct sl_early early)
{
    if (!sl_rules_saw_all(observer)) {
        return;
    }
    early.at = observer->at;
    early.type = observer->dir[dir].header.type;
    early.number = observer->dir[dir].frames;
    if (observer->at.packet == 0) {
        report_early(observer, dir, &early);
    } else if (observer->rules.early[dir].kind == SL_EARLY_NONE) {
        observer->rules.early[dir] = early;
    }
}

/* What a capture showed too early is here now. */
static void drop_early(struct sl_observer *observer, enum sl_dir asker, enum sl_early_kind kind,
                       uint64_t opaque)
{
    struct sl_early *early = &observer->rules.early[sl_obs_other(asker)];
    if (early->kind == kind && early->opaque == opaque &&
        sl_rules_are_close(&early->at, &observer->at)) {
        early->kind = SL_EARLY_NONE;
        /* Its question will not be answered again. */
        if (kind == SL_EARLY_SETTINGS_ACK) {
            observer->rules.are_settings_untracked[asker] = true;
        } else {
            observer->rules.are_pings_untracked[asker] = true;
        }
    }
}

/* RFC 9113 6.5.2: what is wrong with a value, or NULL. */
static const char *wrong_value(enum sl_dir dir, uint16_t id, uint32_t value)
{
    switch (id) {
    case SL_H2_SETTINGS_ENABLE_PUSH:
        return value > (dir == SL_DIR_REQUEST ? 1u : 0u) ? "ENABLE_PUSH" : NULL;
    case SL_H2_SETTINGS_ENABLE_CONNECT_PROTOCOL: /* RFC 8441 3 */
        return value > 1 ? "ENABLE_CONNECT_PROTOCOL" : NULL;
    case SL_H2_SETTINGS_INITIAL_WINDOW_SIZE:
        return value > SL_H2_MAX_WINDOW ? "INITIAL_WINDOW_SIZE" : NULL;
    case SL_H2_SETTINGS_MAX_FRAME_SIZE:
        return value < SL_H2_DEFAULT_MAX_FRAME || value > SL_H2_MAX_FRAME_LIMIT ? "MAX_FRAME_SIZE"
                                                                                : NULL;
    default:
        return NULL;
    }
}

static void judge_settings(struct sl_observer *observer, enum sl_dir dir, struct sl_span payload)
{
    struct sl_rule_place place = place_of(observer, dir);
    if (observer->dir[dir].settings.count == SL_OBS_SETTINGS_IN_FLIGHT) {
        observer->rules.are_settings_untracked[dir] = true;
    }
    drop_early(observer, dir, SL_EARLY_SETTINGS_ACK, 0);
    struct sl_h2_setting_pair pair;
    while (sl_h2_setting_next(&payload, &pair)) {
        const char *what = wrong_value(dir, pair.id, pair.value);
        if (what != NULL) {
            sl_rules_report(observer, SL_RULE_CONN_17, &place, "the %s sent SETTINGS with %s %u",
                            sl_rules_side_name(dir), what, pair.value);
            return;
        }
    }
}

static void judge_settings_ack(struct sl_observer *observer, enum sl_dir dir, uint32_t length)
{
    struct sl_rule_place place = place_of(observer, dir);
    enum sl_dir asker = sl_obs_other(dir);
    if (length > 0) {
        sl_rules_report(observer, SL_RULE_CONN_17, &place,
                        "the %s sent a SETTINGS ack of %u bytes, not an empty one",
                        sl_rules_side_name(dir), length);
    } else if (observer->dir[asker].settings.count == 0 &&
               !observer->rules.are_settings_untracked[asker]) {
        note_early(observer, dir, (struct sl_early){.kind = SL_EARLY_SETTINGS_ACK});
    }
}

static void judge_ping(struct sl_observer *observer, enum sl_dir dir, uint64_t opaque, bool is_ack)
{
    enum sl_dir asker = is_ack ? sl_obs_other(dir) : dir;
    const struct sl_obs_in_flight *asked = &observer->dir[asker].pings;
    if (!is_ack) {
        observer->rules.are_pings_untracked[asker] |= asked->count == SL_OBS_PINGS_IN_FLIGHT;
        drop_early(observer, dir, SL_EARLY_PING_ACK, opaque);
        return;
    }
    for (uint32_t i = 0; i < asked->count; i++) {
        if (asked->all[i].value == opaque) {
            return;
        }
    }
    if (!observer->rules.are_pings_untracked[asker]) {
        note_early(observer, dir, (struct sl_early){.kind = SL_EARLY_PING_ACK, .opaque = opaque});
    }
}

/* CONN-09, CONN-11. */
static void judge_goaway(struct sl_observer *observer, enum sl_dir dir, uint32_t last,
                         uint32_t error)
{
    struct sl_rules *rules = &observer->rules;
    rules->is_giving_up[dir] |= error != SL_H2_NO_ERROR;
    struct sl_rule_place place = place_of(observer, dir);
    if (rules->has_goaway[dir] && last > rules->goaway_last[dir]) {
        sl_rules_report(observer, SL_RULE_CONN_09, &place,
                        "the %s's GOAWAY names last stream %u after one that named %u",
                        sl_rules_side_name(dir), last, rules->goaway_last[dir]);
    }
    if (dir == SL_DIR_RESPONSE && last < rules->highest_answered) {
        sl_rules_report(observer, SL_RULE_CONN_11, &place,
                        "the server's GOAWAY names last stream %u, and it has answered on "
                        "stream %u",
                        last, rules->highest_answered);
    }
    if (!rules->has_goaway[dir] || last < rules->goaway_last[dir]) {
        rules->goaway_last[dir] = last;
    }
    rules->has_goaway[dir] = true;
}

/* A question that is malformed is FRM-18's; who answers it all the same has not invented the answer. */
static void note_malformed(struct sl_observer *observer, enum sl_dir dir,
                           const struct sl_h2_frame_header *header)
{
    struct sl_rules *rules = &observer->rules;
    if (header->type == SL_H2_PING && (header->stream != 0 || header->length != 8)) {
        rules->are_pings_untracked[dir] = true;
    } else if (header->type == SL_H2_SETTINGS && (header->stream != 0 || header->length % 6 != 0)) {
        rules->are_settings_untracked[dir] = true;
    }
}

static void judge_whole(struct sl_observer *observer, enum sl_dir dir,
                        const struct sl_h2_frame_header *header, struct sl_span payload)
{
    bool is_ack = (header->flags & SL_H2_FLAG_ACK) != 0;
    if (!is_ack) {
        note_malformed(observer, dir, header);
    }
    if (header->stream != 0 || sl_rules_doubt(observer, dir)) {
        return;
    }
    struct sl_rd rd;
    sl_rd_init(&rd, payload);
    if (header->type == SL_H2_SETTINGS && is_ack) {
        judge_settings_ack(observer, dir, header->length);
    } else if (header->type == SL_H2_SETTINGS && header->length % 6 == 0) {
        judge_settings(observer, dir, payload);
    } else if (header->type == SL_H2_PING && header->length == 8) {
        judge_ping(observer, dir, sl_rd_be64(&rd), is_ack);
    } else if (header->type == SL_H2_GOAWAY && header->length >= 8) {
        uint32_t last = sl_rd_be32(&rd) & SL_H2_MAX_WINDOW;
        judge_goaway(observer, dir, last, sl_rd_be32(&rd));
    }
}

static bool is_own(const struct sl_early *early)
{
    return early->kind == SL_EARLY_SETTINGS_ACK || early->kind == SL_EARLY_PING_ACK;
}

/* What has come since may show that the beginning is missing. */
static void tell_early(struct sl_observer *observer, enum sl_dir dir)
{
    struct sl_early *early = &observer->rules.early[dir];
    if (is_own(early) && sl_rules_saw_all(observer)) {
        report_early(observer, dir, early);
    }
    early->kind = is_own(early) ? SL_EARLY_NONE : early->kind;
}

static void fed(struct sl_observer *observer, enum sl_dir dir)
{
    enum sl_dir other = sl_obs_other(dir);
    if (!sl_rules_are_close(&observer->rules.early[other].at, &observer->at)) {
        tell_early(observer, other);
    }
}

static void gap(struct sl_observer *observer, enum sl_dir dir)
{
    struct sl_early *early = &observer->rules.early[sl_obs_other(dir)];
    if (is_own(early)) {
        early->kind = SL_EARLY_NONE;
    }
}

static void closed(struct sl_observer *observer, enum sl_dir dir)
{
    if (observer->dir[dir].has_frame) {
        if (!observer->rules.is_giving_up[dir]) {
            judge_owed(observer, dir, true, false);
            judge_owed(observer, dir, true, true);
        }
        tell_early(observer, sl_obs_other(dir));
    }
    gap(observer, dir);
}

const struct sl_rule_group sl_rules_conn = {
    .frame = judge_frame,
    .whole = judge_whole,
    .fed = fed,
    .gap = gap,
    .closed = closed,
};
