/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_TCP_WORLD_H
#define TEST_TCP_WORLD_H

/* A TCP layer under test, what it handed on as text, and segments to feed it. */
#include "inspector/net/tcp.h"
#include "tests/support/cmocka_all.h"

enum {
    TRANSCRIPT_MAX = 256 * 1024,
    CLIENT_FIRST = 1001, /* sequence numbers of the first bytes, after the handshake */
    SERVER_FIRST = 5001,
};

/* What the connection handed on, as text: "0:abc" data of side 0, "0?3" a gap of three bytes, "0." FIN,
 * "0!" RST, "end". */
struct world {
    struct ins_tcp *tcp;
    struct sl_buf text;
    bool is_ignoring; /* ignores the connection at the first data */
    uint64_t clock;
    uint64_t conflict; /* the packet of the last one */
};

static inline void world_on_data(void *owner, struct ins_tcp_conn *conn, int side,
                                 struct sl_span bytes, const struct sl_at *at)
{
    struct world *world = owner;
    (void)at;
    (void)sl_buf_addf(&world->text, "%d:%.*s ", side, SL_SPAN_ARG(bytes));
    if (world->is_ignoring) {
        ins_tcp_ignore(conn);
    }
}

static inline void world_on_gap(void *owner, struct ins_tcp_conn *conn, int side, uint64_t count,
                                const struct sl_at *at)
{
    struct world *world = owner;
    (void)conn;
    (void)at;
    (void)sl_buf_addf(&world->text, "%d?%llu ", side, (unsigned long long)count);
}

static inline void world_on_close(void *owner, struct ins_tcp_conn *conn, int side, bool is_reset,
                                  const struct sl_at *at)
{
    struct world *world = owner;
    (void)conn;
    (void)at;
    (void)sl_buf_addf(&world->text, "%d%c ", side, is_reset ? '!' : '.');
}

static inline void world_on_conflict(void *owner, struct ins_tcp_conn *conn, int side,
                                     uint64_t packet)
{
    struct world *world = owner;
    (void)conn;
    (void)side;
    world->conflict = packet;
}

static inline void world_on_end(void *owner, struct ins_tcp_conn *conn)
{
    struct world *world = owner;
    (void)conn;
    (void)sl_buf_add_str(&world->text, "end ");
}

static inline void world_on_give_up(void *owner, struct ins_tcp_conn *conn)
{
    struct world *world = owner;
    (void)conn;
    (void)sl_buf_add_str(&world->text, "give-up ");
}

static const struct ins_tcp_handler world_handler = {.data = world_on_data,
                                                     .gap = world_on_gap,
                                                     .close = world_on_close,
                                                     .conflict = world_on_conflict,
                                                     .give_up = world_on_give_up,
                                                     .end = world_on_end};

static inline void world_begin_with(struct world *world, struct ins_tcp_limits limits)
{
    *world = (struct world){0};
    sl_buf_init(&world->text, TRANSCRIPT_MAX);
    world->tcp = ins_tcp_new(&world_handler, world, &limits);
}

static inline void world_begin(struct world *world)
{
    world_begin_with(world, ins_tcp_limits_default());
}

static inline void world_end(struct world *world)
{
    ins_tcp_free(world->tcp);
    sl_buf_release(&world->text);
}

/* A segment of side 0 or 1; flags as letters S F R A; len 0: that of payload. */
static inline void world_segment_of(struct world *world, uint16_t port, int side, const char *flags,
                                    uint32_t sequence, uint32_t acknowledged, const char *payload)
{
    struct ins_segment segment = {.sequence = sequence,
                                  .acknowledged = acknowledged,
                                  .payload = sl_span_str(payload),
                                  .len = (uint32_t)strlen(payload),
                                  .at = {.packet = ++world->clock}};
    struct ins_endpoint ends[2] = {
        {.address = {.version = 4, .bytes = {10, 0, 0, 1}}, .port = port},
        {.address = {.version = 4, .bytes = {10, 0, 0, 2}}, .port = 50051},
    };
    segment.from = ends[side];
    segment.to = ends[1 - side];
    segment.flags |= strchr(flags, 'S') != NULL ? INS_TCP_SYN : 0;
    segment.flags |= strchr(flags, 'F') != NULL ? INS_TCP_FIN : 0;
    segment.flags |= strchr(flags, 'R') != NULL ? INS_TCP_RST : 0;
    segment.flags |= strchr(flags, 'A') != NULL ? INS_TCP_ACK : 0;
    ins_tcp_feed(world->tcp, &segment);
}

static inline void world_segment(struct world *world, int side, const char *flags,
                                 uint32_t sequence, uint32_t acknowledged, const char *payload)
{
    world_segment_of(world, 40000, side, flags, sequence, acknowledged, payload);
}

static inline void world_handshake(struct world *world)
{
    world_segment(world, 0, "S", CLIENT_FIRST - 1, 0, "");
    world_segment(world, 1, "SA", SERVER_FIRST - 1, CLIENT_FIRST, "");
    world_segment(world, 0, "A", CLIENT_FIRST, SERVER_FIRST, "");
}

static inline void world_client(struct world *world, uint32_t offset, const char *payload)
{
    world_segment(world, 0, "A", CLIENT_FIRST + offset, SERVER_FIRST, payload);
}

static inline void world_server(struct world *world, uint32_t offset, uint32_t acknowledged,
                                const char *payload)
{
    world_segment(world, 1, "A", SERVER_FIRST + offset, CLIENT_FIRST + acknowledged, payload);
}

static inline void world_expect(struct world *world, const char *text)
{
    assert_string_equal(sl_buf_str(&world->text), text);
}

#endif
