/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/transport/h2.h"
#include "lib/base/alloc.h"
#include "lib/wire/grpc_status.h"

enum {
    FIXED_FIELDS = 8, /* those of PROTOCOL-HTTP2 "Requests" that are written here */
    TIMEOUT_TEXT_MAX = 16,
};

static struct sl_header field(const char *name, struct sl_span value)
{
    return (struct sl_header){.name = sl_span_str(name), .value = value};
}

/* The block, split into HEADERS and CONTINUATION frames that the server allows. */
static void write_block(struct h2_conn *conn, uint32_t id, struct sl_span block)
{
    uint8_t type = SL_H2_HEADERS;
    do {
        struct sl_span piece = sl_span_first(block, conn->max_frame);
        block = sl_span_from(block, piece.len);
        uint8_t flags = block.len == 0 ? SL_H2_FLAG_END_HEADERS : 0;
        (void)sl_h2_write_frame(har_h2_out(conn), type, flags, id, piece);
        type = SL_H2_CONTINUATION;
    } while (block.len > 0);
}

/* The block in literals without indexing, which no state of the server's table can change. */
static enum sl_status encode_literal(struct h2_conn *conn, const struct sl_header *fields,
                                     size_t count, struct sl_buf *out)
{
    har_h2_table_update(&conn->base, out);
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < count && status == SL_OK; i++) {
        status =
            sl_hpack_write_literal(out, SL_HPACK_WITHOUT_INDEXING, fields[i].name, fields[i].value);
    }
    return status;
}

bool har_h2_write_request(struct h2_conn *conn, struct h2_stream *stream)
{
    struct sl_buf timeout;
    sl_buf_init(&timeout, TIMEOUT_TEXT_MAX);
    size_t extra = stream->metadata.count;
    struct sl_header *fields = sl_calloc(FIXED_FIELDS + extra, sizeof *fields);
    size_t count = 0;

    /* PROTOCOL-HTTP2 "Requests": the order of Call-Definition, then custom metadata. */
    fields[count++] = field(":method", sl_span_str("POST"));
    fields[count++] = field(":scheme", sl_span_str(har_conn_scheme(&conn->base)));
    fields[count++] = field(":path", sl_span_str(stream->base.method));
    fields[count++] = field(":authority", sl_span_str(conn->base.authority));
    fields[count++] = field("te", sl_span_str("trailers"));
    if (stream->base.timeout_ns > 0) {
        (void)sl_grpc_timeout_write(&timeout, stream->base.timeout_ns);
        fields[count++] = field("grpc-timeout", sl_buf_span(&timeout));
    }
    fields[count++] = field("content-type", sl_span_str("application/grpc"));
    fields[count++] = field("user-agent", sl_span_str("sluice-harness/" SL_VERSION));
    if (extra > 0) {
        memcpy(fields + count, stream->metadata.fields, extra * sizeof *fields);
        count += extra;
    }

    sl_buf_clear(&conn->block);
    enum sl_status status = conn->base.config.is_literal
                                ? encode_literal(conn, fields, count, &conn->block)
                                : sl_hpack_encode(conn->encoder, fields, count, &conn->block);
    if (status == SL_OK) {
        write_block(conn, stream->base.id, sl_buf_span(&conn->block));
    }
    sl_free(fields);
    sl_buf_release(&timeout);
    return status == SL_OK;
}
