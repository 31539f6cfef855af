/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: from their first block to their status. */
#include "lib/base/alloc.h"
#include "lib/wire/call_status.h"
#include "lib/wire/content.h"
#include "lib/wire/grpc_status.h"
#include "lib/wire/obs/body.h"
#include "lib/wire/obs/flow.h"
#include "lib/wire/obs/state.h"

enum {
    KEEP_HEADER_BYTES = 2 * 1024, /* memory that a spare call holds on to, per block */
    KEEP_FIELDS = 32,
    MANY_CALLS = 64, /* open on one connection, which give way before whole connections do */
};

/* ---- objects ---- */

/* Memory is short, as far as this connection is to give some back. */
static bool is_short(const struct sl_observer *observer)
{
    const struct sl_observer_config *config = &observer->config;
    size_t max =
        observer->streams.open.count >= MANY_CALLS ? config->calls_memory : config->memory_max;
    return max > 0 && sl_alloc_used() > max;
}

/* Empty; true when it has memory that is worth keeping. */
static bool shrink(struct sl_headers *headers)
{
    if (headers->fields == NULL || headers->bytes.capacity > KEEP_HEADER_BYTES ||
        headers->capacity > KEEP_FIELDS || headers->lost_capacity > KEEP_FIELDS) {
        sl_headers_release(headers);
    } else {
        sl_headers_clear(headers);
    }
    return headers->fields != NULL;
}

static void call_free(struct sl_obs_call *call)
{
    sl_headers_release(&call->call.request.headers);
    sl_headers_release(&call->call.request.trailers);
    sl_headers_release(&call->call.response.headers);
    sl_headers_release(&call->call.response.trailers);
    sl_splitter_release(&call->splitter[SL_DIR_REQUEST]);
    sl_splitter_release(&call->splitter[SL_DIR_RESPONSE]);
    sl_buf_release(&call->call.connect_error);
    sl_free(call);
}

static void tell_end(struct sl_observer *observer, struct sl_obs_call *call);

static void recycle(struct sl_observer *observer, struct sl_obs_call *call)
{
    if (observer->spare_count == SL_OBS_SPARE_CALLS || is_short(observer)) {
        call_free(call);
        return;
    }
    /* Only the memory of the header lists is kept, of those that do not share it. */
    struct sl_headers *lists[4] = {&call->call.request.headers, &call->call.request.trailers,
                                   &call->call.response.headers, &call->call.response.trailers};
    struct sl_headers kept[4];
    bool is_kept[4];
    for (size_t i = 0; i < 4; i++) {
        is_kept[i] = shrink(lists[i]);
        if (is_kept[i]) {
            kept[i] = *lists[i];
        }
    }
    sl_splitter_release(&call->splitter[SL_DIR_REQUEST]);
    sl_splitter_release(&call->splitter[SL_DIR_RESPONSE]);
    sl_buf_release(&call->call.connect_error);
    memset(call, 0, sizeof *call);
    for (size_t i = 0; i < 4; i++) {
        if (is_kept[i]) {
            *lists[i] = kept[i];
        }
    }
    call->next_spare = observer->spare_calls;
    observer->spare_calls = call;
    observer->spare_count++;
}

static struct sl_obs_call *take_spare(struct sl_observer *observer)
{
    struct sl_obs_call *call = observer->spare_calls;
    if (call == NULL) {
        return sl_alloc(sizeof *call);
    }
    observer->spare_calls = call->next_spare;
    observer->spare_count--;
    call->next_spare = NULL;
    return call;
}

static void free_calls_of(const struct sl_stream_list *list)
{
    for (struct sl_stream *s = list->oldest; s != NULL; s = s->newer) {
        if (s->call != NULL) {
            call_free(s->call);
            s->call = NULL;
        }
    }
}

void sl_obs_calls_release(struct sl_observer *observer)
{
    free_calls_of(&observer->streams.open);
    free_calls_of(&observer->streams.lingering);
    while (observer->spare_calls != NULL) {
        call_free(take_spare(observer));
    }
}

