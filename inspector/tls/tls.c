/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/tls/tls.h"

#include <openssl/crypto.h>
#include <utlist.h>

#include "inspector/tls/conn.h"
#include "lib/base/alloc.h"

enum {
    RECORD_MIN = 22,      /* bytes of the smallest protected record */
    SLACK_UNKNOWN = 1024, /* records that a hole of unknown size may have had */
    SLACK_MAX = 64 * 1024,
};

/* An event that waits. */
struct ins_tls_held {
    enum { HELD_DATA, HELD_GAP, HELD_CLOSE } kind;
    int side;
    bool is_reset;
    struct sl_at at;
    uint64_t count;
    struct ins_tls_held *prev, *next;
    size_t from, len; /* bytes before from are done with */
    uint8_t bytes[];
};

/* --- telling --- */

void ins_tls_note_gap(struct ins_tls_side *side, const struct sl_at *at)
{
    if (!side->has_gap) {
        side->has_gap = true;
        side->gap_at = *at;
    }
}

void ins_tls_tell_gap(struct ins_tls *tls, int side)
{
    struct ins_tls_side *from = &tls->sides[side];
    if (from->has_gap && tls->has_handed_on) {
        from->has_gap = false;
        from->is_gap_certain = false;
        tls->above.gap(tls->above.owner, side, 0, &from->gap_at);
    }
}

/* --- giving up --- */

static void drop_held(struct ins_tls *tls)
{
    struct ins_tls_held *held;
    struct ins_tls_held *next;
    DL_FOREACH_SAFE (tls->held, held, next) {
        sl_free(held);
    }
    if (tls->held != NULL) {
        tls->held = NULL;
        tls->held_bytes = 0;
        DL_DELETE(tls->all->holding, tls);
    }
}

static void note_reason(struct ins_tls *tls, enum ins_tls_outcome reason)
{
    if (!tls->has_reason) {
        tls->has_reason = true;
        tls->reason = reason;
    }
}

void ins_tls_give_up(struct ins_tls *tls, enum ins_tls_outcome reason)
{
    note_reason(tls, reason);
    tls->is_over = true;
}

void ins_tls_lose_side(struct ins_tls *tls, int side, enum ins_tls_outcome reason)
{
    tls->sides[side].is_lost = true;
    note_reason(tls, reason);
    if (tls->sides[1 - side].is_lost) {
        tls->is_over = true;
    }
}

void ins_tls_note_loss(struct ins_tls *tls, int side, uint64_t count, const struct sl_at *at)
{
    struct ins_tls_side *from = &tls->sides[side];
    ins_tls_note_gap(from, at);
    ins_tls_records_gap(&from->records);
    ins_tls_messages_reset(&from->messages);
    from->is_deaf = from->epoch != INS_TLS_TRAFFIC;
    from->slack += count == 0 ? SLACK_UNKNOWN : count / RECORD_MIN + 2;
    from->slack = from->slack < SLACK_MAX ? from->slack : SLACK_MAX;
    if (tls->client < 0 || (side != tls->client && !tls->has_server_hello)) {
        ins_tls_give_up(tls, INS_TLS_DAMAGED); /* a hello is lost */
    }
}

/* --- events, as they are or were held --- */

/* Takes from bytes as far as possible; leaves the rest when the side has to wait. */
static void feed(struct ins_tls *tls, int side, struct sl_span *bytes, const struct sl_at *at)
{
    struct ins_tls_side *from = &tls->sides[side];
    from->is_waiting = false;
    while (!tls->is_over && !from->is_lost) {
        struct ins_tls_record record;
        enum sl_status status = ins_tls_records_peek(&from->records, bytes, &record);
        if (status == SL_AGAIN) {
            return;
        }
        if (status != SL_OK && tls->client < 0 && from->records.held.len == 0) {
            *bytes = sl_span(NULL, 0); /* of what came before TLS, in a capture that began midway */
            return;
        }
        if (status != SL_OK) {
            ins_tls_note_loss(tls, side, 0, at);
            continue;
        }
        enum ins_tls_verdict verdict = ins_tls_on_record(tls, side, &record, at);
        if (verdict == INS_TLS_WAIT) {
            from->is_waiting = true;
            return;
        }
        if (verdict == INS_TLS_TAKEN) {
            ins_tls_records_take(&from->records, bytes);
        } else {
            ins_tls_records_reject(&from->records);
        }
    }
    from->records.skipped += bytes->len;
    *bytes = sl_span(NULL, 0);
}

static void close_side(struct ins_tls *tls, int side, bool is_reset, const struct sl_at *at)
{
    struct ins_tls_side *from = &tls->sides[side];
    if (!from->is_closed) {
        from->is_closed = true;
        ins_tls_tell_gap(tls, side);
        if (tls->has_handed_on) {
            tls->above.close(tls->above.owner, side, is_reset, at);
        }
    }
}

