/* SPDX-License-Identifier: Apache-2.0 */
/* HEADERS, PUSH_PROMISE and CONTINUATION: header blocks, and what they mean for their call. */
#include "lib/wire/obs/blocks.h"
#include "lib/base/alloc.h"
#include "lib/wire/obs/state.h"

enum {
    KEEP_CAPACITY = 64 * 1024, /* memory that a direction holds on to between blocks */
};

void sl_obs_hpack_distrust(struct sl_obs_dir *d)
{
    if (d->hpack == NULL) {
        d->is_hpack_distrusted = true;
    } else {
        sl_hpack_decoder_distrust(d->hpack);
    }
}

/* Decodes the block into headers, but for lost fields; false when not all of it was read. */
static bool decode_block(struct sl_observer *observer, enum sl_dir dir, struct sl_span block,
                         struct sl_headers *headers)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    if (d->is_block_lost) {
        sl_headers_clear(headers);
        sl_obs_hpack_distrust(d);
        return false;
    }
    if (d->hpack == NULL) {
        d->hpack = sl_hpack_decoder_new(d->hpack_table);
        if (d->is_hpack_distrusted) {
            sl_hpack_decoder_distrust(d->hpack);
        }
    }
    size_t memory_max = observer->config.memory_max;
    if (memory_max > 0 && sl_alloc_used() > memory_max) {
        sl_headers_release(headers);
        if (sl_hpack_decode(d->hpack, block, NULL) != SL_OK) {
            sl_rules_undecodable(observer, dir);
            sl_hpack_decoder_distrust(d->hpack);
        }
        return false;
    }
    uint64_t epoch = sl_hpack_decoder_epoch(d->hpack);
    if (sl_obs_repeats_find(&d->repeats, epoch, block, headers)) {
        return true;
    }
    if (sl_hpack_decode(d->hpack, block, headers) != SL_OK) {
        /* The connection should end here; where it does not, literals can still be read. */
        sl_rules_undecodable(observer, dir);
        sl_hpack_decoder_distrust(d->hpack);
        return false;
    }
    bool is_read = !headers->is_truncated;
    if (is_read && headers->lost_count == 0 && observer->config.are_repeats_kept &&
        sl_hpack_decoder_epoch(d->hpack) == epoch) {
        sl_obs_repeats_note(&d->repeats, block, headers);
    }
    return is_read;
}

/* Decodes the block of a call's direction into headers, as far as it goes, and lets the handler add what
 * it knows. */
static void decode(struct sl_observer *observer, enum sl_dir dir, struct sl_obs_call *call,
                   struct sl_span block, struct sl_headers *headers)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    bool is_read = decode_block(observer, dir, block, headers);
    if (observer->handler.block != NULL && d->hpack != NULL) {
        bool is_last = (d->block_header.flags & SL_H2_FLAG_END_STREAM) != 0;
        observer->handler.block(observer->config.owner, &call->call, dir, is_last, d->hpack,
                                headers);
    }
    bool is_whole = (is_read || headers->is_truncated) && headers->lost_count == 0;
    call->call.has_cut_headers = call->call.has_cut_headers || headers->is_truncated;
    call->call.has_lost_headers = call->call.has_lost_headers || !is_whole;
}

void sl_obs_tell_block(struct sl_observer *observer, struct sl_obs_call *call, enum sl_block block,
                       const struct sl_headers *headers)
{
    observer->frame_call = call;
    observer->frame_headers = headers;
    if (observer->handler.headers != NULL) {
        observer->handler.headers(observer->config.owner, &call->call, block, headers,
                                  &observer->at);
    }
}

static void swap_headers(struct sl_headers *a, struct sl_headers *b)
{
    struct sl_headers kept = *a;
    *a = *b;
    *b = kept;
}

void sl_obs_request_fields(struct sl_observer *observer, struct sl_obs_call *call)
{
    struct sl_call_side *side = &call->call.request;
    side->has_headers = true;
    side->headers_at = observer->at;
    call->is_lost[SL_DIR_REQUEST] = false;
    sl_obs_call_classify(observer, call);
    sl_obs_tell_block(observer, call, SL_BLOCK_REQUEST, &side->headers);
}

