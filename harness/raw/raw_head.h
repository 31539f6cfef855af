/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_RAW_HEAD_H
#define HAR_RAW_HEAD_H

/*
 * The beginning of a header block as a scenario writes it: hex, and between hex digits strings as RFC 7541 5.2 puts them,
 * in braces: "44{/$service/$method}", or "44{huffman:/$service/$method}".
 *
 * $service and $method are those of the unary method of the run's binding; $SERVICE and $METHOD the same in capitals;
 * $other-service and $other-method have the first letter of their last word in the other case.
 */
#include "harness/engine/play.h"

/* What is wrong, or NULL. */
const char *har_raw_head_problem(const char *head);
/* Appends it; out->is_full tells that a limit was passed. */
void har_raw_head_write(const struct har_play *play, const char *head, struct sl_buf *out);

#endif
