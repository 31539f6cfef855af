/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that are wrong in one thing, and what all units have in common. */
#include "harness/probe/class.h"
#include "harness/raw/raw_block.h"
#include "lib/wire/h2_frame.h"
#include "lib/wire/hpack.h"
#include "lib/wire/message.h"

enum {
    BLOCK_MAX = 64 * 1024,
    MESSAGE_MAX = 16 * 1024,
    LARGE_FIELD = 9 * 1024, /* CVE-2023-1428: more than 8 KiB beside a field that is refused */
    ANNOUNCED = 128 * 1024 * 1024, /* above every usual limit, and what a machine can bear twice */
};

static void add(struct sl_buf *out, const char *name, struct sl_span value)
{
    (void)sl_hpack_write_literal(out, SL_HPACK_WITHOUT_INDEXING, sl_span_str(name), value);
}

void har_probe_fields(const struct har_probe_wire *wire, unsigned without, struct sl_buf *out)
{
    const char *path = wire->path + ((without & HAR_PROBE_NO_SLASH) != 0);
    add(out, ":method", sl_span_str("POST"));
    add(out, ":scheme",
        sl_span_str((without & HAR_PROBE_BAD_SCHEME) != 0 ? "bad scheme" : wire->scheme));
    add(out, ":path", sl_span_str(path));
    if ((without & HAR_PROBE_NO_AUTHORITY) == 0) {
        add(out, ":authority", sl_span_str(wire->authority));
    }
    add(out, "te", sl_span_str((without & HAR_PROBE_BAD_TE) != 0 ? "gzip" : "trailers"));
    add(out, "content-type", sl_span_str("application/grpc"));
    for (size_t i = 0; i < wire->metadata_count; i++) {
        har_raw_metadata_write(&wire->metadata[i], out);
    }
}

void har_probe_headers(struct har_probe_wire *wire, unsigned without, uint8_t flags,
                       struct sl_span more, struct sl_buf *out)
{
    struct sl_buf block;
    sl_buf_init(&block, BLOCK_MAX);
    wire->stream = wire->take_stream(wire->owner);
    wire->table_update(wire->owner, &block);
    har_probe_fields(wire, without, &block);
    (void)sl_buf_add_span(&block, more);
    uint8_t type = SL_H2_HEADERS;
    struct sl_span rest = sl_buf_span(&block);
    while (rest.len > SL_H2_DEFAULT_MAX_FRAME) { /* much metadata */
        (void)sl_h2_write_frame(out, type, flags & SL_H2_FLAG_END_STREAM, wire->stream,
                                sl_span(rest.data, SL_H2_DEFAULT_MAX_FRAME));
        rest = sl_span_from(rest, SL_H2_DEFAULT_MAX_FRAME);
        flags &= (uint8_t)~SL_H2_FLAG_END_STREAM;
        type = SL_H2_CONTINUATION;
    }
    (void)sl_h2_write_frame(out, type, flags, wire->stream, rest);
    sl_buf_release(&block);
}

void har_probe_message(const struct har_probe_wire *wire, struct sl_buf *out)
{
    struct sl_buf body;
    sl_buf_init(&body, MESSAGE_MAX);
    (void)sl_message_write(&body, 0, wire->message);
    (void)sl_h2_write_frame(out, SL_H2_DATA, SL_H2_FLAG_END_STREAM, wire->stream,
                            sl_buf_span(&body));
    sl_buf_release(&body);
}

static void call(struct har_probe_wire *wire, unsigned without, struct sl_span more,
                 struct sl_buf *out)
{
    har_probe_headers(wire, without, SL_H2_FLAG_END_HEADERS, more, out);
    har_probe_message(wire, out);
}

/* The 5 bytes of a prefix (PROTOCOL-HTTP2 "Length-Prefixed-Message"), and nothing after them. */
void har_probe_write_announced(struct har_probe_wire *wire, struct sl_buf *out)
{
    static const uint8_t prefix[] = {0, ANNOUNCED >> 24, ANNOUNCED >> 16 & 0xff,
                                     ANNOUNCED >> 8 & 0xff, ANNOUNCED & 0xff};
    har_probe_headers(wire, 0, SL_H2_FLAG_END_HEADERS, sl_span(NULL, 0), out);
    (void)sl_h2_write_frame(out, SL_H2_DATA, 0, wire->stream, sl_span(prefix, sizeof(prefix)));
}

void har_probe_write_no_slash(struct har_probe_wire *wire, struct sl_buf *out)
{
    call(wire, HAR_PROBE_NO_SLASH, sl_span(NULL, 0), out);
}

void har_probe_write_no_authority(struct har_probe_wire *wire, struct sl_buf *out)
{
    call(wire, HAR_PROBE_NO_AUTHORITY, sl_span(NULL, 0), out);
}

void har_probe_write_bad_base64(struct har_probe_wire *wire, struct sl_buf *out)
{
    static const char *const values[] = {"*", "A", "A=BC"};
    struct sl_buf more;
    sl_buf_init(&more, 256);
    add(&more, "x-probe-bin", sl_span_str(values[wire->unit % 3]));
    call(wire, 0, sl_buf_span(&more), out);
    sl_buf_release(&more);
}

void har_probe_write_bad_te(struct har_probe_wire *wire, struct sl_buf *out)
{
    char value[LARGE_FIELD];
    struct sl_buf more;
    memset(value, 'a', sizeof(value));
    sl_buf_init(&more, BLOCK_MAX);
    add(&more, "x-probe", sl_span(value, sizeof(value)));
    call(wire, wire->unit % 2 == 0 ? HAR_PROBE_BAD_TE : HAR_PROBE_BAD_SCHEME, sl_buf_span(&more),
         out);
    sl_buf_release(&more);
}