/* A block of the client on a stream that has a call. */
static void request_block(struct sl_observer *observer, struct sl_obs_call *call,
                          struct sl_span block, bool is_last)
{
    struct sl_call_side *side = &call->call.request;
    if (side->has_headers) {
        decode(observer, SL_DIR_REQUEST, call, block, &side->trailers);
        side->has_trailers = true;
        sl_obs_tell_block(observer, call, SL_BLOCK_REQUEST_TRAILERS, &side->trailers);
        sl_rules_tell_request(observer, call->stream, &side->trailers, false, is_last);
        return;
    }
    decode(observer, SL_DIR_REQUEST, call, block, &side->headers);
    sl_obs_request_fields(observer, call);
    sl_rules_tell_request(observer, call->stream, &side->headers, true, is_last);
}

/* :status of a block, or 0. */
static unsigned status_of(const struct sl_headers *headers)
{
    const struct sl_header *field = sl_headers_find(headers, ":status");
    if (field == NULL || field->value.len != 3) {
        return 0;
    }
    unsigned status = 0;
    for (size_t i = 0; i < 3; i++) {
        uint8_t c = field->value.data[i];
        if (c < '0' || c > '9') {
            return 0;
        }
        status = status * 10 + (unsigned)(c - '0');
    }
    return status;
}

void sl_obs_response_fields(struct sl_observer *observer, struct sl_obs_call *call, bool is_last)
{
    struct sl_call_side *side = &call->call.response;
    unsigned status = status_of(&side->headers);
    if (status != 0) {
        call->is_lost[SL_DIR_RESPONSE] = false; /* the beginning is here */
    }
    sl_obs_call_classify(observer, call);
    if (status >= 100 && status < 200 && !is_last) {
        sl_obs_tell_block(observer, call, SL_BLOCK_INFORMATIONAL, &side->headers);
        return;
    }
    call->call.http_status = status;
    side->headers_at = observer->at;
    /* Connect knows no response of trailers only. */
    if (!is_last || (call->call.protocol == SL_PROTOCOL_CONNECT && status != 0)) {
        side->has_headers = true;
        sl_obs_call_response(call);
        sl_obs_tell_block(observer, call, SL_BLOCK_RESPONSE, &side->headers);
        return;
    }
    swap_headers(&side->headers, &side->trailers);
    sl_headers_clear(&side->headers);
    side->has_trailers = true;
    /* Trailers without :status close a response that began before the observer. */
    bool is_joined = !call->call.request.has_headers && status == 0;
    side->has_headers = is_joined;
    sl_obs_tell_block(observer, call, SL_BLOCK_TRAILERS, &side->trailers);
}

static void response_block(struct sl_observer *observer, struct sl_obs_call *call,
                           struct sl_span block, bool is_last)
{
    struct sl_obs_dir *d = &observer->dir[SL_DIR_RESPONSE];
    struct sl_call_side *side = &call->call.response;
    bool is_first = !side->has_headers && !side->has_trailers;
    decode(observer, SL_DIR_RESPONSE, call, block, is_first ? &side->headers : &side->trailers);
    if (call->stream->opened_mark > d->proven) {
        d->proven = call->stream->opened_mark; /* a reply: the request had come */
    }
    sl_rules_answer(observer, call->stream, is_first ? &side->headers : &side->trailers, is_first,
                    is_last);
    if (is_first) {
        sl_obs_response_fields(observer, call, is_last);
        return;
    }
    side->has_trailers = true;
    sl_obs_tell_block(observer, call, SL_BLOCK_TRAILERS, &side->trailers);
}

/* The stream of a block: found, opened by it, or joined late. */
static struct sl_stream *stream_of_block(struct sl_observer *observer, enum sl_dir dir)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    uint32_t id = d->block_header.stream;
    struct sl_stream *stream = sl_obs_stream_find(&observer->streams, id);
    if (stream != NULL) {
        return stream;
    }
    if (dir == SL_DIR_REQUEST && id > observer->highest_stream) {
        observer->highest_stream = id;
        stream = sl_obs_call_begin(observer, id, true, &d->block_first);
        stream->opened_mark = d->frames;
        return stream;
    }
    return sl_obs_stream_joined(observer, dir, id);
}

