/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/http1/reader.h"

#include "inspector/http1/head.h"
#include "lib/base/alloc.h"
#include "lib/base/buf.h"

enum {
    EMPTY_LINES_MAX = 4, /* before a start line, RFC 9112 2.2 */
    METHOD_MAX = 24,
    KEEP_CAPACITY = 256, /* of idle connections there may be many */
};

enum phase {
    HEAD,
    LENGTH,
    CLOSE,
    CHUNK_SIZE,
    CHUNK_DATA,
    CHUNK_END,
    TRAILERS,
    LOST,
    OPAQUE,
};

struct ins_h1_reader {
    enum sl_dir dir;
    enum phase phase;
    const struct ins_h1_events *events;
    void *owner;
    struct sl_buf text;       /* of a head, of trailers, of a line */
    size_t line_start;        /* in text */
    unsigned empty_lines;     /* before the head */
    uint64_t left;            /* of LENGTH and CHUNK_DATA */
    struct sl_headers fields; /* of the head or trailers that were read last */
    struct sl_at first;       /* of the head in progress */
};

struct ins_h1_reader *ins_h1_reader_new(enum sl_dir dir, bool is_midway,
                                        const struct ins_h1_events *events, void *owner)
{
    struct ins_h1_reader *reader = sl_alloc(sizeof(*reader));
    reader->dir = dir;
    reader->phase = is_midway ? LOST : HEAD;
    reader->events = events;
    reader->owner = owner;
    sl_buf_init(&reader->text, INS_H1_HEAD_MAX);
    return reader;
}

void ins_h1_reader_free(struct ins_h1_reader *reader)
{
    if (reader != NULL) {
        sl_buf_release(&reader->text);
        sl_headers_release(&reader->fields);
        sl_free(reader);
    }
}

/* --- phases --- */

static void forget_text(struct ins_h1_reader *reader)
{
    sl_buf_clear(&reader->text);
    reader->line_start = 0;
    if (reader->text.capacity > KEEP_CAPACITY) {
        sl_buf_release(&reader->text);
    }
}

static void begin_text(struct ins_h1_reader *reader, enum phase phase)
{
    reader->phase = phase;
    forget_text(reader);
}

static void lose(struct ins_h1_reader *reader, const char *why, const struct sl_at *at)
{
    uint64_t unread = reader->text.len;
    reader->phase = LOST;
    forget_text(reader);
    reader->events->lost(reader->owner, why, at);
    if (unread > 0) {
        reader->events->skipped(reader->owner, unread, at);
    }
}

static void end_message(struct ins_h1_reader *reader, const struct sl_at *at)
{
    begin_text(reader, HEAD);
    reader->empty_lines = 0;
    sl_headers_release(&reader->fields);
    reader->events->end(reader->owner, at);
}

static void take_head(struct ins_h1_reader *reader, const struct sl_at *at)
{
    struct ins_h1_parsed parsed;
    bool is_request = reader->dir == SL_DIR_REQUEST;
    const char *why =
        ins_h1_head_read(is_request, sl_buf_span(&reader->text), &reader->fields, &parsed);
    if (why != NULL) {
        lose(reader, why, at);
        return;
    }
    struct ins_h1_head head = {.fields = &reader->fields,
                               .status = parsed.status,
                               .problem = parsed.problem,
                               .first = reader->first};
    forget_text(reader);
    enum ins_h1_follow follow = reader->events->head(reader->owner, &head, at);
    if (follow == INS_H1_SWITCH) {
        reader->phase = OPAQUE;
        return;
    }
    bool is_chunked = parsed.length == INS_H1_CHUNKED;
    if (follow == INS_H1_NO_BODY || parsed.length == INS_H1_EMPTY) {
        end_message(reader, at);
    } else if (parsed.length == INS_H1_COUNTED) {
        reader->phase = LENGTH;
        reader->left = parsed.count;
    } else {
        reader->phase = is_chunked ? CHUNK_SIZE : CLOSE;
    }
}

