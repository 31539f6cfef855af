/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_ETHERNET_H
#define INS_ETHERNET_H

/*
 * Ethernet and what its EtherTypes announce: VLAN tags (802.1Q, 802.1ad and those before it), provider
 * backbone (802.1ah), E-tags, PPPoE (RFC 2516), MPLS, IP; IEEE 802.3 lengths with LLC and SNAP.
 */
#include "inspector/net/wrap.h"

struct ins_wrap ins_ethernet_unwrap(const struct ins_wrap *outer);

/* outer->number is the EtherType. */
struct ins_wrap ins_ethertype_unwrap(const struct ins_wrap *outer);

struct ins_wrap ins_llc_unwrap(const struct ins_wrap *outer);

/* True for an EtherType that ins_ethertype_unwrap reads. */
bool ins_ethertype_is_known(uint16_t type);

#endif
