/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_EXCHANGE_H
#define SL_EXCHANGE_H

/*
 * Calls whose requests and responses somebody else reads from the wire: over HTTP/1.1. The observer (with
 * config.is_http1) gets the header fields and the bodies of both sides and makes of them what it makes of
 * HTTP/2 streams: the same calls, messages, statuses and events. There are no frames, no windows and no
 * rules; nothing is fed to sl_observer_feed() and sl_observer_gap().
 *
 * An exchange is one request with its response; it has a number of its own, odd and rising as those of
 * streams. After its call has ended what still comes for it is ignored.
 *
 * Ownership: fields are taken: the list that the caller passes holds another one's memory after. at is
 * borrowed.      Limits: config.streams_max exchanges; the oldest is given up beyond.
 */
#include "lib/wire/observer.h"

/* is_seen: its request is there, else only its response is. Answers its number. */
uint32_t sl_exchange_begin(struct sl_observer *observer, bool is_seen, const struct sl_at *first);
/* The fields of a block, with pseudo-headers as in HTTP/2; names in lower case. */
void sl_exchange_fields(struct sl_observer *observer, uint32_t number, enum sl_block block,
                        struct sl_headers *fields, const struct sl_at *at);
/* Bytes of a body, without what HTTP/1.1 puts around them. */
void sl_exchange_body(struct sl_observer *observer, uint32_t number, enum sl_dir dir,
                      struct sl_span bytes, const struct sl_at *at);
/* count bytes of a body are missing here; 0: all that follow. */
void sl_exchange_missing(struct sl_observer *observer, uint32_t number, enum sl_dir dir,
                         uint64_t count, const struct sl_at *at);
/* The request or the response is over. */
void sl_exchange_end(struct sl_observer *observer, uint32_t number, enum sl_dir dir,
                     const struct sl_at *at);
/* What becomes of it will not be seen. */
void sl_exchange_give_up(struct sl_observer *observer, uint32_t number, const struct sl_at *at);
/* What is wrong with its messages; a constant text. */
void sl_exchange_problem(struct sl_observer *observer, uint32_t number, const char *text);

/* Bytes of the connection, for the totals: fed, missing, and not to be read. */
void sl_exchange_fed(struct sl_observer *observer, enum sl_dir dir, uint64_t count);
void sl_exchange_gap(struct sl_observer *observer, enum sl_dir dir, uint64_t count);
void sl_exchange_skipped(struct sl_observer *observer, enum sl_dir dir, uint64_t count,
                         const struct sl_at *at);

#endif
