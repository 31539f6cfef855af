/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_UDP_H
#define INS_UDP_H

/*
 * UDP, for the tunnels in it, known by their port: VXLAN (4789 RFC 7348, 8472 of Linux, 4790 with GPE),
 * GENEVE (6081 RFC 8926), GTP-U (2152, 3GPP TS 29.281), MPLS (6635 RFC 7510). QUIC is told apart, so that
 * HTTP/3 is never passed over in silence.
 */
#include "inspector/net/wrap.h"

struct ins_wrap ins_udp_unwrap(const struct ins_wrap *outer);

#endif
