/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/output/lines.h"

#include <errno.h>
#include <unistd.h>

enum {
    KEEP_CAPACITY = 1024 * 1024, /* between records */
};

void ins_lines_init(struct ins_lines *lines, int fd)
{
    *lines = (struct ins_lines){.fd = fd};
    sl_buf_init(&lines->buf, INS_LINES_FLUSH + INS_LINES_RECORD_MAX);
}

void ins_lines_render(struct ins_lines *lines, struct ins_renderer *renderer)
{
    lines->renderer = renderer;
    sl_buf_init(&lines->rendered, INS_LINES_RECORD_MAX);
}

void ins_lines_release(struct ins_lines *lines)
{
    if (lines->renderer != NULL) {
        lines->renderer->free(lines->renderer);
    }
    sl_buf_release(&lines->rendered);
    sl_buf_release(&lines->buf);
}

struct sl_json_out *ins_lines_begin(struct ins_lines *lines)
{
    lines->record_at = lines->buf.len;
    sl_json_out_init(&lines->out, &lines->buf);
    return &lines->out;
}

/* What the renderer has made takes the place of the bytes from at on. */
static void take_rendered(struct ins_lines *lines, size_t at)
{
    sl_buf_truncate(&lines->buf, at);
    if (lines->rendered.is_full) {
        lines->buf.is_full = true;
    } else {
        (void)sl_buf_add_span(&lines->buf, sl_buf_span(&lines->rendered));
    }
    sl_buf_clear(&lines->rendered);
    if (lines->rendered.capacity > KEEP_CAPACITY) {
        sl_buf_release(&lines->rendered);
    }
}

void ins_lines_finish(struct ins_lines *lines, struct sl_span summary)
{
    if (lines->renderer != NULL) {
        lines->renderer->end(lines->renderer, summary, &lines->rendered);
        take_rendered(lines, lines->buf.len);
    }
}

void ins_lines_end(struct ins_lines *lines)
{
    if (lines->renderer == NULL) {
        (void)sl_buf_add_u8(&lines->buf, '\n');
    } else if (!lines->buf.is_full) {
        struct sl_span all = sl_buf_span(&lines->buf);
        lines->renderer->record(lines->renderer, sl_span_from(all, lines->record_at),
                                &lines->rendered);
        take_rendered(lines, lines->record_at);
    }
    if (lines->buf.is_full) {
        sl_buf_truncate(&lines->buf, lines->record_at);
        lines->buf.is_full = false;
        lines->oversized++;
    }
    if (lines->buf.len >= INS_LINES_FLUSH) {
        (void)!ins_lines_flush(lines);
    }
}

void ins_lines_hold(struct ins_lines *lines, struct sl_buf *held, size_t max)
{
    (void)sl_buf_add_u8(&lines->buf, '\n');
    struct sl_span record = sl_span_from(sl_buf_span(&lines->buf), lines->record_at);
    if (lines->buf.is_full || record.len > max - lines->held_bytes ||
        sl_buf_add_span(held, record) != SL_OK) {
        lines->unheld++;
    } else {
        lines->held_bytes += record.len;
    }
    sl_buf_truncate(&lines->buf, lines->record_at);
    lines->buf.is_full = false;
}

void ins_lines_release_held(struct ins_lines *lines, const struct sl_buf *held, bool is_wanted)
{
    lines->held_bytes -= held->len;
    struct sl_span rest = is_wanted ? sl_buf_span(held) : sl_span(NULL, 0);
    while (rest.len > 0) {
        size_t len = (size_t)((const uint8_t *)memchr(rest.data, '\n', rest.len) - rest.data);
        lines->record_at = lines->buf.len;
        (void)sl_buf_add(&lines->buf, rest.data, len);
        ins_lines_end(lines);
        rest = sl_span_from(rest, len + 1);
    }
}

enum sl_status ins_lines_flush(struct ins_lines *lines)
{
    size_t done = 0;
    if (lines->progress != NULL && lines->buf.len > 0) {
        sl_progress_erase(lines->progress);
    }
    while (done < lines->buf.len && lines->error == 0) {
        ssize_t wrote = write(lines->fd, lines->buf.data + done, lines->buf.len - done);
        if (wrote < 0 && errno != EINTR) {
            lines->error = errno;
        }
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    sl_buf_clear(&lines->buf);
    if (lines->buf.capacity > KEEP_CAPACITY) {
        sl_buf_release(&lines->buf);
    }
    return lines->error == 0 ? SL_OK : SL_IO;
}