static void take_chunk_size(struct ins_h1_reader *reader, struct sl_span line,
                            const struct sl_at *at)
{
    if (!ins_h1_chunk_size(line, &reader->left)) {
        lose(reader, "the size of a chunk is malformed", at);
        return;
    }
    begin_text(reader, reader->left == 0 ? TRAILERS : CHUNK_DATA);
}

static void take_trailers(struct ins_h1_reader *reader, const struct sl_at *at)
{
    const char *why = ins_h1_trailers_read(sl_buf_span(&reader->text), &reader->fields);
    if (why != NULL) {
        lose(reader, why, at);
        return;
    }
    if (reader->fields.count > 0) {
        reader->events->trailers(reader->owner, &reader->fields, at);
    }
    end_message(reader, at);
}

/* A line has been added to text. */
static void take_line(struct ins_h1_reader *reader, const struct sl_at *at)
{
    struct sl_span line = sl_span_from(sl_buf_span(&reader->text), reader->line_start);
    line.len -= 1;
    line.len -= line.len > 0 && line.data[line.len - 1] == '\r' ? 1 : 0;
    bool is_first = reader->line_start == 0;
    reader->line_start = reader->text.len;
    if (reader->phase == CHUNK_SIZE) {
        take_chunk_size(reader, line, at);
    } else if (reader->phase == CHUNK_END) {
        if (line.len > 0) {
            lose(reader, "a chunk is longer than its size", at);
        } else {
            begin_text(reader, CHUNK_SIZE);
        }
    } else if (line.len == 0 && is_first && reader->phase == HEAD) {
        forget_text(reader);
        if (++reader->empty_lines > EMPTY_LINES_MAX) {
            lose(reader, "empty lines stand where a message should begin", at);
        }
    } else if (line.len == 0) {
        if (reader->phase == HEAD) {
            take_head(reader, at);
        } else {
            take_trailers(reader, at);
        }
    }
}

/* Takes the rest of a line; answers how many bytes. */
static size_t feed_line(struct ins_h1_reader *reader, struct sl_span bytes, const struct sl_at *at)
{
    const uint8_t *end = memchr(bytes.data, '\n', bytes.len);
    struct sl_span part =
        end == NULL ? bytes : sl_span_first(bytes, (size_t)(end - bytes.data) + 1);
    bool is_short = reader->phase == CHUNK_SIZE || reader->phase == CHUNK_END;
    if (reader->text.len == 0) {
        reader->first = *at;
    }
    if (reader->text.len + part.len > (is_short ? INS_H1_LINE_MAX : INS_H1_HEAD_MAX)) {
        lose(reader, is_short ? "the line of a chunk is too long" : "a head is too large", at);
        return 0;
    }
    (void)sl_buf_add_span(&reader->text, part);
    if (end != NULL) {
        take_line(reader, at);
    }
    return part.len;
}

/* Takes bytes of a body; answers how many. */
static size_t feed_body(struct ins_h1_reader *reader, struct sl_span bytes, const struct sl_at *at)
{
    if (reader->phase == CLOSE) {
        reader->events->body(reader->owner, bytes, at);
        return bytes.len;
    }
    struct sl_span part =
        reader->left < bytes.len ? sl_span_first(bytes, (size_t)reader->left) : bytes;
    reader->left -= part.len;
    reader->events->body(reader->owner, part, at);
    if (reader->left == 0 && reader->phase == LENGTH) {
        end_message(reader, at);
    } else if (reader->left == 0) {
        begin_text(reader, CHUNK_END);
    }
    return part.len;
}

