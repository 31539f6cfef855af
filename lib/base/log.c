/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/json_out.h"

enum {
    TEXT_MAX = 1024,
    LINE_MAX_BYTES = 8192, /* a text of control characters grows sixfold in JSON */
};

static enum sl_log_level log_max = SL_LOG_WARN;
static enum sl_log_format log_format = SL_LOG_TEXT;
static sl_log_writer_fn *log_writer;
static void *log_writer_context;
static const char *const level_names[] = {"error", "warn", "info", "debug"};

void sl_log_setup(enum sl_log_level max, enum sl_log_format format)
{
    log_max = max;
    log_format = format;
}

void sl_log_set_writer(sl_log_writer_fn *writer, void *context)
{
    log_writer = writer;
    log_writer_context = context;
}

enum sl_log_format sl_log_format_now(void)
{
    return log_format;
}

const char *sl_log_level_name(enum sl_log_level level)
{
    return level_names[level];
}

void sl_log_write(enum sl_log_level level, struct sl_span line)
{
    if (log_writer != NULL) {
        log_writer(log_writer_context, level, line);
        return;
    }
    /* A log that cannot be written has nowhere to be reported. */
    ssize_t written = write(STDERR_FILENO, line.data, line.len);
    (void)written;
}

bool sl_log_wants(enum sl_log_level level)
{
    return level <= log_max;
}

/* What is told of a peer may hold anything: it ends no line and steers no terminal. */
static void keep_one_line(char *text)
{
    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == '\x7f') {
            *c = ' ';
        }
    }
}

static void json_line(struct sl_buf *line, enum sl_log_level level, const char *component,
                      const char *text)
{
    char when[SL_RFC3339_MAX];
    struct sl_json_out out;
    sl_json_out_init(&out, line);
    sl_json_out_begin_object(&out);
    sl_json_out_key(&out, "time");
    sl_json_out_str(&out, sl_clock_rfc3339(sl_clock_wall_ns(), when));
    sl_json_out_key(&out, "level");
    sl_json_out_str(&out, level_names[level]);
    sl_json_out_key(&out, "component");
    sl_json_out_str(&out, component);
    sl_json_out_key(&out, "message");
    sl_json_out_str(&out, text);
    sl_json_out_end_object(&out);
}

void sl_log(enum sl_log_level level, const char *component, const char *format, ...)
{
    if (!sl_log_wants(level)) {
        return;
    }
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    struct sl_buf line;
    sl_buf_init(&line, LINE_MAX_BYTES);
    if (log_format == SL_LOG_JSON) {
        json_line(&line, level, component, text);
    } else {
        char when[SL_RFC3339_MAX];
        keep_one_line(text);
        (void)sl_buf_addf(&line, "%s %-5s %s: %s", sl_clock_rfc3339(sl_clock_wall_ns(), when),
                          level_names[level], component, text);
    }
    (void)sl_buf_add_u8(&line, '\n');
    sl_log_write(level, sl_buf_span(&line));
    sl_buf_release(&line);
}
