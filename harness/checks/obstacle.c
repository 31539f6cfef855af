/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/checks/obstacle.h"

#include <stdio.h>

#include "harness/engine/actor.h"
#include "lib/base/rd.h"

enum {
    FEW_STREAMS = 100, /* "recommended that this value be no smaller", RFC 9113 6.5.2 */
    RST_PAYLOAD = 4,
};

static const char padded_note[] =
    "the gRPC C core's client cannot read PADDED frames: its actors were played over h2";
static const char informational_note[] =
    "the gRPC C core's client cannot read 1xx responses: its actors were played over h2";

enum har_transport har_obstacle_transport(struct har_play *play, const struct har_actor_spec *spec)
{
    const char *note = play->config.core_note;
    if (spec->transport != HAR_TRANSPORT_GRPC || note == NULL) {
        return (enum har_transport)spec->transport;
    }
    bool is_noted = false;
    for (size_t i = 0; i < play->note_count; i++) {
        is_noted |= play->notes[i] == note;
    }
    if (!is_noted && play->note_count < sizeof(play->notes) / sizeof(play->notes[0])) {
        play->notes[play->note_count++] = note;
    }
    return HAR_TRANSPORT_H2;
}

static bool is_informational(const struct sl_headers *headers)
{
    const struct sl_header *status = headers == NULL ? NULL : sl_headers_find(headers, ":status");
    return status != NULL && status->value.len == 3 && status->value.data[0] == '1';
}

/* The server refuses a stream: was it one too many, by all that this side has opened? */
static void note_refusal(struct har_link *link, const struct sl_frame_event *event)
{
    const struct har_wire *wire = &link->wire;
    size_t index = SL_H2_SETTINGS_MAX_CONCURRENT_STREAMS - 1;
    uint32_t limit = wire->settings[index];
    struct sl_rd rd;
    sl_rd_init(&rd, event->payload);
    bool is_refusal = event->payload.len == RST_PAYLOAD && sl_rd_be32(&rd) == SL_H2_REFUSED_STREAM;
    if (is_refusal && wire->has_setting[index] && limit > 0 && limit < FEW_STREAMS &&
        wire->open > limit) {
        link->play->obstacles.streams = limit;
    }
}

void har_obstacle_note(struct har_link *link, const struct sl_frame_event *event)
{
    uint8_t type = event->header.type;
    if (event->dir != SL_DIR_RESPONSE || event->is_malformed) {
        return;
    }
    bool can_pad = type == SL_H2_DATA || type == SL_H2_HEADERS;
    if (link->is_core && can_pad && (event->header.flags & SL_H2_FLAG_PADDED) != 0) {
        link->play->obstacles.core = padded_note;
    } else if (link->is_core && is_informational(event->headers)) {
        link->play->obstacles.core = informational_note;
    } else if (type == SL_H2_RST_STREAM) {
        note_refusal(link, event);
    }
}

/* What no obstacle explains. */
static bool stands(const struct har_play *play, const struct har_failure *failure)
{
    bool is_hard = failure->is_mistake || strcmp(failure->rule, "CONN-08") == 0 ||
                   strcmp(failure->rule, "CONN-18") == 0;
    for (size_t i = 0; i < play->finding_count && !is_hard; i++) {
        const struct har_seen_finding *seen = &play->findings[i];
        is_hard = seen->is_server && strcmp(seen->rule, failure->rule) == 0 &&
                  strstr(failure->text, seen->text) != NULL;
    }
    return is_hard;
}

static bool any_stands(const struct har_play *play)
{
    bool is_any = false;
    for (size_t i = 0; i < play->failure_count; i++) {
        is_any |= stands(play, &play->failures[i]);
    }
    return is_any;
}

bool har_obstacle_is_core(const struct har_play *play)
{
    return play->failure_count > 0 && play->obstacles.core != NULL &&
           play->config.core_note == NULL && !any_stands(play);
}

/* What the server lacks, and lawfully; false where nothing of it was met. */
static bool lacks(const struct har_obstacles *obstacles, char *reason, size_t size)
{
    if (obstacles->lacks[0] != '\0') {
        (void)snprintf(reason, size, "%s", obstacles->lacks);
    } else if (obstacles->padded > 0) {
        (void)snprintf(
            reason, size,
            "a padded frame of %u bytes has no room in the server's window, of which %lld "
            "bytes are open",
            obstacles->padded, (long long)obstacles->room);
    }
    return obstacles->lacks[0] != '\0' || obstacles->padded > 0;
}

bool har_obstacle_skips(const struct har_play *play, char *reason, size_t size)
{
    if (play->failure_count > 0 && !any_stands(play) && lacks(&play->obstacles, reason, size)) {
        return true;
    }
    uint32_t limit = play->obstacles.streams;
    for (const struct har_link *link = play->links; link != NULL; link = link->next) {
        uint32_t met = link->conn == NULL ? 0 : har_conn_stream_limit_met(link->conn);
        limit = met > 0 && met < FEW_STREAMS ? met : limit;
    }
    if (play->failure_count == 0 || limit == 0 || any_stands(play)) {
        return false;
    }
    (void)snprintf(reason, size,
                   "the server allows %u stream%s at once on a connection, and this scenario opens "
                   "more on one",
                   limit, limit == 1 ? "" : "s");
    return true;
}
