/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/raw/seen.h"

#include <stdio.h>

#include "tests/support/cmocka_all.h"

static void the_order_is_that_of_the_scenario(void **state)
{
    (void)state;
    struct har_seen_list list = {0};
    har_seen_note(&list, "$.run[10]", "a", "grpc-status 0");
    har_seen_note(&list, "$.run[9].do[1]", "b", "GOAWAY(NO_ERROR)");
    har_seen_note(&list, "$.run[9]", "c", "nothing");
    har_seen_note(&list, "$.run[10]", "a", "grpc-status 0");
    har_seen_note(&list, "$.run[10]", "a", "HTTP 415");
    assert_int_equal(list.count, 4);
    assert_string_equal(list.items[0].actor, "c");
    assert_string_equal(list.items[1].actor, "b");
    assert_string_equal(list.items[2].what, "HTTP 415");
    assert_string_equal(list.items[3].what, "grpc-status 0");
    assert_int_equal(list.items[3].count, 2);
    assert_string_equal(har_seen_actor(&list, "$.run[9].do[1]"), "b");
    assert_null(har_seen_actor(&list, "$.run[1]"));
    assert_null(har_seen_actor(&list, ""));
}

static void what_does_not_fit_is_counted(void **state)
{
    (void)state;
    struct har_seen_list list = {0};
    char paths[HAR_SEEN_MAX + 2][16];
    for (size_t i = 0; i < HAR_SEEN_MAX + 2; i++) {
        (void)snprintf(paths[i], sizeof(paths[i]), "$.run[%zu]", i);
        har_seen_note(&list, paths[i], "a", "nothing");
    }
    assert_int_equal(list.count, HAR_SEEN_MAX);
    assert_int_equal(list.left_out, 2);
    har_seen_note(&list, "$.run[3]", "a", "nothing"); /* it is there already */
    assert_int_equal(list.left_out, 2);
    assert_int_equal(list.items[3].count, 2);
    char text[200];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    struct har_seen_list other = {0};
    har_seen_note(&other, "$", "a", text);
    har_seen_note(&other, "$", "a", text);
    assert_int_equal(strlen(other.items[0].what), HAR_SEEN_TEXT_MAX - 1);
    assert_int_equal(other.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_is_that_of_the_scenario),
        cmocka_unit_test(what_does_not_fit_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
