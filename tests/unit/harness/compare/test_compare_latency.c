/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"
#include "tests/unit/harness/compare/reports.h"

/* A result with one latency; the reports have pauses of 1 ms (p99) and 5 ms (max). */
#define TOOK(count, p50, p99) METRIC("delivery", count, p50, p99)
#define METRIC(name, count, p50, p99)                                                   \
    RESULT("x", "pass",                                                                 \
           ",\"latency_ms\":{\"burst\":{\"" name "\":{\"count\":" count ",\"p50\":" p50 \
           ",\"p99\":" p99 "}}}")
#define LATE(p50, slip)                                                                            \
    RESULT("x", "pass",                                                                            \
           ",\"latency_ms\":{\"burst\":{\"delivery\":{\"count\":1000,\"p50\":" p50 ",\"p99\":" p50 \
           "},\"slip\":{\"count\":1000,\"p50\":0,\"p99\":" slip "}}}")
#define FIVE(a, b, c, d, e) \
    TOOK("40", a, a)        \
    "," TOOK("40", b, b) "," TOOK("40", c, c) "," TOOK("40", d, d) "," TOOK("40", e, e)

static const struct {
    const char *name, *a, *b;
    enum har_compare_noise p50, p99;
} cases[] = {
    {"the same", TOOK("1000", "10", "20"), TOOK("1000", "10", "20"), HAR_COMPARE_SMALL,
     HAR_COMPARE_SMALL},
    {"three times as long, once", TOOK("1000", "10", "20"), TOOK("1000", "30", "60"),
     HAR_COMPARE_UNREPEATED, HAR_COMPARE_UNREPEATED},
    {"a third longer, once", TOOK("1000", "30", "60"), TOOK("1000", "40", "80"), HAR_COMPARE_SMALL,
     HAR_COMPARE_SMALL},
    {"less than the machine's pauses", TOOK("1000", "0.1", "1"), TOOK("1000", "0.9", "5.5"),
     HAR_COMPARE_PAUSES, HAR_COMPARE_PAUSES},
    {"one pause makes a p99, not a p50", TOOK("1000", "1", "1"), TOOK("1000", "3", "3"),
     HAR_COMPARE_UNREPEATED, HAR_COMPARE_PAUSES},
    {"fewer messages came", TOOK("1000", "10", "900"), TOOK("500", "10", "20"), HAR_COMPARE_COUNTS,
     HAR_COMPARE_COUNTS},
    {"few samples", TOOK("9", "10", "20"), TOOK("9", "30", "60"), HAR_COMPARE_FEW, HAR_COMPARE_FEW},
    {"enough for a p50", TOOK("100", "10", "20"), TOOK("100", "30", "60"), HAR_COMPARE_UNREPEATED,
     HAR_COMPARE_FEW},
    {"repeats apart", FIVE("10", "11", "12", "10", "11"), FIVE("20", "21", "22", "20", "21"),
     HAR_COMPARE_REAL, HAR_COMPARE_REAL},
    {"a little, but always", FIVE("50", "51", "52", "50", "51"), FIVE("60", "61", "62", "60", "61"),
     HAR_COMPARE_REAL, HAR_COMPARE_REAL},
    {"repeats that overlap", FIVE("10", "11", "12", "10", "31"), FIVE("30", "31", "32", "30", "31"),
     HAR_COMPARE_REPEATS, HAR_COMPARE_REPEATS},
    {"repeats of one side", FIVE("10", "11", "12", "10", "11"), TOOK("40", "30", "30"),
     HAR_COMPARE_UNREPEATED, HAR_COMPARE_FEW},
    {"on one side", TOOK("1000", "10", "20"), RESULT("x", "pass", ""), HAR_COMPARE_ABSENT,
     HAR_COMPARE_ABSENT},
    {"no samples", TOOK("0", "0", "0"), TOOK("1000", "10", "20"), HAR_COMPARE_ABSENT,
     HAR_COMPARE_ABSENT},
    {"our own", METRIC("slip", "1000", "10", "20"), METRIC("slip", "1000", "30", "60"),
     HAR_COMPARE_OURS, HAR_COMPARE_OURS},
    {"from nothing", TOOK("1000", "0", "0"), TOOK("1000", "30", "60"), HAR_COMPARE_UNREPEATED,
     HAR_COMPARE_UNREPEATED},
};

