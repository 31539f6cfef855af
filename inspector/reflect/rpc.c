/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/reflect/rpc.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "lib/base/alloc.h"
#include "lib/base/rd.h"
#include "lib/wire/grpc_status.h"
#include "lib/wire/h2_frame.h"
#include "lib/wire/hpack.h"
#include "lib/wire/message.h"

enum {
    RECEIVE_WINDOW = 1024 * 1024,     /* of each call and of the connection */
    WINDOW_STEP = RECEIVE_WINDOW / 4, /* is given back at once */
    INPUT_MAX = 64 * 1024, /* a frame of the largest size that we take, and what came with it */
    LAST_STREAM_MAX = INT32_MAX - 1, /* RFC 9113 5.1.1 */
    SETTING_SIZE = 6,                /* RFC 9113 6.5.1 */
};

struct ins_rpc {
    const struct ins_rpc_handler *handler;
    void *owner;
    char *authority;
    struct sl_buf output;
    struct sl_buf input;   /* a frame that is not whole yet */
    struct sl_buf waiting; /* messages that the server's windows do not let out yet */
    struct sl_hpack_decoder *decoder;
    struct sl_headers fields;
    struct sl_buf block;   /* of HEADERS, until END_HEADERS */
    uint32_t block_stream; /* 0: none is open */
    bool is_block_last;    /* it ends its stream */
    uint32_t stream;       /* of the call; the next one has 2 more */
    bool is_open;
    bool is_http2;
    bool is_closing;               /* GOAWAY */
    int64_t window, stream_window; /* of the server: what we may send */
    int64_t stream_window_first;   /* its SETTINGS_INITIAL_WINDOW_SIZE */
    uint32_t used, stream_used;    /* of our windows, not given back yet */
    struct sl_splitter splitter;
    bool is_bad_message;  /* one that cannot be taken came */
    uint32_t http_status; /* 0: no response yet */
};

struct ins_rpc *ins_rpc_new(const char *authority, const struct ins_rpc_handler *handler,
                            void *owner)
{
    static const struct sl_h2_setting_pair settings[] = {
        {SL_H2_SETTINGS_ENABLE_PUSH, 0}, {SL_H2_SETTINGS_INITIAL_WINDOW_SIZE, RECEIVE_WINDOW}};
    struct ins_rpc *rpc = sl_alloc(sizeof(*rpc));
    rpc->handler = handler;
    rpc->owner = owner;
    rpc->authority = sl_strdup(authority);
    rpc->window = SL_H2_DEFAULT_WINDOW;
    rpc->stream_window_first = SL_H2_DEFAULT_WINDOW;
    rpc->decoder = sl_hpack_decoder_new(4096);
    sl_buf_init(&rpc->output, INS_RPC_OUTPUT_MAX);
    sl_buf_init(&rpc->input, INPUT_MAX);
    sl_buf_init(&rpc->waiting, INS_RPC_OUTPUT_MAX);
    sl_buf_init(&rpc->block, INS_RPC_BLOCK_MAX);
    sl_splitter_init(&rpc->splitter, INS_RPC_MESSAGE_MAX);
    (void)sl_buf_add(&rpc->output, SL_H2_PREFACE, SL_H2_PREFACE_SIZE);
    (void)sl_h2_write_settings(&rpc->output, settings, sizeof(settings) / sizeof(settings[0]));
    (void)sl_h2_write_window_update(&rpc->output, 0, RECEIVE_WINDOW - SL_H2_DEFAULT_WINDOW);
    return rpc;
}

void ins_rpc_free(struct ins_rpc *rpc)
{
    if (rpc == NULL) {
        return;
    }
    sl_splitter_release(&rpc->splitter);
    sl_headers_release(&rpc->fields);
    sl_hpack_decoder_free(rpc->decoder);
    sl_buf_release(&rpc->block);
    sl_buf_release(&rpc->waiting);
    sl_buf_release(&rpc->input);
    sl_buf_release(&rpc->output);
    sl_free(rpc->authority);
    sl_free(rpc);
}

