/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: what a server sends on a connection whose frames a scenario wrote. Whatever it is, the counts fit
 * together, what is kept is bounded, and the outcome has a text.
 */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "harness/raw/outcome_set.h"

enum {
    TEXT_MAX = 160,
};

static void on_frame(void *owner, const struct sl_frame_event *event)
{
    struct har_link *link = owner;
    har_wire_note(&link->wire, event);
}

static void check_counts(const struct har_wire *wire)
{
    assert(wire->served <= wire->statuses);
    assert(wire->statuses <= wire->frames[SL_H2_HEADERS] + wire->frames[SL_H2_CONTINUATION]);
    assert(wire->refused <= wire->frames[SL_H2_RST_STREAM]);
    assert(wire->settings_acks <= wire->frames[SL_H2_SETTINGS]);
    assert(wire->ping_acks <= wire->frames[SL_H2_PING]);
    assert(wire->stream_count <= HAR_WIRE_STREAMS_MAX);
    assert(wire->stream_count == HASH_COUNT(wire->streams));
}

static void check_outcomes(struct har_actor *actor)
{
    static const char *const words[] = {"served",   "closed",       "status *", "http 200",
                                        "stream *", "connection *", "goaway *"};
    const struct har_wire_stream *stream = NULL;
    for (stream = actor->link->wire.streams; stream != NULL; stream = stream->hh.next) {
        char text[TEXT_MAX];
        actor->raw_stream = stream->id;
        struct har_wire_outcome seen = har_outcome_of(actor);
        bool is_any = false;
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
            is_any |= har_outcome_matches(words[i], &seen);
        }
        har_outcome_tell(&seen, text, sizeof(text));
        assert(seen.is_anything || !is_any);
        assert(!seen.is_anything || text[0] != '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sl_observer_handler handler = {.frame = on_frame};
    struct har_link link = {.wire = {.keeps_streams = true}};
    struct har_actor actor = {.link = &link};
    struct sl_observer_config config = sl_observer_defaults();
    const struct sl_at at = {.has_time = true};
    config.handler = &handler;
    config.owner = &link;
    struct sl_observer *observer = sl_observer_new(&config);
    sl_observer_feed(observer, SL_DIR_REQUEST, sl_span(SL_H2_PREFACE, SL_H2_PREFACE_SIZE), &at);
    sl_observer_feed(observer, SL_DIR_RESPONSE, sl_span(data, size), &at);
    check_counts(&link.wire);
    check_outcomes(&actor);
    sl_observer_finish(observer);
    sl_observer_free(observer);
    har_wire_clear(&link.wire);
    return 0;
}
