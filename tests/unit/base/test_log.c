/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <unistd.h>

#include <jansson.h>

#include "lib/base/log.h"
#include "tests/support/cmocka_all.h"

enum {
    LINE_MAX_BYTES = 4096,
};

/* What write() says on stderr while it runs, as a string in out. */
static void captured(void (*write)(void), char out[LINE_MAX_BYTES])
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    int kept = dup(STDERR_FILENO);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    write();
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    (void)close(kept);
    (void)close(ends[1]);
    ssize_t len = read(ends[0], out, LINE_MAX_BYTES - 1);
    (void)close(ends[0]);
    out[len < 0 ? 0 : len] = '\0';
}

static void write_both(void)
{
    sl_log(SL_LOG_INFO, "conn", "dropped=%d", 1);
    sl_log(SL_LOG_WARN, "conn", "kept=\"%s\"", "a b");
}

static void lines_below_the_level_are_dropped(void **state)
{
    (void)state;
    char out[LINE_MAX_BYTES];
    sl_log_setup(SL_LOG_WARN, SL_LOG_TEXT);
    assert_true(sl_log_wants(SL_LOG_ERROR));
    assert_true(sl_log_wants(SL_LOG_WARN));
    assert_false(sl_log_wants(SL_LOG_INFO));
    captured(write_both, out);
    assert_null(strstr(out, "dropped"));
    assert_non_null(strstr(out, "conn"));
    assert_non_null(strstr(out, "kept=\"a b\"\n"));
    assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
}

static void a_json_line_is_json(void **state)
{
    (void)state;
    char out[LINE_MAX_BYTES];
    sl_log_setup(SL_LOG_WARN, SL_LOG_JSON);
    captured(write_both, out);
    sl_log_setup(SL_LOG_WARN, SL_LOG_TEXT);
    json_t *line = json_loads(out, 0, NULL);
    assert_true(json_is_object(line));
    json_decref(line);
}

static void write_hostile(void)
{
    sl_log(SL_LOG_WARN, "conn", "%s", "a\nb\x1b[2J\x7f");
}

static void a_text_line_is_one_line(void **state)
{
    (void)state;
    char out[LINE_MAX_BYTES];
    sl_log_setup(SL_LOG_WARN, SL_LOG_TEXT);
    captured(write_hostile, out);
    assert_non_null(strstr(out, "conn: a b [2J \n"));
    assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_below_the_level_are_dropped),
        cmocka_unit_test(a_json_line_is_json),
        cmocka_unit_test(a_text_line_is_one_line),
    };
    return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
