/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/rules/rules.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/wire/grpc_status.h"
#include "lib/wire/obs/state.h"
#include "lib/wire/rules/syntax.h"

static const struct sl_rule rules[] = {
#define X(group, number, level, clause, title, prevents, text, look) \
    {#group "-" #number, level, clause, title, prevents, text, look},
#include "lib/wire/rules/rules.def"
#undef X
};

static const struct sl_rule_group *const groups[] = {
    &sl_rules_call,    &sl_rules_flow,     &sl_rules_frames, &sl_rules_conn,   &sl_rules_reset,
    &sl_rules_hpack,   &sl_rules_response, &sl_rules_status, &sl_rules_fields, &sl_rules_messages,
    &sl_rules_details, &sl_rules_request,  &sl_rules_client, &sl_rules_served,
};

enum {
    REORDER_PACKETS = 2,     /* a capture swaps neighbours ... */
    REORDER_NS = 200 * 1000, /* ... or packets this close in time */
    SHUFFLE_PACKETS = 32,
    SHUFFLE_NS = 100 * 1000 * 1000,
    TABLE_SIZE = 4096, /* RFC 9113 6.5.2 */
    GROUP_COUNT = sizeof groups / sizeof groups[0],
};

const struct sl_rule *sl_rule_at(size_t index)
{
    return index < SL_RULE_COUNT ? &rules[index] : NULL;
}

const struct sl_rule *sl_rule_find(const char *id)
{
    for (size_t i = 0; i < SL_RULE_COUNT; i++) {
        if (strcmp(rules[i].id, id) == 0) {
            return &rules[i];
        }
    }
    return NULL;
}

/* Every hook of struct sl_rule_group. */
#define HOOKS(X)   \
    X(frame)       \
    X(whole)       \
    X(setting)     \
    X(acked)       \
    X(padding)     \
    X(block)       \
    X(undecodable) \
    X(data)        \
    X(answer)      \
    X(request)     \
    X(prefix)      \
    X(message)     \
    X(end_stream)  \
    X(fed)         \
    X(gap)         \
    X(closed)

/* The groups that have a hook, by hook, up to a NULL: most hooks are of few groups, and each frame comes by here. */
static struct {
#define X(hook) const struct sl_rule_group *hook[GROUP_COUNT + 1];
    HOOKS(X)
#undef X
} having;

static void find_hooks(void)
{
#define X(hook)                                           \
    for (size_t i = 0, count = 0; i < GROUP_COUNT; i++) { \
        if (groups[i]->hook != NULL) {                    \
            having.hook[count++] = groups[i];             \
        }                                                 \
    }
    HOOKS(X)
#undef X
}

/* Nobody is told where the handler takes no findings: then nothing is judged either. */
#define TELL(observer_, hook, ...)                                      \
    do {                                                                \
        const struct sl_rule_group *const *next = having.hook;          \
        while ((observer_)->handler.finding != NULL && *next != NULL) { \
            (*next++)->hook(__VA_ARGS__);                               \
        }                                                               \
    } while (false)

void sl_rules_frame(struct sl_observer *observer, enum sl_dir dir,
                    const struct sl_h2_frame_header *header, struct sl_stream *stream)
{
    TELL(observer, frame, observer, dir, header, stream);
}

static void tell_settings(struct sl_observer *observer, enum sl_dir dir, struct sl_span payload)
{
    struct sl_h2_setting_pair pair;
    while (sl_h2_setting_next(&payload, &pair)) {
        TELL(observer, setting, observer, dir, &pair);
    }
}

void sl_rules_whole(struct sl_observer *observer, enum sl_dir dir,
                    const struct sl_h2_frame_header *header, struct sl_span payload)
{
    const struct sl_obs_in_flight *sent = &observer->dir[sl_obs_other(dir)].settings;
    if (header->type == SL_H2_SETTINGS && header->stream == 0) {
        if ((header->flags & SL_H2_FLAG_ACK) == 0) {
            tell_settings(observer, dir, payload);
        } else if (header->length == 0 && sent->count > 0) {
            TELL(observer, acked, observer, dir, sent->all[0].mark);
        }
    }
    TELL(observer, whole, observer, dir, header, payload);
}

void sl_rules_padding(struct sl_observer *observer, enum sl_dir dir)
{
    TELL(observer, padding, observer, dir);
}

void sl_rules_block(struct sl_observer *observer, enum sl_dir dir, struct sl_span block)
{
    TELL(observer, block, observer, dir, block);
}

void sl_rules_undecodable(struct sl_observer *observer, enum sl_dir dir)
{
    TELL(observer, undecodable, observer, dir);
}

void sl_rules_data(struct sl_observer *observer, enum sl_dir dir,
                   const struct sl_h2_frame_header *header, struct sl_stream *stream)
{
    TELL(observer, data, observer, dir, header, stream);
}

void sl_rules_end_stream(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                         bool is_on_data)
{
    TELL(observer, end_stream, observer, dir, stream, is_on_data);
}

void sl_rules_answer(struct sl_observer *observer, struct sl_stream *stream,
                     const struct sl_headers *headers, bool is_first, bool is_last)
{
    TELL(observer, answer, observer, stream, headers, is_first, is_last);
}

void sl_rules_tell_request(struct sl_observer *observer, struct sl_stream *stream,
                           const struct sl_headers *headers, bool is_first, bool is_last)
{
    TELL(observer, request, observer, stream, headers, is_first, is_last);
}

void sl_rules_prefix(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                     uint8_t flag)
{
    TELL(observer, prefix, observer, dir, stream, flag);
}

void sl_rules_message(struct sl_observer *observer, enum sl_dir dir, struct sl_stream *stream,
                      const struct sl_message *message)
{
    TELL(observer, message, observer, dir, stream, message);
}

void sl_rules_fed(struct sl_observer *observer, enum sl_dir dir)
{
    observer->rules.is_between = true;
    TELL(observer, fed, observer, dir);
    observer->rules.is_between = false;
}

void sl_rules_gap(struct sl_observer *observer, enum sl_dir dir)
{
    observer->rules.is_between = true;
    TELL(observer, gap, observer, dir);
    observer->rules.is_between = false;
}

void sl_rules_closed(struct sl_observer *observer, enum sl_dir dir)
{
    observer->rules.is_between = true;
    TELL(observer, closed, observer, dir);
    observer->rules.is_between = false;
}

void sl_rules_init(struct sl_rules *own)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, find_hooks);
    for (size_t i = 0; i < 2; i++) {
        own->frame_size[i].value = SL_H2_DEFAULT_MAX_FRAME;
        own->table_size[i].value = TABLE_SIZE;
    }
    own->streams.value = UINT32_MAX; /* RFC 9113 6.5.2: there is no limit at first */
}

