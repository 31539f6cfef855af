/* SPDX-License-Identifier: Apache-2.0 */
/* Probes: numbered messages to a room, which show that a subscription is registered. */
#include "harness/steps/probe.h"

#include <stdio.h>

#include "harness/engine/actor.h"
#include "harness/engine/outage.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum {
    PROBES_MAX = 100000,
};

static void on_reply(struct har_call *call, const struct har_stream_result *result)
{
    struct har_reply reply;
    struct har_play *play = call->actor->play;
    bool is_accepted = result->code == 0 && call->messages == 1 &&
                       har_reply_read(sl_buf_span(&call->reply), &reply) == SL_OK &&
                       reply.is_accepted;
    if (!is_accepted && !har_outage_refuses(play, call->begin_ns, result->code)) {
        bool is_gone = result->source == SL_FROM_CONNECTION_CLOSED;
        har_play_fail(play, NULL, is_gone ? "RES-02" : "SEND-01",
                      "a message with room and text was not accepted: status %u, %.200s",
                      result->code, result->message);
    }
}

static struct har_actor *prober(struct har_play *play)
{
    static const struct har_actor_spec spec = {.name = "probe",
                                               .kind = HAR_PUBLISHER,
                                               .transport = HAR_TRANSPORT_H2,
                                               .conn = "own",
                                               .room = "{room}"};
    if (play->prober == NULL) {
        play->prober = sl_alloc(sizeof(*play->prober));
        *play->prober = (struct har_actor){
            .play = play, .spec = &spec, .group = HAR_ACTORS_MAX, .number = HAR_PUBLISHER_PROBE};
    }
    return play->prober;
}

void har_probe_send(struct har_play *play, const char *room)
{
    if (play->probe_count >= PROBES_MAX) {
        return;
    }
    if (play->probe_count == play->probe_capacity) {
        play->probe_capacity = play->probe_capacity == 0 ? 64 : play->probe_capacity * 2;
        play->probes = sl_realloc(play->probes, play->probe_capacity * sizeof(play->probes[0]));
    }
    play->probes[play->probe_count++].room = room;
    struct sl_buf text;
    struct sl_buf payload;
    sl_buf_init(&text, 1024);
    sl_buf_init(&payload, 64 * 1024);
    struct har_stamp stamp = {play->stamp, HAR_PUBLISHER_PROBE, play->probe_count,
                              sl_clock_mono_ns()};
    har_stamp_write(&text, &stamp);
    char id[32];
    (void)snprintf(id, sizeof(id), "probe-%08x", play->probe_count);
    struct har_message message = {.message_id = sl_span_str(id),
                                  .room_id = sl_span_str(room),
                                  .user_id = sl_span_str("probe"),
                                  .text = sl_buf_span(&text),
                                  .created_at = 1};
    har_message_write(&payload, &message);
    (void)har_actor_call(prober(play), HAR_SEND_METHOD, sl_buf_span(&payload), on_reply, NULL);
    sl_buf_release(&text);
    sl_buf_release(&payload);
}

bool har_probe_is_waiting(struct har_play *play)
{
    return prober(play)->calls_open > 0;
}
