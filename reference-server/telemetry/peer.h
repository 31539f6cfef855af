/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_PEER_H
#define SRV_PEER_H

/* Names of peers. Pure. */
#include "lib/base/span.h"
#include "reference-server/telemetry/telemetry.h"

/* The C core's name of a peer ("ipv4:127.0.0.1:80", "ipv6:%5B::1%5D:80") as HOST:PORT, "[::1]:80"; cut where it is too
 * long. */
void srv_peer_from_core(struct sl_span name, char out[SRV_PEER_MAX]);

/* HOST:PORT as its parts; a host in brackets loses them. False when it has no port. */
bool srv_peer_split(struct sl_span peer, struct sl_span *ret_host, uint16_t *ret_port);

/* Whose call it is: its own name, else that of its connection; empty where nobody tells. */
struct sl_span srv_peer_of(const struct srv_call_record *call);

#endif
