/* SPDX-License-Identifier: Apache-2.0 */
/* Segments made of the input's bytes, near each other in sequence numbers, so that they overlap, leave
 * holes, repeat and wrap around. Whatever comes, no side is given more bytes than its segments span. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "inspector/net/tcp.h"
#include "lib/base/rd.h"

enum {
    STEP = 8, /* bytes of input for one segment */
};

struct world {
    uint64_t bytes, gaps, ends;
};

static void on_data(void *owner, struct ins_tcp_conn *conn, int side, struct sl_span bytes,
                    const struct sl_at *at)
{
    struct world *world = owner;
    (void)at;
    assert(side == 0 || side == 1);
    assert(bytes.len > 0);
    world->bytes += bytes.len;
    if (bytes.data[0] == 0xee) {
        ins_tcp_ignore(conn);
    }
}

static void on_gap(void *owner, struct ins_tcp_conn *conn, int side, uint64_t count,
                   const struct sl_at *at)
{
    struct world *world = owner;
    (void)conn;
    (void)side;
    (void)at;
    assert(count > 0);
    world->gaps += count;
}

static void on_close(void *owner, struct ins_tcp_conn *conn, int side, bool is_reset,
                     const struct sl_at *at)
{
    (void)owner;
    (void)conn;
    (void)side;
    (void)is_reset;
    (void)at;
}

static void on_conflict(void *owner, struct ins_tcp_conn *conn, int side, uint64_t packet)
{
    (void)owner;
    (void)conn;
    (void)side;
    assert(packet > 0);
}

static void on_end(void *owner, struct ins_tcp_conn *conn)
{
    struct world *world = owner;
    (void)conn;
    world->ends++;
}

static const struct ins_tcp_handler handler = {
    .data = on_data, .gap = on_gap, .close = on_close, .conflict = on_conflict, .end = on_end};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world world = {0};
    const struct ins_tcp_limits limits = {
        .flow_bytes = 2000, .total_bytes = 3000, .connections = 3};
    struct ins_tcp *tcp = ins_tcp_new(&handler, &world, &limits);
    struct sl_rd rd;
    sl_rd_init(&rd, sl_span(data, size));
    uint64_t fed = 0;
    while (sl_rd_left(&rd) >= STEP) {
        struct ins_segment segment = {.at = {.packet = fed + 1}};
        uint8_t kind = sl_rd_u8(&rd);
        segment.flags = sl_rd_u8(&rd) & 0x17;
        segment.sequence = sl_rd_be16(&rd) - 0x1000U;
        segment.acknowledged = sl_rd_be16(&rd) - 0x1000U;
        segment.len = sl_rd_be16(&rd) & 0xff;
        size_t captured = segment.len < sl_rd_left(&rd) ? segment.len : sl_rd_left(&rd);
        segment.payload = sl_rd_take(&rd, (kind & 4) != 0 ? captured / 2 : captured);
        struct ins_endpoint ends[2] = {{.port = (uint16_t)(1 + (kind >> 6))}, {.port = 9}};
        segment.from = ends[kind & 1];
        segment.to = ends[1 - (kind & 1)];
        fed += segment.payload.len;
        ins_tcp_feed(tcp, &segment);
    }
    ins_tcp_finish(tcp);
    assert(world.bytes <= fed);
    assert(world.ends == ins_tcp_totals(tcp)->connections);
    ins_tcp_free(tcp);
    return 0;
}
