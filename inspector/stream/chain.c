/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/stream/chain.h"

#include <utlist.h>

#include "inspector/http2/layer.h"
#include "inspector/stream/sniff.h"
#include "inspector/stream/upgrade.h"
#include "inspector/tls/info.h"
#include "lib/base/alloc.h"

struct ins_chains {
    struct ins_stream_tools tools;
    size_t held_bytes;     /* of streams that are not decided */
    struct chain *waiting; /* whose connection is over, longest first */
    size_t waiting_count;
};

/* One place in a chain: undecided (sniff), then a layer, or nothing (ignored). */
struct link {
    struct chain *chain;
    unsigned depth;
    int client; /* as far as the layer below knows; or -1 */
    struct ins_sniff *sniff;
    const struct ins_layer_kind *kind;
    void *layer;
    struct link *above; /* NULL until the layer hands something on */
};

struct chain {
    struct ins_stream stream; /* first: ins_stream_ignore finds the chain by it */
    struct ins_chains *all;
    struct ins_tcp_conn *conn; /* NULL: it is over */
    struct link bottom;
    struct chain *prev, *next; /* of those that wait */
};

void ins_stream_ignore(struct ins_stream *stream)
{
    struct ins_tcp_conn *conn = ((struct chain *)stream)->conn;
    if (conn != NULL) {
        ins_tcp_ignore(conn);
    }
}

void ins_stream_add_via(struct ins_stream *stream, const struct ins_via *via)
{
    if (stream->via_count == INS_VIA_MAX) {
        return;
    }
    struct ins_via **end = &stream->via;
    while (*end != NULL) {
        end = &(*end)->inner;
    }
    *end = sl_alloc(sizeof(**end));
    **end = *via;
    (*end)->inner = NULL;
    stream->via_count++;
}

void ins_stream_set_upgrade(struct ins_stream *stream, struct ins_upgrade *upgrade)
{
    ins_upgrade_free(stream->upgrade);
    stream->upgrade = upgrade;
}

static void begin_link(struct link *link, struct chain *chain, unsigned depth, int client)
{
    link->chain = chain;
    link->depth = depth;
    link->client = client;
    link->sniff = ins_sniff_new(client);
}

/* --- what a layer hands on --- */

static void link_data(struct link *link, int side, bool saw_start, struct sl_span bytes,
                      const struct sl_at *at);
static void link_gap(struct link *link, int side, uint64_t count, const struct sl_at *at);
static void link_close(struct link *link, int side, bool is_reset, const struct sl_at *at);

static struct link *above(struct link *link)
{
    if (link->above == NULL) {
        link->above = sl_alloc(sizeof(*link->above));
        begin_link(link->above, link->chain, link->depth + 1, link->client);
    }
    return link->above;
}

static void above_data(void *owner, int side, struct sl_span bytes, const struct sl_at *at)
{
    if (bytes.len > 0) {
        link_data(above(owner), side, true, bytes, at);
    }
}

static void above_gap(void *owner, int side, uint64_t count, const struct sl_at *at)
{
    link_gap(above(owner), side, count, at);
}

static void above_close(void *owner, int side, bool is_reset, const struct sl_at *at)
{
    link_close(above(owner), side, is_reset, at);
}

/* --- deciding --- */

static void drop_sniff(struct link *link)
{
    link->chain->all->held_bytes -= ins_sniff_held(link->sniff);
    ins_sniff_free(link->sniff);
    link->sniff = NULL;
}

static void begin_layer(struct link *link, const struct ins_layer_kind *kind)
{
    link->client = ins_sniff_client(link->sniff);
    link->kind = kind;
    const struct ins_layer_place place = {.stream = &link->chain->stream,
                                          .client = link->client,
                                          .is_midway = ins_sniff_is_midway(link->sniff),
                                          .is_guessed = ins_sniff_is_guessed(link->sniff),
                                          .above = {above_data, above_gap, above_close, link}};
    link->layer = kind->begin(&place);
    const struct ins_stream_sink sink = {kind->data, kind->gap, kind->close, link->layer};
    ins_sniff_replay(link->sniff, &sink);
    drop_sniff(link);
}

