/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_PCAPNG_SECRETS_H
#define INS_PCAPNG_SECRETS_H

/*
 * TLS secrets of pcapng files (Decryption Secrets Blocks), and how blocks begin.
 *
 * A capture may hold the keys of a connection far behind its packets. Of a file they are looked for
 * ahead, from block to block; what lies in between is hardly read.
 */
#include "inspector/source/input.h"
#include "lib/base/buf.h"

#define INS_PCAPNG_SECTION 0x0a0d0d0aU
#define INS_PCAPNG_SECRETS 0x0000000aU

enum {
    INS_PCAPNG_SECRETS_MAX = 4 * 1024 * 1024, /* of one capture */
    INS_PCAPNG_SECRETS_BLOCK_MAX = INS_PCAPNG_SECRETS_MAX + 64,
    INS_PCAPNG_NEAR = 1024 * 1024, /* in a shorter capture packets can wait for their keys */
    INS_PCAPNG_AHEAD = 1024 * 1024 * 1024, /* how far is looked ahead */
};

uint32_t ins_pcapng_u32(bool is_big_endian, const uint8_t *at);

/* The byte order that a Section Header Block at bytes announces. False when it is none. */
bool ins_pcapng_section_order(struct sl_span bytes, bool *ret_is_big_endian);

/* Adds the key log lines of a Decryption Secrets Block. False when they do not fit. */
bool ins_pcapng_add_secrets(struct sl_buf *secrets, bool is_big_endian, struct sl_span block);

/* Adds those of the blocks ahead, where the input is a file: up to the first damage, and to where they
 * do not fit. Answers up to which place of the input they have been added; moves nothing. */
uint64_t ins_pcapng_look_ahead(const struct ins_input *input, struct sl_buf *secrets);

#endif
