/* SPDX-License-Identifier: Apache-2.0 */
/* The grpc-encodings of message.h. */
#include <limits.h>
#include <zlib.h>
#include <zstd.h>

#include "lib/wire/message.h"
#include "lib/wire/snappy.h"

enum {
    CHUNK = 16 * 1024,
    GZIP_WINDOW_BITS = 15 + 16, /* zlib's way to say gzip */
    ZLIB_WINDOW_BITS = 15,
    MEM_LEVEL = 8,
    ZSTD_WINDOW_LOG_MAX =
        23, /* RFC 8878 3.1.1.1.2: decoders should support 8 MiB, and may stop there */
};

/* Room for the next piece of output. With none left, one byte of scratch shows whether the input
 * holds more than the limit. */
static size_t next_room(struct sl_buf *out, uint8_t *scratch, uint8_t **ret_room)
{
    size_t left = out->max - out->len;
    size_t room = left < CHUNK ? left : CHUNK;
    *ret_room = room == 0 ? scratch : sl_buf_reserve(out, room);
    return room == 0 ? 1 : room;
}

/* Adds what was written to the room of next_room(). SL_LIMIT when it was the scratch byte. */
static enum sl_status take_room(struct sl_buf *out, const uint8_t *scratch, const uint8_t *room,
                                size_t written)
{
    if (room != scratch) {
        sl_buf_commit(out, written);
        return SL_OK;
    }
    out->is_full = out->is_full || written > 0;
    return written > 0 ? SL_LIMIT : SL_OK;
}

static enum sl_status inflate_all(z_stream *stream, struct sl_buf *out)
{
    enum sl_status status = SL_OK;
    int rv = Z_OK;
    while (status == SL_OK && rv != Z_STREAM_END) {
        uint8_t scratch = 0;
        uint8_t *room = NULL;
        size_t size = next_room(out, &scratch, &room);
        stream->next_out = room;
        stream->avail_out = (uInt)size;
        rv = inflate(stream, Z_NO_FLUSH);
        if (rv != Z_OK && rv != Z_STREAM_END) {
            return SL_MALFORMED; /* also Z_BUF_ERROR: the input ends too early */
        }
        status = take_room(out, &scratch, room, size - stream->avail_out);
    }
    if (status == SL_OK && stream->avail_in > 0) {
        return SL_MALFORMED;
    }
    return status;
}

static enum sl_status zlib_decompress(int window_bits, struct sl_span payload, struct sl_buf *out)
{
    z_stream stream = {0};
    if (payload.len > UINT_MAX) {
        return SL_LIMIT;
    }
    if (inflateInit2(&stream, window_bits) != Z_OK) {
        return SL_UNSUPPORTED;
    }
    stream.next_in = (uint8_t *)(uintptr_t)payload.data; /* zlib does not write there */
    stream.avail_in = (uInt)payload.len;
    enum sl_status status = inflate_all(&stream, out);
    (void)inflateEnd(&stream);
    return status;
}

static enum sl_status zstd_decompress(struct sl_span payload, struct sl_buf *out)
{
    ZSTD_DStream *stream = ZSTD_createDStream();
    if (stream == NULL) {
        return SL_UNSUPPORTED;
    }
    (void)ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    ZSTD_inBuffer in = {.src = payload.data, .size = payload.len};
    enum sl_status status = SL_OK;
    size_t wanted = 1; /* 0 at the end of a frame */
    bool is_stuck = payload.len == 0;
    while (status == SL_OK && !is_stuck && (wanted != 0 || in.pos < in.size)) {
        uint8_t scratch = 0;
        uint8_t *room = NULL;
        size_t size = next_room(out, &scratch, &room);
        ZSTD_outBuffer piece = {.dst = room, .size = size};
        size_t before = in.pos;
        wanted = ZSTD_decompressStream(stream, &piece, &in);
        if (ZSTD_isError(wanted)) {
            status = SL_MALFORMED;
        } else {
            status = take_room(out, &scratch, room, piece.pos);
            is_stuck = piece.pos == 0 && in.pos == before;
        }
    }
    (void)ZSTD_freeDStream(stream);
    return status == SL_OK && wanted != 0 ? SL_MALFORMED : status;
}

enum sl_status sl_message_decompress(struct sl_span encoding, struct sl_span payload,
                                     struct sl_buf *out)
{
    if (sl_span_is(encoding, "identity")) {
        return sl_buf_add_span(out, payload);
    }
    if (sl_span_is(encoding, "gzip")) {
        return zlib_decompress(GZIP_WINDOW_BITS, payload, out);
    }
    if (sl_span_is(encoding, "deflate")) {
        return zlib_decompress(ZLIB_WINDOW_BITS, payload, out);
    }
    if (sl_span_is(encoding, "zstd")) {
        return zstd_decompress(payload, out);
    }
    if (sl_span_is(encoding, "snappy")) {
        return sl_snappy_decompress(payload, out);
    }
    return SL_UNSUPPORTED;
}

static enum sl_status zlib_compress(int window_bits, struct sl_span payload, struct sl_buf *out)
{
    z_stream stream = {0};
    if (payload.len > UINT_MAX) {
        return SL_LIMIT;
    }
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window_bits, MEM_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        return SL_UNSUPPORTED;
    }
    enum sl_status status = SL_LIMIT;
    size_t bound = deflateBound(&stream, (uLong)payload.len);
    uint8_t *room = bound > UINT_MAX ? NULL : sl_buf_reserve(out, bound);
    if (room != NULL) {
        stream.next_in = (uint8_t *)(uintptr_t)payload.data; /* zlib does not write there */
        stream.avail_in = (uInt)payload.len;
        stream.next_out = room;
        stream.avail_out = (uInt)bound;
        status = deflate(&stream, Z_FINISH) == Z_STREAM_END ? SL_OK : SL_STATE;
        sl_buf_commit(out, bound - stream.avail_out);
    }
    (void)deflateEnd(&stream);
    return status;
}

enum sl_status sl_message_compress(struct sl_span encoding, struct sl_span payload,
                                   struct sl_buf *out)
{
    if (sl_span_is(encoding, "identity")) {
        return sl_buf_add_span(out, payload);
    }
    if (sl_span_is(encoding, "gzip")) {
        return zlib_compress(GZIP_WINDOW_BITS, payload, out);
    }
    if (sl_span_is(encoding, "deflate")) {
        return zlib_compress(ZLIB_WINDOW_BITS, payload, out);
    }
    return SL_UNSUPPORTED;
}
