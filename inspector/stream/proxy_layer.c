/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/stream/proxy.h"
#include "lib/base/alloc.h"

struct proxy {
    struct ins_stream *stream;
    struct ins_stream_sink above;
    int client;
    struct sl_buf header; /* what came of it, while it is not whole */
    size_t skip;          /* bytes of it that are still to come and not looked at */
    bool is_over;         /* it was taken off */
};

static enum ins_claim proxy_claim(const struct ins_head *head)
{
    size_t size = 0;
    struct ins_via via;
    if (!head->is_start) {
        return INS_CLAIM_NO;
    }
    switch (ins_proxy_read(head->bytes, &size, &via)) {
    case INS_PROXY_SHORT:
        return size > 0 ? INS_CLAIM_CLIENT : INS_CLAIM_MAYBE;
    case INS_PROXY_WHOLE:
        return INS_CLAIM_CLIENT;
    case INS_PROXY_NONE:
    default:
        return INS_CLAIM_NO;
    }
}

static void *proxy_begin(const struct ins_layer_place *place)
{
    struct proxy *proxy = sl_alloc(sizeof(*proxy));
    proxy->stream = place->stream;
    proxy->above = place->above;
    proxy->client = place->client;
    sl_buf_init(&proxy->header, INS_PROXY_HEADER_MAX);
    return proxy;
}

/* The header is read as far as it will be. Returns what of bytes is behind it. */
static struct sl_span take_header(struct proxy *proxy, struct sl_span bytes)
{
    size_t before = proxy->header.len;
    struct sl_span head = sl_span_first(bytes, INS_PROXY_HEADER_MAX - before);
    (void)sl_buf_add_span(&proxy->header, head);
    size_t size = 0;
    struct ins_via via;
    enum ins_proxy_state state = ins_proxy_read(sl_buf_span(&proxy->header), &size, &via);
    bool is_long = state == INS_PROXY_SHORT && proxy->header.len == INS_PROXY_HEADER_MAX;
    if (state != INS_PROXY_WHOLE && !is_long) {
        return sl_span(NULL, 0);
    }
    proxy->is_over = true;
    ins_stream_add_via(proxy->stream, &via);
    sl_buf_release(&proxy->header);
    size_t rest = size - before; /* of the header, from the beginning of bytes */
    proxy->skip = rest > bytes.len ? rest - bytes.len : 0;
    return sl_span_from(bytes, rest);
}

static void proxy_data(void *layer, int side, struct sl_span bytes, const struct sl_at *at)
{
    struct proxy *proxy = layer;
    if (side == proxy->client && !proxy->is_over) {
        bytes = take_header(proxy, bytes);
    } else if (side == proxy->client && proxy->skip > 0) {
        size_t skip = proxy->skip < bytes.len ? proxy->skip : bytes.len;
        proxy->skip -= skip;
        bytes = sl_span_from(bytes, skip);
    }
    if (bytes.len > 0) {
        proxy->above.data(proxy->above.owner, side, bytes, at);
    }
}

static void proxy_gap(void *layer, int side, uint64_t count, const struct sl_at *at)
{
    struct proxy *proxy = layer;
    if (side == proxy->client) {
        /* What is left of a header with a hole cannot be told from what follows it. */
        proxy->is_over = true;
        proxy->skip = 0;
    }
    proxy->above.gap(proxy->above.owner, side, count, at);
}

static void proxy_close(void *layer, int side, bool is_reset, const struct sl_at *at)
{
    const struct proxy *proxy = layer;
    proxy->above.close(proxy->above.owner, side, is_reset, at);
}

static void proxy_end(void *layer)
{
    struct proxy *proxy = layer;
    sl_buf_release(&proxy->header);
    sl_free(proxy);
}

const struct ins_layer_kind ins_proxy_layer = {
    .name = "proxy",
    .claim = proxy_claim,
    .begin = proxy_begin,
    .data = proxy_data,
    .gap = proxy_gap,
    .close = proxy_close,
    .end = proxy_end,
};