/* --- holding --- */

static struct ins_tls_held *hold(struct ins_tls *tls, int side, struct sl_span bytes,
                                 const struct sl_at *at)
{
    struct ins_tls_held *held = sl_alloc(sizeof(*held) + bytes.len);
    held->side = side;
    held->at = *at;
    held->len = bytes.len;
    if (bytes.len > 0) {
        memcpy(held->bytes, bytes.data, bytes.len);
    }
    if (tls->held == NULL) {
        DL_APPEND(tls->all->holding, tls);
    }
    DL_APPEND(tls->held, held);
    tls->held_bytes += sizeof(*held) + bytes.len;
    return held;
}

static bool has_held(const struct ins_tls *tls, int side)
{
    const struct ins_tls_held *held;
    DL_FOREACH (tls->held, held) {
        if (held->side == side) {
            return true;
        }
    }
    return false;
}

/* False when the event's side has to wait on. */
static bool apply(struct ins_tls *tls, struct ins_tls_held *held)
{
    if (held->kind == HELD_GAP) {
        ins_tls_note_loss(tls, held->side, held->count, &held->at);
    } else if (held->kind == HELD_CLOSE) {
        close_side(tls, held->side, held->is_reset, &held->at);
    } else {
        struct sl_span rest = sl_span(held->bytes + held->from, held->len - held->from);
        feed(tls, held->side, &rest, &held->at);
        held->from = held->len - rest.len;
        return !tls->sides[held->side].is_waiting;
    }
    return true;
}

/* One way through what is held; true when any of it is done with. */
static bool drain_once(struct ins_tls *tls)
{
    bool is_stuck[2] = {false, false};
    bool has_moved = false;
    struct ins_tls_held *held;
    struct ins_tls_held *next;
    DL_FOREACH_SAFE (tls->held, held, next) {
        if (tls->is_over || (is_stuck[0] && is_stuck[1])) {
            break;
        }
        if (is_stuck[held->side]) {
            continue;
        }
        size_t from = held->from;
        if (!apply(tls, held)) {
            is_stuck[held->side] = true;
            has_moved = has_moved || held->from != from;
            continue;
        }
        has_moved = true;
        tls->held_bytes -= sizeof(*held) + held->len;
        DL_DELETE(tls->held, held);
        sl_free(held);
        if (tls->held == NULL) {
            DL_DELETE(tls->all->holding, tls);
        }
    }
    return has_moved;
}

/* What one side says may be what the other waits for. */
static void drain(struct ins_tls *tls)
{
    while (tls->held != NULL && !tls->is_over && drain_once(tls)) {
    }
}

/* No more secrets are waited for. */
static void decide(struct ins_tls *tls)
{
    tls->is_final = true;
    drain(tls);
}

static void settle_one(struct ins_tls *tls)
{
    if (tls->is_over) {
        drop_held(tls);
        for (int side = 0; side < 2; side++) {
            ins_tls_records_release(&tls->sides[side].records);
            ins_tls_messages_release(&tls->sides[side].messages);
        }
    }
    size_t now = tls->held_bytes;
    for (int side = 0; side < 2; side++) {
        now += tls->sides[side].records.held.len + tls->sides[side].messages.body.len;
    }
    tls->all->held_bytes += now - tls->settled_bytes;
    tls->settled_bytes = now;
}

/* After every event: tells of sides that were given up, and keeps the limits. */
static void settle(struct ins_tls *tls, const struct sl_at *at)
{
    struct ins_tls_all *all = tls->all;
    for (int side = 0; side < 2; side++) {
        if ((tls->is_over || tls->sides[side].is_lost) && !tls->sides[side].is_lost_told) {
            tls->sides[side].is_lost_told = true;
            ins_tls_note_gap(&tls->sides[side], at);
            ins_tls_tell_gap(tls, side);
        }
    }
    settle_one(tls);
    if (tls->held_bytes > INS_TLS_HOLD) {
        decide(tls);
        settle_one(tls);
    }
    while (all->held_bytes > INS_TLS_HOLD_ALL && all->holding != NULL) {
        struct ins_tls *longest = all->holding;
        decide(longest);
        if (longest->held != NULL) {
            ins_tls_give_up(longest, INS_TLS_NO_KEYS);
        }
        settle_one(longest);
    }
    if (all->held_bytes > INS_TLS_HOLD_ALL) {
        for (int side = 0; side < 2; side++) {
            if (tls->sides[side].records.held.len > 0) {
                ins_tls_note_loss(tls, side, 0, at);
            }
        }
        settle_one(tls);
    }
}

