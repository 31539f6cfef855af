/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/engine/wire.h"

#include <stdio.h>

#include "harness/engine/actor.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "lib/base/rd.h"
#include "lib/wire/grpc_status.h"

enum {
    GOAWAY_FIXED = 8, /* last stream and error, RFC 9113 6.8 */
    RST_FIXED = 4,    /* RFC 9113 6.4 */
    WINDOW_UPDATE_FIXED = 4,
    HEADER_TABLE = 4096, /* until the server says otherwise, RFC 9113 6.5.2 */
};

struct har_wire_stream *har_wire_stream(struct har_wire *wire, uint32_t id)
{
    struct har_wire_stream *stream = NULL;
    HASH_FIND(hh, wire->streams, &id, sizeof(id), stream);
    if (stream == NULL && wire->stream_count < HAR_WIRE_STREAMS_MAX) {
        stream = sl_alloc(sizeof(*stream));
        stream->id = id;
        wire->stream_count++;
        HASH_ADD(hh, wire->streams, id, sizeof(stream->id), stream);
    }
    return stream;
}

bool har_wire_has_deadline(const struct har_wire *wire, uint32_t id)
{
    const struct har_wire_stream *stream = NULL;
    HASH_FIND(hh, wire->streams, &id, sizeof(id), stream);
    return stream != NULL && stream->has_deadline;
}

void har_wire_clear(struct har_wire *wire)
{
    bool keeps_streams = wire->keeps_streams;
    struct har_wire_stream *stream = NULL;
    struct har_wire_stream *next = NULL;
    HASH_ITER (hh, wire->streams, stream, next) {
        HASH_DEL(wire->streams, stream);
        sl_free(stream);
    }
    *wire = (struct har_wire){.keeps_streams = keeps_streams};
}

uint64_t har_wire_written(const struct har_wire *wire)
{
    uint64_t count = 0;
    for (size_t type = 0; type <= HAR_WIRE_TYPES; type++) {
        bool is_of_connection =
            type == SL_H2_SETTINGS || type == SL_H2_PING || type == SL_H2_WINDOW_UPDATE;
        count += is_of_connection ? 0 : wire->sent_frames[type];
    }
    return count;
}

void har_link_replace(struct har_link *link)
{
    link->past_goaways += link->wire.frames[SL_H2_GOAWAY];
    link->past_told += link->wire.frames[SL_H2_GOAWAY] > 0;
    link->past_ended += link->has_ended && !link->is_closed_by_us;
}

/* Its messages were taken: OK is all that a stream without a reader says of them. */
static void accept_messages(const struct har_wire_stream *stream)
{
    struct har_actor *actor = stream->actor;
    for (uint32_t i = 0; actor != NULL && i < stream->count; i++) {
        struct har_sent *sent = &actor->sent[stream->first + i];
        if (!sent->is_accepted) {
            sent->replied_ns = sl_clock_mono_ns();
            sent->is_accepted = true;
            actor->accepted++;
            actor->replied++;
        }
    }
}

static void note_headers(struct har_wire *wire, struct har_wire_stream *stream,
                         const struct sl_headers *headers)
{
    const struct sl_header *http = sl_headers_find(headers, ":status");
    const struct sl_header *status = sl_headers_find(headers, "grpc-status");
    const struct sl_header *echo = sl_headers_find(headers, "x-request-id");
    uint32_t code = 0;
    if (echo != NULL && stream != NULL) {
        (void)snprintf(stream->echo, sizeof(stream->echo), "%.*s", SL_SPAN_ARG(echo->value));
    }
    if (http != NULL && stream != NULL && sl_grpc_status_read(http->value, &code) == SL_OK) {
        stream->http_status = code; /* the same grammar: decimal digits */
    }
    if (status == NULL || sl_grpc_status_read(status->value, &code) != SL_OK) {
        return;
    }
    wire->statuses++;
    wire->served += code == SL_GRPC_OK;
    if (stream != NULL) {
        stream->has_status = true;
        stream->status = code;
        if (code == SL_GRPC_OK) {
            accept_messages(stream);
        }
    }
}

/* The stream is closed, if it was open. */
static void close_stream(struct har_wire *wire, struct har_wire_stream *stream)
{
    wire->open -= stream->is_open;
    stream->is_open = false;
}

