/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/engine/rpc_status.h"
#include "tests/support/cmocka_all.h"

#define URL      "\x0a\x29type.googleapis.com/google.rpc.BadRequest"
#define VALUE    "\x12\x0b\x0a\x09\x0a\x07room_id"
#define DETAIL   "\x1a\x38" URL VALUE
#define OTHER    "\x1a\x05\x0a\x03x/y"
#define MESSAGE  "\x12\x03why"
#define CODE     "\x08\x03"
#define BYTES(s) sl_span(s, sizeof(s) - 1)

struct status_case {
    const char *name;
    struct sl_span status;
    uint32_t code;
    const char *field;
    bool is_good;
};

static void only_a_violation_of_the_field_will_do(void **state)
{
    (void)state;
    const struct status_case cases[] = {
        {"as it should be", BYTES(CODE MESSAGE DETAIL), 3, "room_id", true},
        {"with another detail", BYTES(CODE OTHER DETAIL MESSAGE), 3, "room_id", true},
        {"with another detail behind", BYTES(CODE DETAIL OTHER), 3, "room_id", true},
        {"another code", BYTES(CODE DETAIL), 4, "room_id", false},
        {"no code", BYTES(DETAIL), 3, "room_id", false},
        {"another field", BYTES(CODE DETAIL), 3, "room", false},
        {"another type", BYTES(CODE OTHER), 3, "room_id", false},
        {"no detail", BYTES(CODE MESSAGE), 3, "room_id", false},
        {"nothing", BYTES(""), 3, "room_id", false},
        {"no protobuf", BYTES(CODE DETAIL "\xff"), 3, "room_id", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("%s\n", cases[i].name);
        const char *problem =
            har_rpc_status_problem(cases[i].status, cases[i].code, cases[i].field);
        assert_int_equal(problem == NULL, cases[i].is_good);
    }
}

static void a_status_that_was_cut_is_never_good(void **state)
{
    (void)state;
    struct sl_span whole = BYTES(CODE MESSAGE DETAIL);
    for (size_t len = 0; len < whole.len; len++) {
        assert_non_null(har_rpc_status_problem(sl_span_first(whole, len), 3, "room_id"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_violation_of_the_field_will_do),
        cmocka_unit_test(a_status_that_was_cut_is_never_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
