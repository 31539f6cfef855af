/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/exchange.h"

#include "lib/wire/obs/blocks.h"
#include "lib/wire/obs/body.h"

static struct sl_obs_call *call_of(struct sl_observer *observer, uint32_t number)
{
    const struct sl_stream *stream = sl_obs_stream_find(&observer->streams, number);
    return stream == NULL ? NULL : stream->call;
}

/* What is due behind an event, as behind a frame. */
static void settle(struct sl_observer *observer)
{
    struct sl_obs_call *ending = observer->ending;
    observer->ending = NULL;
    if (observer->frame_call != NULL && observer->frame_call != ending) {
        sl_obs_keep_fields(observer, observer->frame_call);
    }
    if (ending != NULL) {
        sl_obs_call_end(observer, ending, observer->ending_how);
    }
    observer->frame_call = NULL;
    observer->frame_headers = NULL;
}

uint32_t sl_exchange_begin(struct sl_observer *observer, bool is_seen, const struct sl_at *first)
{
    observer->at = *first;
    uint32_t number = observer->highest_stream == 0 ? 1 : observer->highest_stream + 2;
    observer->highest_stream = number;
    (void)sl_obs_call_begin(observer, number, is_seen, first);
    return number;
}

static void take(struct sl_headers *side, struct sl_headers *fields)
{
    struct sl_headers kept = *side;
    *side = *fields;
    *fields = kept;
}

/* "200" in :status, as the reader wrote it. */
static bool is_informational(const struct sl_headers *headers)
{
    const struct sl_header *status = sl_headers_find(headers, ":status");
    return status != NULL && sl_span_starts(status->value, "1");
}

void sl_exchange_fields(struct sl_observer *observer, uint32_t number, enum sl_block block,
                        struct sl_headers *fields, const struct sl_at *at)
{
    struct sl_obs_call *call = call_of(observer, number);
    if (call == NULL) {
        return;
    }
    observer->at = *at;
    bool is_request = block == SL_BLOCK_REQUEST || block == SL_BLOCK_REQUEST_TRAILERS;
    struct sl_call_side *side = is_request ? &call->call.request : &call->call.response;
    if (block == SL_BLOCK_REQUEST) {
        take(&side->headers, fields);
        sl_obs_request_fields(observer, call);
    } else if (block == SL_BLOCK_REQUEST_TRAILERS || block == SL_BLOCK_TRAILERS) {
        take(&side->trailers, fields);
        side->has_trailers = true;
        sl_obs_tell_block(observer, call, block, &side->trailers);
    } else {
        take(&side->headers, fields);
        sl_obs_response_fields(observer, call, false);
        if (is_informational(&side->headers)) {
            sl_headers_clear(&side->headers);
        }
    }
    settle(observer);
}

void sl_exchange_body(struct sl_observer *observer, uint32_t number, enum sl_dir dir,
                      struct sl_span bytes, const struct sl_at *at)
{
    struct sl_obs_call *call = call_of(observer, number);
    if (call != NULL && !call->stream->is_ended[dir]) {
        observer->at = *at;
        sl_obs_body_feed(observer, call, dir, bytes);
        observer->dir[dir].messages = 0;
    }
}

void sl_exchange_missing(struct sl_observer *observer, uint32_t number, enum sl_dir dir,
                         uint64_t count, const struct sl_at *at)
{
    struct sl_obs_call *call = call_of(observer, number);
    if (call != NULL && !call->stream->is_ended[dir]) {
        observer->at = *at;
        sl_obs_body_skip(observer, call, dir, count);
    }
}

void sl_exchange_end(struct sl_observer *observer, uint32_t number, enum sl_dir dir,
                     const struct sl_at *at)
{
    struct sl_stream *stream = sl_obs_stream_find(&observer->streams, number);
    if (stream != NULL) {
        observer->at = *at;
        sl_obs_end_stream(observer, dir, stream, false);
        settle(observer);
    }
}

void sl_exchange_give_up(struct sl_observer *observer, uint32_t number, const struct sl_at *at)
{
    struct sl_obs_call *call = call_of(observer, number);
    if (call != NULL) {
        observer->at = *at;
        call->call.has_gap = true;
        call->call.is_given_up = true;
        sl_obs_call_end(observer, call, SL_CALL_OPEN);
    }
}

void sl_exchange_problem(struct sl_observer *observer, uint32_t number, const char *text)
{
    struct sl_obs_call *call = call_of(observer, number);
    if (call != NULL) {
        call->call.body_problem = text;
    }
}

void sl_exchange_fed(struct sl_observer *observer, enum sl_dir dir, uint64_t count)
{
    observer->totals.bytes[dir] += count;
}

void sl_exchange_gap(struct sl_observer *observer, enum sl_dir dir, uint64_t count)
{
    observer->totals.gaps[dir]++;
    observer->totals.missing_bytes[dir] += count;
}

void sl_exchange_skipped(struct sl_observer *observer, enum sl_dir dir, uint64_t count,
                         const struct sl_at *at)
{
    observer->at = *at;
    sl_obs_skipped(observer, dir, count);
}
