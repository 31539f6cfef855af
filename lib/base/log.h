/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_LOG_H
#define SL_LOG_H

/*
 * One line on stderr per event: time, level, component, then key=value pairs. Results go to stdout
 * and are not logged. Never logs payloads. lib/ logs at debug level only.
 *
 * Threads: any; a line is written with one write(2), or handed to the writer that the program has set.
 */
#include <stdbool.h>

#include "lib/base/span.h"
#include "lib/base/status.h"

enum sl_log_level { SL_LOG_ERROR, SL_LOG_WARN, SL_LOG_INFO, SL_LOG_DEBUG };
enum sl_log_format { SL_LOG_TEXT, SL_LOG_JSON };

/* Lines above max are dropped. The default is SL_LOG_WARN and text. Call before threads start. */
void sl_log_setup(enum sl_log_level max, enum sl_log_format format);

/* Takes a whole line with its newline, borrowed for the call; from any thread. */
typedef void sl_log_writer_fn(void *context, enum sl_log_level level, struct sl_span line);

/* From now on lines go to writer; NULL: to stderr again. Call when no other thread logs. */
void sl_log_set_writer(sl_log_writer_fn *writer, void *context);

/* True when a line of this level would be written: guards arguments that are dear to compute. */
bool sl_log_wants(enum sl_log_level level);

enum sl_log_format sl_log_format_now(void);

/* "error", "warn", "info", "debug". */
const char *sl_log_level_name(enum sl_log_level level);

/* component is a short constant such as "conn"; the text is cut at 1 KiB, and a control character in it becomes a space. */
void sl_log(enum sl_log_level level, const char *component, const char *format, ...)
    SL_PRINTF(3, 4);

/* A line that somebody else has made (lib/base/log_line.h), with its newline. */
void sl_log_write(enum sl_log_level level, struct sl_span line);

#endif
