/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FUZZ_CAPTURE_H
#define FUZZ_CAPTURE_H

/* Reads a capture whole and throws the records away; asserts what must hold for any input. */
#include <assert.h>

#include "inspector/pipeline.h"
#include "inspector/source/source.h"
#include "inspector/view/views.h"

static inline void fuzz_feed(struct ins_source *source, struct ins_pipeline *pipeline,
                             size_t file_size)
{
    struct ins_packet packet;
    struct ins_damage damage;
    enum sl_status status = SL_OK;
    size_t steps = 0;
    while ((status = ins_source_next(source, &packet, &damage)) != SL_CLOSED) {
        assert(status == SL_OK || status == SL_MALFORMED);
        /* Every step moves on: a packet or a damage takes at least a byte. */
        assert(++steps <= file_size + 2);
        if (status == SL_OK) {
            assert(packet.bytes.len <= packet.original_len);
            ins_pipeline_feed(pipeline, &packet);
        }
    }
}

static inline void fuzz_capture(struct sl_span file, ins_view_new_fn *create)
{
    static const struct ins_select all = {0};
    struct ins_source *source = NULL;
    if (ins_source_new(ins_input_memory(file), &source, NULL) != SL_OK) {
        return;
    }
    struct ins_stats stats = {0};
    struct ins_lines lines;
    ins_lines_init(&lines, -1);
    struct sl_pool *pool = sl_pool_new();
    struct ins_view_config config = {
        .pool = pool, .lines = &lines, .stats = &stats, .call_messages = 10};
    struct ins_view *view = create(&config);
    struct ins_pipeline *pipeline = ins_pipeline_new(pool, &all, &stats, view);
    fuzz_feed(source, pipeline, file.len);
    ins_pipeline_finish(pipeline);
    ins_pipeline_free(pipeline);
    ins_view_free(view);
    ins_source_free(source);
    ins_stats_release(&stats);
    ins_lines_release(&lines);
    sl_pool_free(pool);
}

#endif
