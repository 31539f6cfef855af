/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_GRE_H
#define INS_GRE_H

/*
 * GRE (RFC 2784, with key and sequence of RFC 2890, routing of RFC 1701), also of version 1 (PPTP, RFC
 * 2637), and the mirror sessions that it carries: ERSPAN I, II and III.
 */
#include "inspector/net/wrap.h"

struct ins_wrap ins_gre_unwrap(const struct ins_wrap *outer);

#endif
