/* SPDX-License-Identifier: Apache-2.0 */
/* Input: one byte that chooses the faults, then pieces of a connection: a byte whose lowest bit is the
 * direction and the rest the length in eights, and so many bytes. Without a fault, what comes out is what
 * went in; with one, memory stays bounded. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "harness/proxy/framing.h"
#include "lib/base/alloc.h"

struct state {
    struct sl_buf in[2], out[2];
};

static void on_pass(void *owner, enum sl_dir dir, struct sl_span bytes, uint64_t delay_ns)
{
    struct state *state = owner;
    (void)delay_ns;
    (void)sl_buf_add_span(&state->out[dir], bytes);
}

static void on_place(void *owner, enum sl_dir dir, uint32_t stream, struct sl_span path)
{
    (void)owner;
    (void)dir;
    (void)stream;
    assert(path.len < HAR_FAULT_METHOD_MAX);
}

static void on_call(void *owner, uint32_t stream, struct sl_span path)
{
    on_place(owner, SL_DIR_REQUEST, stream, path);
}

static void on_applied(void *owner, uint64_t id)
{
    (void)owner;
    assert(id > 0);
}

static const struct har_framing_handler handler = {.pass = on_pass,
                                                   .frame = on_place,
                                                   .message = on_place,
                                                   .call = on_call,
                                                   .applied = on_applied};

static const struct har_fault faults[] = {
    {.is_h2 = true, .frame = SL_H2_PING, .what = HAR_DO_DROP},
    {.is_h2 = true,
     .frame = SL_H2_SETTINGS,
     .what = HAR_DO_REWRITE,
     .settings = {{4, 1}},
     .setting_count = 1},
    {.is_h2 = true, .frame = SL_H2_WINDOW_UPDATE, .delay_ns = 5, .method = "Method"},
    {.is_h2 = true, .frame = SL_H2_GOAWAY, .what = HAR_DO_REWRITE, .has_last_id = true},
    {.is_h2 = true,
     .frame = SL_H2_RST_STREAM,
     .what = HAR_DO_INJECT,
     .dir = HAR_DIR_TO_CLIENT,
     .method = "Method",
     .message = 1,
     .count = 2},
    {.is_h2 = true,
     .frame = SL_H2_PING,
     .what = HAR_DO_INJECT,
     .dir = HAR_DIR_TO_SERVER,
     .count = 3,
     .delay_ns = 7},
    {.is_h2 = true, .frame = SL_H2_DATA, .delay_ns = 3},
    {.is_h2 = true, .frame = SL_H2_PING, .delay_ns = 9, .nth = 2},
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct state state;
    unsigned chosen = size == 0 ? 0 : data[0];
    uint64_t now_ns = 1;
    for (int dir = 0; dir < 2; dir++) {
        sl_buf_init(&state.in[dir], size + 1);
        sl_buf_init(&state.out[dir], 2 * size + 65536);
    }
    struct har_framing *framing = har_framing_new(&handler, &state);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        if ((chosen >> i & 1) != 0) {
            har_framing_add(framing, i + 1, &faults[i], now_ns);
        }
    }
    for (size_t at = 1; at < size; now_ns++) {
        enum sl_dir dir = (data[at] & 1) != 0 ? SL_DIR_RESPONSE : SL_DIR_REQUEST;
        size_t len = (size_t)(data[at] >> 1) * 8;
        at++;
        len = len > size - at ? size - at : len;
        (void)sl_buf_add(&state.in[dir], data + at, len);
        har_framing_feed(framing, dir, sl_span(data + at, len), now_ns);
        at += len;
        if (now_ns == 20) { /* in the middle of anything */
            har_framing_remove(framing, 1);
            har_framing_remove(framing, 6);
        }
    }
    for (int dir = 0; dir < 2; dir++) {
        har_framing_finish(framing, (enum sl_dir)dir, now_ns);
        assert(har_framing_waiting(framing, (enum sl_dir)dir) == 0);
        assert(chosen != 0 ||
               sl_span_equal(sl_buf_span(&state.in[dir]), sl_buf_span(&state.out[dir])));
    }
    har_framing_free(framing);
    for (int dir = 0; dir < 2; dir++) {
        sl_buf_release(&state.in[dir]);
        sl_buf_release(&state.out[dir]);
    }
    return 0;
}
