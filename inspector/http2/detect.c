/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/http2/detect.h"

#include "inspector/http2/frame_guess.h"
#include "lib/base/alloc.h"
#include "lib/base/buf.h"

enum {
    ENOUGH_FRAMES = 2, /* valid ones, beside a role, make a connection HTTP/2 */
    MANY_FRAMES = 4,   /* make it so even without a role */
    FAILURES_MAX = 8,  /* segments that begin with no frame, with no frame found yet */
};

enum event_kind { EVENT_DATA, EVENT_GAP, EVENT_CLOSE, EVENT_RESET };

struct event {
    enum event_kind kind;
    uint8_t side;
    uint64_t count; /* bytes; of data, at offset in the held bytes */
    size_t offset;
    struct sl_at at;
};

struct side {
    uint8_t head[SL_H2_PREFACE_SIZE]; /* its first bytes */
    size_t head_len;
    bool is_begun;
    bool saw_start;    /* head is the connection's beginning */
    bool has_gap;      /* bytes are missing before or between what came */
    bool is_scanned;   /* its beginning is no preface: frames are looked for */
    bool is_server;    /* its beginning is a SETTINGS frame */
    unsigned frames;   /* valid ones found at segment starts */
    unsigned failures; /* segments that begin with none */
    unsigned data_frames;
};

struct ins_detect {
    int opener;
    int client; /* -1: not known yet */
    bool is_midway;
    bool is_guessed;
    enum ins_detect_verdict verdict;
    struct side sides[2];
    struct sl_buf bytes;
    struct event *events;
    size_t event_count, event_capacity;
};

struct ins_detect *ins_detect_new(int opener)
{
    struct ins_detect *detect = sl_alloc(sizeof(*detect));
    detect->opener = opener;
    detect->client = -1;
    sl_buf_init(&detect->bytes, INS_DETECT_HOLD + 1024 * 1024); /* and one segment of any size */
    return detect;
}

void ins_detect_free(struct ins_detect *detect)
{
    if (detect != NULL) {
        sl_buf_release(&detect->bytes);
        sl_free(detect->events);
        sl_free(detect);
    }
}

size_t ins_detect_held(const struct ins_detect *detect)
{
    return detect->bytes.len;
}

int ins_detect_client(const struct ins_detect *detect)
{
    return detect->client;
}

bool ins_detect_is_midway(const struct ins_detect *detect)
{
    return detect->is_midway;
}

bool ins_detect_is_guessed(const struct ins_detect *detect)
{
    return detect->is_guessed;
}

static enum ins_detect_verdict decide(struct ins_detect *detect, int client, bool is_midway)
{
    detect->client = client;
    detect->is_midway = is_midway;
    detect->verdict = client >= 0 ? INS_DETECT_HTTP2 : INS_DETECT_OTHER;
    return detect->verdict;
}

static void hold(struct ins_detect *detect, enum event_kind kind, int side, uint64_t count,
                 const struct sl_at *at)
{
    if (detect->event_count == detect->event_capacity) {
        detect->event_capacity = detect->event_capacity * 2 + 4;
        detect->events =
            sl_realloc(detect->events, detect->event_capacity * sizeof(detect->events[0]));
    }
    detect->events[detect->event_count++] = (struct event){.kind = kind,
                                                           .side = (uint8_t)side,
                                                           .count = count,
                                                           .offset = detect->bytes.len,
                                                           .at = *at};
}

bool ins_detect_is_full(const struct ins_detect *detect)
{
    return detect->event_count >= INS_DETECT_EVENTS || detect->bytes.len >= INS_DETECT_HOLD;
}

/* Looks at the beginning of a side, as far as it came. */
static enum ins_detect_verdict look_at_head(struct ins_detect *detect, int number)
{
    struct side *side = &detect->sides[number];
    if (memcmp(side->head, SL_H2_PREFACE, side->head_len) == 0) {
        return side->head_len == SL_H2_PREFACE_SIZE ? decide(detect, number, false)
                                                    : INS_DETECT_UNDECIDED;
    }
    if (!side->saw_start) {
        side->is_scanned = true;
        return INS_DETECT_UNDECIDED;
    }
    struct sl_h2_frame_header header;
    if (sl_h2_frame_header_read(sl_span(side->head, side->head_len), &header) != SL_OK) {
        return INS_DETECT_UNDECIDED;
    }
    bool is_settings = header.type == SL_H2_SETTINGS && header.flags == 0 && header.stream == 0 &&
                       ins_frame_is_plausible(&header);
    if (!is_settings) {
        return decide(detect, -1, false);
    }
    side->is_server = true;
    side->is_scanned = true;
    return INS_DETECT_UNDECIDED;
}