/* ---- begin ---- */

/* Too many streams are open, or too much is kept: the oldest is given up. */
static void make_room(struct sl_observer *observer)
{
    while (observer->streams.lingering.oldest != NULL && is_short(observer)) {
        tell_end(observer, observer->streams.lingering.oldest->call);
    }
    while ((observer->streams.open.count >= observer->config.streams_max || is_short(observer)) &&
           observer->streams.open.oldest != NULL) {
        struct sl_stream *oldest = observer->streams.open.oldest;
        if (oldest->call != NULL) {
            oldest->call->call.has_gap = true;
            oldest->call->call.is_given_up = true;
            sl_obs_call_end(observer, oldest->call, SL_CALL_OPEN);
        } else {
            sl_obs_stream_close(&observer->streams, oldest);
        }
    }
}

struct sl_stream *sl_obs_call_begin(struct sl_observer *observer, uint32_t id, bool is_seen,
                                    const struct sl_at *start)
{
    make_room(observer);
    struct sl_stream *stream = sl_obs_stream_add(&observer->streams, id);
    struct sl_obs_call *call = take_spare(observer);
    observer->calls_open++;
    stream->call = call;
    call->stream = stream;
    call->call.stream = id;
    call->call.is_http1 = observer->config.is_http1;
    call->call.start = *start;
    call->call.timeout_ns = UINT64_MAX;
    sl_obs_stalls_begin(observer, call);
    for (int dir = 0; dir < 2; dir++) {
        sl_splitter_init(&call->splitter[dir], observer->config.keep_message_max);
        call->gap_epoch[dir] = observer->dir[dir].gap_epoch;
        call->is_lost[dir] = !is_seen;
    }
    if (!is_seen) {
        call->call.is_midway = observer->config.is_midway;
        call->call.has_gap = observer->totals.gaps[SL_DIR_REQUEST] > 0;
        stream->is_credit_lost = call->call.is_midway || call->call.has_gap;
    }
    return stream;
}

struct sl_stream *sl_obs_stream_joined(struct sl_observer *observer, enum sl_dir dir, uint32_t id)
{
    bool has_unseen = observer->config.is_midway || observer->totals.gaps[SL_DIR_REQUEST] > 0;
    /* A capture may show a response before its request. */
    bool is_early =
        dir == SL_DIR_RESPONSE && observer->at.packet != 0 && id > observer->highest_stream;
    if (id % 2 == 0 || (!has_unseen && !is_early)) {
        return NULL;
    }
    return sl_obs_call_begin(observer, id, false, &observer->dir[dir].first);
}

static enum sl_protocol protocol_of(const struct sl_obs_call *call)
{
    const struct sl_headers *headers = &call->call.request.headers;
    enum sl_protocol protocol = sl_content_protocol(headers);
    /* What could not be decoded may have named gRPC, unless the rest rules it out. */
    const struct sl_header *method = sl_headers_find(headers, ":method");
    bool may_be_post = method == NULL || sl_span_is(method->value, "POST");
    bool is_hidden = !call->call.request.has_headers || sl_call_lacks_fields(&call->call);
    bool is_untyped = sl_headers_find(headers, "content-type") == NULL;
    return protocol == SL_PROTOCOL_OTHER && is_untyped && is_hidden && may_be_post
               ? SL_PROTOCOL_GRPC
               : protocol;
}

