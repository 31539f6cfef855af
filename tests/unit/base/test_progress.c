/* SPDX-License-Identifier: Apache-2.0 */
/* The line of progress: on a terminal that can erase it, within its width, gone at the end; nowhere else. */
#include "lib/base/progress.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/support/cmocka_all.h"

struct terminal {
    int ours;
    FILE *file;
};

static void open_terminal(struct terminal *terminal)
{
    terminal->ours = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(terminal->ours >= 0);
    assert_int_equal(grantpt(terminal->ours), 0);
    assert_int_equal(unlockpt(terminal->ours), 0);
    char *name = ptsname(terminal->ours); /* NOLINT(concurrency-mt-unsafe): one thread */
    int theirs = open(name, O_RDWR | O_NOCTTY);
    struct winsize size = {.ws_row = 10, .ws_col = 11};
    assert_int_equal(ioctl(theirs, TIOCSWINSZ, &size), 0);
    terminal->file = fdopen(theirs, "w");
    assert_non_null(terminal->file);
}

static void close_terminal(struct terminal *terminal)
{
    (void)fclose(terminal->file);
    (void)close(terminal->ours);
}

/* The terminal was sent this since the last time, and nothing else. */
static void expect(const struct terminal *terminal, const char *wanted)
{
    char text[256];
    size_t len = 0;
    (void)fputc(';', terminal->file); /* what is behind it would be too much */
    (void)fflush(terminal->file);
    do {
        assert_int_equal(read(terminal->ours, text + len, 1), 1);
    } while (text[len++] != ';' && len < sizeof(text));
    text[len - 1] = '\0';
    assert_string_equal(text, wanted);
}

/* Whatever the tests' own stdout is: here it is no pipe. */
static void begin(struct sl_progress *progress, FILE *file)
{
    int before = dup(STDOUT_FILENO);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    assert_true(before >= 0 && dup2(null, STDOUT_FILENO) >= 0);
    sl_progress_init(progress, file);
    assert_true(dup2(before, STDOUT_FILENO) >= 0);
    (void)close(null);
    (void)close(before);
}

static void a_line_fits_and_is_taken_away(void **state)
{
    (void)state;
    struct terminal terminal;
    struct sl_progress progress;
    open_terminal(&terminal);
    (void)setenv("TERM", "xterm", 1);
    begin(&progress, terminal.file);
    assert_true(progress.is_on);
    assert_false(sl_progress_is_due(&progress)); /* short work shows nothing */
    progress.due_ns = 0;
    assert_true(sl_progress_is_due(&progress));
    sl_progress_draw(&progress, sl_span_str("0123456789abc"));
    expect(&terminal, "0123456789");
    assert_true(progress.due_ns > 0); /* not before its time */
    sl_progress_draw(&progress, sl_span_str("next"));
    expect(&terminal, "\r\033[Knext");
    sl_progress_erase(&progress);
    sl_progress_erase(&progress);
    expect(&terminal, "\r\033[K");
    sl_progress_end(&progress);
    sl_progress_draw(&progress, sl_span_str("too late"));
    expect(&terminal, "");
    close_terminal(&terminal);
}

/* less has the terminal, and stderr is still the same one. */
static void a_pipe_is_left_alone(void **state)
{
    (void)state;
    struct terminal terminal;
    struct sl_progress progress;
    int ends[2];
    open_terminal(&terminal);
    (void)setenv("TERM", "xterm", 1);
    assert_int_equal(pipe(ends), 0);
    int before = dup(STDOUT_FILENO);
    assert_true(dup2(ends[1], STDOUT_FILENO) >= 0);
    sl_progress_init(&progress, terminal.file);
    assert_true(dup2(before, STDOUT_FILENO) >= 0);
    assert_false(progress.is_on);
    (void)close(before);
    (void)close(ends[0]);
    (void)close(ends[1]);
    close_terminal(&terminal);
}

static void what_cannot_erase_it_gets_none(void **state)
{
    (void)state;
    static const char *const kinds[] = {"dumb", "", NULL};
    struct terminal terminal;
    struct sl_progress progress;
    open_terminal(&terminal);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        assert_int_equal(kinds[i] == NULL ? unsetenv("TERM") : setenv("TERM", kinds[i], 1), 0);
        begin(&progress, terminal.file);
        progress.due_ns = 0;
        assert_false(sl_progress_is_due(&progress));
        sl_progress_draw(&progress, sl_span_str("x"));
        sl_progress_end(&progress);
        expect(&terminal, "");
    }
    close_terminal(&terminal);
    (void)setenv("TERM", "xterm", 1);
    FILE *file = tmpfile();
    assert_non_null(file);
    begin(&progress, file);
    sl_progress_draw(&progress, sl_span_str("x"));
    sl_progress_end(&progress);
    assert_int_equal(ftell(file), 0);
    (void)fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_fits_and_is_taken_away),
        cmocka_unit_test(a_pipe_is_left_alone),
        cmocka_unit_test(what_cannot_erase_it_gets_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
