/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_WIFI_H
#define INS_WIFI_H

/*
 * IEEE 802.11 data frames, with QoS and aggregated MSDUs, and the radiotap header before them. Other
 * frames, and fragments of one, are NOT_IP; protected ones ENCRYPTED.
 */
#include "inspector/net/wrap.h"

struct ins_wrap ins_radiotap_unwrap(const struct ins_wrap *outer);

struct ins_wrap ins_wifi_unwrap(const struct ins_wrap *outer);

/* Takes the next frame off SUBFRAMES, which is empty behind the last. */
struct ins_wrap ins_wifi_next(struct ins_wrap *rest);

#endif
