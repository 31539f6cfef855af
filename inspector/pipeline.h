/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_PIPELINE_H
#define INS_PIPELINE_H

/* From packets to the view: link > ip > tcp > the layers of a stream. No I/O: what tests and fuzzers drive. */
#include "inspector/http2/session.h"
#include "inspector/source/packet.h"
#include "inspector/tls/keys.h"

struct ins_pipeline;

/* As ins_session_new. */
struct ins_pipeline *ins_pipeline_new(const struct sl_pool *pool, const struct ins_select *select,
                                      struct ins_stats *stats, struct ins_view *view);
void ins_pipeline_free(struct ins_pipeline *pipeline);

void ins_pipeline_feed(struct ins_pipeline *pipeline, const struct ins_packet *packet);

/* The TCP connections (ins_tcp_number) of the segments in the packet fed last, each once; *ret_count of them. */
enum {
    INS_PIPELINE_TOUCHED = 16,
};
const uint64_t *ins_pipeline_touched(const struct ins_pipeline *pipeline, size_t *ret_count);

/* TLS is decrypted by keys, borrowed from now on; without them it is told and passed over. Again when secrets were added:
 * connections that waited for them go on. */
void ins_pipeline_decrypt(struct ins_pipeline *pipeline, struct ins_keys *keys);

/* The input has ended: all calls end, the balance is in stats, the view writes what it has left. */
void ins_pipeline_finish(struct ins_pipeline *pipeline);

#endif