static void act_on(struct link *link, enum ins_sniff_verdict verdict)
{
    struct ins_chains *all = link->chain->all;
    if (verdict == INS_SNIFF_UNDECIDED && all->held_bytes > INS_CHAINS_HOLD) {
        verdict = ins_sniff_decide(link->sniff);
    }
    bool is_too_deep = link->depth >= INS_STREAM_NESTING;
    if (verdict == INS_SNIFF_LAYER && !is_too_deep) {
        begin_layer(link, ins_sniff_kind(link->sniff));
    } else if (verdict == INS_SNIFF_HTTP2) {
        begin_layer(link, &ins_http2_layer);
    } else if (verdict != INS_SNIFF_UNDECIDED) {
        drop_sniff(link);
        ins_stream_ignore(&link->chain->stream);
        all->tools.stats->connections_too_deep += verdict == INS_SNIFF_LAYER ? 1 : 0;
    }
}

static void link_data(struct link *link, int side, bool saw_start, struct sl_span bytes,
                      const struct sl_at *at)
{
    if (link->layer != NULL) {
        link->kind->data(link->layer, side, bytes, at);
    } else if (link->sniff != NULL) {
        size_t held = ins_sniff_held(link->sniff);
        enum ins_sniff_verdict verdict = ins_sniff_data(link->sniff, side, saw_start, bytes, at);
        link->chain->all->held_bytes += ins_sniff_held(link->sniff) - held;
        act_on(link, verdict);
    }
}

static void link_gap(struct link *link, int side, uint64_t count, const struct sl_at *at)
{
    if (link->layer != NULL) {
        link->kind->gap(link->layer, side, count, at);
    } else if (link->sniff != NULL) {
        act_on(link, ins_sniff_gap(link->sniff, side, count, at));
    }
}

static void link_close(struct link *link, int side, bool is_reset, const struct sl_at *at)
{
    if (link->layer != NULL) {
        link->kind->close(link->layer, side, is_reset, at);
    } else if (link->sniff != NULL) {
        ins_sniff_close(link->sniff, side, is_reset, at);
    }
}

/* --- from TCP --- */

static struct chain *chain_of(struct ins_chains *chains, struct ins_tcp_conn *conn)
{
    struct chain *chain = ins_tcp_user(conn);
    if (chain == NULL) {
        chain = sl_alloc(sizeof(*chain));
        chain->all = chains;
        chain->conn = conn;
        chain->stream.tools = &chains->tools;
        chain->stream.ends[0] = *ins_tcp_end(conn, 0);
        chain->stream.ends[1] = *ins_tcp_end(conn, 1);
        chain->stream.tcp_number = ins_tcp_number(conn);
        chain->stream.has_handshake = ins_tcp_handshake(conn, &chain->stream.handshake_ns);
        begin_link(&chain->bottom, chain, 0, ins_tcp_opener(conn));
        ins_tcp_set_user(conn, chain);
    }
    return chain;
}

static void on_data(void *owner, struct ins_tcp_conn *conn, int side, struct sl_span bytes,
                    const struct sl_at *at)
{
    struct chain *chain = chain_of(owner, conn);
    link_data(&chain->bottom, side, ins_tcp_saw_start(conn, side), bytes, at);
}

static void on_gap(void *owner, struct ins_tcp_conn *conn, int side, uint64_t count,
                   const struct sl_at *at)
{
    link_gap(&chain_of(owner, conn)->bottom, side, count, at);
}

static void on_close(void *owner, struct ins_tcp_conn *conn, int side, bool is_reset,
                     const struct sl_at *at)
{
    (void)owner;
    struct chain *chain = ins_tcp_user(conn);
    if (chain != NULL) {
        link_close(&chain->bottom, side, is_reset, at);
    }
}