void sl_obs_call_classify(struct sl_observer *observer, struct sl_obs_call *call)
{
    const struct sl_headers *headers = &call->call.request.headers;
    bool is_seen = call->call.request.has_headers;
    sl_call_status_timeout(&call->call);
    if (is_seen || !call->is_told) {
        enum sl_protocol protocol =
            is_seen ? protocol_of(call)
                    : sl_content_protocol_of_response(&call->call.response.headers);
        call->call.protocol = call->is_told ? call->call.protocol : protocol;
        const struct sl_header *type = sl_headers_find(headers, "content-type");
        call->framing[SL_DIR_REQUEST] = type == NULL && protocol == SL_PROTOCOL_GRPC
                                            ? SL_FRAMING_MESSAGES
                                            : sl_content_framing(protocol, headers);
        call->framing[SL_DIR_RESPONSE] = call->framing[SL_DIR_REQUEST];
    }
    if (call->is_told) {
        return;
    }
    call->is_told = true;
    bool is_query = call->call.protocol == SL_PROTOCOL_CONNECT &&
                    sl_content_is_get(&call->call.request.headers);
    if (call->call.protocol == SL_PROTOCOL_OTHER) {
        observer->totals.other_http++;
        call->call.number = observer->totals.other_http;
    } else {
        observer->totals.calls++;
        call->call.number = observer->totals.calls;
    }
    if (observer->handler.call_begin != NULL) {
        observer->handler.call_begin(observer->config.owner, &call->call);
    }
    if (is_query) {
        sl_obs_body_of_query(observer, call);
    }
}

void sl_obs_call_response(struct sl_obs_call *call)
{
    const struct sl_header *type = sl_headers_find(&call->call.response.headers, "content-type");
    if (type != NULL) {
        call->framing[SL_DIR_RESPONSE] =
            sl_content_framing(call->call.protocol, &call->call.response.headers);
    } else if (call->call.http_status != 200 && !sl_call_lacks_fields(&call->call)) {
        call->framing[SL_DIR_RESPONSE] = SL_FRAMING_NONE; /* an error page of something between */
    }
}

void sl_obs_call_catch_up(struct sl_observer *observer, struct sl_obs_call *call, enum sl_dir dir)
{
    const struct sl_obs_dir *d = &observer->dir[dir];
    bool is_hunting = d->phase == SL_OBS_HUNT && d->payload.len > 0;
    if (call->gap_epoch[dir] == d->gap_epoch && !is_hunting) {
        return;
    }
    call->gap_epoch[dir] = d->gap_epoch;
    /* A side that has ended may have been reset since. */
    call->call.may_have_ended = true;
    if (!sl_obs_side(call, dir)->is_ended) {
        call->call.has_gap = true;
        sl_obs_body_partial(observer, call, dir);
        call->is_lost[dir] = true;
        call->call.may_have_answered |= dir == SL_DIR_RESPONSE;
    }
}

/* ---- end ---- */

void sl_obs_end_stream(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                       bool is_on_data)
{
    if (stream->is_ended[dir]) {
        return;
    }
    struct sl_obs_call *call = stream->call;
    if (call != NULL) {
        sl_obs_call_catch_up(observer, call, dir);
        sl_obs_body_finish(observer, call, dir);
        struct sl_call_side *side = sl_obs_side(call, dir);
        side->is_ended = true;
        side->end_at = observer->at;
    }
    stream->is_ended[dir] = true;
    stream->ended_mark[dir] = observer->dir[dir].frames;
    stream->rules.closed_packet[dir] = observer->at.packet;
    stream->rules.is_end_on_data[dir] = is_on_data;
    if (!observer->config.is_http1) {
        sl_rules_end_stream(observer, dir, stream, is_on_data);
    }
    if (call == NULL) {
        if (stream->is_ended[sl_obs_other(dir)] && !stream->is_closed) {
            sl_obs_stream_close(&observer->streams, stream);
        }
    } else if (dir == SL_DIR_RESPONSE || stream->is_lingering) {
        observer->ending = call;
        observer->ending_how = SL_CALL_TRAILERS;
    }
}

/* How and when the call ended; what may still cross is not in yet. */
static void note_end(struct sl_observer *observer, struct sl_obs_call *call, enum sl_call_end how)
{
    sl_obs_stalls_end(observer, call, how == SL_CALL_OPEN);
    call->call.end = how;
    call->call.end_at = observer->at;
}

