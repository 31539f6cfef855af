/* SPDX-License-Identifier: Apache-2.0 */
/* A script of both directions of an HTTP/1.1 connection, read by the followers and made into calls by the
 * observer. A byte says what comes: data of a side and how much, a hole, or a close. What is told of bodies is
 * never more than what was fed, and a body's end never comes without its head. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "inspector/http1/layer.h"
#include "inspector/http1/reader.h"
#include "inspector/http2/session.h"
#include "inspector/stream/upgrade.h"
#include "inspector/view/views.h"
#include "lib/base/alloc.h"
#include "lib/base/rd.h"

enum {
    CODE_BITS = 2,
    CHUNK = 32, /* bytes of data in one step, times its number */
};

/* One direction alone, for what the events promise. */
struct follower {
    uint64_t fed, told;
    bool is_in_message;
};

static enum ins_h1_follow on_head(void *owner, struct ins_h1_head *head, const struct sl_at *at)
{
    struct follower *follower = owner;
    (void)at;
    assert(!follower->is_in_message && head->fields->count > 0);
    follower->is_in_message = true;
    return INS_H1_AS_TOLD;
}

static void on_body(void *owner, struct sl_span bytes, const struct sl_at *at)
{
    struct follower *follower = owner;
    (void)at;
    assert(follower->is_in_message && bytes.len > 0);
    follower->told += bytes.len;
    assert(follower->told <= follower->fed);
}

static void on_missing(void *owner, uint64_t count, const struct sl_at *at)
{
    const struct follower *follower = owner;
    (void)at;
    assert(follower->is_in_message && count > 0);
}

static void on_trailers(void *owner, struct sl_headers *fields, const struct sl_at *at)
{
    const struct follower *follower = owner;
    (void)at;
    assert(follower->is_in_message && fields->count > 0);
}

static void on_end(void *owner, const struct sl_at *at)
{
    struct follower *follower = owner;
    (void)at;
    assert(follower->is_in_message);
    follower->is_in_message = false;
}

static void on_lost(void *owner, const char *why, const struct sl_at *at)
{
    struct follower *follower = owner;
    (void)why;
    (void)at;
    follower->is_in_message = false;
}

static void on_skipped(void *owner, uint64_t count, const struct sl_at *at)
{
    struct follower *follower = owner;
    (void)at;
    follower->told += count;
    assert(count > 0 && follower->told <= follower->fed);
}

static void on_switched(void *owner, struct sl_span bytes, const struct sl_at *at)
{
    (void)owner;
    (void)bytes;
    (void)at;
    assert(false); /* on_head never says so */
}

static const struct ins_h1_events events = {
    .head = on_head,
    .body = on_body,
    .missing = on_missing,
    .trailers = on_trailers,
    .end = on_end,
    .lost = on_lost,
    .switched = on_switched,
    .skipped = on_skipped,
};

/* --- what the layer hands on --- */

static void above_data(void *owner, int side, struct sl_span bytes, const struct sl_at *at)
{
    (void)owner;
    (void)at;
    assert((side == 0 || side == 1) && bytes.len > 0);
}

static void above_gap(void *owner, int side, uint64_t count, const struct sl_at *at)
{
    (void)owner;
    (void)side;
    (void)count;
    (void)at;
}

static void above_close(void *owner, int side, bool is_reset, const struct sl_at *at)
{
    (void)owner;
    (void)side;
    (void)is_reset;
    (void)at;
}

/* The whole of the layer, with the calls view behind it. */
struct world {
    struct ins_session *session;
    struct ins_view *view;
    struct ins_stats stats;
    struct ins_lines lines;
    struct ins_stream_tools tools;
    struct ins_stream stream;
    void *layer;
};

static void world_init(struct world *world, bool is_midway)
{
    static const struct ins_select all = {0};
    ins_lines_init(&world->lines, -1);
    struct ins_view_config config = {
        .lines = &world->lines, .stats = &world->stats, .call_messages = 3};
    world->view = ins_view_calls_new(&config);
    world->session = ins_session_new(NULL, &all, &world->stats, world->view);
    world->tools = (struct ins_stream_tools){.session = world->session, .stats = &world->stats};
    world->stream = (struct ins_stream){.tools = &world->tools};
    const struct ins_layer_place place = {.stream = &world->stream,
                                          .client = 0,
                                          .is_midway = is_midway,
                                          .above = {above_data, above_gap, above_close, NULL}};
    world->layer = ins_http1_layer.begin(&place);
}

static void world_release(struct world *world)
{
    ins_http1_layer.end(world->layer);
    ins_upgrade_free(world->stream.upgrade);
    while (world->stream.via != NULL) {
        struct ins_via *via = world->stream.via;
        world->stream.via = via->inner;
        sl_free(via);
    }
    ins_session_free(world->session);
    ins_view_free(world->view);
    ins_stats_release(&world->stats);
    ins_lines_release(&world->lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world world = {0};
    struct follower follower = {0};
    struct sl_at at = {.has_time = true};
    struct sl_rd rd;
    sl_rd_init(&rd, sl_span(data, size));
    uint8_t first = sl_rd_u8(&rd);
    world_init(&world, (first & 1) != 0);
    enum sl_dir dir = (first & 2) != 0 ? SL_DIR_RESPONSE : SL_DIR_REQUEST;
    struct ins_h1_reader *reader = ins_h1_reader_new(dir, false, &events, &follower);
    while (sl_rd_left(&rd) > 0) {
        uint8_t code = sl_rd_u8(&rd);
        int side = code & 1;
        size_t count = (size_t)(code >> CODE_BITS) * CHUNK;
        at.time_ns++;
        if ((code & 2) == 0) {
            count = count == 0 ? 1 : count;
            struct sl_span bytes =
                sl_rd_take(&rd, count < sl_rd_left(&rd) ? count : sl_rd_left(&rd));
            ins_http1_layer.data(world.layer, side, bytes, &at);
            if (side == (dir == SL_DIR_REQUEST ? 0 : 1)) {
                follower.fed += bytes.len;
                ins_h1_reader_feed(reader, bytes, &at);
            }
        } else if (code < 0xf0) {
            ins_http1_layer.gap(world.layer, side, code >> CODE_BITS, &at);
            if (side == (dir == SL_DIR_REQUEST ? 0 : 1)) {
                ins_h1_reader_gap(reader, code >> CODE_BITS, &at);
            }
        } else {
            ins_http1_layer.close(world.layer, side, code >= 0xf8, &at);
            break;
        }
    }
    ins_h1_reader_close(reader, false, &at);
    ins_h1_reader_free(reader);
    world_release(&world);
    return 0;
}