bool sl_rules_are_near(const struct sl_at *then, const struct sl_at *now)
{
    return now->packet - then->packet <= REORDER_PACKETS ||
           (now->has_time && then->has_time && now->time_ns - then->time_ns <= REORDER_NS);
}

bool sl_rules_are_close(const struct sl_at *then, const struct sl_at *now)
{
    bool is_timed = now->has_time && then->has_time;
    return sl_rules_are_near(then, now) ||
           (now->packet - then->packet <= SHUFFLE_PACKETS &&
            (!is_timed || now->time_ns <= then->time_ns + SHUFFLE_NS));
}

bool sl_rules_doubt(const struct sl_observer *observer, enum sl_dir dir)
{
    return observer->config.is_midway || observer->totals.gaps[dir] > 0;
}

bool sl_rules_saw_all(const struct sl_observer *observer)
{
    return !observer->config.is_midway && !observer->rules.is_start_missing &&
           observer->totals.gaps[SL_DIR_REQUEST] == 0 &&
           observer->totals.gaps[SL_DIR_RESPONSE] == 0;
}

bool sl_rules_saw_request(const struct sl_stream *stream)
{
    if (stream == NULL || stream->call == NULL || stream->is_lingering) {
        return false;
    }
    const struct sl_call *call = &stream->call->call;
    return call->request.has_headers && !call->has_gap && !call->is_midway && !call->is_http1 &&
           !sl_call_lacks_fields(call);
}

bool sl_rules_saw_call(const struct sl_stream *stream)
{
    return sl_rules_saw_request(stream) && stream->call->call.protocol == SL_PROTOCOL_GRPC;
}

bool sl_rules_are_inferred(const struct sl_headers *headers)
{
    for (size_t i = 0; i < headers->count; i++) {
        if (sl_header_is_inferred(&headers->fields[i])) {
            return true;
        }
    }
    return false;
}

bool sl_rules_is_true_binary(const struct sl_observer *observer, enum sl_dir dir,
                             const struct sl_header *field)
{
    return sl_syntax_is_binary(field->name) && field->value.len > 0 &&
           field->value.data[0] == '\0' &&
           (observer->rules.takes_true_binary[sl_obs_other(dir)] || !sl_rules_saw_all(observer) ||
            observer->dir[sl_obs_other(dir)].frames == 0); /* nor its SETTINGS, in a capture */
}

