/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/wire/ledger.h"

#include <utlist.h>

#include "lib/base/alloc.h"

enum {
    SETTING_SIZE = 6, /* of one in SETTINGS (RFC 9113 6.5.1) */
    SETTINGS_MAX = 16 * 1024,
    SMALL = 16, /* a grant that small-grants-lost loses */
};

/* A frame that waits: DATA for its windows, anything else for the DATA before it. */
struct waiting {
    struct waiting *prev, *next;
    uint8_t type, flags;
    size_t sent;
    size_t len;
    uint8_t bytes[];
};

struct srv_wire_queue {
    struct waiting *first;
};

struct srv_wire_ledger {
    int64_t initial; /* of the client's SETTINGS */
    int64_t connection;
    size_t waiting; /* bytes */
    bool is_wide;   /* the session was told of wide windows */
    bool is_deaf;   /* a wrong server: credit of the connection woke nobody */
};

struct srv_wire_ledger *srv_wire_ledger_new(void)
{
    struct srv_wire_ledger *ledger = sl_alloc(sizeof(*ledger));
    ledger->initial = SL_H2_DEFAULT_WINDOW;
    ledger->connection = SL_H2_DEFAULT_WINDOW;
    return ledger;
}

void srv_wire_ledger_free(struct srv_wire_ledger *ledger)
{
    sl_free(ledger);
}

void srv_wire_ledger_begin(struct srv_wire *wire, struct srv_wire_stream *stream)
{
    if (wire->ledger != NULL) {
        stream->window = wire->ledger->initial;
    }
}

void srv_wire_ledger_drop(struct srv_wire *wire, struct srv_wire_stream *stream)
{
    struct srv_wire_queue *queue = stream->queue;
    while (queue != NULL && queue->first != NULL) {
        struct waiting *first = queue->first;
        DL_DELETE(queue->first, first);
        wire->ledger->waiting -= first->len - first->sent;
        sl_free(first);
    }
    sl_free(queue);
    stream->queue = NULL;
}

bool srv_wire_ledger_waits(const struct srv_wire *wire)
{
    return wire->ledger->waiting > 0;
}

/* --- the client's side --- */

static uint32_t read_be32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* RFC 9113 6.9.2: the difference applies to every stream. False where a window would pass 2^31-1. */
static bool change_initial(struct srv_wire *wire, int64_t value)
{
    struct srv_wire_ledger *ledger = wire->ledger;
    struct srv_wire_stream *stream = NULL;
    int64_t more = value - ledger->initial;
    bool is_right = true;
    for (stream = wire->streams; stream != NULL; stream = stream->hh.next) {
        if (wire->wrong->initial_raise_ignored && more > 0) {
            break;
        }
        stream->window += more;
        if (wire->wrong->negative_window_forgotten && stream->window < 0) {
            stream->window = 0;
        }
        is_right &= stream->window <= SL_H2_MAX_WINDOW;
    }
    ledger->connection += wire->wrong->initial_moves_connection ? more : 0;
    ledger->initial = value;
    return is_right;
}

/* SETTINGS go on with the widest window in place of the client's; what is an error stays one. */
static bool take_settings(struct srv_wire *wire, const struct srv_wire_frame *frame)
{
    struct srv_wire_ledger *ledger = wire->ledger;
    struct sl_buf settings;
    bool is_right = true;
    bool has_initial = false;
    if ((frame->flags & SL_H2_FLAG_ACK) != 0 || frame->payload.len % SETTING_SIZE != 0) {
        return false;
    }
    sl_buf_init(&settings, SETTINGS_MAX + (size_t)2 * SETTING_SIZE);
    for (struct sl_span rest = frame->payload; rest.len > 0;
         rest = sl_span_from(rest, SETTING_SIZE)) {
        uint32_t value = read_be32(rest.data + 2);
        if (((rest.data[0] << 8) | rest.data[1]) != SL_H2_SETTINGS_INITIAL_WINDOW_SIZE ||
            (value > SL_H2_MAX_WINDOW && !wire->wrong->initial_too_large_taken)) {
            (void)sl_buf_add(&settings, rest.data, SETTING_SIZE);
        } else if (value == SL_H2_MAX_WINDOW && wire->wrong->initial_of_max_refused) {
            (void)sl_buf_add_be16(&settings, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE);
            (void)sl_buf_add_be32(&settings, UINT32_MAX);
        } else if (!has_initial || !wire->wrong->settings_first_counts) {
            is_right &= change_initial(wire, value);
            has_initial = true;
        }
    }
    if (!ledger->is_wide) {
        (void)sl_buf_add_be16(&settings, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE);
        (void)sl_buf_add_be32(&settings, SL_H2_MAX_WINDOW);
    }
    srv_wire_put(wire, SRV_WIRE_IN,
                 &(struct srv_wire_frame){SL_H2_SETTINGS, frame->flags, frame->stream,
                                          frame->has_reserved_bit, sl_buf_span(&settings)});
    if (!ledger->is_wide) {
        ledger->is_wide = true;
        (void)sl_h2_write_window_update(wire->to[SRV_WIRE_IN], 0,
                                        SL_H2_MAX_WINDOW - SL_H2_DEFAULT_WINDOW);
    }
    if (!is_right && !wire->wrong->initial_overflow_taken) {
        /* The session's own window is full, so that this is the same error to it (RFC 9113 6.9.2). */
        (void)sl_h2_write_window_update(wire->to[SRV_WIRE_IN], 0, SL_H2_MAX_WINDOW);
    }
    sl_buf_release(&settings);
    return true;
}