/* A frame of ours: what it opens and ends. */
static void note_our_stream(struct har_wire *wire, const struct sl_frame_event *event)
{
    uint8_t type = event->header.type;
    uint32_t id = event->header.stream;
    struct har_wire_stream *stream = NULL;
    HASH_FIND(hh, wire->streams, &id, sizeof(id), stream);
    bool is_known = stream != NULL && (stream->is_open || stream->is_our_end || stream->is_ended);
    if (type == SL_H2_HEADERS && id % 2 == 1 && !is_known) {
        stream = har_wire_stream(wire, id);
        if (stream != NULL) {
            stream->is_open = true;
            wire->open++;
        }
    }
    bool can_end = type == SL_H2_DATA || type == SL_H2_HEADERS;
    if (stream != NULL && can_end && (event->header.flags & SL_H2_FLAG_END_STREAM) != 0) {
        stream->is_our_end = true;
    }
    if (stream != NULL && (type == SL_H2_RST_STREAM || (stream->is_our_end && stream->is_ended))) {
        close_stream(wire, stream);
    }
}

static void note_stream_frame(struct har_wire *wire, const struct sl_frame_event *event)
{
    uint8_t type = event->header.type;
    struct har_wire_stream *stream =
        wire->keeps_streams ? har_wire_stream(wire, event->header.stream) : NULL;
    if (event->headers != NULL) {
        note_headers(wire, stream, event->headers);
    }
    if (type == SL_H2_DATA) {
        wire->data_bytes += event->header.length;
    }
    bool can_end = type == SL_H2_DATA || type == SL_H2_HEADERS;
    if (stream != NULL && can_end && (event->header.flags & SL_H2_FLAG_END_STREAM) != 0) {
        stream->is_ended = true;
    }
    if (type == SL_H2_RST_STREAM && event->payload.len == RST_FIXED) {
        struct sl_rd rd;
        sl_rd_init(&rd, event->payload);
        uint32_t code = sl_rd_be32(&rd);
        wire->refused += code == SL_H2_REFUSED_STREAM;
        if (stream != NULL) {
            stream->is_reset = stream->is_ended = true;
            stream->reset_code = code;
        }
    }
    if (stream != NULL && stream->is_ended && (stream->is_our_end || stream->is_reset)) {
        close_stream(wire, stream);
    }
}

static void note_deadline(struct har_wire *wire, const struct sl_frame_event *event)
{
    bool has_deadline =
        event->headers != NULL && sl_headers_find(event->headers, "grpc-timeout") != NULL;
    struct har_wire_stream *stream =
        has_deadline ? har_wire_stream(wire, event->header.stream) : NULL;
    if (stream != NULL) {
        stream->has_deadline = true;
    }
}

static void note_settings(struct har_wire *wire, struct sl_span payload)
{
    struct sl_h2_setting_pair pair;
    while (sl_h2_setting_next(&payload, &pair)) {
        if (pair.id >= 1 && pair.id <= HAR_WIRE_SETTINGS) {
            wire->settings[pair.id - 1] = pair.value;
            wire->has_setting[pair.id - 1] = true;
        }
    }
}

static void note_credit(struct har_wire *wire, const struct sl_frame_event *event)
{
    struct sl_rd rd;
    sl_rd_init(&rd, event->payload);
    uint32_t increment = sl_rd_be32(&rd) & SL_H2_MAX_WINDOW;
    if (event->header.stream == 0) {
        wire->credit += increment;
    } else {
        wire->stream_credit += increment;
    }
}

void har_wire_note(struct har_wire *wire, const struct sl_frame_event *event)
{
    uint8_t type = event->header.type;
    size_t index = type < HAR_WIRE_TYPES ? type : HAR_WIRE_TYPES;
    bool is_ack = (event->header.flags & SL_H2_FLAG_ACK) != 0;
    if (event->dir == SL_DIR_REQUEST) {
        wire->sent_frames[index]++;
        wire->data_bytes_sent += type == SL_H2_DATA ? event->header.length : 0;
        wire->settings_sent += type == SL_H2_SETTINGS && !is_ack;
        note_deadline(wire, event);
        if (wire->keeps_streams && event->header.stream != 0) {
            note_our_stream(wire, event);
        }
        return;
    }
    wire->frames[index]++;
    wire->settings_acks += type == SL_H2_SETTINGS && is_ack;
    wire->ping_acks += type == SL_H2_PING && is_ack;
    if (type == SL_H2_SETTINGS && !is_ack) {
        note_settings(wire, event->payload);
    } else if (type == SL_H2_WINDOW_UPDATE && event->payload.len == WINDOW_UPDATE_FIXED) {
        note_credit(wire, event);
    } else if (type == SL_H2_GOAWAY && event->payload.len >= GOAWAY_FIXED) {
        struct sl_rd rd;
        sl_rd_init(&rd, event->payload);
        wire->goaway_last = sl_rd_be32(&rd) & SL_H2_MAX_WINDOW;
        wire->goaway_code = sl_rd_be32(&rd);
    } else if (event->header.stream != 0) {
        note_stream_frame(wire, event);
    }
}

