/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of each record. */
#include "inspector/tls/conn.h"

enum {
    ALERT_SIZE = 2,
    ALERT_CLOSE_NOTIFY = 0,
    ALERT_USER_CANCELED = 90,
    ALERT_NO_RENEGOTIATION = 100,
};

static bool is_13(const struct ins_tls *tls)
{
    return tls->has_server_hello && tls->server_hello.version == INS_TLS_VERSION_13;
}

static bool is_change_cipher_spec(const struct ins_tls_record *record)
{
    return record->header[0] == INS_TLS_CHANGE_CIPHER_SPEC && record->fragment.len == 1 &&
           record->fragment.data[0] == 1;
}

static void on_alert(struct ins_tls *tls, int side, struct sl_span alert, const struct sl_at *at)
{
    if (alert.len != ALERT_SIZE) {
        return;
    }
    uint8_t description = alert.data[1];
    if (description == ALERT_CLOSE_NOTIFY) {
        struct ins_tls_side *from = &tls->sides[side];
        if (!from->is_closed) {
            from->is_closed = true;
            ins_tls_tell_gap(tls, side);
            if (tls->has_handed_on) {
                tls->above.close(tls->above.owner, side, false, at);
            }
        }
    } else if (description != ALERT_USER_CANCELED && description != ALERT_NO_RENEGOTIATION) {
        tls->has_alert = true;
        tls->all->totals.alerts[description]++;
    }
}

/* TLS 1.2: the side's next record is protected by what was agreed last. */
static void on_change(struct ins_tls *tls, int side)
{
    if (!tls->has_server_hello) {
        return; /* for middleboxes, before the ServerHello of TLS 1.3 (RFC 8446 D.4) */
    }
    tls->sides[side].is_deaf = false;
    ins_tls_messages_reset(&tls->sides[side].messages);
    ins_tls_enter(tls, side, INS_TLS_TRAFFIC);
}

static void on_content(struct ins_tls *tls, int side, uint8_t type, struct sl_span content,
                       const struct sl_at *at)
{
    struct ins_tls_side *from = &tls->sides[side];
    ins_tls_tell_gap(tls, side);
    switch (type) {
    case INS_TLS_APPLICATION_DATA:
        if (content.len > 0 && !from->is_closed && from->epoch != INS_TLS_SHAKING) {
            tls->has_handed_on = true;
            tls->above.data(tls->above.owner, side, content, at);
        }
        break;
    case INS_TLS_HANDSHAKE:
        ins_tls_follow(tls, side, content);
        break;
    case INS_TLS_ALERT:
        on_alert(tls, side, content, at);
        break;
    case INS_TLS_CHANGE_CIPHER_SPEC:
        if (!is_13(tls)) {
            on_change(tls, side);
        }
        break;
    default:
        break; /* heartbeats, and what is not known */
    }
}

static enum ins_tls_verdict on_protected(struct ins_tls *tls, int side,
                                         const struct ins_tls_record *record,
                                         const struct sl_at *at)
{
    struct ins_tls_side *from = &tls->sides[side];
    bool is_candidate = from->records.is_searching;
    struct sl_span plain;
    uint8_t type = 0;
    switch (ins_tls_open(tls, side, record, at, &plain, &type)) {
    case INS_TLS_OPENED:
        tls->records++;
        tls->all->totals.records++;
        on_content(tls, side, type, plain, at);
        return INS_TLS_TAKEN;
    case INS_TLS_OPENS_LATER:
        return INS_TLS_WAIT;
    case INS_TLS_NOT_OPENED:
    default:
        break;
    }
    if (is_candidate) {
        return INS_TLS_REJECTED;
    }
    if (!from->is_trying && !from->is_lost) {
        /* whatever it was, it may have had a number */
        ins_tls_note_gap(from, at);
        from->slack++;
        tls->records_skipped++;
        from->records.skipped += record->fragment.len;
    }
    return INS_TLS_TAKEN;
}

/* Of a side that has no keys yet: the hellos, and in TLS 1.2 all up to ChangeCipherSpec. */
static enum ins_tls_verdict on_clear(struct ins_tls *tls, int side,
                                     const struct ins_tls_record *record, const struct sl_at *at)
{
    struct ins_tls_side *from = &tls->sides[side];
    uint8_t type = record->header[0];
    bool is_first = tls->client < 0;
    if (is_first && (type != INS_TLS_HANDSHAKE || from->records.is_searching)) {
        ins_tls_give_up(tls, INS_TLS_MIDWAY);
        return INS_TLS_TAKEN;
    }
    if (from->records.is_searching && !is_change_cipher_spec(record)) {
        /* its ChangeCipherSpec may be lost */
        return tls->has_server_hello ? on_protected(tls, side, record, at) : INS_TLS_REJECTED;
    }
    switch (type) {
    case INS_TLS_HANDSHAKE:
        ins_tls_follow(tls, side, record->fragment);
        break;
    case INS_TLS_CHANGE_CIPHER_SPEC:
        on_change(tls, side);
        break;
    case INS_TLS_ALERT:
        on_alert(tls, side, record->fragment, at);
        break;
    case INS_TLS_APPLICATION_DATA:
        if (tls->has_server_hello) {
            return on_protected(tls, side, record, at);
        }
        /* early data: by which keys the ServerHello tells; a HelloRetryRequest has rejected it */
        return side == tls->client && !tls->is_retried && !tls->is_final ? INS_TLS_WAIT
                                                                         : INS_TLS_TAKEN;
    default:
        break;
    }
    return INS_TLS_TAKEN;
}

enum ins_tls_verdict ins_tls_on_record(struct ins_tls *tls, int side,
                                       const struct ins_tls_record *record, const struct sl_at *at)
{
    struct ins_tls_side *from = &tls->sides[side];
    if (from->epoch == INS_TLS_CLEAR) {
        return on_clear(tls, side, record, at);
    }
    uint8_t type = record->header[0];
    if (is_13(tls) && type != INS_TLS_APPLICATION_DATA) {
        /* RFC 8446 5: ChangeCipherSpec means nothing, and an alert may come before there are keys */
        if (from->records.is_searching) {
            return INS_TLS_REJECTED;
        }
        if (type == INS_TLS_ALERT && from->epoch != INS_TLS_TRAFFIC) {
            on_alert(tls, side, record->fragment, at);
        }
        return INS_TLS_TAKEN;
    }
    return on_protected(tls, side, record, at);
}
