/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a byte that says in which pieces, then what a server sends to a client that asks for its schema. Every call that
 * ends is followed by another. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "inspector/reflect/rpc.h"

struct peer {
    struct ins_rpc *rpc;
    bool is_open;
};

static void open_call(struct peer *peer)
{
    peer->is_open = ins_rpc_open(peer->rpc, "/a.B/C") == SL_OK;
    if (peer->is_open) {
        ins_rpc_send(peer->rpc, sl_span_str("request"));
    }
}

static void on_message(void *owner, struct sl_span payload)
{
    struct peer *peer = owner;
    assert(peer->is_open && payload.len <= INS_RPC_MESSAGE_MAX);
    ins_rpc_send(peer->rpc, sl_span_str("another"));
}

static void on_end(void *owner, uint32_t code, const char *text)
{
    struct peer *peer = owner;
    (void)code;
    assert(peer->is_open && strlen(text) < INS_RPC_TEXT_MAX);
    open_call(peer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ins_rpc_handler handler = {.message = on_message, .end = on_end};
    struct peer peer = {.rpc = NULL};
    struct sl_span input = sl_span_from(sl_span(data, size), 1);
    struct sl_error error = {0};
    size_t step = size == 0 || data[0] == 0 ? SIZE_MAX : data[0];
    peer.rpc = ins_rpc_new("host:1", &handler, &peer);
    open_call(&peer);
    while (error.status == SL_OK && input.len > 0) {
        struct sl_span piece = sl_span_first(input, step);
        enum sl_status status = ins_rpc_feed(peer.rpc, piece, &error);
        assert(status == error.status);
        input = sl_span_from(input, piece.len);
        size_t len = ins_rpc_output(peer.rpc).len;
        assert(len <= INS_RPC_OUTPUT_MAX);
        ins_rpc_wrote(peer.rpc, len / 2);
    }
    assert(ins_rpc_closed(peer.rpc, &error) != SL_OK);
    ins_rpc_finish(peer.rpc);
    ins_rpc_free(peer.rpc);
    return 0;
}
