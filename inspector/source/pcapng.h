/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_PCAPNG_H
#define INS_PCAPNG_H

/*
 * pcapng files (draft-ietf-opsawg-pcapng): any number of sections of either byte order, any number of
 * interfaces of any link type and time resolution; Enhanced, Simple and obsolete Packet Blocks.
 * Decryption Secrets Blocks are kept aside, of a file those of the next gigabyte before its first packet. Blocks of other types are passed over.
 *
 * A block whose two lengths differ or cannot be is damage. Reading goes on at the next place where a
 * known block with two equal lengths lies.
 *
 * Limits: INTERFACES_MAX interfaces a section, INS_PCAPNG_SECRETS_MAX bytes of secrets in all.
 */
#include "inspector/source/source.h"

bool ins_pcapng_is(struct sl_span start);

/* Takes input. */
struct ins_source *ins_pcapng_new(struct ins_input *input);

#endif
