/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_PEEK_H
#define HAR_PEEK_H

#include "harness/engine/play.h"

/* The value of an expression for a text; false, and nothing else happens, where it has none. */
bool har_play_peek(struct har_play *play, const char *text, double *ret_value);

#endif
