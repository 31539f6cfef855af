/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/output/lines.h"

#include <errno.h>
#include <unistd.h>

void ins_lines_init(struct ins_lines *lines, int fd)
{
    *lines = (struct ins_lines){.fd = fd};
    sl_buf_init(&lines->buf, INS_LINES_FLUSH + INS_LINES_RECORD_MAX);
}

void ins_lines_release(struct ins_lines *lines)
{
    sl_buf_release(&lines->buf);
}

struct sl_json_out *ins_lines_begin(struct ins_lines *lines)
{
    lines->record_at = lines->buf.len;
    sl_json_out_init(&lines->out, &lines->buf);
    return &lines->out;
}

void ins_lines_end(struct ins_lines *lines)
{
    (void)sl_buf_add_u8(&lines->buf, '\n');
    if (lines->buf.is_full) {
        sl_buf_truncate(&lines->buf, lines->record_at);
        lines->buf.is_full = false;
        lines->oversized++;
    }
    if (lines->buf.len >= INS_LINES_FLUSH) {
        (void)!ins_lines_flush(lines);
    }
}

enum sl_status ins_lines_flush(struct ins_lines *lines)
{
    size_t done = 0;
    while (done < lines->buf.len && lines->error == 0) {
        ssize_t wrote = write(lines->fd, lines->buf.data + done, lines->buf.len - done);
        if (wrote < 0 && errno != EINTR) {
            lines->error = errno;
        }
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    sl_buf_clear(&lines->buf);
    return lines->error == 0 ? SL_OK : SL_IO;
}
