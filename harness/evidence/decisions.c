/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/evidence/decisions.h"

#include <stdlib.h>

#include "harness/steps/step.h"
#include "lib/base/alloc.h"
#include "lib/base/json_out.h"
#include "lib/base/rng.h"

enum {
    DRAWS_SHOWN = 4,
    LINE_BYTES = HAR_SCENARIO_MAX + 4096,
};

static void begin_line(struct sl_json_out *json, struct sl_buf *line, const struct har_play *play,
                       const char *actor)
{
    sl_json_out_init(json, line);
    sl_json_out_begin_object(json);
    sl_json_out_key_str(json, "scenario", play->scenario->id);
    sl_json_out_key_str(json, "actor", actor);
}

/* A line goes in whole or not at all. */
static void add_line(struct har_decisions *log, uint8_t group, struct sl_buf *line)
{
    if (log->lines.max == 0) {
        sl_buf_init(&log->lines, HAR_DECISIONS_MAX);
    }
    (void)sl_buf_add_u8(line, '\n');
    if (log->lines.len + line->len < HAR_DECISIONS_MAX) {
        (void)sl_buf_add_u8(&log->lines, group);
        (void)sl_buf_add_span(&log->lines, sl_buf_span(line));
    }
    sl_buf_release(line);
}

static void decide(struct har_decisions *log, const struct har_play *play,
                   const struct har_node *node, uint8_t group)
{
    struct sl_buf line;
    struct sl_json_out json;
    char *args = json_dumps(node->json, JSON_COMPACT | JSON_ENCODE_ANY);
    sl_buf_init(&line, LINE_BYTES);
    begin_line(&json, &line, play,
               group == HAR_DECISIONS_CONTROL ? "" : play->scenario->actors[group].name);
    sl_json_out_key_str(&json, "step", node->path);
    sl_json_out_key_str(&json, "verb", node->type->name);
    sl_json_out_key_u64(&json, "seed", play->config.seed);
    if (node->type->children == HAR_CHILDREN_NONE && args != NULL) {
        sl_json_out_key(&json, "args");
        sl_json_out_raw(&json, sl_span_str(args));
    }
    sl_json_out_end_object(&json);
    add_line(log, group, &line);
    free(args);
}

void har_decisions_step(struct har_decisions *log, const struct har_play *play,
                        const struct har_node *node)
{
    for (size_t g = 0; g < play->scenario->actor_count; g++) {
        if ((node->who >> g & 1) != 0) {
            decide(log, play, node, (uint8_t)g);
        }
    }
    if (node->who == 0) {
        decide(log, play, node, HAR_DECISIONS_CONTROL);
    }
}

void har_decisions_draw(struct har_decisions *log, const struct har_actor *actor,
                        const struct har_node *node, const char *what, uint64_t stream)
{
    struct sl_buf line;
    struct sl_json_out json;
    struct sl_rng rng;
    sl_buf_init(&line, LINE_BYTES);
    begin_line(&json, &line, actor->play, actor->spec->name);
    sl_json_out_key_str(&json, "step", node->path);
    sl_json_out_key_str(&json, "draw", what);
    sl_json_out_key_u64(&json, "index", actor->index);
    sl_json_out_key_u64(&json, "stream", stream);
    sl_json_out_key(&json, "first");
    sl_json_out_begin_array(&json);
    sl_rng_init(&rng, actor->play->config.seed, stream);
    for (size_t i = 0; i < DRAWS_SHOWN; i++) {
        sl_json_out_double(&json, sl_rng_unit(&rng));
    }
    sl_json_out_end_array(&json);
    sl_json_out_end_object(&json);
    add_line(log, (uint8_t)actor->group, &line);
}

void har_decisions_join(struct har_decisions *log, const struct har_decisions *other)
{
    if (log->lines.max == 0) {
        sl_buf_init(&log->lines, HAR_DECISIONS_MAX);
    }
    (void)sl_buf_add_span(&log->lines, sl_buf_span(&other->lines));
}

void har_decisions_release(struct har_decisions *log)
{
    sl_buf_release(&log->lines);
}

void har_decisions_sorted(const struct har_decisions *log, struct sl_buf *out)
{
    if (log->lines.len == 0) {
        return;
    }
    const uint8_t *end = log->lines.data + log->lines.len;
    for (uint8_t group = 0; group <= HAR_DECISIONS_CONTROL; group++) {
        const uint8_t *at = log->lines.data;
        while (at < end) {
            const uint8_t *line_end = memchr(at + 1, '\n', (size_t)(end - at) - 1);
            size_t len = (size_t)(line_end - at);
            if (*at == group) {
                (void)sl_buf_add_span(out, sl_span(at + 1, len));
            }
            at = line_end + 1;
        }
    }
}
