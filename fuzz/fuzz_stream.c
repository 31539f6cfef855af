/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads of both sides of a TCP connection (side and length before each), through the layers of a stream
 * to call records. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "inspector/http2/session.h"
#include "inspector/stream/chain.h"
#include "inspector/tls/tls.h"
#include "inspector/view/views.h"
#include "lib/base/rd.h"

static void feed(struct ins_tcp *tcp, struct sl_rd *rd)
{
    uint32_t next[2] = {1001, 5001};
    uint64_t packet = 0;
    const struct ins_endpoint ends[2] = {{.address = {.version = 4}, .port = 1}, {.port = 2}};
    for (int side = 0; side < 2; side++) {
        const struct ins_segment syn = {.from = ends[side],
                                        .to = ends[1 - side],
                                        .sequence = next[side] - 1,
                                        .acknowledged = side == 1 ? next[0] : 0,
                                        .flags =
                                            side == 1 ? INS_TCP_SYN | INS_TCP_ACK : INS_TCP_SYN};
        ins_tcp_feed(tcp, &syn);
    }
    while (sl_rd_left(rd) > 0) {
        uint8_t head = sl_rd_u8(rd);
        int side = head >> 7;
        size_t len = (size_t)(head & 0x7f) * 4;
        len = len < sl_rd_left(rd) ? len : sl_rd_left(rd);
        struct ins_segment segment = {.from = ends[side],
                                      .to = ends[1 - side],
                                      .sequence = next[side],
                                      .acknowledged = next[1 - side],
                                      .flags = INS_TCP_ACK,
                                      .payload = sl_rd_take(rd, len),
                                      .len = (uint32_t)len,
                                      .at = {.packet = ++packet}};
        segment.flags |= len == 0 && (head & 1) == 0 ? INS_TCP_FIN : 0;
        next[side] += (uint32_t)len + (len == 0 ? 1 : 0);
        ins_tcp_feed(tcp, &segment);
    }
    ins_tcp_finish(tcp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ins_select all = {0};
    struct ins_stats stats = {0};
    struct ins_lines lines;
    ins_lines_init(&lines, -1);
    const struct ins_view_config config = {.lines = &lines, .stats = &stats, .call_messages = 10};
    struct ins_view *view = ins_view_calls_new(&config);
    struct ins_session *session = ins_session_new(NULL, &all, &stats, view);
    struct ins_tls_all *tls = ins_tls_all_new();
    const struct ins_stream_tools tools = {.session = session, .stats = &stats, .tls = tls};
    struct ins_chains *chains = ins_chains_new(&tools);
    struct ins_tcp_limits limits = ins_tcp_limits_default();
    struct ins_tcp *tcp = ins_tcp_new(ins_chains_tcp_handler(), chains, &limits);
    struct sl_rd rd;
    sl_rd_init(&rd, sl_span(data, size));
    feed(tcp, &rd);
    assert(stats.connections + stats.connections_ignored <= 3);
    ins_tcp_free(tcp);
    ins_chains_free(chains);
    ins_session_free(session);
    ins_tls_all_free(tls);
    ins_view_free(view);
    ins_stats_release(&stats);
    ins_lines_release(&lines);
    return 0;
}
