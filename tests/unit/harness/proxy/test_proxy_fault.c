/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/proxy/fault.h"
#include "lib/base/clock.h"
#include "tests/support/cmocka_all.h"

static void what_a_fault_says_is_what_it_does(void **state)
{
    static const char text[] =
        "[{\"latency\":\"10ms\",\"jitter\":5,\"bandwidth\":\"64000/"
        "8\",\"slice\":1,\"dir\":\"to_client\","
        "\"method\":\"Subscribe\",\"first\":2,\"name\":\"n\",\"for\":\"2s\"},"
        "{\"fault\":{\"cut\":{\"after\":{\"messages\":3},\"how\":\"rst\"}}},"
        "{\"h2fault\":{\"frame\":\"SETTINGS\",\"do\":\"rewrite\",\"settings\":{\"INITIAL_WINDOW_"
        "SIZE\":1},"
        "\"nth\":1}},"
        "{\"frame\":\"GOAWAY\",\"do\":\"inject\",\"dir\":\"to_client\",\"code\":\"ENHANCE_YOUR_"
        "CALM\"}]";
    struct har_fault_list list;
    struct sl_error error = {0};
    (void)state;
    assert_int_equal(har_faults_read(sl_span_str(text), &list, &error), SL_OK);
    assert_int_equal(list.count, 4);
    assert_true(list.is_array);
    assert_int_equal(list.faults[0].latency_ns, 10 * SL_MS);
    assert_int_equal(list.faults[0].jitter_ns, 5 * SL_MS);
    assert_int_equal(list.faults[0].bandwidth, 8000);
    assert_int_equal(list.faults[0].slice, 1);
    assert_int_equal(list.faults[0].first, 2);
    assert_int_equal(list.faults[0].time_ns, 2 * SL_SECOND);
    assert_true(har_fault_is_to(&list.faults[0], false));
    assert_false(har_fault_is_to(&list.faults[0], true));
    assert_int_equal(list.faults[1].cut, HAR_CUT_MESSAGES);
    assert_int_equal(list.faults[1].cut_after, 3);
    assert_true(list.faults[1].is_cut_rst);
    assert_int_equal(list.faults[2].settings[0].id, SL_H2_SETTINGS_INITIAL_WINDOW_SIZE);
    assert_int_equal(list.faults[2].settings[0].value, 1);
    assert_int_equal(list.faults[3].code, SL_H2_ENHANCE_YOUR_CALM);
    assert_int_equal(list.faults[3].count, 1);
    har_fault_list_release(&list);
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"{\"latancy\":\"1ms\"}", "$.latancy: unknown key 'latancy'; did you mean 'latency'?"},
        {"[{\"stall\":true},{\"slice\":0}]", "$[1]: 'slice' is 0"},
        {"{\"cut\":{\"after\":{\"byte\":1},\"how\":\"fin\"}}", "did you mean 'bytes'?"},
        {"{\"cut\":{\"after\":{\"bytes\":1,\"frames\":1},\"how\":\"fin\"}}", "one of them"},
        {"{\"cut\":{\"how\":\"fin\"}}", "the key 'after' is missing"},
        {"{\"dir\":\"both\"}", "nothing that it does"},
        {"{\"refuse\":true,\"latency\":1}", "'refuse' goes with"},
        {"{\"stall\":true,\"first\":1,\"nth_connection\":2}", "exclude each other"},
        {"{\"latency\":\"B*2\"}", "'B'"},
        {"{\"latency\":\"2h\"}", "'latency' is 7.2e+06"},
        {"{\"frame\":\"DATA\",\"do\":\"drop\"}", "DATA can only be delayed"},
        {"{\"frame\":\"PING\",\"do\":\"delay\"}", "'delay' and do: delay go together"},
        {"{\"frame\":\"PING\",\"do\":\"drop\",\"last_id\":1}", "belong to their frame"},
        {"{\"frame\":\"RST_STREAM\",\"do\":\"inject\",\"dir\":\"to_client\"}",
         "needs 'stream' or 'method'"},
        {"{\"frame\":\"PING\",\"do\":\"inject\",\"dir\":\"to_client\",\"nth\":1}", "'nth' counts"},
        {"{\"h2fault\":{\"frame\":\"PONG\",\"do\":\"drop\"}}", "$.h2fault.frame"},
        {"{\"fault\":{\"frame\":\"PING\"}}", "unknown key 'frame'"},
        {"7", "not valid JSON"},
        {"[7]", "$[0]: this must be an object"},
        {"{\"stall\":true,\"stall\":false}", "not valid JSON"},
        {"", "not valid JSON"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct har_fault_list list;
        struct sl_error error = {0};
        assert_int_not_equal(har_faults_read(sl_span_str(cases[i].text), &list, &error), SL_OK);
        if (strstr(error.text, cases[i].wanted) == NULL) {
            fail_msg("%s: \"%s\", not \"%s\"", cases[i].text, error.text, cases[i].wanted);
        }
        assert_int_equal(list.count, 0);
    }
}

static void a_method_is_named_whole_or_by_its_last_part(void **state)
{
    static const struct {
        const char *method, *path;
        uint32_t stream;
        bool matches;
    } cases[] = {
        {"", "/a.B/C", 0, true},    {"C", "/a.B/C", 0, true},    {"/a.B/C", "/a.B/C", 0, true},
        {"C", "/a.B/CC", 0, false}, {"B/C", "/a.B/C", 0, false}, {"C", "C", 0, true},
        {"C", "", 0, false},        {"", "/a.B/C", 3, true},     {"", "/a.B/C", 5, false},
        {"C", "/a.B/C", 5, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct har_fault fault = {.stream = cases[i].stream};
        (void)snprintf(fault.method, sizeof(fault.method), "%s", cases[i].method);
        assert_int_equal(har_fault_matches_call(&fault, 3, sl_span_str(cases[i].path)),
                         cases[i].matches);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_fault_says_is_what_it_does),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(a_method_is_named_whole_or_by_its_last_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
