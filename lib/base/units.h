/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_UNITS_H
#define SL_UNITS_H

/*
 * Numbers with units as people write them on a command line and in a scenario. The whole text must
 * be used; anything else is SL_MALFORMED, a value that does not fit SL_LIMIT.
 */
#include "lib/base/span.h"
#include "lib/base/status.h"

/* Decimal digits only. */
SL_MUST_USE enum sl_status sl_units_u64(struct sl_span text, uint64_t *ret_value);

/* Digits, optionally with a decimal part, and one of ns us ms s m h: "250ms", "1.5s", "10s". A bare
 * "0" needs no unit. Answers nanoseconds. */
SL_MUST_USE enum sl_status sl_units_duration(struct sl_span text, uint64_t *ret_ns);

/* Digits and optionally B, KiB, MiB, GiB (powers of 1024) or kB, MB, GB (powers of 1000). */
SL_MUST_USE enum sl_status sl_units_size(struct sl_span text, uint64_t *ret_bytes);

#endif
