/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/target/shell.h"

#include <stdio.h>

#include "tests/support/cmocka_all.h"

/* What the shell makes of text as a word. */
static void read_back(const char *text, char *seen, size_t size)
{
    struct sl_buf command;
    sl_buf_init(&command, 4096);
    (void)sl_buf_add_str(&command, "printf %s ");
    har_shell_word(&command, text);
    FILE *pipe = popen(sl_buf_str(&command), "r"); /* NOLINT(cert-env33-c): what is tested */
    assert_non_null(pipe);
    seen[fread(seen, 1, size - 1, pipe)] = '\0';
    assert_int_equal(pclose(pipe), 0);
    sl_buf_release(&command);
}

static void a_word_is_one_word_whatever_is_in_it(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "plain",       "two words", "it's",        "''",        "'",  "$HOME `id` $(id)",
        "a;b|c&d>e<f", "*?[a]~",    "back\\slash", "new\nline", "\"", "!#{port}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char seen[100];
        read_back(texts[i], seen, sizeof(seen));
        assert_string_equal(seen, texts[i]);
    }
}

static void an_empty_text_is_a_word_too(void **state)
{
    (void)state;
    struct sl_buf out;
    sl_buf_init(&out, 100);
    har_shell_word(&out, "");
    assert_string_equal(sl_buf_str(&out), "''");
    sl_buf_release(&out);
}

static void a_word_that_does_not_fit_is_told(void **state)
{
    (void)state;
    struct sl_buf out;
    sl_buf_init(&out, 8);
    har_shell_word(&out, "123456");
    assert_false(out.is_full);
    sl_buf_clear(&out);
    har_shell_word(&out, "12345678");
    assert_true(out.is_full);
    sl_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_is_one_word_whatever_is_in_it),
        cmocka_unit_test(an_empty_text_is_a_word_too),
        cmocka_unit_test(a_word_that_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
