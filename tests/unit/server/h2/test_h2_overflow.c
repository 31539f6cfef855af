/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/frontend/h2/overflow.h"

#include "tests/support/cmocka_all.h"

enum {
    INITIAL = 65535,
    WINDOWS_MAX = 2,
};

static void the_widest_window_decides(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int32_t windows[WINDOWS_MAX];
        uint32_t initial; /* what it becomes */
        bool is_too_wide;
    } cases[] = {
        {"no stream is open", {0, 0}, INT32_MAX, false},
        {"2^31-1 itself is right", {INT32_MAX - 1, 1}, INITIAL + 1, false},
        {"one more is not", {1, INT32_MAX}, INITIAL + 1, true},
        {"the first of two", {INT32_MAX, 1}, INITIAL + 1, true},
        {"no change", {INT32_MAX, INT32_MAX}, INITIAL, false},
        {"a smaller one", {INT32_MAX, INT32_MAX}, 0, false},
        {"the largest for a fresh stream", {INITIAL, 0}, INT32_MAX, false},
        {"the largest for one with credit", {INITIAL + 1, 0}, INT32_MAX, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct srv_h2_overflow overflow;
        srv_h2_overflow_begin(&overflow, INITIAL);
        for (size_t k = 0; k < WINDOWS_MAX; k++) {
            srv_h2_overflow_look(&overflow, cases[i].windows[k]);
        }
        if (srv_h2_overflow_end(&overflow, cases[i].initial) != cases[i].is_too_wide) {
            fail_msg("%s", cases[i].name);
        }
    }
}

static void what_was_sent_before_the_rest_of_settings_came_counts(void **state)
{
    (void)state;
    struct srv_h2_overflow overflow;
    srv_h2_overflow_begin(&overflow, INITIAL);
    srv_h2_overflow_look(&overflow, INT32_MAX);
    srv_h2_overflow_again(&overflow);
    srv_h2_overflow_look(&overflow, INT32_MAX - 100);
    assert_false(srv_h2_overflow_end(&overflow, INITIAL + 100));
    assert_false(overflow.is_awaited);
}

static void an_ack_has_no_beginning(void **state)
{
    (void)state;
    struct srv_h2_overflow overflow = {.widest = INT32_MAX};
    assert_false(srv_h2_overflow_end(&overflow, INITIAL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_widest_window_decides),
        cmocka_unit_test(what_was_sent_before_the_rest_of_settings_came_counts),
        cmocka_unit_test(an_ack_has_no_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
