/* SPDX-License-Identifier: Apache-2.0 */
/* The observer's table of streams. */
#include "lib/base/rng.h"
#include "lib/wire/obs/state.h"
#include "tests/support/cmocka_all.h"

static void streams_are_found_until_they_are_forgotten(void **state)
{
    (void)state;
    struct sl_streams streams = {0};
    assert_null(sl_obs_stream_find(&streams, 1));
    for (uint32_t id = 1; id <= 4001; id += 2) {
        struct sl_stream *stream = sl_obs_stream_add(&streams, id);
        assert_int_equal(stream->id, id);
        assert_ptr_equal(sl_obs_stream_find(&streams, id), stream);
    }
    assert_int_equal(streams.open.count, 2001);
    for (uint32_t id = 1; id <= 4001; id += 2) {
        struct sl_stream *stream = sl_obs_stream_find(&streams, id);
        assert_non_null(stream);
        assert_false(stream->is_closed);
        sl_obs_stream_close(&streams, stream);
    }
    assert_int_equal(streams.open.count, 0);
    assert_int_equal(streams.closed.count, SL_OBS_CLOSED_STREAMS);
    assert_int_equal(streams.count, SL_OBS_CLOSED_STREAMS);
    for (uint32_t id = 1; id <= 4001; id += 2) {
        bool is_recent = id > 4001 - 2 * SL_OBS_CLOSED_STREAMS;
        assert_int_equal(sl_obs_stream_find(&streams, id) != NULL, is_recent);
    }
    sl_obs_streams_release(&streams);
}

/* Ids at random, so that runs of collisions form and are cut open in their middle. */
static void the_table_survives_any_order(void **state)
{
    (void)state;
    enum { IDS = 6000 };
    static bool is_open[IDS];
    struct sl_streams streams = {0};
    struct sl_rng rng;
    sl_rng_init(&rng, 3, 1);
    size_t open = 0;
    for (int i = 0; i < 60000; i++) {
        uint32_t id = (uint32_t)sl_rng_below(&rng, IDS);
        struct sl_stream *stream = sl_obs_stream_find(&streams, id);
        assert_true(stream == NULL || stream->id == id);
        assert_int_equal(stream != NULL && !stream->is_closed, is_open[id]);
        if (stream == NULL) {
            (void)sl_obs_stream_add(&streams, id);
            is_open[id] = true;
            open++;
        } else if (!stream->is_closed) {
            sl_obs_stream_close(&streams, stream);
            is_open[id] = false;
            open--;
        }
        assert_int_equal(streams.open.count, open);
    }
    size_t listed = 0;
    for (struct sl_stream *s = streams.open.oldest; s != NULL; s = s->newer) {
        assert_true(is_open[s->id]);
        assert_true(s->newer == NULL || s->newer->older == s);
        listed++;
    }
    assert_int_equal(listed, open);
    sl_obs_streams_release(&streams);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_found_until_they_are_forgotten),
        cmocka_unit_test(the_table_survives_any_order),
    };
    return cmocka_run_group_tests_name("wire/streams", tests, NULL, NULL);
}