/* Looks for frames in a segment of a side whose beginning told nothing. */
static enum ins_detect_verdict scan(struct ins_detect *detect, int number, struct sl_span bytes)
{
    struct side *side = &detect->sides[number];
    struct ins_frame_guess guess = ins_frame_guess(bytes);
    if (guess.frames == 0) {
        side->failures++;
        unsigned frames = detect->sides[0].frames + detect->sides[1].frames;
        return side->failures > FAILURES_MAX && frames == 0 ? decide(detect, -1, true)
                                                            : INS_DETECT_UNDECIDED;
    }
    side->frames += guess.frames;
    side->data_frames += guess.data_frames;
    unsigned frames = detect->sides[0].frames + detect->sides[1].frames;
    if (guess.role == INS_ROLE_UNKNOWN || frames < ENOUGH_FRAMES) {
        return INS_DETECT_UNDECIDED;
    }
    return decide(detect, guess.role == INS_ROLE_CLIENT ? number : 1 - number, true);
}

enum ins_detect_verdict ins_detect_data(struct ins_detect *detect, int side_number, bool saw_start,
                                        struct sl_span bytes, const struct sl_at *at)
{
    struct side *side = &detect->sides[side_number];
    hold(detect, EVENT_DATA, side_number, bytes.len, at);
    (void)sl_buf_add_span(&detect->bytes, bytes);
    if (!side->is_begun) {
        side->is_begun = true;
        side->saw_start = saw_start && !side->has_gap;
    }
    enum ins_detect_verdict verdict = INS_DETECT_UNDECIDED;
    if (!side->is_scanned && !side->has_gap) {
        size_t room = sizeof(side->head) - side->head_len;
        size_t len = bytes.len < room ? bytes.len : room;
        memcpy(side->head + side->head_len, bytes.data, len);
        side->head_len += len;
        verdict = look_at_head(detect, side_number);
    }
    if (verdict == INS_DETECT_UNDECIDED && (side->is_scanned || side->has_gap) &&
        !side->is_server) {
        verdict = scan(detect, side_number, bytes);
    }
    /* A server that was seen from its beginning, and a client of which that is missing. */
    if (verdict == INS_DETECT_UNDECIDED && detect->sides[1 - side_number].is_server &&
        (side->is_scanned || side->has_gap)) {
        verdict = decide(detect, side_number, true);
    }
    return verdict == INS_DETECT_UNDECIDED && ins_detect_is_full(detect) ? ins_detect_decide(detect)
                                                                         : verdict;
}

enum ins_detect_verdict ins_detect_gap(struct ins_detect *detect, int side, uint64_t count,
                                       const struct sl_at *at)
{
    hold(detect, EVENT_GAP, side, count, at);
    detect->sides[side].has_gap = true;
    detect->sides[side].is_begun = true;
    if (detect->sides[1 - side].is_server) {
        return decide(detect, side, true);
    }
    return ins_detect_is_full(detect) ? ins_detect_decide(detect) : INS_DETECT_UNDECIDED;
}

void ins_detect_close(struct ins_detect *detect, int side, bool is_reset, const struct sl_at *at)
{
    hold(detect, is_reset ? EVENT_RESET : EVENT_CLOSE, side, 0, at);
}

enum ins_detect_verdict ins_detect_decide(struct ins_detect *detect)
{
    const struct side *sides = detect->sides;
    if (detect->verdict != INS_DETECT_UNDECIDED) {
        return detect->verdict;
    }
    for (int i = 0; i < 2; i++) {
        if (sides[i].is_server) {
            return decide(detect, 1 - i, true);
        }
    }
    if (sides[0].frames + sides[1].frames < MANY_FRAMES ||
        sides[0].failures + sides[1].failures > sides[0].frames + sides[1].frames) {
        return decide(detect, -1, true);
    }
    if (detect->opener >= 0) {
        return decide(detect, detect->opener, true);
    }
    /* No header block was seen. Long streams of a server are the likeliest: who sends more DATA. */
    detect->is_guessed = true;
    return decide(detect, sides[0].data_frames > sides[1].data_frames ? 1 : 0, true);
}

void ins_detect_replay(const struct ins_detect *detect, const struct ins_stream_sink *sink)
{
    for (size_t i = 0; i < detect->event_count; i++) {
        const struct event *event = &detect->events[i];
        switch (event->kind) {
        case EVENT_DATA:
            sink->data(sink->owner, event->side,
                       sl_span(detect->bytes.data + event->offset, (size_t)event->count),
                       &event->at);
            break;
        case EVENT_GAP:
            sink->gap(sink->owner, event->side, event->count, &event->at);
            break;
        case EVENT_CLOSE:
        case EVENT_RESET:
            sink->close(sink->owner, event->side, event->kind == EVENT_RESET, &event->at);
            break;
        default:
            break;
        }
    }
}
