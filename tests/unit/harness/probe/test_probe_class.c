/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/probe/class.h"

#include "lib/base/clock.h"
#include "tests/support/cmocka_all.h"

enum {
    CLASSES_MAX = 64, /* as harness/cmd/probe.c has it */
};

static void every_class_is_whole_and_bounded(void **state)
{
    uint64_t longest_ns = 0;
    (void)state;
    assert_in_range(har_probe_class_count, 1, CLASSES_MAX);
    for (size_t i = 0; i < har_probe_class_count; i++) {
        const struct har_probe_class *of = &har_probe_classes[i];
        assert_non_null(of->title);
        assert_non_null(of->sends);
        assert_in_range(of->links, 1, HAR_PROBE_LINKS_MAX);
        assert_in_range(of->count, 0, 200000);
        assert_true(of->batch > 0 && of->growth_mib > 0);
        assert_true((of->flags & HAR_PROBE_WAITS) != 0 || of->write != NULL);
        longest_ns += har_probe_longest_ns(of, 5 * SL_SECOND);
    }
    assert_true(longest_ns < 60 * SL_SECOND);
}

static void classes_are_chosen_by_name_glob_cve_and_rule(void **state)
{
    static const char *const words[] = {"rapid-reset", "made-you-*", "CVE-2019-9512", "ABU-03"};
    static const unsigned wanted[] = {1, 3, 2, 1};
    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        bool is_chosen[CLASSES_MAX] = {false};
        unsigned count = 0;
        assert_true(har_probe_choose(words[i], is_chosen));
        for (size_t j = 0; j < har_probe_class_count; j++) {
            count += is_chosen[j];
        }
        assert_int_equal(count, wanted[i]);
    }
    bool is_chosen[CLASSES_MAX] = {false};
    assert_false(har_probe_choose("CVE-2019-951", is_chosen));
    assert_false(har_probe_choose("CVE-", is_chosen));
    assert_false(har_probe_choose("", is_chosen));
}

static void an_amount_never_goes_beyond_the_maximum(void **state)
{
    (void)state;
    for (size_t i = 0; i < har_probe_class_count; i++) {
        const struct har_probe_class *of = &har_probe_classes[i];
        uint32_t most = har_probe_planned(of, 100, 120 * SL_SECOND);
        assert_true(most <= of->count);
        assert_true(har_probe_planned(of, 1, SL_SECOND) <= most);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_class_is_whole_and_bounded),
        cmocka_unit_test(classes_are_chosen_by_name_glob_cve_and_rule),
        cmocka_unit_test(an_amount_never_goes_beyond_the_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
