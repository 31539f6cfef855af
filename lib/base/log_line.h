/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_LOG_LINE_H
#define SL_LOG_LINE_H

/*
 * A log line of fields, for events that programs read: in JSON each field is a member of the object, in text it is
 * key=value. Values may hold any bytes: a value is one token of one line in both forms. In text it is quoted, as in JSON,
 * where it has other bytes than letters, digits and "-_.:/[]".
 *
 *     sl_log_line_begin(&line, SL_LOG_INFO, "call", "call ended");
 *     sl_log_line_str(&line, "method", path);
 *     sl_log_line_end(&line);
 *
 * Keys are constants of ours. The line is written by end, and only when its level is wanted.
 * Threads: each has its own line. Limits: a line that grows beyond SL_LOG_LINE_MAX is not written.
 */
#include "lib/base/json_out.h"
#include "lib/base/log.h"

enum {
    SL_LOG_LINE_MAX = 8192,
};

struct sl_log_line {
    struct sl_buf bytes;
    struct sl_json_out json;
    enum sl_log_level level;
    bool is_json;
};

void sl_log_line_begin(struct sl_log_line *line, enum sl_log_level level, const char *component,
                       const char *message);

void sl_log_line_span(struct sl_log_line *line, const char *key, struct sl_span value);
void sl_log_line_str(struct sl_log_line *line, const char *key, const char *value);
void sl_log_line_u64(struct sl_log_line *line, const char *key, uint64_t value);

/* ns as milliseconds. */
void sl_log_line_ms(struct sl_log_line *line, const char *key, uint64_t ns);

/* Not known: null in JSON, left out in text. */
void sl_log_line_null(struct sl_log_line *line, const char *key);

/* Writes it and frees what it holds. */
void sl_log_line_end(struct sl_log_line *line);

#endif
