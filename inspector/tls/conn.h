/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_TLS_CONN_H
#define INS_TLS_CONN_H

/* The state of a TLS connection, for the files of this folder only: tls.c has the events and what is held, record.c
 * what becomes of a record, epoch.c which keys it needs, follow.c what the handshake says. */
#include "inspector/tls/messages.h"
#include "inspector/tls/records.h"
#include "inspector/tls/tls.h"

/* By which keys a side's next record is protected. TLS 1.2 knows CLEAR and TRAFFIC. */
enum ins_tls_epoch {
    INS_TLS_CLEAR,
    INS_TLS_EARLY,
    INS_TLS_SHAKING,
    INS_TLS_TRAFFIC,
};

struct ins_tls_side {
    struct ins_tls_records records;
    struct ins_tls_messages messages;
    bool is_deaf; /* the boundaries of its handshake messages are lost */
    enum ins_tls_epoch epoch;
    struct ins_tls_protect *protect; /* of the epoch; NULL until its first record */
    uint8_t secret[INS_KEYS_SECRET]; /* TLS 1.3: that protect is made of */
    uint64_t sequence;               /* of the next record */
    uint64_t slack;                  /* after a loss: so many numbers higher it may be */
    bool is_trying;                  /* records may come that are not for these keys */
    bool is_waiting;                 /* for secrets, or for what the other side says */
    bool is_lost;                    /* what comes cannot be opened any more */
    bool has_gap;                    /* that is not told yet, */
    bool is_gap_certain; /* whatever comes next: not only records of the handshake are missing */
    struct sl_at gap_at; /* since then */
    bool is_closed, is_lost_told;
    uint64_t opened, wasted; /* bytes that opened, and that were tried in vain */
};

enum ins_tls_early {
    INS_TLS_EARLY_UNKNOWN,
    INS_TLS_EARLY_ACCEPTED,
    INS_TLS_EARLY_REJECTED,
};

struct ins_tls_held; /* tls.c */

struct ins_tls {
    struct ins_tls_all *all;
    struct ins_stream_sink above;
    struct ins_tls_info *info;
    int client; /* side; -1 until the ClientHello */
    struct ins_tls_side sides[2];
    struct ins_tls_client_hello client_hello;
    struct ins_tls_server_hello server_hello;
    bool has_server_hello, is_retried;
    enum ins_tls_early early;
    const struct ins_tls_suite *suite;
    bool has_ticket; /* the server gave one, in TLS 1.2 */
    uint8_t ticket[INS_TLS_DIGEST];
    bool is_final; /* no more secrets will come */
    bool has_handed_on;
    bool is_over, has_reason, has_alert, is_counted_open;
    enum ins_tls_outcome reason;
    uint64_t records, records_skipped;
    struct ins_tls_held *held;
    size_t held_bytes;           /* of them */
    size_t settled_bytes;        /* counted in all */
    struct ins_tls *prev, *next; /* of those that hold */
};

struct ins_tls_all {
    struct ins_keys *keys; /* NULL: none will come */
    struct ins_tls_totals totals;
    struct ins_tls *holding; /* longest first */
    size_t held_bytes;
    size_t open;                                               /* that have keys */
    uint8_t plain[INS_TLS_FRAGMENT_MAX + INS_TLS_BLOCK_SLACK]; /* of the record at hand */
};

/* Nothing more of the connection can be read. The first reason stays. */
void ins_tls_give_up(struct ins_tls *tls, enum ins_tls_outcome reason);
/* Nothing more of the side can be read. */
void ins_tls_lose_side(struct ins_tls *tls, int side, enum ins_tls_outcome reason);
/* Bytes of the side are lost, count of them or, 0, nobody knows. */
void ins_tls_note_loss(struct ins_tls *tls, int side, uint64_t count, const struct sl_at *at);
/* Something is missing since at, which is told before the next data. */
void ins_tls_note_gap(struct ins_tls_side *side, const struct sl_at *at);
/* Tells the layer above what it has not been told. */
void ins_tls_tell_gap(struct ins_tls *tls, int side);

/* record.c */
enum ins_tls_verdict {
    INS_TLS_TAKEN,
    INS_TLS_WAIT,     /* not yet: keep it */
    INS_TLS_REJECTED, /* of a candidate: it is no record */
};
enum ins_tls_verdict ins_tls_on_record(struct ins_tls *tls, int side,
                                       const struct ins_tls_record *record, const struct sl_at *at);

/* epoch.c */
enum ins_tls_opening {
    INS_TLS_OPENED,
    INS_TLS_NOT_OPENED,
    INS_TLS_OPENS_LATER,
};
/* Opens the record by the keys that side has now or, where some may have been lost, next. */
enum ins_tls_opening ins_tls_open(struct ins_tls *tls, int side,
                                  const struct ins_tls_record *record, const struct sl_at *at,
                                  struct sl_span *ret_plain, uint8_t *ret_type);
/* The side's next record is the first one of epoch. */
void ins_tls_enter(struct ins_tls *tls, int side, enum ins_tls_epoch epoch);
/* RFC 8446 7.2 */
void ins_tls_update(struct ins_tls *tls, int side);
/* TLS 1.2: what a later connection needs to resume this one is kept, as far as it is known. */
void ins_tls_remember(struct ins_tls *tls);

/* follow.c */
void ins_tls_follow(struct ins_tls *tls, int side, struct sl_span handshake);

#endif
