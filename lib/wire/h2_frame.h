/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_H2_FRAME_H
#define SL_H2_FRAME_H

/*
 * HTTP/2 frames (RFC 9113 4 and 6): reading hostile bytes, writing frames that may be wrong.
 *
 * Reading never trusts a length; writing puts down exactly what it is told, valid or not, because a
 * test of a server needs frames that no correct client sends.
 */
#include "lib/base/buf.h"

enum {
    SL_H2_FRAME_HEADER_SIZE = 9,
    SL_H2_DEFAULT_WINDOW = 65535,     /* RFC 9113 6.9.2 */
    SL_H2_DEFAULT_MAX_FRAME = 16384,  /* RFC 9113 6.5.2 */
    SL_H2_MAX_FRAME_LIMIT = 16777215, /* RFC 9113 6.5.2 */
    SL_H2_MAX_WINDOW = 2147483647,    /* RFC 9113 6.9.1 */
};

#define SL_H2_PREFACE      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" /* RFC 9113 3.4 */
#define SL_H2_PREFACE_SIZE 24

/* The values of type, flags, error and settings id, from tbl/: SL_H2_DATA, SL_H2_FLAG_END_STREAM,
 * SL_H2_NO_ERROR, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE ... */
enum sl_h2_type {
#define X(name, value) SL_H2_##name = (value),
#include "lib/wire/tbl/h2_frames.def"
#undef X
};
enum sl_h2_flag {
    SL_H2_FLAG_END_STREAM = 0x1,
    SL_H2_FLAG_ACK = 0x1,
    SL_H2_FLAG_END_HEADERS = 0x4,
    SL_H2_FLAG_PADDED = 0x8,
    SL_H2_FLAG_PRIORITY = 0x20,
};
enum sl_h2_error {
#define X(name, value) SL_H2_##name = (value),
#include "lib/wire/tbl/h2_errors.def"
#undef X
};
enum sl_h2_setting {
#define X(name, value) SL_H2_SETTINGS_##name = (value),
#include "lib/wire/tbl/h2_settings.def"
#undef X
};

/* "DATA"; NULL for a type that RFC 9113 does not define. */
const char *sl_h2_type_name(uint8_t type);
/* "CANCEL"; NULL for an unknown code. */
const char *sl_h2_error_name(uint32_t code);
/* "INITIAL_WINDOW_SIZE"; NULL for an unknown id. */
const char *sl_h2_setting_name(uint16_t id);

struct sl_h2_frame_header {
    uint32_t length; /* of the payload */
    uint8_t type;
    uint8_t flags;
    uint32_t stream; /* without the reserved bit */
    bool has_reserved_bit;
};

/* The 9 bytes at bytes. SL_AGAIN when there are fewer. */
SL_MUST_USE enum sl_status sl_h2_frame_header_read(struct sl_span bytes,
                                                   struct sl_h2_frame_header *ret_header);

/* The part of payload that is left when the padding of a DATA, HEADERS or PUSH_PROMISE frame and the
 * priority or promised-stream fields are taken off, as flags and type say. SL_MALFORMED when the
 * padding is not shorter than the payload or a field is cut (RFC 9113 6.1, 6.2, 6.6). */
SL_MUST_USE enum sl_status sl_h2_frame_content(const struct sl_h2_frame_header *header,
                                               struct sl_span payload, struct sl_span *ret_content);

struct sl_h2_setting_pair {
    uint16_t id;
    uint32_t value;
};

/* Takes the next parameter off the payload of SETTINGS (RFC 9113 6.5.1). False where less than a whole one is left. */
bool sl_h2_setting_next(struct sl_span *payload, struct sl_h2_setting_pair *ret_pair);

/* The writers append one frame; SL_LIMIT when out is full. Nothing is checked. */
enum sl_status sl_h2_write_header(struct sl_buf *out, const struct sl_h2_frame_header *header);
enum sl_status sl_h2_write_frame(struct sl_buf *out, uint8_t type, uint8_t flags, uint32_t stream,
                                 struct sl_span payload);
enum sl_status sl_h2_write_settings(struct sl_buf *out, const struct sl_h2_setting_pair *pairs,
                                    size_t count);
enum sl_status sl_h2_write_settings_ack(struct sl_buf *out);
enum sl_status sl_h2_write_ping(struct sl_buf *out, bool is_ack, uint64_t opaque);
enum sl_status sl_h2_write_window_update(struct sl_buf *out, uint32_t stream, uint32_t increment);
enum sl_status sl_h2_write_rst_stream(struct sl_buf *out, uint32_t stream, uint32_t error);
enum sl_status sl_h2_write_goaway(struct sl_buf *out, uint32_t last_stream, uint32_t error,
                                  struct sl_span debug);

#endif
