/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_RECORD_WORLD_H
#define TEST_RECORD_WORLD_H

/* The records of a scripted conversation, and what they say, path by path. */
#include <jansson.h>

#include "inspector/pipeline.h"
#include "inspector/view/views.h"
#include "tests/support/cmocka_all.h"
#include "tests/support/talk.h"
#include "tests/support/talk_packets.h"

#define SECOND UINT64_C(1000000000)

/* The records of a conversation. */
static inline json_t *records(const struct test_talk *talk, ins_view_new_fn *create,
                              uint64_t messages)
{
    static const struct ins_select all = {0};
    static struct test_packets packets;
    struct ins_stats stats = {0};
    struct ins_lines lines;
    struct sl_pool *pool = sl_pool_new();
    sl_pool_add_builtin(pool);
    assert_int_equal(sl_pool_link(pool, NULL), SL_OK);
    ins_lines_init(&lines, -1);
    struct ins_view_config config = {.pool = pool,
                                     .lines = &lines,
                                     .stats = &stats,
                                     .call_messages = messages,
                                     .has_lint = false};
    struct ins_view *view = create(&config);
    struct ins_pipeline *pipeline = ins_pipeline_new(pool, &all, &stats, view);
    test_pack(&packets, talk, INS_LINK_RAW, false);
    for (size_t i = 0; i < packets.count; i++) {
        struct ins_packet packet = {.bytes = sl_span(packets.items[i].bytes, packets.items[i].len),
                                    .original_len = (uint32_t)packets.items[i].len,
                                    .link_type = INS_LINK_RAW,
                                    .number = i + 1,
                                    .time_ns = i * SECOND,
                                    .has_time = true};
        ins_pipeline_feed(pipeline, &packet);
    }
    ins_pipeline_finish(pipeline);
    json_t *all_records = json_array();
    const char *line = sl_buf_str(&lines.buf);
    while (*line != '\0') {
        json_error_t error;
        const char *end = strchr(line, '\n');
        json_t *record = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, &error);
        assert_non_null(record);
        assert_int_equal(json_array_append_new(all_records, record), 0);
        line = end + 1;
    }
    ins_pipeline_free(pipeline);
    ins_view_free(view);
    ins_stats_release(&stats);
    ins_lines_release(&lines);
    sl_pool_free(pool);
    return all_records;
}

/* The value at a path such as "response.messages.0.json". */
static inline const json_t *at(const json_t *value, const char *path)
{
    while (value != NULL && *path != '\0') {
        char key[64] = "";
        size_t len = strcspn(path, ".");
        assert_true(len < sizeof(key));
        memcpy(key, path, len);
        path += len + (path[len] == '.' ? 1 : 0);
        value = json_is_array(value) ? json_array_get(value, strtoul(key, NULL, 10))
                                     : json_object_get(value, key);
    }
    return value;
}

/* The value at path is this JSON text; "absent": there is none. */
static inline void expect(const json_t *record, const char *path, const char *text)
{
    const json_t *value = at(record, path);
    if (strcmp(text, "absent") == 0) {
        assert_null(value);
        return;
    }
    json_t *wanted = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(wanted);
    if (value == NULL || !json_equal(value, wanted)) {
        char *seen = value == NULL ? NULL : json_dumps(value, JSON_ENCODE_ANY);
        fail_msg("%s is %s, not %s", path, seen == NULL ? "absent" : seen, text);
    }
    json_decref(wanted);
}

#endif
