/* SPDX-License-Identifier: Apache-2.0 */
/* Long lines are broken between words; short ones, paths and narrow terminals are left as they are. */
#include "harness/report/fold.h"

#include "tests/support/cmocka_all.h"

#define INDENT "                "
#define FORTY  "0123456789012345678901234567890123456789"

static void lines_are_broken_between_words(void **state)
{
    (void)state;
    static const struct {
        unsigned columns;
        const char *text, *folded;
    } cases[] = {
        {60, "short\nlines  stay\n\n", "short\nlines  stay\n\n"},
        {60, FORTY " 89012345678 0123456\n", FORTY " 89012345678 0123456\n"},
        {60, FORTY " 89012345678 01234567\n", FORTY " 89012345678\n" INDENT "01234567\n"},
        {60, FORTY "  " FORTY "\n", FORTY "  " FORTY "\n"},
        {60, FORTY " " FORTY " a " FORTY "\nb\n",
         FORTY "\n" INDENT FORTY " a\n" INDENT FORTY "\nb\n"},
        {60, FORTY FORTY " x\n", FORTY FORTY "\n" INDENT "x\n"},
        {60, "\033[32mPASS\033[0m " FORTY " 789012345678\n",
         "\033[32mPASS\033[0m " FORTY " 789012345678\n"},
        {60, FORTY " \xc3\xa4\xc3\xa4\xc3\xa4 5678901234567890\n",
         FORTY " \xc3\xa4\xc3\xa4\xc3\xa4\n" INDENT "5678901234567890\n"},
        {59, FORTY " " FORTY "\n", FORTY " " FORTY "\n"},
        {60, "no end", "no end"},
        {60, "", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_buf out;
        sl_buf_init(&out, 4096);
        har_fold(sl_span_str(cases[i].text), cases[i].columns, &out);
        assert_string_equal(sl_buf_str(&out), cases[i].folded);
        sl_buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines_are_broken_between_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
