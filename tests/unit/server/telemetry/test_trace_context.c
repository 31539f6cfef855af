/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/telemetry/trace_context.h"

#include "tests/support/cmocka_all.h"

#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"
#define GOOD   "00-" TRACE "-" PARENT "-01"

static const struct {
    const char *text;
    bool is_valid, is_sampled;
} cases[] = {
    {GOOD, true, true},
    {"00-" TRACE "-" PARENT "-00", true, false},
    {"00-" TRACE "-" PARENT "-ff", true, true},
    {"00-" TRACE "-" PARENT "-fe", true, false},
    {"cc-" TRACE "-" PARENT "-01", true, true},
    {"cc-" TRACE "-" PARENT "-01-what-the-future-brings", true, true},
    {"cc-" TRACE "-" PARENT "-01.", false, false},
    {"00-" TRACE "-" PARENT "-01-", false, false},
    {"00-" TRACE "-" PARENT "-01 ", false, false},
    {"ff-" TRACE "-" PARENT "-01", false, false},
    {"00-00000000000000000000000000000000-" PARENT "-01", false, false},
    {"00-" TRACE "-0000000000000000-01", false, false},
    {"00-4BF92f3577b34da6a3ce929d0e0e4736-" PARENT "-01", false, false},
    {"00_" TRACE "-" PARENT "-01", false, false},
    {"00-" TRACE "_" PARENT "-01", false, false},
    {"00-" TRACE "-" PARENT "_01", false, false},
    {"0g-" TRACE "-" PARENT "-01", false, false},
    {"00-" TRACE "-" PARENT "-0G", false, false},
    {"", false, false},
};

static void a_traceparent_is_read_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct srv_trace trace;
        char trace_text[SRV_TRACE_HEX];
        char parent_text[SRV_SPAN_HEX];
        bool is_valid = srv_trace_parse(sl_span_str(cases[i].text), &trace);
        print_message("%s\n", cases[i].text);
        assert_int_equal(is_valid, cases[i].is_valid);
        assert_int_equal(trace.is_sampled, cases[i].is_sampled);
        (void)srv_trace_id_text(&trace, trace_text);
        (void)srv_span_id_text(trace.parent_id, parent_text);
        assert_string_equal(trace_text, is_valid ? TRACE : "00000000000000000000000000000000");
        assert_string_equal(parent_text, is_valid ? PARENT : "0000000000000000");
    }
}

static void no_part_of_a_traceparent_is_one(void **state)
{
    (void)state;
    for (size_t len = 0; len < strlen(GOOD); len++) {
        struct srv_trace trace;
        char *part = test_malloc(len + 1);
        memcpy(part, GOOD, len);
        assert_false(srv_trace_parse(sl_span(part, len), &trace));
        test_free(part);
    }
}

static void a_call_without_one_begins_a_trace(void **state)
{
    (void)state;
    static const uint8_t secret[SRV_TRACE_KEY] = "a secret of ours";
    static const uint8_t other_secret[SRV_TRACE_KEY] = "another one ....";
    struct srv_trace_source source;
    struct srv_trace_source other;
    struct srv_trace first;
    struct srv_trace second;
    struct srv_trace foreign;
    static const uint8_t zero[SRV_SPAN_ID];
    srv_trace_source_init(&source, secret);
    srv_trace_source_init(&other, other_secret);
    srv_trace_begin(&source, sl_span(NULL, 0), &first);
    srv_trace_begin(&source, sl_span_str("nonsense"), &second);
    srv_trace_begin(&other, sl_span(NULL, 0), &foreign);
    assert_true(first.is_sampled && second.is_sampled);
    assert_memory_equal(first.parent_id, zero, SRV_SPAN_ID);
    assert_memory_not_equal(first.trace_id, second.trace_id, SRV_TRACE_ID);
    assert_memory_not_equal(first.span_id, second.span_id, SRV_SPAN_ID);
    assert_memory_not_equal(first.trace_id, foreign.trace_id, SRV_TRACE_ID);
}

static void a_call_with_one_stays_in_its_trace(void **state)
{
    (void)state;
    static const uint8_t secret[SRV_TRACE_KEY] = "a secret of ours";
    struct srv_trace_source source;
    struct srv_trace first;
    struct srv_trace second;
    char text[SRV_TRACE_HEX];
    srv_trace_source_init(&source, secret);
    srv_trace_begin(&source, sl_span_str(GOOD), &first);
    srv_trace_begin(&source, sl_span_str(GOOD), &second);
    assert_string_equal(srv_trace_id_text(&first, text), TRACE);
    assert_memory_equal(first.parent_id, second.parent_id, SRV_SPAN_ID);
    assert_memory_not_equal(first.span_id, second.span_id, SRV_SPAN_ID);
    assert_memory_not_equal(first.span_id, first.parent_id, SRV_SPAN_ID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_traceparent_is_read_or_refused),
        cmocka_unit_test(no_part_of_a_traceparent_is_one),
        cmocka_unit_test(a_call_without_one_begins_a_trace),
        cmocka_unit_test(a_call_with_one_stays_in_its_trace),
    };
    return cmocka_run_group_tests_name("server/trace_context", tests, NULL, NULL);
}