const struct sl_header *sl_rules_status_of(const struct sl_call *call, uint32_t *ret_code)
{
    const struct sl_call_side *side = &call->response;
    const struct sl_header *field = NULL;
    if (side->has_trailers) {
        field = sl_headers_find(&side->trailers, "grpc-status");
    }
    if (field == NULL && side->has_headers) {
        field = sl_headers_find(&side->headers, "grpc-status");
    }
    bool is_read = field != NULL && !sl_header_is_inferred(field) &&
                   sl_grpc_status_read(field->value, ret_code) == SL_OK;
    return is_read ? field : NULL;
}

struct sl_rule_place sl_rules_side_place(const struct sl_observer *observer, enum sl_dir side,
                                         const struct sl_stream *stream)
{
    return (struct sl_rule_place){
        .side = side,
        .stream = stream->id,
        .at = &observer->at,
        .call = stream->call == NULL ? NULL : &stream->call->call,
    };
}

struct sl_rule_place sl_rules_place_of(const struct sl_observer *observer,
                                       const struct sl_stream *stream)
{
    return sl_rules_side_place(observer, SL_DIR_RESPONSE, stream);
}

struct sl_rule_place sl_rules_request_place(const struct sl_observer *observer,
                                            const struct sl_stream *stream)
{
    return sl_rules_side_place(observer, SL_DIR_REQUEST, stream);
}

const char *sl_rules_side_name(enum sl_dir dir)
{
    return dir == SL_DIR_REQUEST ? "client" : "server";
}

struct sl_frame_ref sl_rules_last_frame(const struct sl_stream *stream, enum sl_dir dir)
{
    const struct sl_stream_rules *own = &stream->rules;
    struct sl_frame_ref ref = {.dir = dir, .packet = own->closed_packet[dir]};
    if (own->reset_mark[dir] != 0) {
        ref.type = SL_H2_RST_STREAM;
        ref.number = own->reset_mark[dir];
    } else if (stream->is_ended[dir]) {
        ref.type = own->is_end_on_data[dir] ? SL_H2_DATA : SL_H2_HEADERS;
        ref.number = stream->ended_mark[dir];
    }
    return ref;
}

/* The frame that is being read, where the finding is of it. */
static struct sl_frame_ref current_frame(const struct sl_observer *observer,
                                         const struct sl_rule_place *place)
{
    const struct sl_obs_dir *d = &observer->dir[place->side];
    if (place->at != &observer->at || observer->rules.is_between || d->frames == 0) {
        return (struct sl_frame_ref){0};
    }
    return (struct sl_frame_ref){
        .dir = place->side,
        .type = d->header.type,
        .number = d->frames,
        .packet = observer->at.packet,
    };
}

void sl_rules_limit_announce(struct sl_rule_limit *limit, uint32_t value, uint64_t mark)
{
    if (value >= limit->value) {
        limit->value = value;
        limit->lower_mark = 0;
    } else {
        limit->lower = value;
        limit->lower_mark = mark;
    }
}

bool sl_rules_limit_ack(struct sl_rule_limit *limit, uint64_t mark)
{
    if (limit->lower_mark == 0 || mark < limit->lower_mark) {
        return false;
    }
    limit->value = limit->lower;
    limit->lower_mark = 0;
    return true;
}

/* The handler knows of the call: not yet, where the first block of it is in doubt. */
static bool is_told(const struct sl_call *call)
{
    return call != NULL && ((const struct sl_obs_call *)call)->is_told; /* its first member */
}

void sl_rules_report(struct sl_observer *observer, enum sl_rule_index rule,
                     const struct sl_rule_place *place, const char *format, ...)
{
    observer->rules.told++;
    struct sl_finding finding = {
        .rule = rules[rule].id,
        .level = place->level != 0 ? place->level : rules[rule].level,
        .side = place->side,
        .stream = place->stream,
        .at = *place->at,
        .clause = rules[rule].clause,
        .call = is_told(place->call) ? place->call : NULL,
        .frame = place->frame.number != 0 ? place->frame : current_frame(observer, place),
        .before = place->before,
    };
    va_list args;
    va_start(args, format);
    (void)vsnprintf(finding.text, sizeof finding.text, format, args);
    va_end(args);
    observer->handler.finding(observer->config.owner, &finding);
}
