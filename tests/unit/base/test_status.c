/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/base/status.h"
#include "tests/support/cmocka_all.h"

static void every_status_has_a_text_of_its_own(void **state)
{
    (void)state;
    static const enum sl_status all[] = {
#define X(name, value, text) SL_##name,
        SL_STATUS_LIST(X)
#undef X
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        assert_true(strlen(sl_status_text(all[i])) > 1);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(sl_status_text(all[i]), sl_status_text(all[j]));
        }
    }
}

static void an_error_says_what_and_where(void **state)
{
    (void)state;
    struct sl_error error = {0};
    assert_int_equal(sl_error_set(&error, SL_MALFORMED, "unknown key '%s'", "x"), SL_MALFORMED);
    sl_error_at(&error, "a.json", 12);
    assert_int_equal(error.status, SL_MALFORMED);
    assert_string_equal(error.text, "unknown key 'x'");
    assert_string_equal(error.source, "a.json");
    assert_int_equal(error.line, 12);
    assert_int_equal(sl_error_set(&error, SL_LIMIT, "too long"), SL_LIMIT);
    assert_string_equal(error.source, "a.json");
}

static void a_long_text_is_cut(void **state)
{
    (void)state;
    char longer[SL_ERROR_TEXT_MAX + 100];
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    struct sl_error error = {0};
    assert_int_equal(sl_error_set(&error, SL_USAGE, "%s", longer), SL_USAGE);
    assert_int_equal(strlen(error.text), SL_ERROR_TEXT_MAX - 1);
    sl_error_at(&error, longer, 1);
    assert_int_equal(strlen(error.source), SL_ERROR_SOURCE_MAX - 1);
}

static void nobody_has_to_listen(void **state)
{
    (void)state;
    assert_int_equal(sl_error_set(NULL, SL_IO, "x"), SL_IO);
    sl_error_at(NULL, "x", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_text_of_its_own),
        cmocka_unit_test(an_error_says_what_and_where),
        cmocka_unit_test(a_long_text_is_cut),
        cmocka_unit_test(nobody_has_to_listen),
    };
    return cmocka_run_group_tests_name("base/status", tests, NULL, NULL);
}
