/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_MPLS_H
#define INS_MPLS_H

/*
 * MPLS (RFC 3032): a stack of labels, then IP, or an Ethernet pseudowire with or without a control word
 * (RFC 4448). Nothing in the packet says which of them; the bytes behind the stack do.
 */
#include "inspector/net/wrap.h"

struct ins_wrap ins_mpls_unwrap(const struct ins_wrap *outer);

#endif
