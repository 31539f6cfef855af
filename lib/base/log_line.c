/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/log_line.h"

#include "lib/base/clock.h"

void sl_log_line_begin(struct sl_log_line *line, enum sl_log_level level, const char *component,
                       const char *message)
{
    char when[SL_RFC3339_MAX];
    sl_buf_init(&line->bytes, SL_LOG_LINE_MAX);
    line->level = level;
    line->is_json = sl_log_format_now() == SL_LOG_JSON;
    (void)sl_clock_rfc3339(sl_clock_wall_ns(), when);
    sl_json_out_init(&line->json, &line->bytes);
    if (line->is_json) {
        sl_json_out_begin_object(&line->json);
        sl_json_out_key_str(&line->json, "time", when);
        sl_json_out_key_str(&line->json, "level", sl_log_level_name(level));
        sl_json_out_key_str(&line->json, "component", component);
        sl_json_out_key_str(&line->json, "message", message);
    } else {
        (void)sl_buf_addf(&line->bytes, "%s %-5s %s: %s", when, sl_log_level_name(level), component,
                          message);
    }
}

/* What a value comes behind. */
static void add_key(struct sl_log_line *line, const char *key)
{
    if (line->is_json) {
        sl_json_out_key(&line->json, key);
    } else {
        (void)sl_buf_addf(&line->bytes, " %s=", key);
        /* The writer of values puts commas; here each value is a document of its own. */
        sl_json_out_init(&line->json, &line->bytes);
    }
}

static bool is_plain(struct sl_span value)
{
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.data[i];
        bool is_word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_word && (c == '\0' || strchr("-_.:/[]", c) == NULL)) {
            return false;
        }
    }
    return value.len > 0;
}

void sl_log_line_span(struct sl_log_line *line, const char *key, struct sl_span value)
{
    add_key(line, key);
    if (line->is_json || !is_plain(value)) {
        sl_json_out_span(&line->json, value);
    } else {
        (void)sl_buf_add_span(&line->bytes, value);
    }
}

void sl_log_line_str(struct sl_log_line *line, const char *key, const char *value)
{
    sl_log_line_span(line, key, sl_span_str(value));
}

void sl_log_line_u64(struct sl_log_line *line, const char *key, uint64_t value)
{
    add_key(line, key);
    sl_json_out_u64(&line->json, value);
}

void sl_log_line_ms(struct sl_log_line *line, const char *key, uint64_t ns)
{
    add_key(line, key);
    sl_json_out_ms(&line->json, ns);
}

void sl_log_line_null(struct sl_log_line *line, const char *key)
{
    if (line->is_json) {
        sl_json_out_key(&line->json, key);
        sl_json_out_null(&line->json);
    }
}

void sl_log_line_end(struct sl_log_line *line)
{
    if (line->is_json) {
        sl_json_out_end_object(&line->json);
    }
    (void)sl_buf_add_u8(&line->bytes, '\n');
    if (!line->bytes.is_full && sl_log_wants(line->level)) {
        sl_log_write(line->level, sl_buf_span(&line->bytes));
    }
    sl_buf_release(&line->bytes);
}
