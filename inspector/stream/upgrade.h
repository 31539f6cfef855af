/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_UPGRADE_H
#define INS_UPGRADE_H

/*
 * A request over HTTP/1.1 that asks to go on in HTTP/2 ("Upgrade: h2c", RFC 7540 3.2): held until the
 * response tells whose it is. Answered by 101 it is stream 1 of the HTTP/2 connection that follows, its
 * client's half closed; else it stays an exchange of HTTP/1.1. Either way it is given to that one's
 * observer.
 *
 * Limits: INS_UPGRADE_BODY_MAX bytes of its body; what is beyond counts as missing. Of HTTP2-Settings
 * what SL_WEB_TEXT_PIECE characters hold: 128 settings.
 */
#include "lib/wire/exchange.h"

enum {
    INS_UPGRADE_BODY_MAX = 256 * 1024,
};

struct ins_upgrade;

/* True when the fields of a request ask for it. */
bool ins_upgrade_is_asked(const struct sl_headers *fields);

/* Takes fields: the list that is passed is empty then. first, at: its first and last byte. */
struct ins_upgrade *ins_upgrade_new(struct sl_headers *fields, const struct sl_at *first,
                                    const struct sl_at *at);
/* NULL is fine. */
void ins_upgrade_free(struct ins_upgrade *upgrade);

/* Its body, as of lib/wire/exchange.h. */
void ins_upgrade_body(struct ins_upgrade *upgrade, struct sl_span bytes, const struct sl_at *at);
void ins_upgrade_missing(struct ins_upgrade *upgrade, uint64_t count);
void ins_upgrade_end(struct ins_upgrade *upgrade, const struct sl_at *at);

/* The settings of its HTTP2-Settings header (RFC 7540 3.2.1), for the observer of the HTTP/2 connection;
 * before ins_upgrade_give(). What is no base64 has no effect. */
void ins_upgrade_settle(const struct ins_upgrade *upgrade, struct sl_observer *observer);

/* Tells the observer of the request; once. Answers the number that it has there. */
uint32_t ins_upgrade_give(struct ins_upgrade *upgrade, struct sl_observer *observer);

#endif
