/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_RAW_BLOCK_H
#define HAR_RAW_BLOCK_H

/*
 * Header blocks and SETTINGS payloads out of a scenario's JSON, for raw frames.
 *
 * Blocks are literals that use no table; where `incremental` is asked for, the server's table changes and
 * ours does not follow, which is why requests of a raw connection are written in literals too.
 */
#include "harness/engine/actor.h"

/* What is wrong, or NULL; NULL json is fine. */
const char *har_raw_headers_problem(json_t *json);
const char *har_raw_settings_problem(json_t *json);

/* request may be NULL: only headers. out->is_full tells that a limit was passed. */
void har_raw_block_write(const struct har_actor *actor, const char *request,
                         const struct har_strings *without, json_t *headers, struct sl_buf *out);
/* One field of --metadata as a literal; the value of a -bin one in base64. */
void har_raw_metadata_write(const struct sl_header *field, struct sl_buf *out);
void har_raw_settings_write(json_t *json, struct sl_buf *out);

#endif