/* From the bottom up: a layer may hand on what it held, which begins or feeds the one above it. */
static void end_links(struct link *bottom)
{
    for (struct link *link = bottom; link != NULL; link = link->above) {
        if (link->sniff != NULL) {
            act_on(link, ins_sniff_decide(link->sniff));
        }
        if (link->layer != NULL) {
            link->kind->end(link->layer);
            link->layer = NULL;
        }
    }
}

static void free_chain(struct chain *chain)
{
    struct link *link = chain->bottom.above;
    while (link != NULL) {
        struct link *next = link->above;
        sl_free(link);
        link = next;
    }
    ins_tls_info_free(chain->stream.tls);
    ins_upgrade_free(chain->stream.upgrade);
    ins_conflicts_free(chain->stream.conflicts[0]);
    ins_conflicts_free(chain->stream.conflicts[1]);
    struct ins_via *via = chain->stream.via;
    while (via != NULL) {
        struct ins_via *inner = via->inner;
        sl_free(via);
        via = inner;
    }
    sl_free(chain);
}

static void on_conflict(void *owner, struct ins_tcp_conn *conn, int side, uint64_t packet)
{
    (void)owner;
    struct chain *chain = ins_tcp_user(conn);
    if (chain != NULL) {
        ins_conflicts_add(&chain->stream.conflicts[side], packet);
    }
}

static void on_give_up(void *owner, struct ins_tcp_conn *conn)
{
    (void)owner;
    struct chain *chain = ins_tcp_user(conn);
    if (chain != NULL) {
        chain->stream.is_given_up = true;
    }
}

static void end_chain(struct chain *chain)
{
    end_links(&chain->bottom);
    if (!chain->stream.has_end) {
        ins_stats_ignored(chain->all->tools.stats);
    }
    free_chain(chain);
}

static bool is_waiting(const struct chain *chain)
{
    for (const struct link *link = &chain->bottom; link != NULL; link = link->above) {
        if (link->layer != NULL && link->kind->is_waiting != NULL &&
            link->kind->is_waiting(link->layer)) {
            return true;
        }
    }
    return false;
}

static void end_waiting(struct chain *chain)
{
    chain->all->waiting_count--;
    DL_DELETE(chain->all->waiting, chain);
    end_chain(chain);
}

void ins_chains_sweep(struct ins_chains *chains, bool is_all)
{
    struct chain *chain = NULL;
    struct chain *next = NULL;
    DL_FOREACH_SAFE (chains->waiting, chain, next) {
        if (is_all || !is_waiting(chain)) {
            end_waiting(chain);
        }
    }
}

void ins_chains_make_room(struct ins_chains *chains, size_t memory)
{
    while (chains->waiting != NULL && sl_alloc_used() > memory) {
        end_waiting(chains->waiting);
    }
}

static void on_end(void *owner, struct ins_tcp_conn *conn)
{
    struct ins_chains *chains = owner;
    struct chain *chain = ins_tcp_user(conn);
    if (chain == NULL) {
        return;
    }
    ins_tcp_set_user(conn, NULL);
    chain->conn = NULL;
    if (!is_waiting(chain)) {
        end_chain(chain);
        return;
    }
    DL_APPEND(chains->waiting, chain);
    chains->waiting_count++;
    if (chains->waiting_count > INS_CHAINS_WAITING) {
        end_waiting(chains->waiting);
    }
}

static const struct ins_tcp_handler tcp_handler = {
    .data = on_data,
    .gap = on_gap,
    .close = on_close,
    .conflict = on_conflict,
    .give_up = on_give_up,
    .end = on_end,
};

const struct ins_tcp_handler *ins_chains_tcp_handler(void)
{
    return &tcp_handler;
}

struct ins_chains *ins_chains_new(const struct ins_stream_tools *tools)
{
    struct ins_chains *chains = sl_alloc(sizeof(*chains));
    chains->tools = *tools;
    return chains;
}

void ins_chains_free(struct ins_chains *chains)
{
    sl_free(chains);
}
