/* SPDX-License-Identifier: Apache-2.0 */
/* What plays leave behind, how often it is looked at, and what is said of that. The target is this process; the three seconds
 * that it has to give things back pass at once. */
#include <fcntl.h>
#include <unistd.h>

#include "lib/base/clock.h"

static uint64_t skipped_ns;

static uint64_t skipping_clock_ns(void)
{
    return sl_clock_mono_ns() + skipped_ns;
}

#define sl_clock_mono_ns skipping_clock_ns
#include "harness/aftermath/aftermath.c"
#undef sl_clock_mono_ns

#include "tests/support/cmocka_all.h"

enum {
    LEFT_MAX = 32,
    NOTHING_TOLD = -1,
};

struct fixture {
    uv_loop_t loop;
    struct har_aftermath *aftermath;
    struct har_scenario scenario;
    int left[LEFT_MAX];
    size_t left_count;
    int told;
};

static int set_up(void **state)
{
    struct fixture *fixture = sl_alloc(sizeof(*fixture));
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    fixture->aftermath = har_aftermath_new(&fixture->loop);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    har_aftermath_free(fixture->aftermath);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    for (size_t i = 0; i < fixture->left_count; i++) {
        (void)close(fixture->left[i]);
    }
    sl_free(fixture);
    return 0;
}

static void leave_something(struct fixture *fixture)
{
    assert_true(fixture->left_count < LEFT_MAX);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    fixture->left[fixture->left_count++] = fd;
}

static void on_told(void *owner, enum har_aftermath_verdict verdict)
{
    struct fixture *fixture = owner;
    assert_int_equal(fixture->told, NOTHING_TOLD);
    fixture->told = (int)verdict;
}

/* One play, which leaves a descriptor or nothing; the verdict on it. */
static enum har_aftermath_verdict play(struct fixture *fixture, struct har_trail *trail,
                                       bool leaves, bool has_failed)
{
    har_aftermath_before(fixture->aftermath, &fixture->scenario, trail);
    if (leaves) {
        leave_something(fixture);
    }
    fixture->told = NOTHING_TOLD;
    har_aftermath_look(fixture->aftermath, trail, has_failed, on_told, fixture);
    (void)uv_run(&fixture->loop, UV_RUN_ONCE);
    skipped_ns += HAR_AFTERMATH_WITHIN_NS;
    while (fixture->told == NOTHING_TOLD) {
        (void)uv_run(&fixture->loop, UV_RUN_ONCE);
    }
    return (enum har_aftermath_verdict)fixture->told;
}

static void what_leaves_nothing_is_clean(void **state)
{
    struct fixture *fixture = *state;
    struct har_trail trail = {0};
    har_aftermath_watch(fixture->aftermath, getpid());
    assert_int_equal(play(fixture, &trail, false, false), HAR_AFTERMATH_CLEAN);
    assert_string_equal(trail.text, "");
    assert_null(har_aftermath_note(fixture->aftermath));
}

static void what_each_of_three_plays_leaves_is_a_leak(void **state)
{
    struct fixture *fixture = *state;
    struct har_trail trail = {0};
    har_aftermath_watch(fixture->aftermath, getpid());
    assert_int_equal(play(fixture, &trail, true, false), HAR_AFTERMATH_AGAIN);
    assert_int_equal(play(fixture, &trail, true, false), HAR_AFTERMATH_AGAIN);
    assert_int_equal(play(fixture, &trail, true, false), HAR_AFTERMATH_BROKEN);
    assert_string_equal(trail.rule, "RES-01");
    assert_non_null(strstr(trail.text, "more after each of 3 plays"));
    assert_null(har_aftermath_note(fixture->aftermath));
}

static void what_a_scenario_that_failed_left_is_a_note(void **state)
{
    struct fixture *fixture = *state;
    struct har_trail trail = {0};
    har_aftermath_watch(fixture->aftermath, getpid());
    assert_int_equal(play(fixture, &trail, true, true), HAR_AFTERMATH_CLEAN);
    assert_non_null(strstr(trail.text, "descriptors that are no open connection"));
}

static void who_stops_looking_says_so(void **state)
{
    struct fixture *fixture = *state;
    har_aftermath_watch(fixture->aftermath, getpid());
    for (int i = 0; i < HAR_AFTERMATH_DOUBTS_MAX; i++) {
        struct har_trail trail = {0};
        assert_null(har_aftermath_note(fixture->aftermath));
        assert_int_equal(play(fixture, &trail, true, false), HAR_AFTERMATH_AGAIN);
        assert_int_equal(play(fixture, &trail, false, false), HAR_AFTERMATH_CLEAN);
        assert_string_equal(trail.text, "");
    }
    assert_non_null(har_aftermath_note(fixture->aftermath));
    struct har_trail trail = {0};
    assert_int_equal(play(fixture, &trail, true, false), HAR_AFTERMATH_CLEAN);
}

static void where_nobody_names_the_process_that_is_said(void **state)
{
    struct fixture *fixture = *state;
    struct har_trail trail = {0};
    har_aftermath_watch(fixture->aftermath, 0);
    assert_int_equal(play(fixture, &trail, true, false), HAR_AFTERMATH_CLEAN);
    assert_non_null(strstr(har_aftermath_note(fixture->aftermath), "--pid"));
}

static void a_look_that_is_dropped_tells_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct har_trail trail = {0};
    har_aftermath_watch(fixture->aftermath, getpid());
    har_aftermath_before(fixture->aftermath, &fixture->scenario, &trail);
    leave_something(fixture);
    fixture->told = NOTHING_TOLD;
    har_aftermath_look(fixture->aftermath, &trail, false, on_told, fixture);
    (void)uv_run(&fixture->loop, UV_RUN_ONCE);
    skipped_ns += HAR_AFTERMATH_GRACE_NS;
    assert_true(har_aftermath_is_doubting(fixture->aftermath));
    har_aftermath_drop(fixture->aftermath, &trail);
    assert_false(har_aftermath_is_doubting(fixture->aftermath));
    (void)uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(fixture->told, NOTHING_TOLD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_leaves_nothing_is_clean, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_each_of_three_plays_leaves_is_a_leak, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_a_scenario_that_failed_left_is_a_note, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(who_stops_looking_says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(where_nobody_names_the_process_that_is_said, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_look_that_is_dropped_tells_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("harness/aftermath", tests, NULL, NULL);
}
