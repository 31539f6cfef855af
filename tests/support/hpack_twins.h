/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HPACK_TWINS_H
#define HPACK_TWINS_H

/*
 * Our HPACK decoder and nghttp2's inflater, fed the same blocks: they must give the same fields, or
 * both find the block malformed. One difference is meant: nghttp2 refuses strings of more than 64 KiB,
 * which RFC 7541 allows; ours takes up to SL_HPACK_STRING_MAX. So blocks stay below that here.
 */
#include "lib/wire/hpack.h"

struct hpack_twins;

struct hpack_twins *hpack_twins_new(uint32_t table_size_max);
void hpack_twins_free(struct hpack_twins *twins);
/* The announced SETTINGS_HEADER_TABLE_SIZE changes for both. */
void hpack_twins_set_table_size(struct hpack_twins *twins, uint32_t table_size_max);

/* Decodes by both. True when they agree; else reterr_what says what differs. *ret_is_good tells whether
 * the block was decoded; after a malformed one the twins are of no more use. */
bool hpack_twins_decode(struct hpack_twins *twins, struct sl_span block, bool *ret_is_good,
                        const char **reterr_what);
/* What ours gave for the last block. */
const struct sl_headers *hpack_twins_headers(const struct hpack_twins *twins);

#endif
