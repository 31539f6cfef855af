/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/http2/layer.h"

#include "inspector/http2/frame_guess.h"
#include "inspector/http2/session.h"
#include "inspector/stream/upgrade.h"
#include "lib/base/alloc.h"

enum {
    STREAMS_MAX = 32768, /* open at once on one connection */
};

struct http2 {
    struct sl_observer *observer;
    struct ins_session *session;
    struct ins_conversation *conversation;
    int client; /* side */
    bool is_midway;
    bool is_begin_seen;
    bool is_guessed; /* client is; a header block will tell */
};

static void observe(struct http2 *http2)
{
    struct sl_observer_config config = sl_observer_defaults();
    config.handler = ins_session_handler(http2->session);
    config.owner = http2->conversation;
    config.streams_max = STREAMS_MAX;
    config.is_midway = http2->is_midway;
    config.is_begin_seen = http2->is_begin_seen;
    config.is_crossing_counted = true;
    ins_session_keeps(http2->session, &config);
    http2->observer = sl_observer_new(&config);
    ins_session_watch(http2->conversation, http2->observer);
}

static void *http2_begin(const struct ins_layer_place *place)
{
    struct ins_session *session = place->stream->tools->session;
    struct http2 *http2 = sl_alloc(sizeof(*http2));
    http2->client = place->client;
    http2->conversation = ins_session_open(session, place);
    http2->session = session;
    http2->is_midway = place->is_midway;
    http2->is_guessed = place->is_guessed;
    http2->is_begin_seen = place->stream->has_handshake && place->stream->tls == NULL &&
                           place->stream->via_count == 0 && place->stream->upgrade == NULL;
    observe(http2);
    if (place->stream->upgrade != NULL) {
        ins_upgrade_settle(place->stream->upgrade, http2->observer);
        (void)ins_upgrade_give(place->stream->upgrade, http2->observer);
        ins_stream_set_upgrade(place->stream, NULL);
    }
    return http2;
}

static enum sl_dir dir_of(const struct http2 *http2, int side)
{
    return side == http2->client ? SL_DIR_REQUEST : SL_DIR_RESPONSE;
}

/* Who is the client was a guess: looks whether the segment shows it, and begins anew where it was wrong.
 * What the guess has made of the bytes so far ends here. */
static void check_guess(struct http2 *http2, int side, struct sl_span bytes)
{
    enum ins_role role = ins_frame_guess(bytes).role;
    if (role == INS_ROLE_UNKNOWN) {
        return;
    }
    http2->is_guessed = false;
    if ((role == INS_ROLE_CLIENT) == (side == http2->client)) {
        ins_session_confirm(http2->conversation);
        return;
    }
    sl_observer_finish(http2->observer);
    ins_session_turn(http2->conversation, sl_observer_totals(http2->observer));
    sl_observer_free(http2->observer);
    http2->client = 1 - http2->client;
    observe(http2);
}

static void http2_data(void *layer, int side, struct sl_span bytes, const struct sl_at *at)
{
    struct http2 *http2 = layer;
    if (http2->is_guessed) {
        check_guess(http2, side, bytes);
    }
    sl_observer_feed(http2->observer, dir_of(http2, side), bytes, at);
    ins_session_make_room(http2->session, at);
}

static void http2_gap(void *layer, int side, uint64_t count, const struct sl_at *at)
{
    struct http2 *http2 = layer;
    sl_observer_gap(http2->observer, dir_of(http2, side), count, at);
}

static void http2_close(void *layer, int side, bool is_reset, const struct sl_at *at)
{
    struct http2 *http2 = layer;
    sl_observer_close(http2->observer, dir_of(http2, side), is_reset, at);
}

static void http2_end(void *layer)
{
    struct http2 *http2 = layer;
    sl_observer_finish(http2->observer);
    ins_session_close(http2->conversation, sl_observer_totals(http2->observer));
    sl_observer_free(http2->observer);
    sl_free(http2);
}

const struct ins_layer_kind ins_http2_layer = {
    .name = "http2",
    .begin = http2_begin,
    .data = http2_data,
    .gap = http2_gap,
    .close = http2_close,
    .end = http2_end,
};
