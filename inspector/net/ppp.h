/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_PPP_H
#define INS_PPP_H

/* PPP (RFC 1661): a protocol number of one or two bytes, then IP or MPLS; what is compressed or
 * encrypted counts as ENCRYPTED. */
#include "inspector/net/wrap.h"

struct ins_wrap ins_ppp_unwrap(const struct ins_wrap *outer);

/* The same in the framing of HDLC (RFC 1662), or of Cisco, or without framing. */
struct ins_wrap ins_ppp_hdlc_unwrap(const struct ins_wrap *outer);

#endif
