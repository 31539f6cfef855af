/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_SLOTS_H
#define HAR_SLOTS_H

/*
 * Whether streams that ended in an error still count as open (CONN-15): looked at behind the checks of a play that
 * passed, so that nothing which a scenario counts moves.
 *
 * Of the connections that its raw actors wrote errors on and that still served a canary afterwards, and whose server allows a
 * known number of streams at once (HAR_SLOTS_LIMIT_MAX at most):
 *
 *     one call is held open; one that is answered before its message ends the look
 *     as many calls as are left are held open at once, then ended by their messages
 *     refused, and refused again after a pause; or not answered
 *     as many on a new connection: only if these are all served was it the first connection that lacked the places
 *
 * What is answered by a status, whatever it is, had its place. A GOAWAY, or an end of the connection, tells nothing.
 *
 * Cost: HAR_SLOTS_LINKS_MAX connections of a play, some round trips each. A target whose calls take long, or answer before
 * their message, is not looked at any more. Resets are not sent, but for calls that were never answered.
 *
 * Life: one loop, one thread; the play touches itself when something came.
 */
#include "harness/engine/play.h"

enum {
    HAR_SLOTS_LIMIT_MAX = 256,
    HAR_SLOTS_LINKS_MAX = 4,
};

struct har_slots;

/* Of a run; zeroed before it. */
struct har_slots_run {
    bool is_unlimited; /* a server allowed more streams than can be held, or said nothing of it */
    bool is_tired;     /* nothing is looked at any more */
    bool has_left_out; /* and something was to be */
};

/* NULL: nobody looks. */
struct har_slots *har_slots_new(struct har_play *play);
/* True once everything was looked at; a failure is then the play's. False: once more when the play is touched, or at the
 * time that it is to wake. */
bool har_slots_turn(struct har_slots *slots);
/* NULL is fine. Before the play's connections are freed. */
void har_slots_free(struct har_slots *slots);
/* What was not looked at in this run, behind "not looked at: "; NULL: everything was. */
const char *har_slots_note(const struct har_slots_run *run);

#endif
