/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "inspector/view/held.h"
#include "inspector/view/message_object.h"
#include "inspector/view/metadata.h"
#include "inspector/view/names.h"
#include "inspector/view/views.h"
#include "lib/base/alloc.h"
#include "lib/base/rd.h"

struct frames {
    struct ins_view base;
    struct ins_view_config config;
    struct ins_payload payload;
    struct sl_buf completed; /* the objects of messages that the frame under way has completed */
    struct sl_json_out out;  /* into completed */
    bool has_completed;
};

static void on_message(struct ins_view *view, struct ins_call *call, enum sl_dir dir,
                       const struct sl_message *message, const struct sl_at *at)
{
    struct frames *frames = (struct frames *)view;
    if (!message->is_complete || !call->is_selected) {
        return;
    }
    if (!frames->has_completed) {
        frames->has_completed = true;
        sl_buf_clear(&frames->completed);
        sl_json_out_init(&frames->out, &frames->completed);
        sl_json_out_begin_array(&frames->out);
    }
    ins_message_object_write(&frames->payload, &frames->out, call, dir, message, at, NULL);
}

/* RFC 9113 6: which flag means what for which type. */
static const char *flag_name(uint8_t type, uint8_t flag)
{
    bool is_block = type == SL_H2_HEADERS || type == SL_H2_PUSH_PROMISE;
    if ((type == SL_H2_SETTINGS || type == SL_H2_PING) && flag == SL_H2_FLAG_ACK) {
        return "ACK";
    }
    if ((type == SL_H2_DATA || type == SL_H2_HEADERS) && flag == SL_H2_FLAG_END_STREAM) {
        return "END_STREAM";
    }
    if ((is_block || type == SL_H2_CONTINUATION) && flag == SL_H2_FLAG_END_HEADERS) {
        return "END_HEADERS";
    }
    if ((is_block || type == SL_H2_DATA) && flag == SL_H2_FLAG_PADDED) {
        return "PADDED";
    }
    if (type == SL_H2_HEADERS && flag == SL_H2_FLAG_PRIORITY) {
        return "PRIORITY";
    }
    return NULL;
}

static void write_flags(struct sl_json_out *out, const struct sl_h2_frame_header *header)
{
    sl_json_out_begin_array(out);
    for (unsigned flag = 1; flag <= 0x80; flag <<= 1) {
        if ((header->flags & flag) == 0) {
            continue;
        }
        char number[INS_NAME_MAX];
        const char *name = flag_name(header->type, (uint8_t)flag);
        if (name == NULL) {
            (void)snprintf(number, sizeof(number), "0x%02x", flag);
            name = number;
        }
        sl_json_out_str(out, name);
    }
    sl_json_out_end_array(out);
}

static void write_error(struct sl_json_out *out, uint32_t code)
{
    char number[INS_NAME_MAX];
    sl_json_out_key_str(out, "error", ins_h2_error_text(code, number));
}

static void write_settings(struct sl_json_out *out, struct sl_span payload)
{
    sl_json_out_key(out, "settings");
    sl_json_out_begin_array(out);
    struct sl_h2_setting_pair pair;
    while (sl_h2_setting_next(&payload, &pair)) {
        char number[INS_NAME_MAX];
        const char *name = sl_h2_setting_name(pair.id);
        (void)snprintf(number, sizeof(number), "0x%04x", (unsigned)pair.id);
        sl_json_out_begin_array(out);
        sl_json_out_str(out, name == NULL ? number : name);
        sl_json_out_u64(out, pair.value);
        sl_json_out_end_array(out);
    }
    sl_json_out_end_array(out);
}

