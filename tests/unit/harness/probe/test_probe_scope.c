/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/probe/scope.h"

#include "tests/support/cmocka_all.h"

static void this_machine_is_local(void **state)
{
    (void)state;
    assert_true(har_probe_is_local("127.0.0.1"));
    assert_true(har_probe_is_local("127.255.0.7"));
    assert_true(har_probe_is_local("::1"));
    assert_true(har_probe_is_local("::ffff:127.0.0.1"));
    assert_true(har_probe_is_local("localhost"));
    assert_true(har_probe_is_local("unix:/run/a.sock"));
}

static void everything_else_is_not(void **state)
{
    (void)state;
    assert_false(har_probe_is_local("192.0.2.1"));
    assert_false(har_probe_is_local("128.0.0.1"));
    assert_false(har_probe_is_local("0.0.0.0"));
    assert_false(har_probe_is_local("::ffff:192.0.2.1"));
    assert_false(har_probe_is_local("2001:db8::1"));
    assert_false(har_probe_is_local("no-such-host.invalid"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(this_machine_is_local),
        cmocka_unit_test(everything_else_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
