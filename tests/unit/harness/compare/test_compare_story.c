/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/cmocka_all.h"
#include "tests/unit/harness/compare/reports.h"

#define STORY(actors, marks, faults) \
    RESULT("x", "pass",              \
           ",\"story\":{\"actors\":[" actors "],\"marks\":[" marks "],\"faults\":[" faults "]}")
#define SUB(lost)                                                                         \
    "{\"name\":\"s\",\"kind\":\"subscriber\",\"sent\":[],\"received\":[1,2],\"lost\":[]," \
    "\"totals\":{\"sent\":0,\"received\":9,\"lost\":" lost "}}"
#define OLD_SUB    "{\"name\":\"s\",\"kind\":\"subscriber\",\"received\":[1,2,3],\"lost\":[0,2]}"
#define RSS(bytes) "{\"name\":\"after\",\"rss_bytes\":" bytes "}"
#define RESET(room)                                                           \
    "{\"what\":\"reset\",\"actor\":\"slow\",\"affected\":[{\"scope\":\"same " \
    "stream\",\"actors\":[\"slow\"],"                                         \
    "\"count\":1},{\"scope\":\"same room\",\"actors\":[],\"count\":" room     \
    "},{\"scope\":\"later\",\"count\":1}]}"

static void what_actors_lost_is_told_by_kind(void **state)
{
    (void)state;
    struct two two;
    two_make(&two, STORY(SUB("0") "," SUB("0"), "", ""), STORY(OLD_SUB, "", ""), false);
    const struct har_compare_story *story = two_find(&two, "x")->story;
    assert_int_equal(story->kind_count, 1);
    assert_int_equal(story->kinds[0].actors[HAR_COMPARE_A], 2);
    assert_true(story->kinds[0].received[HAR_COMPARE_A] == 18);
    assert_true(story->kinds[0].received[HAR_COMPARE_B] == 6);
    assert_true(story->kinds[0].lost[HAR_COMPARE_B] == 2);
    assert_true(story->differs);
    two_release(&two);
}

static void the_same_fault_has_its_blast_radius_on_both_sides(void **state)
{
    (void)state;
    struct two two;
    two_make(&two, STORY("", "", RESET("0")), STORY("", "", RESET("4")), false);
    const struct har_compare_story *story = two_find(&two, "x")->story;
    assert_int_equal(story->fault_count, 1);
    assert_int_equal(story->faults[0].affected[HAR_COMPARE_A][0], 1);
    assert_int_equal(story->faults[0].affected[HAR_COMPARE_A][2], 0);
    assert_int_equal(story->faults[0].affected[HAR_COMPARE_B][2], 4);
    assert_int_equal(story->faults[0].affected[HAR_COMPARE_B][3], -1);
    assert_true(story->differs);
    two_release(&two);
}

static void a_fault_done_often_is_told_once_with_its_farthest_reach(void **state)
{
    (void)state;
    struct two two;
    two_make(&two, STORY("", "", RESET("0") "," RESET("0") "," RESET("0")),
             STORY("", "", RESET("4") "," RESET("5") "," RESET("0") "," RESET("0")), false);
    const struct har_compare_story *story = two_find(&two, "x")->story;
    assert_int_equal(story->fault_count, 1);
    assert_int_equal(story->faults[0].times[HAR_COMPARE_A], 3);
    assert_int_equal(story->faults[0].times[HAR_COMPARE_B], 4);
    assert_int_equal(story->faults[0].affected[HAR_COMPARE_A][2], 0);
    assert_int_equal(story->faults[0].affected[HAR_COMPARE_B][2], 5);
    two_release(&two);
}

/* How many of those it was done to feel it depends on the moment. */
static void a_fault_felt_only_where_it_was_done_is_no_difference(void **state)
{
    (void)state;
    struct two two;
    two_make(&two,
             STORY("", "",
                   "{\"what\":\"cancel\",\"affected\":[{\"scope\":\"same stream\",\"count\":1}]}"),
             STORY("", "",
                   "{\"what\":\"cancel\",\"affected\":[{\"scope\":\"same stream\",\"count\":3}]}"),
             false);
    assert_false(two_find(&two, "x")->story->differs);
    two_release(&two);
}

static void memory_differs_when_it_is_half_as_much_again(void **state)
{
    (void)state;
    struct two two;
    two_make(&two, STORY("", RSS("10000000"), ""), STORY("", RSS("40000000"), ""), false);
    assert_true(two_find(&two, "x")->story->differs);
    two_release(&two);
    two_make(&two, STORY("", RSS("40000000"), ""), STORY("", RSS("45000000"), ""), false);
    assert_false(two_find(&two, "x")->story->differs);
    two_release(&two);
}

/* One without a story has none to differ from. */
static void a_story_of_one_side_is_no_difference(void **state)
{
    (void)state;
    struct two two;
    two_make(&two, STORY(SUB("5"), "", ""), RESULT("x", "pass", ",\"story\":null"), false);
    assert_false(two_find(&two, "x")->story->differs);
    two_release(&two);
    two_make(&two, RESULT("x", "pass", ""), RESULT("x", "pass", ""), false);
    assert_null(two_find(&two, "x")->story);
    two_release(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_actors_lost_is_told_by_kind),
        cmocka_unit_test(the_same_fault_has_its_blast_radius_on_both_sides),
        cmocka_unit_test(a_fault_done_often_is_told_once_with_its_farthest_reach),
        cmocka_unit_test(a_fault_felt_only_where_it_was_done_is_no_difference),
        cmocka_unit_test(memory_differs_when_it_is_half_as_much_again),
        cmocka_unit_test(a_story_of_one_side_is_no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