/* The fields that only one type has. */
static void write_own_fields(struct sl_json_out *out, const struct sl_frame_event *event)
{
    struct sl_rd rd;
    sl_rd_init(&rd, event->payload);
    char number[INS_NAME_MAX];
    switch (event->header.type) {
    case SL_H2_SETTINGS:
        write_settings(out, event->payload);
        break;
    case SL_H2_RST_STREAM:
        write_error(out, sl_rd_be32(&rd));
        break;
    case SL_H2_WINDOW_UPDATE:
        sl_json_out_key_u64(out, "increment", sl_rd_be32(&rd) & 0x7fffffffU);
        break;
    case SL_H2_GOAWAY:
        sl_json_out_key_u64(out, "last_stream", sl_rd_be32(&rd) & 0x7fffffffU);
        write_error(out, sl_rd_be32(&rd));
        sl_json_out_key(out, "debug");
        sl_json_out_span(out, sl_rd_rest(&rd));
        break;
    case SL_H2_PING:
        (void)snprintf(number, sizeof(number), "%016llx", (unsigned long long)sl_rd_be64(&rd));
        sl_json_out_key_str(out, "opaque", number);
        break;
    default:
        break;
    }
}

static void write_messages(struct frames *frames, struct sl_json_out *out)
{
    sl_json_out_key(out, "messages");
    if (frames->has_completed) {
        sl_json_out_end_array(&frames->out);
    }
    if (frames->has_completed && !frames->completed.is_full) {
        sl_json_out_raw(out, sl_buf_span(&frames->completed));
    } else {
        sl_json_out_begin_array(out);
        sl_json_out_end_array(out);
    }
}

static void on_frame(struct ins_view *view, const struct ins_connection *connection,
                     struct ins_call *call, const struct sl_frame_event *event)
{
    struct frames *frames = (struct frames *)view;
    if (frames->config.is_selective && (call == NULL || !call->is_selected)) {
        frames->has_completed = false;
        return;
    }
    char name[INS_NAME_MAX];
    struct sl_json_out *out = ins_lines_begin(frames->config.lines);
    sl_json_out_begin_object(out);
    sl_json_out_key_str(out, "type", "frame");
    sl_json_out_key_u64(out, "connection", connection->id);
    sl_json_out_key_u64(out, "stream", event->header.stream);
    sl_json_out_key(out, "call");
    if (call != NULL && call->id != 0) {
        sl_json_out_u64(out, call->id);
    } else {
        sl_json_out_null(out);
    }
    sl_json_out_key_u64(out, "packet", event->last.packet);
    sl_json_out_key(out, "time");
    ins_write_time(out, &event->last);
    sl_json_out_key_str(out, "direction", ins_dir_name(event->dir));
    sl_json_out_key_u64(out, "number", event->number);
    sl_json_out_key_str(out, "frame", ins_frame_type_name(event->header.type, name));
    sl_json_out_key(out, "flags");
    write_flags(out, &event->header);
    sl_json_out_key_u64(out, "length", event->header.length);
    write_own_fields(out, event);
    sl_json_out_key(out, "headers");
    if (event->headers != NULL) {
        ins_metadata_write_pairs(out, event->headers);
    } else {
        sl_json_out_begin_array(out);
        sl_json_out_end_array(out);
    }
    write_messages(frames, out);
    if (event->is_malformed) {
        sl_json_out_key_bool(out, "malformed", true);
    }
    sl_json_out_end_object(out);
    ins_held_end(frames->config.lines, call);
    frames->has_completed = false;
}

static void on_finding(struct ins_view *view, const struct ins_connection *connection,
                       struct ins_call *call, const struct sl_finding *finding)
{
    ins_finding_line(&((struct frames *)view)->config, connection, call, finding);
}

static void frames_free(struct ins_view *view)
{
    struct frames *frames = (struct frames *)view;
    ins_payload_release(&frames->payload);
    sl_buf_release(&frames->completed);
    sl_free(frames);
}

static const struct ins_view_ops frames_ops = {
    .name = "frames",
    .message = on_message,
    .frame = on_frame,
    .finding = on_finding,
    .free = frames_free,
    .keep_message_max = INS_VIEW_MESSAGE_MAX,
    .keep_frame_max = INS_VIEW_FRAME_MAX,
    .is_by_event = true,
};

struct ins_view *ins_view_frames_new(const struct ins_view_config *config)
{
    struct frames *frames = sl_alloc(sizeof(*frames));
    frames->base.ops = &frames_ops;
    frames->base.has_findings = config->has_lint;
    frames->config = *config;
    ins_payload_init(&frames->payload, config->pool);
    sl_buf_init(&frames->completed, INS_PAYLOAD_JSON_MAX * 2);
    return &frames->base;
}