struct sl_span ins_rpc_output(const struct ins_rpc *rpc)
{
    return sl_buf_span(&rpc->output);
}

void ins_rpc_wrote(struct ins_rpc *rpc, size_t len)
{
    sl_buf_consume(&rpc->output, len);
}

/* ---- what we send ---- */

enum sl_status ins_rpc_open(struct ins_rpc *rpc, const char *path)
{
    const char *const fields[][2] = {
        {":method", "POST"},
        {":scheme", "http"},
        {":path", path},
        {":authority", rpc->authority},
        {"te", "trailers"},
        {"content-type", "application/grpc"},
        {"user-agent", "sluice-inspector"},
    };
    assert(!rpc->is_open);
    if (rpc->is_closing || rpc->stream >= LAST_STREAM_MAX) {
        return SL_CLOSED;
    }
    struct sl_buf block;
    sl_buf_init(&block, SL_H2_DEFAULT_MAX_FRAME);
    /* Literals alone: they are right whatever table size the server announces. */
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        (void)sl_hpack_write_literal(&block, SL_HPACK_WITHOUT_INDEXING, sl_span_str(fields[i][0]),
                                     sl_span_str(fields[i][1]));
    }
    rpc->stream = rpc->stream == 0 ? 1 : rpc->stream + 2;
    rpc->is_open = true;
    rpc->http_status = 0;
    rpc->stream_used = 0;
    rpc->stream_window = rpc->stream_window_first;
    sl_buf_clear(&rpc->waiting);
    sl_splitter_resync(&rpc->splitter);
    (void)sl_h2_write_frame(&rpc->output, SL_H2_HEADERS, SL_H2_FLAG_END_HEADERS, rpc->stream,
                            sl_buf_span(&block));
    sl_buf_release(&block);
    return SL_OK;
}

/* Lets out what the server's windows allow. */
static void flush(struct ins_rpc *rpc)
{
    while (rpc->waiting.len > 0 && rpc->window > 0 && rpc->stream_window > 0) {
        size_t len = rpc->waiting.len;
        len = len < (uint64_t)rpc->window ? len : (size_t)rpc->window;
        len = len < (uint64_t)rpc->stream_window ? len : (size_t)rpc->stream_window;
        len = len < SL_H2_DEFAULT_MAX_FRAME ? len : SL_H2_DEFAULT_MAX_FRAME;
        (void)sl_h2_write_frame(&rpc->output, SL_H2_DATA, 0, rpc->stream,
                                sl_span_first(sl_buf_span(&rpc->waiting), len));
        sl_buf_consume(&rpc->waiting, len);
        rpc->window -= (int64_t)len;
        rpc->stream_window -= (int64_t)len;
    }
}

void ins_rpc_send(struct ins_rpc *rpc, struct sl_span payload)
{
    assert(rpc->is_open);
    (void)sl_message_write(&rpc->waiting, 0, payload);
    flush(rpc);
}

void ins_rpc_finish(struct ins_rpc *rpc)
{
    if (rpc->is_open) {
        (void)sl_h2_write_frame(&rpc->output, SL_H2_DATA, SL_H2_FLAG_END_STREAM, rpc->stream,
                                sl_span(NULL, 0));
    }
    (void)sl_h2_write_goaway(&rpc->output, 0, SL_H2_NO_ERROR, sl_span(NULL, 0));
}

/* ---- what comes ---- */

