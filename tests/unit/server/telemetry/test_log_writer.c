/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/telemetry/log_writer.h"

#include <stdio.h>
#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/log_line.h"
#include "tests/support/cmocka_all.h"

enum {
    LINES = 20000, /* far more than the buffer and a pipe hold */
    READ_MAX = 65536,
};

static void log_lines(size_t count)
{
    char filler[200] = {0};
    memset(filler, 'x', sizeof(filler) - 1);
    for (size_t i = 0; i < count; i++) {
        struct sl_log_line line;
        sl_log_line_begin(&line, SL_LOG_INFO, "call", "ended");
        sl_log_line_str(&line, "filler", filler);
        sl_log_line_u64(&line, "number", i);
        sl_log_line_end(&line);
    }
}

/* What is there, as a string, yours. */
static char *read_all(int fd)
{
    struct sl_buf all;
    static char bytes[READ_MAX];
    sl_buf_init(&all, 8 * SRV_LOG_WAITING_MAX);
    for (ssize_t len = read(fd, bytes, sizeof(bytes)); len > 0;
         len = read(fd, bytes, sizeof(bytes))) {
        assert_int_equal(sl_buf_add(&all, bytes, (size_t)len), SL_OK);
    }
    (void)sl_buf_add_u8(&all, '\0');
    return (char *)sl_buf_take(&all, NULL);
}

static void every_line_is_written_where_somebody_reads(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    sl_log_setup(SL_LOG_INFO, SL_LOG_TEXT);
    struct srv_log_writer *writer = srv_log_writer_start(ends[1]);
    log_lines(100);
    sl_log(SL_LOG_ERROR, "test", "the end");
    srv_log_writer_stop(writer);
    (void)close(ends[1]);
    char *text = read_all(ends[0]);
    size_t lines = 0;
    for (const char *c = text; *c != '\0'; c++) {
        lines += *c == '\n';
    }
    assert_int_equal(lines, 101);
    assert_non_null(strstr(text, "number=99\n"));
    sl_free(text);
    (void)close(ends[0]);
}

/* Were it to wait, this would hang: nobody reads until all is logged. */
static void a_reader_that_stopped_delays_nobody_and_loses_whole_lines(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    sl_log_setup(SL_LOG_INFO, SL_LOG_TEXT);
    struct srv_log_writer *writer = srv_log_writer_start(ends[1]);
    log_lines(LINES);
    srv_log_writer_stop(writer);
    (void)close(ends[1]);
    char *text = read_all(ends[0]);
    assert_true(strlen(text) < 2 * (size_t)SRV_LOG_WAITING_MAX);
    assert_int_equal(strncmp(text + strlen(text) - 1, "\n", 1), 0);
    sl_free(text);
    (void)close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_is_written_where_somebody_reads),
        cmocka_unit_test(a_reader_that_stopped_delays_nobody_and_loses_whole_lines),
    };
    return cmocka_run_group_tests_name("server/log_writer", tests, NULL, NULL);
}
