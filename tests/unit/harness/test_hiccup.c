/* SPDX-License-Identifier: Apache-2.0 */
/* The meter of the machine's pauses. That a machine is quiet no test can count on. */
#include "harness/target/hiccup.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "tests/support/cmocka_all.h"

enum {
    SPINNERS_MAX = 256,
    WAIT_MS = 300,
};

static void *spin(void *owner)
{
    atomic_bool *is_over = owner;
    while (!atomic_load(is_over)) {
    }
    return NULL;
}

static void more_threads_than_processors_make_the_machine_crowded(void **state)
{
    (void)state;
    long spinners = sysconf(_SC_NPROCESSORS_ONLN) + 2;
    pthread_t threads[SPINNERS_MAX];
    atomic_bool is_over = false;
    if (access("/proc/loadavg", R_OK) != 0 || spinners > SPINNERS_MAX) {
        skip();
    }
    for (long i = 0; i < spinners; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, spin, &is_over), 0);
    }
    struct har_hiccup *meter = har_hiccup_new();
    assert_non_null(meter);
    uint64_t begin_ns = sl_clock_mono_ns();
    (void)nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * (long)SL_MS}, NULL);
    double crowded = har_hiccup_crowded(meter, begin_ns, sl_clock_mono_ns());
    atomic_store(&is_over, true);
    for (long i = 0; i < spinners; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    assert_true(crowded > 0.5);
    assert_true(har_hiccup_crowded(meter, 0, begin_ns - SL_SECOND) <= 0);
    har_hiccup_free(meter);
}

static void without_a_meter_there_are_no_pauses(void **state)
{
    (void)state;
    assert_int_equal(har_hiccup_max(NULL, 0, UINT64_MAX), 0);
    assert_int_equal(har_hiccup_total(NULL, 0, UINT64_MAX), 0);
    assert_int_equal(har_hiccup_quantile(NULL, 0.5), 0);
    assert_true(har_hiccup_crowded(NULL, 0, UINT64_MAX) <= 0);
}

static void an_excess_far_above_all_pauses_has_another_cause(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t total_ms, crowded_ms, excess_ms;
        bool is_explained;
    } cases[] = {
        {"a deadline that is 3 s late, and pauses of 50 ms", 50, 0, 3000, false},
        {"a percentile of 6 s against 128 ms, and pauses of 500 ms", 500, 8000, 5872, false},
        {"ten times the pauses, and no more", 50, 0, 500, true},
        {"just above", 50, 0, 501, false},
        {"a queue of half the time in which processors were missing", 0, 4000, 2000, true},
        {"a longer one", 0, 4000, 2001, false},
        {"nothing, and nothing", 0, 0, 0, true},
        {"nothing explains anything", 0, 0, 1, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool is_explained = har_hiccup_explains(
            cases[i].total_ms * SL_MS, cases[i].crowded_ms * SL_MS, cases[i].excess_ms * SL_MS);
        if (is_explained != cases[i].is_explained) {
            fail_msg("%s: %d", cases[i].name, is_explained);
        }
    }
    assert_false(har_hiccup_may_delay(NULL, 0, SL_SECOND, SL_SECOND, SL_SECOND));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_threads_than_processors_make_the_machine_crowded),
        cmocka_unit_test(without_a_meter_there_are_no_pauses),
        cmocka_unit_test(an_excess_far_above_all_pauses_has_another_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
