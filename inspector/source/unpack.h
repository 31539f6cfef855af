/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_UNPACK_H
#define INS_UNPACK_H

/*
 * Inputs that decompress another: gzip (RFC 1952; several members follow each other as one stream) and
 * zstd (RFC 8878; several frames, skippable ones passed over).
 *
 * All that can be decompressed before a damage or a cut is handed on; then reading fails with a reason
 * that names the place in the compressed file. It can be resumed at the next member or frame. Output is made as it is asked for, so a small file that
 * expands to a huge one costs no memory.
 *
 * Limits: zstd windows of INS_ZST_WINDOW_LOG bits (8 MiB: all levels up to 19); a frame that wants more
 * is refused with a text that says so. Nothing is resumed after INS_UNPACK_TRIALS places.
 */
#include "inspector/source/input.h"

enum {
    INS_ZST_WINDOW_LOG = 23,
    INS_UNPACK_TRIALS = 16384,    /* places that have the magic, looked at behind damage */
    INS_UNPACK_TRIAL = 16 * 1024, /* bytes of such a place that are looked at */
};

bool ins_gz_is(struct sl_span start);
bool ins_zst_is(struct sl_span start);

/* They take packed. */
struct ins_input *ins_gz_new(struct ins_input *packed);
struct ins_input *ins_zst_new(struct ins_input *packed);

#endif