static void a_difference_is_a_change_only_when_noise_does_not_explain_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct two two;
        two_make(&two, cases[i].a, cases[i].b, false);
        assert_int_equal(two.model.latency_count, 1);
        const struct har_compare_latency *latency = &two.model.latencies[0];
        if (latency->noise[HAR_COMPARE_P50] != cases[i].p50 ||
            latency->noise[HAR_COMPARE_P99] != cases[i].p99) {
            fail_msg("%s: p50 %s, p99 %s", cases[i].name,
                     har_compare_noise_names[latency->noise[HAR_COMPARE_P50]],
                     har_compare_noise_names[latency->noise[HAR_COMPARE_P99]]);
        }
        assert_int_equal(latency->noise[HAR_COMPARE_MAX], HAR_COMPARE_ABSENT);
        assert_int_equal(har_compare_status(&two.model), 0);
        two_release(&two);
    }
}

/* A message that we sent late is late. */
static void our_own_lateness_is_not_the_servers(void **state)
{
    (void)state;
    struct two two;
    two_make(&two, LATE("10", "1"), LATE("40", "35"), false);
    assert_string_equal(two.model.latencies[0].metric, "delivery");
    assert_int_equal(two.model.latencies[0].best, HAR_COMPARE_PAUSES);
    two_release(&two);
    two_make(&two, LATE("10", "1"), LATE("40", "2"), false);
    assert_int_equal(two.model.latencies[0].best, HAR_COMPARE_UNREPEATED);
    two_release(&two);
}

#define IN(phase, p50) \
    "\"" phase "\":{\"ack\":{\"count\":1000,\"p50\":" p50 ",\"p99\":" p50 ",\"max\":" p50 "}}"

static void the_largest_change_comes_first_in_either_direction(void **state)
{
    (void)state;
    struct two two;
    two_make(&two,
             RESULT("x", "pass",
                    ",\"latency_ms\":{" IN("a", "10") "," IN("b", "400") "," IN("c", "100") "}"),
             RESULT("x", "pass",
                    ",\"latency_ms\":{" IN("a", "20") "," IN("b", "40") "," IN("c", "101") "}"),
             false);
    assert_string_equal(two.model.latencies[0].phase, "b");
    assert_string_equal(two.model.latencies[1].phase, "a");
    assert_string_equal(two.model.latencies[2].phase, "c");
    assert_int_equal(two.model.noises[HAR_COMPARE_UNREPEATED], 2);
    assert_int_equal(two.model.latencies[0].noise[HAR_COMPARE_MAX], HAR_COMPARE_FEW);
    two_release(&two);
}

/* Of repeats the median, not one of them. */
static void repeats_are_joined_by_their_median(void **state)
{
    (void)state;
    struct two two;
    two_make(&two, TOOK("10", "1", "5") "," TOOK("30", "9", "6") "," TOOK("20", "2", "7"),
             TOOK("10", "1", "5"), false);
    const struct har_compare_latency *latency = &two.model.latencies[0];
    assert_true(latency->values[HAR_COMPARE_A][HAR_COMPARE_P50].ms == 2);
    assert_true(latency->values[HAR_COMPARE_A][HAR_COMPARE_P50].low == 1);
    assert_true(latency->values[HAR_COMPARE_A][HAR_COMPARE_P50].high == 9);
    assert_true(latency->counts[HAR_COMPARE_A] == 60 && latency->least[HAR_COMPARE_A] == 10);
    two_release(&two);
}

/* Phases of a hostile report do not end memory. */
static void metrics_without_end_are_left_out_and_counted(void **state)
{
    (void)state;
    struct two two;
    struct sl_buf text;
    sl_buf_init(&text, 1 << 20);
    (void)sl_buf_add_str(&text, "{\"id\":\"x\",\"verdict\":\"pass\",\"latency_ms\":{");
    for (int i = 0; i < HAR_COMPARE_METRICS_MAX + 10; i++) {
        (void)sl_buf_addf(&text, "%s\"%d\":{\"ack\":{\"count\":1,\"p50\":1,\"p99\":1}}",
                          i == 0 ? "" : ",", i);
    }
    (void)sl_buf_add_str(&text, "}}");
    two_make(&two, sl_buf_str(&text), sl_buf_str(&text), false);
    assert_int_equal(two.model.latency_count, HAR_COMPARE_METRICS_MAX);
    assert_true(two.model.latencies_left_out > 0);
    two_release(&two);
    sl_buf_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_difference_is_a_change_only_when_noise_does_not_explain_it),
        cmocka_unit_test(our_own_lateness_is_not_the_servers),
        cmocka_unit_test(the_largest_change_comes_first_in_either_direction),
        cmocka_unit_test(repeats_are_joined_by_their_median),
        cmocka_unit_test(metrics_without_end_are_left_out_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
