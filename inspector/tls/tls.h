/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_TLS_H
#define INS_TLS_H

/*
 * A TLS connection, 1.2 or 1.3, seen from outside: its records in, what they carry out, by secrets that others know.
 *
 *     bytes -> records -> handshake followed: hellos, when each side changes its keys
 *                      -> opened -> alerts, handshake messages, data handed on
 *
 * Data are handed on with the time and packet of the last byte of their record. Where secrets are missing, events are
 * held until they come, and then handed on in the order of the wire. After a loss the next record is looked for, and
 * its number tried: it opens or it does not, so nothing wrong is ever handed on; the hole is told as one of unknown size.
 *
 * Pure: no I/O, no clock.
 * Limits: INS_TLS_HOLD bytes held for a connection, INS_TLS_HOLD_ALL for all; then those that wait longest are given up.
 * INS_TLS_CONNECTIONS at once. Work on records that do not open is bounded by INS_TLS_WASTE bytes and a multiple of what
 * did.
 */
#include "inspector/stream/stream.h"
#include "inspector/tls/info.h"
#include "inspector/tls/keys.h"
#include "inspector/tls/totals.h"

enum {
    INS_TLS_HOLD = 1024 * 1024,
    INS_TLS_HOLD_ALL = 6 * 1024 * 1024,
    INS_TLS_CONNECTIONS = 4096, /* that have keys: each costs OpenSSL some 4 KiB */
    INS_TLS_WASTE = 16 * 1024 * 1024,
};

/* What all connections share. */
struct ins_tls_all;

struct ins_tls_all *ins_tls_all_new(void);
/* After all connections. NULL is fine. */
void ins_tls_all_free(struct ins_tls_all *all);
/* Borrows keys, from which secrets are taken. Again when some have come: connections that wait for them go on. */
void ins_tls_all_use(struct ins_tls_all *all, struct ins_keys *keys);
const struct ins_tls_totals *ins_tls_all_totals(const struct ins_tls_all *all);

struct ins_tls;

/* Copies above, fills info as the handshake goes. */
struct ins_tls *ins_tls_new(struct ins_tls_all *all, const struct ins_stream_sink *above,
                            struct ins_tls_info *info);
/* Nothing more comes: hands on what is left, counts the connection, and frees it. True when it has handed on data. */
bool ins_tls_end(struct ins_tls *tls);

void ins_tls_data(struct ins_tls *tls, int side, struct sl_span bytes, const struct sl_at *at);
void ins_tls_gap(struct ins_tls *tls, int side, uint64_t count, const struct sl_at *at);
void ins_tls_close(struct ins_tls *tls, int side, bool is_reset, const struct sl_at *at);

/* Events are held, for secrets may come. */
bool ins_tls_is_waiting(const struct ins_tls *tls);
/* Nothing will ever be handed on any more. */
bool ins_tls_is_over(const struct ins_tls *tls);

/* Whether a stream that has these bytes at its beginning, or at that of a segment (!is_start), is TLS. */
enum ins_claim ins_tls_claim(const struct ins_head *head);

#endif
