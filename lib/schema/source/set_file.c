/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/schema/source/set_file.h"

#include <zlib.h>
#include <zstd.h>

#include "lib/schema/source/protoc.h"

enum {
    CHUNK = 64 * 1024,
    GZIP_WINDOW = 15 + 16, /* zlib: the largest window, with a gzip header */
};

/* Both append what the bytes decompress to: SL_OK, SL_MALFORMED when they are damaged or cut short, SL_LIMIT. */

static enum sl_status gunzip(struct sl_span bytes, struct sl_buf *out)
{
    z_stream stream = {.next_in = (z_const Bytef *)(uintptr_t)bytes.data,
                       .avail_in = (uInt)bytes.len};
    int outcome = inflateInit2(&stream, GZIP_WINDOW);
    while (outcome == Z_OK && !out->is_full) {
        uint8_t chunk[CHUNK];
        stream.next_out = chunk;
        stream.avail_out = sizeof(chunk);
        outcome = inflate(&stream, Z_NO_FLUSH);
        (void)sl_buf_add(out, chunk, sizeof(chunk) - stream.avail_out);
    }
    (void)inflateEnd(&stream);
    return out->is_full ? SL_LIMIT : outcome == Z_STREAM_END ? SL_OK : SL_MALFORMED;
}

static enum sl_status unzstd(struct sl_span bytes, struct sl_buf *out)
{
    ZSTD_DStream *stream = ZSTD_createDStream();
    ZSTD_inBuffer input = {bytes.data, bytes.len, 0};
    size_t outcome = 1; /* 0: a frame has ended; else what it still wants */
    bool is_going = stream != NULL;
    while (is_going && outcome != 0 && !ZSTD_isError(outcome) && !out->is_full) {
        uint8_t chunk[CHUNK];
        size_t before = input.pos;
        ZSTD_outBuffer output = {chunk, sizeof(chunk), 0};
        outcome = ZSTD_decompressStream(stream, &output, &input);
        (void)sl_buf_add(out, chunk, output.pos);
        is_going = output.pos > 0 || input.pos > before;
    }
    (void)ZSTD_freeDStream(stream);
    return out->is_full ? SL_LIMIT : outcome == 0 ? SL_OK : SL_MALFORMED;
}

/* What a set that is text begins with, as far as a person or buf writes it. */
static const char *text_form(struct sl_span bytes)
{
    if (sl_span_starts(bytes, "{")) {
        return "JSON";
    }
    if (sl_span_starts(bytes, "syntax") || sl_span_starts(bytes, "//") ||
        sl_span_starts(bytes, "edition")) {
        return "a .proto file (that is --proto or -I)";
    }
    return sl_span_starts(bytes, "file") ? "protobuf's text format" : NULL;
}

static enum sl_status decompress(const char *path, struct sl_span bytes, struct sl_buf *out,
                                 struct sl_error *reterr_error)
{
    enum sl_status status = SL_OK;
    const char *form = text_form(bytes);
    if (form != NULL) {
        return sl_error_set(reterr_error, SL_UNSUPPORTED,
                            "%s: this is %s; a binary set is wanted, as protoc --include_imports "
                            "-o F.binpb and buf build -o F.binpb write it",
                            path, form);
    }
    if (sl_span_starts(bytes, "\x1f\x8b")) {
        status = gunzip(bytes, out);
    } else if (sl_span_starts(bytes, "\x28\xb5\x2f\xfd")) {
        status = unzstd(bytes, out);
    } else {
        status = sl_buf_add_span(out, bytes);
    }
    if (status == SL_LIMIT) {
        return sl_error_set(reterr_error, status, "%s: more than %zu bytes", path, out->max);
    }
    return status == SL_OK ? SL_OK
                           : sl_error_set(reterr_error, status,
                                          "%s: the compressed data is damaged or cut short", path);
}

enum sl_status sl_set_file_read(const char *path, struct sl_buf *out, struct sl_error *reterr_error)
{
    struct sl_buf bytes;
    sl_buf_init(&bytes, out->max);
    enum sl_status status = sl_protoc_read_file(path, &bytes, reterr_error);
    if (status == SL_OK) {
        status = decompress(path, sl_buf_span(&bytes), out, reterr_error);
    }
    sl_buf_release(&bytes);
    return status;
}
