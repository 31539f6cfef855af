/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/observer.h"

#include "lib/base/alloc.h"
#include "lib/wire/obs/flow.h"
#include "lib/wire/obs/state.h"

enum {
    HPACK_TABLE_DEFAULT = 4096, /* RFC 9113 6.5.2 */
    SCAN_BUDGET = 1024 * 1024,
};

const char *sl_status_source_name(enum sl_status_source source)
{
    switch (source) {
    case SL_FROM_TRAILERS:
        return "trailers";
    case SL_FROM_TRAILERS_ONLY:
        return "trailers_only";
    case SL_FROM_GRPC_WEB_TRAILERS:
        return "grpc_web_trailers";
    case SL_FROM_RST_STREAM:
        return "rst_stream";
    case SL_FROM_GOAWAY:
        return "goaway";
    case SL_FROM_HTTP_STATUS:
        return "http_status";
    case SL_FROM_CONNECTION_CLOSED:
        return "connection_closed";
    case SL_FROM_CONNECT_END_STREAM:
        return "connect_end_stream";
    case SL_FROM_CONNECT_ERROR:
        return "connect_error";
    case SL_FROM_NONE:
        break;
    }
    return "none";
}

const char *sl_protocol_name(enum sl_protocol protocol)
{
    switch (protocol) {
    case SL_PROTOCOL_GRPC:
        return "grpc";
    case SL_PROTOCOL_GRPC_WEB:
        return "grpc-web";
    case SL_PROTOCOL_GRPC_WEB_TEXT:
        return "grpc-web-text";
    case SL_PROTOCOL_CONNECT:
        return "connect";
    case SL_PROTOCOL_OTHER:
        break;
    }
    return "other";
}

struct sl_observer_config sl_observer_defaults(void)
{
    return (struct sl_observer_config){
        .keep_message_max = (size_t)4 * 1024 * 1024,
        .keep_frame_max = (size_t)64 * 1024,
        .keep_total_max = (size_t)64 * 1024 * 1024,
        .keep_fields_max = (size_t)64 * 1024 * 1024,
        .block_max = (size_t)1024 * 1024,
        .streams_max = 65536,
        .are_frames_told = true,
        .are_repeats_kept = true,
    };
}

struct sl_observer *sl_observer_new(const struct sl_observer_config *config)
{
    struct sl_observer *observer = sl_alloc(sizeof *observer);
    observer->config = *config;
    if (config->handler != NULL) {
        observer->handler = *config->handler;
    }
    if (observer->config.streams_max == 0) {
        observer->config.streams_max = 1;
    }
    observer->goaway_last = UINT32_MAX;
    observer->scan_budget = SCAN_BUDGET;
    sl_rules_init(&observer->rules);
    for (int i = 0; i < 2; i++) {
        enum sl_dir dir = i == 0 ? SL_DIR_REQUEST : SL_DIR_RESPONSE;
        struct sl_obs_dir *d = &observer->dir[dir];
        d->phase = dir == SL_DIR_REQUEST ? SL_OBS_PREFACE : SL_OBS_HEADER;
        d->max_frame = SL_H2_DEFAULT_MAX_FRAME;
        d->hpack_table = HPACK_TABLE_DEFAULT;
        sl_obs_flow_init(&observer->flow[dir]);
        if (config->is_midway) {
            d->max_frame = SL_H2_MAX_FRAME_LIMIT; /* what was announced is not known */
            sl_obs_hpack_distrust(d);
            sl_obs_flow_distrust(observer, dir);
            sl_obs_hunt_begin(observer, dir);
        }
    }
    return observer;
}

void sl_observer_free(struct sl_observer *observer)
{
    if (observer == NULL) {
        return;
    }
    sl_obs_calls_release(observer);
    if (observer->config.held_bytes != NULL) {
        *observer->config.held_bytes -= observer->held_bytes;
    }
    sl_obs_streams_release(&observer->streams);
    for (int i = 0; i < 2; i++) {
        sl_buf_release(&observer->dir[i].payload);
        sl_buf_release(&observer->dir[i].block);
        sl_hpack_decoder_free(observer->dir[i].hpack);
        sl_obs_repeats_release(&observer->dir[i].repeats);
        sl_free(observer->dir[i].settings.all);
        sl_free(observer->dir[i].pings.all);
        sl_free(observer->dir[i].resumed);
    }
    sl_headers_release(&observer->scratch);
    sl_free(observer);
}

void sl_observer_feed(struct sl_observer *observer, enum sl_dir dir, struct sl_span bytes,
                      const struct sl_at *at)
{
    if (bytes.len == 0) {
        return;
    }
    observer->at = *at;
    observer->totals.bytes[dir] += bytes.len;
    observer->scan_budget += bytes.len;
    sl_obs_frames_feed(observer, dir, bytes);
    sl_rules_fed(observer, dir);
}

void sl_observer_gap(struct sl_observer *observer, enum sl_dir dir, uint64_t count,
                     const struct sl_at *at)
{
    observer->at = *at;
    sl_obs_gap(observer, dir, count);
}

static enum sl_call_end closed_by(const struct sl_observer *observer)
{
    return observer->closer == SL_DIR_REQUEST ? SL_CALL_CLOSED_BY_CLIENT : SL_CALL_CLOSED_BY_SERVER;
}

void sl_observer_close(struct sl_observer *observer, enum sl_dir dir, bool is_reset,
                       const struct sl_at *at)
{
    observer->at = *at;
    if (!observer->dir[dir].is_ended) {
        observer->dir[dir].is_ended = true;
        if (!observer->config.is_http1) {
            sl_rules_closed(observer, dir);
        }
    }
    if (!observer->has_closer) {
        observer->has_closer = true;
        observer->closer = dir;
    }
    if (is_reset || (observer->dir[0].is_ended && observer->dir[1].is_ended)) {
        sl_obs_calls_end_all(observer, closed_by(observer));
    } else if (dir == SL_DIR_RESPONSE && observer->config.is_crossing_counted) {
        sl_obs_calls_close_by_server(observer);
    }
}

void sl_observer_finish(struct sl_observer *observer)
{
    for (int i = 0; i < 2; i++) {
        enum sl_dir dir = i == 0 ? SL_DIR_REQUEST : SL_DIR_RESPONSE;
        struct sl_obs_dir *d = &observer->dir[dir];
        if (!d->is_ended) {
            d->is_ended = true;
            if (!observer->config.is_http1) {
                sl_rules_closed(observer, dir);
            }
        }
        bool is_hunting = d->phase == SL_OBS_HUNT;
        sl_obs_skipped(observer, dir, is_hunting ? d->payload.len : d->head_len);
        d->head_len = 0;
        d->phase = SL_OBS_DEAD;
    }
    /* A FIN without the other side's answer to it ends the calls all the same. */
    sl_obs_calls_end_all(observer, observer->has_closer ? closed_by(observer) : SL_CALL_OPEN);
}

int64_t sl_observer_window(const struct sl_observer *observer, enum sl_dir dir, uint32_t stream)
{
    if (stream == 0) {
        return observer->flow[dir].connection;
    }
    return sl_obs_window(observer, dir, sl_obs_stream_look_up(&observer->streams, stream));
}

bool sl_observer_answer_ns(const struct sl_observer *observer, enum sl_dir dir, uint64_t *ret_ns)
{
    *ret_ns = observer->flow[dir].wait.answer_ns;
    return observer->flow[dir].wait.has_answer;
}

const struct sl_observer_totals *sl_observer_totals(const struct sl_observer *observer)
{
    return &observer->totals;
}
