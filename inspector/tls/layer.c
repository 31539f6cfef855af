/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/tls/layer.h"

#include "inspector/tls/tls.h"
#include "lib/base/alloc.h"

struct layer {
    struct ins_tls *tls;
    struct ins_stream *stream;
};

static void *tls_begin(const struct ins_layer_place *place)
{
    struct layer *layer = sl_alloc(sizeof(*layer));
    layer->stream = place->stream;
    /* what is inside of a tunnel counts: the last one stands first */
    struct ins_tls_info *info = sl_alloc(sizeof(*info));
    info->outer = place->stream->tls;
    place->stream->tls = info;
    layer->tls = ins_tls_new(place->stream->tools->tls, &place->above, info);
    return layer;
}

/* An end that will never come is not waited for. */
static void look(struct layer *layer)
{
    if (ins_tls_is_over(layer->tls)) {
        ins_stream_ignore(layer->stream);
    }
}

static void tls_data(void *owner, int side, struct sl_span bytes, const struct sl_at *at)
{
    struct layer *layer = owner;
    ins_tls_data(layer->tls, side, bytes, at);
    look(layer);
}

static void tls_gap(void *owner, int side, uint64_t count, const struct sl_at *at)
{
    struct layer *layer = owner;
    ins_tls_gap(layer->tls, side, count, at);
    look(layer);
}

static void tls_close(void *owner, int side, bool is_reset, const struct sl_at *at)
{
    struct layer *layer = owner;
    ins_tls_close(layer->tls, side, is_reset, at);
    look(layer);
}

static void tls_end(void *owner)
{
    struct layer *layer = owner;
    (void)ins_tls_end(layer->tls);
    sl_free(layer);
}

static bool tls_is_waiting(const void *owner)
{
    const struct layer *layer = owner;
    return ins_tls_is_waiting(layer->tls);
}

const struct ins_layer_kind ins_tls_layer = {
    .name = "tls",
    .claim = ins_tls_claim,
    .begin = tls_begin,
    .data = tls_data,
    .gap = tls_gap,
    .close = tls_close,
    .end = tls_end,
    .is_waiting = tls_is_waiting,
};