/* --- the module's own --- */

struct ins_tls_all *ins_tls_all_new(void)
{
    return sl_alloc(sizeof(struct ins_tls_all));
}

void ins_tls_all_free(struct ins_tls_all *all)
{
    sl_free(all);
}

const struct ins_tls_totals *ins_tls_all_totals(const struct ins_tls_all *all)
{
    return &all->totals;
}

void ins_tls_all_use(struct ins_tls_all *all, struct ins_keys *keys)
{
    all->keys = keys;
    struct ins_tls *tls;
    struct ins_tls *next;
    DL_FOREACH_SAFE (all->holding, tls, next) {
        drain(tls);
        settle_one(tls);
    }
}

struct ins_tls *ins_tls_new(struct ins_tls_all *all, const struct ins_stream_sink *above,
                            struct ins_tls_info *info)
{
    struct ins_tls *tls = sl_alloc(sizeof(*tls));
    tls->all = all;
    tls->above = *above;
    tls->info = info;
    tls->client = -1;
    tls->is_final = all->keys == NULL;
    return tls;
}

static enum ins_tls_outcome outcome_of(const struct ins_tls *tls)
{
    if (tls->records > 0) {
        return INS_TLS_DECRYPTED;
    }
    if (tls->has_reason && !(tls->has_alert && tls->reason == INS_TLS_NO_KEYS)) {
        return tls->reason;
    }
    if (tls->client < 0) {
        return INS_TLS_MIDWAY;
    }
    bool is_failing = tls->sides[0].wasted + tls->sides[1].wasted > 0;
    return is_failing ? INS_TLS_DAMAGED : INS_TLS_UNFINISHED;
}

static void count(struct ins_tls *tls)
{
    struct ins_tls_totals *totals = &tls->all->totals;
    enum ins_tls_outcome outcome = outcome_of(tls);
    totals->connections++;
    totals->outcomes[outcome]++;
    if (outcome == INS_TLS_DECRYPTED) {
        totals->records_skipped += tls->records_skipped;
        totals->bytes_skipped += tls->sides[0].records.skipped + tls->sides[1].records.skipped;
    }
}

bool ins_tls_end(struct ins_tls *tls)
{
    decide(tls);
    for (int side = 0; side < 2; side++) {
        if (!tls->sides[side].is_closed) {
            ins_tls_tell_gap(tls, side);
        }
    }
    bool has_handed_on = tls->has_handed_on;
    count(tls);
    tls->is_over = true;
    settle_one(tls);
    tls->all->open -= tls->is_counted_open ? 1 : 0;
    ins_tls_protect_free(tls->sides[0].protect);
    ins_tls_protect_free(tls->sides[1].protect);
    OPENSSL_cleanse(tls, sizeof(*tls));
    sl_free(tls);
    return has_handed_on;
}

void ins_tls_data(struct ins_tls *tls, int side, struct sl_span bytes, const struct sl_at *at)
{
    if (tls->is_over) {
        return;
    }
    if (tls->held != NULL) {
        drain(tls);
    }
    if (tls->held != NULL && has_held(tls, side)) {
        (void)hold(tls, side, bytes, at);
    } else {
        feed(tls, side, &bytes, at);
        if (tls->sides[side].is_waiting) {
            (void)hold(tls, side, bytes, at);
        }
        if (tls->held != NULL) {
            drain(tls);
        }
    }
    settle(tls, at);
}

void ins_tls_gap(struct ins_tls *tls, int side, uint64_t size, const struct sl_at *at)
{
    if (tls->is_over) {
        return;
    }
    if (tls->held != NULL && has_held(tls, side)) {
        struct ins_tls_held *held = hold(tls, side, sl_span(NULL, 0), at);
        held->kind = HELD_GAP;
        held->count = size;
    } else {
        ins_tls_note_loss(tls, side, size, at);
    }
    settle(tls, at);
}

void ins_tls_close(struct ins_tls *tls, int side, bool is_reset, const struct sl_at *at)
{
    if (tls->is_over) {
        return;
    }
    if (tls->held != NULL) {
        /* also of the other side: a connection does not end before what is held has been handed on */
        struct ins_tls_held *held = hold(tls, side, sl_span(NULL, 0), at);
        held->kind = HELD_CLOSE;
        held->is_reset = is_reset;
        drain(tls);
    } else {
        close_side(tls, side, is_reset, at);
    }
    settle(tls, at);
}

bool ins_tls_is_waiting(const struct ins_tls *tls)
{
    return tls->held != NULL && !tls->is_over && !tls->is_final;
}

bool ins_tls_is_over(const struct ins_tls *tls)
{
    return tls->is_over;
}