/* The call's last event, and its end as an object. */
static void tell_end(struct sl_observer *observer, struct sl_obs_call *call)
{
    struct sl_stream *stream = call->stream;
    for (int i = 0; i < 2; i++) {
        enum sl_dir dir = i == 0 ? SL_DIR_REQUEST : SL_DIR_RESPONSE;
        sl_obs_call_catch_up(observer, call, dir);
        sl_obs_body_partial(observer, call, dir);
    }
    if (observer->handler.call_ending != NULL) {
        observer->handler.call_ending(observer->config.owner, &call->call);
    }
    sl_call_status_derive(&call->call);
    if (observer->handler.call_end != NULL) {
        observer->handler.call_end(observer->config.owner, &call->call);
    }
    stream->call = NULL;
    /* The client may still send on a stream that only the server has ended. */
    if (call->call.end != SL_CALL_TRAILERS || stream->is_ended[SL_DIR_REQUEST] ||
        stream->is_reset[SL_DIR_REQUEST] || stream->is_lingering) {
        sl_obs_stream_close(&observer->streams, stream);
    }
    recycle(observer, call);
}

/* RFC 9113 5.1: the side that did not end the call may have sent more before it knew. True when the
 * call waits for that. */
static bool linger(struct sl_observer *observer, struct sl_obs_call *call)
{
    enum sl_call_end how = call->call.end;
    enum sl_dir ender = how == SL_CALL_RESET_BY_CLIENT ? SL_DIR_REQUEST : SL_DIR_RESPONSE;
    enum sl_dir other = sl_obs_other(ender);
    struct sl_stream *stream = call->stream;
    bool is_closed = how == SL_CALL_CLOSED_BY_SERVER;
    bool is_one_sided = how == SL_CALL_RESET_BY_CLIENT || how == SL_CALL_RESET_BY_SERVER ||
                        how == SL_CALL_TRAILERS || is_closed;
    if (!observer->config.is_crossing_counted || !is_one_sided || stream->is_ended[other] ||
        stream->is_reset[other] || observer->dir[other].is_ended) {
        return false;
    }
    stream->linger_dir = ender;
    /* Nothing but its own end shows that the client knows of the server's FIN. */
    stream->linger_mark = is_closed ? UINT64_MAX : observer->dir[ender].frames;
    sl_obs_stream_linger(&observer->streams, stream);
    if (observer->streams.lingering.count > SL_OBS_LINGERING_MAX) {
        tell_end(observer, observer->streams.lingering.oldest->call);
    }
    return true;
}

void sl_obs_call_end(struct sl_observer *observer, struct sl_obs_call *call, enum sl_call_end how)
{
    if (!call->stream->is_lingering) {
        observer->calls_open--;
        note_end(observer, call, how);
        if (linger(observer, call)) {
            return;
        }
    }
    tell_end(observer, call);
}

void sl_obs_calls_close_by_server(struct sl_observer *observer)
{
    struct sl_stream *next = NULL;
    for (struct sl_stream *s = observer->streams.open.oldest; s != NULL; s = next) {
        next = s->newer;
        if (s->call != NULL) {
            sl_obs_call_end(observer, s->call, SL_CALL_CLOSED_BY_SERVER);
        }
    }
}

void sl_obs_calls_settle(struct sl_observer *observer)
{
    struct sl_stream *oldest = observer->streams.lingering.oldest;
    while (oldest != NULL &&
           oldest->linger_mark <= observer->dir[sl_obs_other(oldest->linger_dir)].proven) {
        tell_end(observer, oldest->call);
        oldest = observer->streams.lingering.oldest;
    }
}

void sl_obs_calls_end_all(struct sl_observer *observer, enum sl_call_end how)
{
    while (observer->streams.lingering.oldest != NULL) {
        tell_end(observer, observer->streams.lingering.oldest->call);
    }
    struct sl_stream *next = NULL;
    for (struct sl_stream *s = observer->streams.open.oldest; s != NULL; s = next) {
        next = s->newer;
        if (s->call != NULL) {
            sl_obs_call_end(observer, s->call, how);
        }
    }
}
