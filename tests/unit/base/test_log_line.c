/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/log_line.h"

#include <jansson.h>

#include "lib/base/clock.h"
#include "tests/support/cmocka_all.h"

static char written[SL_LOG_LINE_MAX + 1];
static size_t lines;

static void keep(void *context, enum sl_log_level level, struct sl_span line)
{
    (void)context;
    (void)level;
    memcpy(written, line.data, line.len);
    written[line.len] = '\0';
    lines++;
}

static void set(enum sl_log_format format)
{
    lines = 0;
    sl_log_setup(SL_LOG_INFO, format);
    sl_log_set_writer(keep, NULL);
}

static void unset(void)
{
    sl_log_set_writer(NULL, NULL);
    sl_log_setup(SL_LOG_WARN, SL_LOG_TEXT);
}

static void write_line(enum sl_log_level level, struct sl_span hostile)
{
    struct sl_log_line line;
    sl_log_line_begin(&line, level, "call", "ended");
    sl_log_line_str(&line, "method", "/a.B/C");
    sl_log_line_u64(&line, "count", INT64_MAX);
    sl_log_line_ms(&line, "duration_ms", 12 * SL_MS + SL_MS / 2);
    sl_log_line_null(&line, "stream");
    sl_log_line_span(&line, "id", hostile);
    sl_log_line_end(&line);
}

static const char *const hostile[] = {
    "a\nb",   "a\" status=\"OK", "\xff\xfe", "\xc3\x28", "\x1b[2J",
    "}\r\n{", "a b=c",           "",         "\x7f",     "\\",
};

static void any_value_stays_within_one_json_line(void **state)
{
    (void)state;
    set(SL_LOG_JSON);
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        write_line(SL_LOG_INFO, sl_span_str(hostile[i]));
        assert_ptr_equal(strchr(written, '\n'), written + strlen(written) - 1);
        json_t *object = json_loads(written, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(object);
        assert_int_equal(json_object_size(object), 9);
        assert_true(json_is_null(json_object_get(object, "stream")));
        assert_true(json_real_value(json_object_get(object, "duration_ms")) == 12.5);
        json_decref(object);
    }
    unset();
}

static void any_value_is_one_token_of_a_text_line(void **state)
{
    (void)state;
    set(SL_LOG_TEXT);
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        write_line(SL_LOG_INFO, sl_span_str(hostile[i]));
        const char *id = strstr(written, " id=\"");
        assert_non_null(id);
        assert_ptr_equal(strchr(written, '\n'), written + strlen(written) - 1);
        assert_null(strchr(written, '\x1b'));
        written[strlen(written) - 1] = '\0';
        json_t *value = json_loads(id + strlen(" id="), JSON_DECODE_ANY, NULL);
        assert_true(json_is_string(value));
        json_decref(value);
    }
    write_line(SL_LOG_INFO, sl_span_str("4bf9-2F"));
    assert_non_null(strstr(written, " info  call: ended method=/a.B/C count=9223372036854775807 "
                                    "duration_ms=12.5 id=4bf9-2F\n"));
    unset();
}

static void a_line_that_nobody_wants_or_that_is_too_long_is_not_written(void **state)
{
    (void)state;
    char *text = test_malloc(SL_LOG_LINE_MAX);
    memset(text, 'x', SL_LOG_LINE_MAX);
    set(SL_LOG_TEXT);
    write_line(SL_LOG_DEBUG, sl_span_str("x"));
    write_line(SL_LOG_INFO, sl_span(text, SL_LOG_LINE_MAX));
    assert_int_equal(lines, 0);
    unset();
    test_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_value_stays_within_one_json_line),
        cmocka_unit_test(any_value_is_one_token_of_a_text_line),
        cmocka_unit_test(a_line_that_nobody_wants_or_that_is_too_long_is_not_written),
    };
    return cmocka_run_group_tests_name("base/log_line", tests, NULL, NULL);
}