static void end(struct ins_rpc *rpc, uint32_t code, const char *format, ...) SL_PRINTF(3, 4);
static void end(struct ins_rpc *rpc, uint32_t code, const char *format, ...)
{
    if (!rpc->is_open) {
        return;
    }
    char text[INS_RPC_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    for (char *c = text; *c != '\0'; c++) { /* a part of it is the server's */
        *c = (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c;
    }
    rpc->is_open = false;
    rpc->handler->end(rpc->owner, code, text);
}

static const char *error_name(uint32_t code)
{
    const char *name = sl_h2_error_name(code);
    return name == NULL ? "an unknown error" : name;
}

/* The block that ends the stream: trailers, or the only one of the response. */
static void take_trailers(struct ins_rpc *rpc)
{
    const struct sl_header *status = sl_headers_find(&rpc->fields, "grpc-status");
    const struct sl_header *message = sl_headers_find(&rpc->fields, "grpc-message");
    struct sl_buf text;
    uint32_t code = SL_GRPC_UNKNOWN;
    sl_buf_init(&text, INS_RPC_TEXT_MAX);
    if (status == NULL) {
        end(rpc, sl_grpc_status_from_http(rpc->http_status), "HTTP status %u", rpc->http_status);
    } else {
        (void)!sl_grpc_status_read(status->value, &code);
        if (message != NULL) {
            (void)sl_grpc_message_decode(sl_span_first(message->value, INS_RPC_TEXT_MAX - 1),
                                         &text);
        }
        end(rpc, code, "%s", sl_buf_str(&text));
    }
    sl_buf_release(&text);
}

/* A whole header block, which must be decoded whatever its stream, as the table goes on. */
static enum sl_status take_block(struct ins_rpc *rpc, struct sl_error *reterr)
{
    bool is_ours = rpc->is_open && rpc->block_stream == rpc->stream;
    rpc->block_stream = 0;
    if (sl_hpack_decode(rpc->decoder, sl_buf_span(&rpc->block), &rpc->fields) != SL_OK) {
        return sl_error_set(reterr, SL_MALFORMED, "a header block that cannot be decoded");
    }
    if (!is_ours) {
        return SL_OK;
    }
    const struct sl_header *status = sl_headers_find(&rpc->fields, ":status");
    if (status != NULL && status->value.len == 3) {
        const uint8_t *digits = status->value.data;
        rpc->http_status = (digits[0] - '0') * 100U + (digits[1] - '0') * 10U + (digits[2] - '0');
    }
    if (rpc->is_block_last) {
        take_trailers(rpc);
    } else if (rpc->http_status >= 300) {
        end(rpc, sl_grpc_status_from_http(rpc->http_status), "HTTP status %u", rpc->http_status);
    }
    return SL_OK;
}

/* HEADERS or CONTINUATION (RFC 9113 6.2, 6.10). */
static enum sl_status take_fragment(struct ins_rpc *rpc, const struct sl_h2_frame_header *header,
                                    struct sl_span content, struct sl_error *reterr)
{
    if (header->type == SL_H2_HEADERS) {
        sl_buf_clear(&rpc->block);
        rpc->block_stream = header->stream;
        rpc->is_block_last = (header->flags & SL_H2_FLAG_END_STREAM) != 0;
    }
    if (header->stream == 0 || rpc->block_stream != header->stream) {
        return sl_error_set(reterr, SL_MALFORMED, "a header block on a stream where none can be");
    }
    if (sl_buf_add_span(&rpc->block, content) != SL_OK) {
        return sl_error_set(reterr, SL_LIMIT, "a header block of more than %d bytes",
                            INS_RPC_BLOCK_MAX);
    }
    return (header->flags & SL_H2_FLAG_END_HEADERS) != 0 ? take_block(rpc, reterr) : SL_OK;
}

static void on_message(void *owner, const struct sl_message *message)
{
    struct ins_rpc *rpc = owner;
    if (message->flag != 0 || message->is_cut) {
        rpc->is_bad_message = true;
    } else if (rpc->is_open) {
        rpc->handler->message(rpc->owner, message->payload);
    }
}

/* Gives back what came of a window, in steps. */
static void give_back(struct ins_rpc *rpc, uint32_t stream, uint32_t *used, uint32_t len)
{
    *used += len;
    if (*used >= WINDOW_STEP) {
        (void)sl_h2_write_window_update(&rpc->output, stream, *used);
        *used = 0;
    }
}

static enum sl_status take_data(struct ins_rpc *rpc, const struct sl_h2_frame_header *header,
                                struct sl_span content, struct sl_error *reterr)
{
    give_back(rpc, 0, &rpc->used, header->length);
    uint32_t stream = header->stream;
    if (!rpc->is_open || stream != rpc->stream) {
        return SL_OK; /* of a call that is over for us */
    }
    give_back(rpc, stream, &rpc->stream_used, header->length);
    sl_splitter_feed(&rpc->splitter, content, on_message, rpc);
    if (rpc->is_bad_message) {
        return sl_error_set(reterr, SL_LIMIT,
                            "an answer that is compressed, or larger than %d bytes",
                            INS_RPC_MESSAGE_MAX);
    }
    if ((header->flags & SL_H2_FLAG_END_STREAM) != 0 && stream == rpc->stream) {
        end(rpc, sl_grpc_status_from_http(rpc->http_status), "it ended without a status");
    }
    return SL_OK;
}

/* RFC 9113 6.5 */
static enum sl_status take_settings(struct ins_rpc *rpc, const struct sl_h2_frame_header *header,
                                    struct sl_span content, struct sl_error *reterr)
{
    if ((header->flags & SL_H2_FLAG_ACK) != 0) {
        return SL_OK;
    }
    struct sl_h2_setting_pair pair;
    while (sl_h2_setting_next(&content, &pair)) {
        if (pair.id != SL_H2_SETTINGS_INITIAL_WINDOW_SIZE) {
            continue;
        }
        if (pair.value > SL_H2_MAX_WINDOW) {
            return sl_error_set(reterr, SL_MALFORMED, "an initial window of %u bytes", pair.value);
        }
        rpc->stream_window += (int64_t)pair.value - rpc->stream_window_first;
        rpc->stream_window_first = pair.value;
    }
    (void)sl_h2_write_settings_ack(&rpc->output);
    flush(rpc);
    return SL_OK;
}

static enum sl_status take_window_update(struct ins_rpc *rpc,
                                         const struct sl_h2_frame_header *header, struct sl_rd *rd,
                                         struct sl_error *reterr)
{
    int64_t *window = header->stream == 0             ? &rpc->window
                      : header->stream == rpc->stream ? &rpc->stream_window
                                                      : NULL;
    if (window != NULL) {
        *window += sl_rd_be32(rd) & SL_H2_MAX_WINDOW;
        if (*window > SL_H2_MAX_WINDOW) { /* RFC 9113 6.9.1 */
            return sl_error_set(reterr, SL_MALFORMED, "a window of more than %d bytes",
                                SL_H2_MAX_WINDOW);
        }
        flush(rpc);
    }
    return SL_OK;
}

static void take_goaway(struct ins_rpc *rpc, struct sl_rd *rd)
{
    uint32_t last_stream = sl_rd_be32(rd) & SL_H2_MAX_WINDOW;
    uint32_t code = sl_rd_be32(rd);
    struct sl_span debug = sl_rd_rest(rd);
    rpc->is_closing = true;
    if (last_stream < rpc->stream) {
        end(rpc, SL_GRPC_UNAVAILABLE, "GOAWAY %s %.*s", error_name(code),
            (int)(debug.len < 100 ? debug.len : 100), (const char *)debug.data);
    }
}

static enum sl_status take_frame(struct ins_rpc *rpc, const struct sl_h2_frame_header *header,
                                 struct sl_span payload, struct sl_error *reterr)
{
    struct sl_span content;
    struct sl_rd rd;
    bool is_continuation = header->type == SL_H2_CONTINUATION;
    if (sl_h2_frame_content(header, payload, &content) != SL_OK) {
        return sl_error_set(reterr, SL_MALFORMED, "a frame whose padding is longer than it");
    }
    if (is_continuation != (rpc->block_stream != 0)) {
        return sl_error_set(reterr, SL_MALFORMED, "a header block with other frames inside");
    }
    sl_rd_init(&rd, content);
    switch (header->type) {
    case SL_H2_HEADERS:
    case SL_H2_CONTINUATION:
        return take_fragment(rpc, header, content, reterr);
    case SL_H2_DATA:
        return take_data(rpc, header, content, reterr);
    case SL_H2_SETTINGS:
        return take_settings(rpc, header, content, reterr);
    case SL_H2_WINDOW_UPDATE:
        return take_window_update(rpc, header, &rd, reterr);
    case SL_H2_PING:
        if ((header->flags & SL_H2_FLAG_ACK) == 0) {
            (void)sl_h2_write_ping(&rpc->output, true, sl_rd_be64(&rd));
        }
        return SL_OK;
    case SL_H2_RST_STREAM:
        if (header->stream == rpc->stream) {
            uint32_t code = sl_rd_be32(&rd);
            end(rpc, sl_grpc_status_from_h2(code), "RST_STREAM %s", error_name(code));
        }
        return SL_OK;
    case SL_H2_GOAWAY:
        take_goaway(rpc, &rd);
        return SL_OK;
    case SL_H2_PUSH_PROMISE:
        return sl_error_set(reterr, SL_MALFORMED, "a push that we do not allow");
    default: /* RFC 9113 5.5 */
        return SL_OK;
    }
}

/* The first frame of a server is SETTINGS (RFC 9113 3.4): anything else is another protocol. */
static enum sl_status not_http2(struct sl_span seen, struct sl_error *reterr)
{
    bool is_alert = seen.len >= 2 && seen.data[0] == 0x15 && seen.data[1] == 0x03;
    return sl_error_set(reterr, SL_UNSUPPORTED, "the server does not speak HTTP/2 there: %s",
                        sl_span_starts(seen, "HTTP/1") ? "it answers in HTTP/1"
                        : is_alert                     ? "it wants TLS"
                                                       : "its first bytes are something else");
}

static enum sl_status check_first(struct ins_rpc *rpc, struct sl_span seen, struct sl_error *reterr)
{
    struct sl_h2_frame_header header;
    if (rpc->is_http2 || sl_h2_frame_header_read(seen, &header) != SL_OK) {
        return SL_OK;
    }
    rpc->is_http2 = header.type == SL_H2_SETTINGS && header.stream == 0 &&
                    (header.flags & SL_H2_FLAG_ACK) == 0 && header.length % SETTING_SIZE == 0 &&
                    header.length <= SL_H2_DEFAULT_MAX_FRAME;
    return rpc->is_http2 ? SL_OK : not_http2(seen, reterr);
}

enum sl_status ins_rpc_feed(struct ins_rpc *rpc, struct sl_span bytes,
                            struct sl_error *reterr_error)
{
    enum sl_status status = SL_OK;
    while (bytes.len > 0 && status == SL_OK) {
        size_t room = INPUT_MAX - rpc->input.len;
        size_t len = bytes.len < room ? bytes.len : room;
        (void)sl_buf_add(&rpc->input, bytes.data, len);
        bytes = sl_span_from(bytes, len);
        struct sl_span left = sl_buf_span(&rpc->input);
        struct sl_h2_frame_header header;
        status = check_first(rpc, left, reterr_error);
        while (status == SL_OK && sl_h2_frame_header_read(left, &header) == SL_OK) {
            if (header.length > SL_H2_DEFAULT_MAX_FRAME) { /* RFC 9113 4.2 */
                return sl_error_set(reterr_error, SL_MALFORMED, "a frame of %u bytes",
                                    header.length);
            }
            struct sl_span payload = sl_span_from(left, SL_H2_FRAME_HEADER_SIZE);
            if (payload.len < header.length) {
                break;
            }
            status = take_frame(rpc, &header, sl_span_first(payload, header.length), reterr_error);
            left = sl_span_from(payload, header.length);
        }
        sl_buf_consume(&rpc->input, rpc->input.len - left.len);
    }
    if (status == SL_OK && (rpc->output.is_full || rpc->waiting.is_full)) {
        return sl_error_set(reterr_error, SL_LIMIT,
                            "more answers of ours wait than the server reads");
    }
    return status;
}

enum sl_status ins_rpc_closed(const struct ins_rpc *rpc, struct sl_error *reterr_error)
{
    if (!rpc->is_http2 && rpc->input.len > 0) {
        return not_http2(sl_buf_span(&rpc->input), reterr_error);
    }
    return sl_error_set(reterr_error, SL_CLOSED, "the server closed the connection%s",
                        rpc->is_http2 ? "" : " without a word: does it want TLS?");
}
