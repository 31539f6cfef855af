/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_LINK_H
#define INS_LINK_H

/*
 * From a captured frame to the IP packet in it: Ethernet with any number of VLAN tags (802.1Q, QinQ),
 * Linux cooked captures, BSD loopback, raw IP.
 */
#include "inspector/source/packet.h"

/* The link layer's payload where it is IPv4 or IPv6; an empty span where it is something else, cut, or
 * of a link type that is not decoded. */
struct sl_span ins_link_ip(uint32_t link_type, struct sl_span frame);

/* True for a link type that ins_link_ip knows. */
bool ins_link_is_known(uint32_t link_type);

#endif
