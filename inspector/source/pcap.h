/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_PCAP_H
#define INS_PCAP_H

/*
 * Classic pcap files (draft-ietf-opsawg-pcap): microseconds and nanoseconds, both byte orders, and
 * the variant with longer record headers that old Linux versions wrote.
 *
 * A record whose header cannot be right, or is not followed by one that can, is damage. Reading goes
 * on at the next place from which two records follow each other.
 */
#include "inspector/source/source.h"

/* True when the bytes begin with one of the magic numbers. */
bool ins_pcap_is(struct sl_span start);

/* Takes input unless it fails. SL_MALFORMED when the file header is cut. */
SL_MUST_USE enum sl_status ins_pcap_new(struct ins_input *input, struct ins_source **ret_source,
                                        struct sl_error *reterr_error);

#endif