/* The block is whole (or lost). */
static void end_block(struct sl_observer *observer, enum sl_dir dir, struct sl_span block)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    bool is_last = (d->block_header.flags & SL_H2_FLAG_END_STREAM) != 0;
    d->is_in_block = false;
    if (!d->is_block_lost) {
        sl_rules_block(observer, dir, block);
    }
    struct sl_stream *stream = NULL;
    if (d->block_header.type == SL_H2_HEADERS && d->block_header.stream != 0) {
        stream = stream_of_block(observer, dir);
    }
    if (stream == NULL || stream->call == NULL) {
        bool is_read = decode_block(observer, dir, block, &observer->scratch);
        observer->frame_headers = &observer->scratch;
        if (is_read && stream == NULL && dir == SL_DIR_REQUEST) {
            sl_rules_tell_request(observer, NULL, &observer->scratch, false, is_last);
        }
    } else if (dir == SL_DIR_REQUEST) {
        request_block(observer, stream->call, block, is_last);
    } else {
        response_block(observer, stream->call, block, is_last);
    }
    if (stream != NULL && stream->call != NULL && d->is_block_holed) {
        stream->call->call.has_gap = true;
    }
    d->is_block_lost = false;
    if (stream != NULL && is_last) {
        sl_obs_end_stream(observer, dir, stream, false);
    }
    /* RFC 9113 6.8: a call that the server said it will not process. */
    if (stream != NULL && stream->call != NULL && observer->ending == NULL &&
        stream->id > observer->goaway_last) {
        observer->ending = stream->call;
        observer->ending_how = SL_CALL_GOAWAY;
    }
}

/* Takes one frame's part of the block. */
static void add_fragment(struct sl_observer *observer, enum sl_dir dir, struct sl_span fragment)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    bool is_end = (d->header.flags & SL_H2_FLAG_END_HEADERS) != 0;
    if (is_end && d->block.len == 0) {
        end_block(observer, dir, fragment);
        return;
    }
    d->block.max = observer->config.block_max;
    if (!d->is_block_lost && sl_buf_add_span(&d->block, fragment) != SL_OK) {
        d->is_block_lost = true;
    }
    if (is_end) {
        end_block(observer, dir, sl_buf_span(&d->block));
        sl_buf_clear(&d->block);
        if (d->block.capacity > KEEP_CAPACITY) {
            sl_buf_release(&d->block);
        }
    }
}

void sl_obs_block_frame(struct sl_observer *observer, enum sl_dir dir, struct sl_span payload)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    struct sl_span fragment = payload;
    if (d->header.type == SL_H2_CONTINUATION) {
        if (!d->is_in_block || d->block_header.stream != d->header.stream) {
            d->is_bad = true; /* RFC 9113 6.10: nothing that it could continue */
            if (d->is_in_block) {
                sl_obs_block_abandon(observer, dir);
            }
            sl_obs_hpack_distrust(d);
            return;
        }
    } else {
        d->is_in_block = true;
        d->block_header = d->header;
        d->block_first = d->first;
        d->is_block_lost = false;
        d->is_block_holed = false;
        sl_buf_clear(&d->block);
        if (!d->is_holed && sl_h2_frame_content(&d->header, payload, &fragment) != SL_OK) {
            d->is_bad = true;
            d->is_block_lost = true;
        }
    }
    d->is_block_holed = d->is_block_holed || d->is_holed;
    d->is_block_lost = d->is_block_lost || d->is_holed || payload.len < d->header.length;
    struct sl_stream *stream = sl_obs_stream_find(&observer->streams, d->header.stream);
    observer->frame_call = stream == NULL ? NULL : stream->call;
    add_fragment(observer, dir, fragment);
}

void sl_obs_block_abandon(struct sl_observer *observer, enum sl_dir dir)
{
    struct sl_obs_dir *d = &observer->dir[dir];
    d->is_in_block = false;
    d->is_block_lost = false;
    sl_buf_clear(&d->block);
    sl_obs_hpack_distrust(d);
    struct sl_stream *stream = sl_obs_stream_find(&observer->streams, d->block_header.stream);
    if (stream != NULL && stream->call != NULL) {
        stream->call->call.has_lost_headers = true;
    }
}

void sl_obs_keep_fields(struct sl_observer *observer, struct sl_obs_call *call)
{
    struct sl_headers *lists[4] = {&call->call.request.headers, &call->call.request.trailers,
                                   &call->call.response.headers, &call->call.response.trailers};
    size_t *held = observer->config.held_fields;
    held = held == NULL ? &observer->held_fields : held;
    for (size_t i = 0; i < 4; i++) {
        if (!sl_headers_keep(lists[i], held, observer->config.keep_fields_max)) {
            call->call.has_cut_headers = true;
        }
    }
}
