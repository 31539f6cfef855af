/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/http2/frame_guess.h"

#include "lib/base/rd.h"
#include "lib/wire/hpack.h"

enum {
    LENGTH_MAX = 4 * 1024 * 1024, /* the largest frame that a gRPC stack is known to announce */
    SETTINGS_LENGTH_MAX = 6 * 64,
    FIELDS_MAX = 64,    /* of a block that are looked at */
    HPACK_TABLE = 4096, /* RFC 9113 6.5.2; no entry is ever used */
    /* RFC 7541 appendix A */
    STATIC_AUTHORITY = 1,
    STATIC_LAST_REQUEST = 7, /* :authority, :method, :path, :scheme */
    STATIC_LAST_STATUS = 14,
    STATIC_SERVER = 54,
    STATIC_USER_AGENT = 58,
};

/* RFC 9113 6: what a frame of each type may look like. */
static const struct frame_rule {
    bool may_be_stream, may_be_connection;
    uint8_t flags; /* that have a meaning */
    uint32_t min, max;
} frame_rules[] = {
    [SL_H2_DATA] = {true, false, 0x09, 0, LENGTH_MAX},
    [SL_H2_HEADERS] = {true, false, 0x2d, 1, LENGTH_MAX},
    [SL_H2_PRIORITY] = {true, false, 0, 5, 5},
    [SL_H2_RST_STREAM] = {true, false, 0, 4, 4},
    [SL_H2_SETTINGS] = {false, true, 0x01, 0, SETTINGS_LENGTH_MAX},
    [SL_H2_PUSH_PROMISE] = {true, false, 0x0c, 4, LENGTH_MAX},
    [SL_H2_PING] = {false, true, 0x01, 8, 8},
    [SL_H2_GOAWAY] = {false, true, 0, 8, LENGTH_MAX},
    [SL_H2_WINDOW_UPDATE] = {true, true, 0, 4, 4},
    [SL_H2_CONTINUATION] = {true, false, 0x04, 0, LENGTH_MAX},
};

bool ins_frame_is_plausible(const struct sl_h2_frame_header *header)
{
    if (header->type >= sizeof(frame_rules) / sizeof(frame_rules[0]) || header->has_reserved_bit) {
        return false;
    }
    const struct frame_rule *rule = &frame_rules[header->type];
    bool is_of_stream = rule->may_be_stream && (header->stream & 1) == 1;
    bool is_of_connection = rule->may_be_connection && header->stream == 0;
    bool is_settings_right =
        header->type != SL_H2_SETTINGS ||
        (header->length % 6 == 0 && (header->flags == 0 || header->length == 0));
    return (is_of_stream || is_of_connection) && (header->flags & ~rule->flags) == 0 &&
           header->length >= rule->min && header->length <= rule->max && is_settings_right;
}

/* An integer of RFC 7541 5.1 whose first byte is given. */
static uint32_t integer(struct sl_rd *rd, uint8_t first, unsigned bits)
{
    uint32_t mask = (1U << bits) - 1;
    uint32_t value = first & mask;
    if (value < mask) {
        return value;
    }
    for (unsigned shift = 0; shift < 28; shift += 7) {
        uint8_t byte = sl_rd_u8(rd);
        value += (uint32_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            return value;
        }
    }
    sl_rd_fail(rd);
    return 0;
}

static enum ins_role role_of_index(uint32_t index)
{
    if (index >= STATIC_AUTHORITY && index <= STATIC_LAST_REQUEST) {
        return INS_ROLE_CLIENT;
    }
    if (index > STATIC_LAST_REQUEST && index <= STATIC_LAST_STATUS) {
        return INS_ROLE_SERVER;
    }
    if (index == STATIC_SERVER) {
        return INS_ROLE_SERVER;
    }
    return index == STATIC_USER_AGENT ? INS_ROLE_CLIENT : INS_ROLE_UNKNOWN;
}

static enum ins_role role_of_name(struct sl_span name)
{
    static const char *const of_client[] = {":method",    ":path",        ":scheme",
                                            ":authority", "grpc-timeout", "te"};
    static const char *const of_server[] = {":status", "grpc-status", "grpc-message",
                                            "grpc-status-details-bin"};
    for (size_t i = 0; i < sizeof(of_client) / sizeof(of_client[0]); i++) {
        if (sl_span_is(name, of_client[i])) {
            return INS_ROLE_CLIENT;
        }
    }
    for (size_t i = 0; i < sizeof(of_server) / sizeof(of_server[0]); i++) {
        if (sl_span_is(name, of_server[i])) {
            return INS_ROLE_SERVER;
        }
    }
    return INS_ROLE_UNKNOWN;
}