/* True: it is counted here. An error goes on to the session, whose windows are full, and is one to it too. */
static bool take_credit(struct srv_wire *wire, struct srv_wire_stream *stream,
                        const struct srv_wire_frame *frame)
{
    if (frame->payload.len != 4 || (frame->stream != 0 && stream == NULL)) {
        return false;
    }
    const struct srv_misbehave *wrong = wire->wrong;
    struct srv_wire_ledger *ledger = wire->ledger;
    int64_t more = read_be32(frame->payload.data) & SL_H2_MAX_WINDOW;
    int64_t *window = frame->stream == 0 ? &ledger->connection : &stream->window;
    if (more == 0) {
        return wrong->window_update_zero_taken;
    }
    if (*window + more > SL_H2_MAX_WINDOW - wrong->window_of_max_refused && !wrong->window_wraps) {
        return false;
    }
    if ((wrong->negative_window_stuck && *window < 0) ||
        (wrong->small_grants_lost && more < SMALL)) {
        return true;
    }
    ledger->is_deaf = wrong->connection_window_lost && frame->stream == 0 && *window <= 0;
    *window += more;
    if (*window > SL_H2_MAX_WINDOW) {
        *window -= (int64_t)1 << 32;
    }
    return true;
}

/* --- the session's side --- */

static bool wait_behind(struct srv_wire *wire, struct srv_wire_stream *stream,
                        const struct srv_wire_frame *frame)
{
    struct srv_wire_ledger *ledger = wire->ledger;
    if (ledger->waiting + frame->payload.len > SRV_WIRE_WAITING_MAX) {
        return true;
    }
    struct waiting *waiting = sl_alloc(sizeof(*waiting) + frame->payload.len);
    waiting->type = frame->type;
    waiting->flags = frame->flags;
    waiting->len = frame->payload.len;
    if (frame->payload.len > 0) {
        memcpy(waiting->bytes, frame->payload.data, frame->payload.len);
    }
    if (stream->queue == NULL) {
        stream->queue = sl_alloc(sizeof(*stream->queue));
    }
    DL_APPEND(stream->queue->first, waiting);
    ledger->waiting += frame->payload.len;
    return true;
}

bool srv_wire_ledger_take(struct srv_wire *wire, enum srv_wire_dir dir,
                          struct srv_wire_stream *stream, const struct srv_wire_frame *frame)
{
    if (dir == SRV_WIRE_IN) {
        if (frame->type == SL_H2_RST_STREAM && stream != NULL && !wire->wrong->data_after_reset) {
            srv_wire_ledger_drop(wire, stream);
        }
        return (frame->type == SL_H2_SETTINGS && take_settings(wire, frame)) ||
               (frame->type == SL_H2_WINDOW_UPDATE && take_credit(wire, stream, frame));
    }
    if (stream == NULL || frame->type == SL_H2_WINDOW_UPDATE) {
        return false;
    }
    if (frame->type == SL_H2_RST_STREAM &&
        !(stream->is_ended[SRV_WIRE_OUT] && stream->queue != NULL)) {
        srv_wire_ledger_drop(wire, stream);
    }
    if (frame->type == SL_H2_DATA || (stream->queue != NULL && stream->queue->first != NULL)) {
        return wait_behind(wire, stream, frame);
    }
    return false;
}

/* How much of a stream's DATA may go now. */
static size_t allowed(const struct srv_wire *wire, const struct srv_wire_stream *stream, size_t len)
{
    const struct srv_misbehave *wrong = wire->wrong;
    int64_t connection = wire->ledger->connection;
    int64_t window = stream->window;
    if (wrong->window_ignored) {
        window = connection;
    } else if (wrong->window_one_more) {
        window += window >= 0 ? 1 : 0;
    } else if (wrong->initial_zero_ignored && wire->ledger->initial == 0) {
        window += SL_H2_DEFAULT_WINDOW;
    }
    if (!wrong->connection_window_ignored && connection < window) {
        window = connection;
    }
    if (window <= 0) {
        return 0;
    }
    return (uint64_t)window < len ? (size_t)window : len;
}

/* True when the stream has nothing left that could go. */
static bool send_first(struct srv_wire *wire, struct srv_wire_stream *stream)
{
    struct waiting *first = stream->queue->first;
    struct srv_wire_frame frame = {
        .type = first->type, .flags = first->flags, .stream = stream->id};
    size_t rest = first->len - first->sent;
    size_t len = rest;
    if (first->type == SL_H2_DATA) {
        len =
            allowed(wire, stream, rest < SL_H2_DEFAULT_MAX_FRAME ? rest : SL_H2_DEFAULT_MAX_FRAME);
        if (len == 0 && rest > 0) {
            return true;
        }
        stream->window -= (int64_t)len;
        wire->ledger->connection -= (int64_t)len;
        if (len < rest) {
            frame.flags = 0;
        }
    }
    frame.payload = sl_span(first->bytes + first->sent, len);
    srv_wire_put(wire, SRV_WIRE_OUT, &frame);
    wire->ledger->waiting -= len;
    first->sent += len;
    if (first->sent == first->len) {
        DL_DELETE(stream->queue->first, first);
        sl_free(first);
    }
    return stream->queue->first == NULL;
}

void srv_wire_ledger_send(struct srv_wire *wire)
{
    if (wire->ledger == NULL || wire->ledger->is_deaf) {
        return;
    }
    for (struct srv_wire_stream *stream = wire->streams; stream != NULL; stream = stream->hh.next) {
        bool is_done = stream->queue == NULL || stream->queue->first == NULL;
        if (wire->wrong->first_stream_first && !is_done && wire->ledger->connection <= 0) {
            break;
        }
        while (!is_done && wire->to[SRV_WIRE_OUT]->len < SRV_WIRE_SEND) {
            is_done = send_first(wire, stream);
        }
        if (wire->wrong->stalled_stream_blocks && stream->queue != NULL &&
            stream->queue->first != NULL) {
            break;
        }
    }
}
