/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/scenario/expr.h"
#include "tests/support/cmocka_all.h"

static bool resolve(void *owner, struct sl_span name, struct sl_span argument, double *ret_value)
{
    (void)owner;
    if (argument.data != NULL) {
        *ret_value = (double)argument.len;
        return sl_span_is(name, "received");
    }
    *ret_value = 100;
    return sl_span_is(name, "B");
}

static void computes_by_the_usual_precedence(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } cases[] = {
        {"1 + 2 * 3", 7},
        {"(1 + 2) * 3", 9},
        {"10 - 2 - 3", 5},
        {"8 / 2 / 2", 2},
        {"-3 + 5", 2},
        {"2 * -3", -6},
        {"B", 100},
        {"2*B + 10", 210},
        {"min(B, 3, 7)", 3},
        {"max(1, ceil(2.1))", 3},
        {"floor(2.9)", 2},
        {"abs(-4)", 4},
        {"1 < 2 && 2 < 3", 1},
        {"1 > 2 || 3 >= 3", 1},
        {"1 == 1 && 1 != 1", 0},
        {"!(1 == 2)", 1},
        {"received(a,b)", 3},
        {"received(*) == 1", 1},
        {" 1.5 ", 1.5},
        {"0 || 0", 0},
        {"1e3", 1000},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        double value = -1;
        struct sl_error error = {0};
        if (har_expr_eval(cases[i].text, resolve, NULL, &value, &error) != SL_OK ||
            value != cases[i].value) {
            fail_msg("%s gave %g: %s", cases[i].text, value, error.text);
        }
    }
}

static void refuses_what_is_no_expression(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum sl_status status;
    } cases[] = {
        {"", SL_MALFORMED},        {"1 +", SL_MALFORMED},
        {"(1", SL_MALFORMED},      {"1 2", SL_MALFORMED},
        {"min(", SL_MALFORMED},    {"ceil(1, 2)", SL_MALFORMED},
        {"1 / 0", SL_MALFORMED},   {"C", SL_NOT_FOUND},
        {"sent(a)", SL_NOT_FOUND}, {"received(a", SL_MALFORMED},
        {"$", SL_MALFORMED},       {"min(1,2,3,4,5,6,7,8,9)", SL_MALFORMED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        double value = 0;
        struct sl_error error = {0};
        enum sl_status status = har_expr_eval(cases[i].text, resolve, NULL, &value, &error);
        if (status != cases[i].status || error.text[0] == '\0') {
            fail_msg("'%s' gave %d: %s", cases[i].text, status, error.text);
        }
    }
}

static void bounds_depth_and_length(void **state)
{
    (void)state;
    char text[HAR_EXPR_MAX + 2];
    double value = 0;
    memset(text, '(', sizeof(text));
    text[HAR_EXPR_MAX] = '\0';
    assert_int_equal(har_expr_eval(text, resolve, NULL, &value, NULL), SL_LIMIT);
    memset(text, '1', sizeof(text));
    text[HAR_EXPR_MAX + 1] = '\0';
    assert_int_equal(har_expr_eval(text, resolve, NULL, &value, NULL), SL_LIMIT);
    memset(text, '-', sizeof(text));
    text[HAR_EXPR_MAX - 1] = '2';
    text[HAR_EXPR_MAX] = '\0';
    assert_int_equal(har_expr_eval(text, resolve, NULL, &value, NULL), SL_OK);
    assert_true(value == -2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(computes_by_the_usual_precedence),
        cmocka_unit_test(refuses_what_is_no_expression),
        cmocka_unit_test(bounds_depth_and_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
