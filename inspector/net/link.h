/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_LINK_H
#define INS_LINK_H

/* The link types of captures (tcpdump.org/linktypes.html): Ethernet, Linux cooked, BSD loopback, raw IP,
 * PPP in its framings, MPLS, IEEE 802.11 with and without radiotap. */
#include "inspector/net/wrap.h"
#include "inspector/source/packet.h"

/* What stands inside the captured frame; UNKNOWN_LINK for a type that is not decoded. */
struct ins_wrap ins_link_unwrap(uint32_t link_type, const struct ins_wrap *frame);

/* True for a link type that ins_link_unwrap knows. */
bool ins_link_is_known(uint32_t link_type);

#endif
