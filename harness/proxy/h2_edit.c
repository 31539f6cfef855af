/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proxy/h2_edit.h"

#include "lib/base/rd.h"

enum {
    SETTING_SIZE = 6,
};

void har_h2_build(const struct har_fault *fault, const struct har_h2_place *place,
                  struct sl_buf *out)
{
    uint32_t stream = fault->stream != 0 ? fault->stream : place->stream;
    uint32_t last_id = fault->has_last_id ? fault->last_id : place->max_stream;
    switch (fault->frame) {
    case SL_H2_PING:
        (void)sl_h2_write_ping(out, fault->is_ack_only, fault->opaque);
        break;
    case SL_H2_SETTINGS:
        (void)(fault->is_ack_only
                   ? sl_h2_write_settings_ack(out)
                   : sl_h2_write_settings(out, fault->settings, fault->setting_count));
        break;
    case SL_H2_WINDOW_UPDATE:
        (void)sl_h2_write_window_update(out, stream, fault->increment);
        break;
    case SL_H2_RST_STREAM:
        (void)sl_h2_write_rst_stream(out, stream, fault->code);
        break;
    case SL_H2_GOAWAY:
        (void)sl_h2_write_goaway(out, last_id, fault->code, sl_span(NULL, 0));
        break;
    default: /* DATA is never injected */
        break;
    }
}

static const struct sl_h2_setting_pair *find_setting(const struct har_fault *fault, uint16_t id)
{
    for (size_t i = 0; i < fault->setting_count; i++) {
        if (fault->settings[i].id == id) {
            return &fault->settings[i];
        }
    }
    return NULL;
}

/* The settings as they came, with the fault's values in their places; those that were not there follow. */
static void rewrite_settings(const struct har_fault *fault, struct sl_span payload,
                             struct sl_buf *out)
{
    struct sl_h2_setting_pair pairs[HAR_H2_FRAME_MAX / SETTING_SIZE + HAR_FAULT_SETTINGS_MAX];
    size_t count = 0;
    bool is_there[HAR_FAULT_SETTINGS_MAX] = {false};
    struct sl_rd rd;
    sl_rd_init(&rd, payload);
    for (size_t i = 0; i < payload.len / SETTING_SIZE; i++) {
        uint16_t id = sl_rd_be16(&rd);
        uint32_t value = sl_rd_be32(&rd);
        const struct sl_h2_setting_pair *changed = find_setting(fault, id);
        if (changed != NULL) {
            is_there[changed - fault->settings] = true;
            value = changed->value;
        }
        pairs[count++] = (struct sl_h2_setting_pair){.id = id, .value = value};
    }
    for (size_t i = 0; i < fault->setting_count; i++) {
        if (!is_there[i]) {
            pairs[count++] = fault->settings[i];
        }
    }
    (void)sl_h2_write_settings(out, pairs, count);
}

static void rewrite_goaway(const struct har_fault *fault, struct sl_span payload,
                           struct sl_buf *out)
{
    struct sl_rd rd;
    sl_rd_init(&rd, payload);
    uint32_t last_id = sl_rd_be32(&rd);
    uint32_t code = sl_rd_be32(&rd);
    (void)sl_h2_write_goaway(out, fault->has_last_id ? fault->last_id : last_id,
                             fault->code != 0 ? fault->code : code, sl_span_from(payload, 8));
}

void har_h2_rewrite(const struct har_fault *fault, struct sl_span frame, struct sl_buf *out)
{
    struct sl_h2_frame_header header;
    if (sl_h2_frame_header_read(frame, &header) != SL_OK) {
        (void)sl_buf_add_span(out, frame);
        return;
    }
    struct sl_span payload = sl_span_from(frame, SL_H2_FRAME_HEADER_SIZE);
    bool is_ack = (header.flags & SL_H2_FLAG_ACK) != 0;
    if (header.type == SL_H2_PING && payload.len == 8 && fault->has_opaque) {
        (void)sl_h2_write_ping(out, is_ack, fault->opaque);
    } else if (header.type == SL_H2_SETTINGS && payload.len % SETTING_SIZE == 0 &&
               payload.len <= HAR_H2_FRAME_MAX && !is_ack) {
        rewrite_settings(fault, payload, out);
    } else if (header.type == SL_H2_WINDOW_UPDATE && payload.len == 4 && fault->has_increment) {
        (void)sl_h2_write_window_update(out, header.stream, fault->increment);
    } else if (header.type == SL_H2_RST_STREAM && payload.len == 4) {
        (void)sl_h2_write_rst_stream(out, header.stream, fault->code);
    } else if (header.type == SL_H2_GOAWAY && payload.len >= 8) {
        rewrite_goaway(fault, payload, out);
    } else {
        (void)sl_buf_add_span(out, frame);
    }
}
