/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_FILTER_H
#define INS_FILTER_H

/*
 * A BPF filter expression (pcap-filter(7)), run on packets that we read ourselves. libpcap compiles it
 * for a link type when the first packet of that type comes.
 */
#include "inspector/source/packet.h"
#include "lib/base/status.h"

struct ins_filter;

/* SL_USAGE with libpcap's reason when the expression does not compile. */
SL_MUST_USE enum sl_status ins_filter_new(const char *expression, struct ins_filter **ret_filter,
                                          struct sl_error *reterr_error);
void ins_filter_free(struct ins_filter *filter);

/* False also for a link type for which it does not compile. */
bool ins_filter_matches(struct ins_filter *filter, const struct ins_packet *packet);

/* Why the expression did not compile for some link type; NULL when it did for all so far. */
const char *ins_filter_failure(const struct ins_filter *filter);

#endif