/* The server's setting, or what it is until the server says so. */
static double setting(const struct har_wire *wire, uint16_t id, uint32_t initial)
{
    return wire->has_setting[id - 1] ? wire->settings[id - 1] : initial;
}

static double count_of(const struct har_link *link, enum har_counter counter)
{
    const struct har_wire *wire = &link->wire;
    bool is_ours = !link->is_closed_by_us;
    const double counts[HAR_COUNTERS] = {
        [HAR_COUNT_CONNECTED] = link->is_connected && !link->has_ended && is_ours,
        [HAR_COUNT_CLOSED] = (double)link->past_ended + (link->has_ended && is_ours),
        [HAR_COUNT_UNREADABLE] = link->has_ended && link->how == HAR_CONN_ERROR,
        [HAR_COUNT_GOAWAYS] = (double)(link->past_goaways + wire->frames[SL_H2_GOAWAY]),
        [HAR_COUNT_TOLD] = (double)link->past_told + (wire->frames[SL_H2_GOAWAY] > 0),
        [HAR_COUNT_RESETS] = (double)wire->frames[SL_H2_RST_STREAM],
        [HAR_COUNT_REFUSED] = (double)wire->refused,
        [HAR_COUNT_SETTINGS_ACKS] = (double)wire->settings_acks,
        [HAR_COUNT_PING_ACKS] = (double)wire->ping_acks,
        [HAR_COUNT_DATA_FRAMES] = (double)wire->frames[SL_H2_DATA],
        [HAR_COUNT_HEADERS_FRAMES] = (double)wire->frames[SL_H2_HEADERS],
        [HAR_COUNT_SETTINGS_FRAMES] = (double)wire->frames[SL_H2_SETTINGS],
        [HAR_COUNT_PING_FRAMES] = (double)wire->frames[SL_H2_PING],
        [HAR_COUNT_WINDOW_UPDATES] = (double)wire->frames[SL_H2_WINDOW_UPDATE],
        [HAR_COUNT_STATUSES] = (double)wire->statuses,
        [HAR_COUNT_SERVED] = (double)wire->served,
        [HAR_COUNT_DATA_FRAMES_SENT] = (double)wire->sent_frames[SL_H2_DATA],
        [HAR_COUNT_DATA_BYTES_SENT] = (double)wire->data_bytes_sent,
        [HAR_COUNT_FRAME_LIMIT] =
            setting(wire, SL_H2_SETTINGS_MAX_FRAME_SIZE, SL_H2_DEFAULT_MAX_FRAME),
        [HAR_COUNT_STREAM_LIMIT] = setting(wire, SL_H2_SETTINGS_MAX_CONCURRENT_STREAMS, UINT32_MAX),
        [HAR_COUNT_STREAM_WINDOW] =
            setting(wire, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, SL_H2_DEFAULT_WINDOW),
        [HAR_COUNT_STREAM_CREDIT] = (double)wire->stream_credit,
        [HAR_COUNT_CREDIT] = (double)wire->credit + SL_H2_DEFAULT_WINDOW,
        [HAR_COUNT_TABLE_LIMIT] = setting(wire, SL_H2_SETTINGS_HEADER_TABLE_SIZE, HEADER_TABLE),
        [HAR_COUNT_GOAWAY_LAST] = wire->goaway_last,
    };
    return counts[counter];
}

double har_link_count(struct har_link *link, enum har_counter counter, unsigned round)
{
    if (link == NULL || link->counted == round) {
        return 0;
    }
    link->counted = round;
    return count_of(link, counter);
}
