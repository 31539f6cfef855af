/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/wire/h2_frame.h"

#include "lib/base/rd.h"

enum {
    PRIORITY_FIELDS_SIZE = 5, /* RFC 9113 6.2: dependency and weight */
    PROMISED_STREAM_SIZE = 4, /* RFC 9113 6.6 */
    RESERVED_BIT = 1,
    SETTING_SIZE = 6, /* RFC 9113 6.5.1 */
};

const char *sl_h2_type_name(uint8_t type)
{
    switch (type) {
#define X(name, value) \
    case (value):      \
        return #name;
#include "lib/wire/tbl/h2_frames.def"
#undef X
    default:
        return NULL;
    }
}

const char *sl_h2_error_name(uint32_t code)
{
    switch (code) {
#define X(name, value) \
    case (value):      \
        return #name;
#include "lib/wire/tbl/h2_errors.def"
#undef X
    default:
        return NULL;
    }
}

const char *sl_h2_setting_name(uint16_t id)
{
    switch (id) {
#define X(name, value) \
    case (value):      \
        return #name;
#include "lib/wire/tbl/h2_settings.def"
#undef X
    default:
        return NULL;
    }
}

enum sl_status sl_h2_frame_header_read(struct sl_span bytes, struct sl_h2_frame_header *ret_header)
{
    if (bytes.len < SL_H2_FRAME_HEADER_SIZE) {
        return SL_AGAIN;
    }
    const uint8_t *b = bytes.data;
    uint32_t stream =
        (uint32_t)b[5] << 24 | (uint32_t)b[6] << 16 | (uint32_t)b[7] << 8 | (uint32_t)b[8];
    *ret_header = (struct sl_h2_frame_header){
        .length = (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | (uint32_t)b[2],
        .type = b[3],
        .flags = b[4],
        .stream = stream & SL_H2_MAX_WINDOW,
        .has_reserved_bit = (stream >> 31) == RESERVED_BIT,
    };
    return SL_OK;
}

enum sl_status sl_h2_frame_content(const struct sl_h2_frame_header *header, struct sl_span payload,
                                   struct sl_span *ret_content)
{
    *ret_content = payload;
    bool is_headers = header->type == SL_H2_HEADERS;
    bool is_promise = header->type == SL_H2_PUSH_PROMISE;
    if (header->type != SL_H2_DATA && !is_headers && !is_promise) {
        return SL_OK;
    }
    struct sl_rd rd;
    sl_rd_init(&rd, payload);
    size_t padding = 0;
    if ((header->flags & SL_H2_FLAG_PADDED) != 0) {
        padding = sl_rd_u8(&rd);
    }
    if (is_headers && (header->flags & SL_H2_FLAG_PRIORITY) != 0) {
        (void)sl_rd_take(&rd, PRIORITY_FIELDS_SIZE);
    }
    if (is_promise) {
        (void)sl_rd_take(&rd, PROMISED_STREAM_SIZE);
    }
    size_t left = sl_rd_left(&rd);
    if (!sl_rd_ok(&rd) || padding > left) {
        *ret_content = sl_span(NULL, 0);
        return SL_MALFORMED;
    }
    *ret_content = sl_rd_take(&rd, left - padding);
    return SL_OK;
}

bool sl_h2_setting_next(struct sl_span *payload, struct sl_h2_setting_pair *ret_pair)
{
    struct sl_rd rd;
    if (payload->len < SETTING_SIZE) {
        return false;
    }
    sl_rd_init(&rd, *payload);
    ret_pair->id = sl_rd_be16(&rd);
    ret_pair->value = sl_rd_be32(&rd);
    *payload = sl_span_from(*payload, SETTING_SIZE);
    return true;
}

enum sl_status sl_h2_write_header(struct sl_buf *out, const struct sl_h2_frame_header *header)
{
    uint8_t *at = sl_buf_reserve(out, SL_H2_FRAME_HEADER_SIZE);
    if (at == NULL) {
        return SL_LIMIT;
    }
    uint32_t stream = header->stream | (header->has_reserved_bit ? UINT32_C(1) << 31 : 0);
    at[0] = (uint8_t)(header->length >> 16);
    at[1] = (uint8_t)(header->length >> 8);
    at[2] = (uint8_t)header->length;
    at[3] = header->type;
    at[4] = header->flags;
    at[5] = (uint8_t)(stream >> 24);
    at[6] = (uint8_t)(stream >> 16);
    at[7] = (uint8_t)(stream >> 8);
    at[8] = (uint8_t)stream;
    sl_buf_commit(out, SL_H2_FRAME_HEADER_SIZE);
    return SL_OK;
}

enum sl_status sl_h2_write_frame(struct sl_buf *out, uint8_t type, uint8_t flags, uint32_t stream,
                                 struct sl_span payload)
{
    /* All or nothing: a header without its payload would turn what follows into garbage. */
    if (payload.len > SL_H2_MAX_FRAME_LIMIT ||
        sl_buf_reserve(out, SL_H2_FRAME_HEADER_SIZE + payload.len) == NULL) {
        return SL_LIMIT;
    }
    struct sl_h2_frame_header header = {
        .length = (uint32_t)payload.len, .type = type, .flags = flags, .stream = stream};
    (void)sl_h2_write_header(out, &header);
    return sl_buf_add_span(out, payload);
}

enum sl_status sl_h2_write_settings(struct sl_buf *out, const struct sl_h2_setting_pair *pairs,
                                    size_t count)
{
    enum { PAIR_SIZE = 6 };
    if (count > SL_H2_MAX_FRAME_LIMIT / PAIR_SIZE ||
        sl_buf_reserve(out, SL_H2_FRAME_HEADER_SIZE + PAIR_SIZE * count) == NULL) {
        return SL_LIMIT;
    }
    struct sl_h2_frame_header header = {.length = (uint32_t)(PAIR_SIZE * count),
                                        .type = SL_H2_SETTINGS};
    (void)sl_h2_write_header(out, &header);
    for (size_t i = 0; i < count; i++) {
        (void)sl_buf_add_be16(out, pairs[i].id);
        (void)sl_buf_add_be32(out, pairs[i].value);
    }
    return SL_OK;
}

enum sl_status sl_h2_write_settings_ack(struct sl_buf *out)
{
    return sl_h2_write_frame(out, SL_H2_SETTINGS, SL_H2_FLAG_ACK, 0, sl_span(NULL, 0));
}

/* The big-endian bytes of value. */
static void put_be32(uint8_t *out, uint32_t value)
{
    out[0] = (uint8_t)(value >> 24);
    out[1] = (uint8_t)(value >> 16);
    out[2] = (uint8_t)(value >> 8);
    out[3] = (uint8_t)value;
}

enum sl_status sl_h2_write_ping(struct sl_buf *out, bool is_ack, uint64_t opaque)
{
    uint8_t payload[8];
    put_be32(payload, (uint32_t)(opaque >> 32));
    put_be32(payload + 4, (uint32_t)opaque);
    return sl_h2_write_frame(out, SL_H2_PING, is_ack ? SL_H2_FLAG_ACK : 0, 0,
                             sl_span(payload, sizeof payload));
}

enum sl_status sl_h2_write_window_update(struct sl_buf *out, uint32_t stream, uint32_t increment)
{
    uint8_t payload[4];
    put_be32(payload, increment);
    return sl_h2_write_frame(out, SL_H2_WINDOW_UPDATE, 0, stream, sl_span(payload, sizeof payload));
}

enum sl_status sl_h2_write_rst_stream(struct sl_buf *out, uint32_t stream, uint32_t error)
{
    uint8_t payload[4];
    put_be32(payload, error);
    return sl_h2_write_frame(out, SL_H2_RST_STREAM, 0, stream, sl_span(payload, sizeof payload));
}

enum sl_status sl_h2_write_goaway(struct sl_buf *out, uint32_t last_stream, uint32_t error,
                                  struct sl_span debug)
{
    enum { FIXED_SIZE = 8 };
    if (debug.len > SL_H2_MAX_FRAME_LIMIT - FIXED_SIZE ||
        sl_buf_reserve(out, SL_H2_FRAME_HEADER_SIZE + FIXED_SIZE + debug.len) == NULL) {
        return SL_LIMIT;
    }
    struct sl_h2_frame_header header = {.length = (uint32_t)(FIXED_SIZE + debug.len),
                                        .type = SL_H2_GOAWAY};
    (void)sl_h2_write_header(out, &header);
    (void)sl_buf_add_be32(out, last_stream);
    (void)sl_buf_add_be32(out, error);
    return sl_buf_add_span(out, debug);
}
