/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_MISBEHAVE_H
#define SRV_MISBEHAVE_H

/*
 * The named wrong servers, each a switch that is read at the one place where it deviates.
 * They prove the suite: a check that no wrong server fails checks nothing.
 *
 * With the C core a partial message cannot be acted on (CHAT-06) and a cancel, a FIN and a TCP RST look the
 * same, so that there is no wrong server for the first and one for the three.
 */
#include "lib/base/buf.h"

/* By so much deadline-late is late. */
#define SRV_DEADLINE_LATE_NS (UINT64_C(2) * 1000 * 1000 * 1000)

struct srv_misbehave {
#define X(field, name, frontends, rule, what) bool field;
#include "reference-server/misbehave.def"
#undef X
};

/* Sets the switch of that name. SL_USAGE for an unknown one, with the nearest known. */
SL_MUST_USE enum sl_status srv_misbehave_set(struct srv_misbehave *misbehave, const char *name,
                                             struct sl_error *reterr_error);

/* True when any switch is set. */
bool srv_misbehave_is_any(const struct srv_misbehave *misbehave);

/* Says in the log what is wrong with this server, if anything. */
void srv_misbehave_log(const struct srv_misbehave *misbehave);

/* Appends a line each: name, front end and broken rule, separated by tabs. */
void srv_misbehave_list(struct sl_buf *out);

#endif