void ins_h1_reader_feed(struct ins_h1_reader *reader, struct sl_span bytes, const struct sl_at *at)
{
    if (reader->phase == LOST && ins_h1_start_line(reader->dir, bytes) == INS_H1_START) {
        begin_text(reader, HEAD);
        reader->empty_lines = 0;
    }
    while (bytes.len > 0) {
        size_t used = bytes.len;
        switch (reader->phase) {
        case HEAD:
        case CHUNK_SIZE:
        case CHUNK_END:
        case TRAILERS:
            used = feed_line(reader, bytes, at);
            break;
        case LENGTH:
        case CHUNK_DATA:
        case CLOSE:
            used = feed_body(reader, bytes, at);
            break;
        case LOST:
            reader->events->skipped(reader->owner, bytes.len, at);
            break;
        case OPAQUE:
            reader->events->switched(reader->owner, bytes, at);
            break;
        }
        bytes = sl_span_from(bytes, used);
    }
}

void ins_h1_reader_gap(struct ins_h1_reader *reader, uint64_t count, const struct sl_at *at)
{
    bool is_counted = reader->phase == LENGTH || reader->phase == CHUNK_DATA;
    if (reader->phase == OPAQUE || reader->phase == LOST) {
        return;
    }
    if (count > 0 && reader->phase == CLOSE) {
        reader->events->missing(reader->owner, count, at);
        return;
    }
    if (count == 0 || !is_counted || count > reader->left) {
        lose(reader, NULL, at);
        return;
    }
    reader->left -= count;
    reader->events->missing(reader->owner, count, at);
    if (reader->left == 0 && reader->phase == LENGTH) {
        end_message(reader, at);
    } else if (reader->left == 0) {
        begin_text(reader, CHUNK_END);
    }
}

void ins_h1_reader_close(struct ins_h1_reader *reader, bool is_reset, const struct sl_at *at)
{
    if (reader->phase == CLOSE && !is_reset) {
        end_message(reader, at);
    }
}

void ins_h1_reader_switch(struct ins_h1_reader *reader)
{
    bool is_early = reader->phase == HEAD && reader->text.len > 0;
    reader->phase = OPAQUE;
    if (is_early) {
        reader->events->switched(reader->owner, sl_buf_span(&reader->text), &reader->first);
    }
    forget_text(reader);
}

/* --- recognition --- */

static enum ins_h1_start status_line(struct sl_span line, bool is_whole)
{
    static const char start[] = "HTTP/1.";
    size_t len = sizeof(start) - 1;
    if (line.len < len) {
        bool may = !is_whole && line.len > 0 && memcmp(line.data, start, line.len) == 0;
        return may ? INS_H1_MAY_START : INS_H1_NO_START;
    }
    if (memcmp(line.data, start, len) != 0) {
        return INS_H1_NO_START;
    }
    return is_whole ? INS_H1_START : INS_H1_MAY_START;
}

static enum ins_h1_start request_line(struct sl_span line, bool is_whole)
{
    size_t method = 0;
    while (method < line.len && method < METHOD_MAX && line.data[method] >= 'A' &&
           line.data[method] <= 'Z') {
        method++;
    }
    if (method == line.len && !is_whole && method < METHOD_MAX) {
        return method == 0 ? INS_H1_NO_START : INS_H1_MAY_START;
    }
    /* "PRI * HTTP/2.0" is the other protocol's. */
    if (method == line.len || method < 3 || method == METHOD_MAX || line.data[method] != ' ') {
        return INS_H1_NO_START;
    }
    if (!is_whole) {
        return sl_span_starts(line, "PRI ") ? INS_H1_NO_START : INS_H1_MAY_START;
    }
    static const char version[] = " HTTP/1.";
    size_t len = sizeof(version); /* and one digit */
    return line.len >= method + len && memcmp(line.data + line.len - len, version, len - 1) == 0
               ? INS_H1_START
               : INS_H1_NO_START;
}

enum ins_h1_start ins_h1_start_line(enum sl_dir dir, struct sl_span text)
{
    const uint8_t *end = text.len == 0 ? NULL : memchr(text.data, '\n', text.len);
    struct sl_span line = end == NULL ? text : sl_span_first(text, (size_t)(end - text.data));
    if (end != NULL && line.len > 0 && line.data[line.len - 1] == '\r') {
        line.len--;
    }
    return dir == SL_DIR_REQUEST ? request_line(line, end != NULL) : status_line(line, end != NULL);
}