/* The name of a literal field, decoded on its own as a block of one field without indexing. */
static enum ins_role role_of_literal(struct sl_span strings)
{
    struct sl_buf block;
    sl_buf_init(&block, strings.len + 1);
    (void)sl_buf_add_u8(&block, 0);
    (void)sl_buf_add_span(&block, strings);
    struct sl_headers headers = {0};
    struct sl_hpack_decoder *decoder = sl_hpack_decoder_new(HPACK_TABLE);
    enum ins_role role = INS_ROLE_UNKNOWN;
    if (sl_hpack_decode(decoder, sl_buf_span(&block), &headers) == SL_OK && headers.count == 1) {
        role = role_of_name(headers.fields[0].name);
    }
    sl_hpack_decoder_free(decoder);
    sl_headers_release(&headers);
    sl_buf_release(&block);
    return role;
}

static void skip_string(struct sl_rd *rd)
{
    uint8_t first = sl_rd_u8(rd);
    (void)sl_rd_take(rd, integer(rd, first, 7));
}

enum ins_role ins_header_block_role(struct sl_span block)
{
    struct sl_rd rd;
    sl_rd_init(&rd, block);
    for (int fields = 0; fields < FIELDS_MAX && sl_rd_left(&rd) > 0; fields++) {
        uint8_t first = sl_rd_u8(&rd);
        enum ins_role role = INS_ROLE_UNKNOWN;
        if ((first & 0x80) != 0) { /* RFC 7541 6.1 */
            role = role_of_index(integer(&rd, first, 7));
        } else if ((first & 0xe0) == 0x20) { /* 6.3 */
            (void)integer(&rd, first, 5);
        } else { /* 6.2 */
            uint32_t index = integer(&rd, first, (first & 0x40) != 0 ? 6 : 4);
            const uint8_t *strings = rd.pos;
            if (index == 0) {
                skip_string(&rd);
            }
            skip_string(&rd);
            if (!sl_rd_ok(&rd)) {
                return INS_ROLE_UNKNOWN;
            }
            role = index != 0 ? role_of_index(index)
                              : role_of_literal(sl_span(strings, (size_t)(rd.pos - strings)));
        }
        if (role != INS_ROLE_UNKNOWN) {
            return role;
        }
    }
    return INS_ROLE_UNKNOWN;
}

/* What one frame tells about its sender. payload may be cut. */
static enum ins_role role_of_frame(const struct sl_h2_frame_header *header, struct sl_span payload)
{
    if (header->type == SL_H2_PUSH_PROMISE) {
        return INS_ROLE_SERVER; /* RFC 9113 8.4: a client cannot push */
    }
    if (header->type != SL_H2_HEADERS) {
        return INS_ROLE_UNKNOWN;
    }
    struct sl_rd rd;
    sl_rd_init(&rd, payload);
    (void)sl_rd_take(&rd, (header->flags & SL_H2_FLAG_PADDED) != 0 ? 1 : 0);
    (void)sl_rd_take(&rd, (header->flags & SL_H2_FLAG_PRIORITY) != 0 ? 5 : 0);
    return ins_header_block_role(sl_rd_rest(&rd));
}

struct ins_frame_guess ins_frame_guess(struct sl_span bytes)
{
    struct ins_frame_guess guess = {0};
    struct sl_h2_frame_header header;
    while (sl_h2_frame_header_read(bytes, &header) == SL_OK) {
        if (!ins_frame_is_plausible(&header)) {
            return (struct ins_frame_guess){0};
        }
        bytes = sl_span_from(bytes, SL_H2_FRAME_HEADER_SIZE);
        struct sl_span payload = sl_span_first(bytes, header.length);
        bytes = sl_span_from(bytes, header.length);
        guess.frames++;
        guess.data_frames += header.type == SL_H2_DATA ? 1 : 0;
        if (guess.role == INS_ROLE_UNKNOWN) {
            guess.role = role_of_frame(&header, payload);
        }
    }
    return guess;
}
