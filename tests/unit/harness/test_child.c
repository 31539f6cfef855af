/* SPDX-License-Identifier: Apache-2.0 */
/* What a client in a process of its own says of itself, wherever its output is cut. */
#include "harness/target/child.h"
#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"

static const struct {
    const char *name, *output;
    struct har_child_seen seen;
} cases[] = {
    {"nothing yet", "", {0}},
    {"a line that is not whole", "40000 1 0 0", {0}},
    {"one line", "40000 3 2 1\n", {40000, 3, 2, 1}},
    {"the last of many", "0 0 0 0\n40000 1 0 0\n40000 2 1 0\n", {40000, 2, 1, 0}},
    {"the last whole one", "40000 1 0 0\n40000 2", {40000, 1, 0, 0}},
    {"not connected yet", "0 0 0 5\n", {0, 0, 0, 5}},
    {"a number is missing", "40000 1 0\n", {0}},
    {"words", "cannot use CA file x: no such file\n", {0}},
    {"an empty line", "40000 1 0 0\n\n", {0}},
};

static void the_last_whole_line_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct har_child_seen seen = har_child_parse(sl_span_str(cases[i].output));
        const struct har_child_seen *right = &cases[i].seen;
        if (seen.port != right->port || seen.headers != right->headers ||
            seen.messages != right->messages || seen.ended != right->ended) {
            fail_msg("%s: %u %u %u %u", cases[i].name, seen.port, seen.headers, seen.messages,
                     seen.ended);
        }
    }
}

static void a_cut_never_makes_a_number_of_its_own(void **state)
{
    static const char output[] = "40000 1 0 0\n40000 12 0 0\n40000 12 345 67\n";
    (void)state;
    unsigned headers = 0;
    for (size_t len = 0; len < sizeof(output); len++) {
        /* The exact bytes alone: reading past them is an error under the sanitizers. */
        char *copy = sl_alloc(len);
        memcpy(copy, output, len);
        struct har_child_seen seen = har_child_parse(sl_span(copy, len));
        sl_free(copy);
        assert_true(seen.port == 0 || seen.port == 40000);
        assert_true(seen.headers == 0 || seen.headers == 1 || seen.headers == 12);
        assert_true(seen.messages == 0 || seen.messages == 345);
        assert_true(seen.headers >= headers);
        headers = seen.headers;
    }
    assert_int_equal(headers, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_whole_line_counts),
        cmocka_unit_test(a_cut_never_makes_a_number_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
