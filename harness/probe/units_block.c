/* SPDX-License-Identifier: Apache-2.0 */
/* Header blocks that do not end, or are much larger than what is sent of them. */
#include "harness/probe/class.h"
#include "lib/wire/h2_frame.h"
#include "lib/wire/hpack.h"

enum {
    PIECE = 16000,      /* of a CONTINUATION */
    BOMB_VALUE = 4000,  /* fits a table of 4,096 bytes (RFC 7541 4.1) */
    BOMB_COUNT = 10000, /* references of a byte each */
    BLOCK_MAX = 64 * 1024,
    DYNAMIC_FIRST = 62,
    EMPTY_NAMES = 4000,
};

static void begin(struct har_probe_wire *wire, struct sl_span more, struct sl_buf *out)
{
    har_probe_headers(wire, 0, 0, more, out);
}

static void continuation(const struct har_probe_wire *wire, uint8_t flags, struct sl_span piece,
                         struct sl_buf *out)
{
    (void)sl_h2_write_frame(out, SL_H2_CONTINUATION, flags, wire->stream, piece);
}

static void fill(const struct har_probe_wire *wire, int byte, size_t len, struct sl_buf *out)
{
    uint8_t piece[PIECE];
    memset(piece, byte, len);
    continuation(wire, 0, sl_span(piece, len), out);
}

void har_probe_begin_block(struct har_probe_wire *wire, struct sl_buf *out)
{
    begin(wire, sl_span(NULL, 0), out);
}

/* 3,200 fields "x: y". */
void har_probe_write_fields(struct har_probe_wire *wire, struct sl_buf *out)
{
    static const uint8_t field[] = {0x00, 0x01, 'x', 0x01, 'y'};
    uint8_t piece[PIECE];
    for (size_t i = 0; i < sizeof(piece); i++) {
        piece[i] = field[i % sizeof(field)];
    }
    continuation(wire, 0, sl_span(piece, sizeof(piece)), out);
}

void har_probe_write_nothing(struct har_probe_wire *wire, struct sl_buf *out)
{
    continuation(wire, 0, sl_span(NULL, 0), out);
}

/* So that a server which took all of it has something to answer. */
void har_probe_end_block(struct har_probe_wire *wire, struct sl_buf *out)
{
    continuation(wire, SL_H2_FLAG_END_HEADERS, sl_span(NULL, 0), out);
    har_probe_message(wire, out);
}

void har_probe_write_bomb(struct har_probe_wire *wire, struct sl_buf *out)
{
    char value[BOMB_VALUE];
    struct sl_buf more;
    memset(value, 'a', sizeof(value));
    sl_buf_init(&more, BLOCK_MAX);
    (void)sl_hpack_write_literal(&more, SL_HPACK_INCREMENTAL, sl_span_str("x"),
                                 sl_span(value, sizeof(value)));
    for (unsigned i = 0; i < BOMB_COUNT; i++) {
        (void)sl_hpack_write_indexed(&more, DYNAMIC_FIRST);
    }
    har_probe_headers(wire, 0, SL_H2_FLAG_END_HEADERS, sl_buf_span(&more), out);
    har_probe_message(wire, out);
    sl_buf_release(&more);
}

/* CVE-2019-9516: literals without a name and without a value, of three bytes each. */
void har_probe_write_empty_names(struct har_probe_wire *wire, struct sl_buf *out)
{
    static const uint8_t fields[3 * EMPTY_NAMES] = {0};
    har_probe_headers(wire, 0, SL_H2_FLAG_END_HEADERS, sl_span(fields, sizeof(fields)), out);
    har_probe_message(wire, out);
}

/* RFC 7541 5.1: an index whose number goes on; each byte says that another one follows and adds 0. */
void har_probe_begin_padded_number(struct har_probe_wire *wire, struct sl_buf *out)
{
    begin(wire, sl_span("\xff", 1), out);
}

void har_probe_write_padding(struct har_probe_wire *wire, struct sl_buf *out)
{
    fill(wire, 0x80, PIECE, out);
}

/* RFC 7541 5.2: the value of a field has 4,294,967,295 bytes. */
void har_probe_begin_long_string(struct har_probe_wire *wire, struct sl_buf *out)
{
    static const uint8_t start[] = {0x00, 0x01, 'x', 0x7f, 0x80, 0xff, 0xff, 0xff, 0x0f};
    begin(wire, sl_span(start, sizeof(start)), out);
}

/* The value of a field has 600 bytes, which all servers take; 127 of them are in the first byte of the length. */
void har_probe_begin_string(struct har_probe_wire *wire, struct sl_buf *out)
{
    static const uint8_t start[] = {0x00, 0x01, 'x', 0x7f, 0xd9, 0x03};
    begin(wire, sl_span(start, sizeof(start)), out);
}

void har_probe_write_string(struct har_probe_wire *wire, struct sl_buf *out)
{
    fill(wire, 'a', PIECE, out);
}

void har_probe_write_string_byte(struct har_probe_wire *wire, struct sl_buf *out)
{
    fill(wire, 'a', 1, out);
}
