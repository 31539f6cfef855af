/* SPDX-License-Identifier: Apache-2.0 */
/* What answers on a port, told from its first bytes. */
#include "harness/transport/greeting.h"
#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"

#define BYTES(text) text, sizeof(text) - 1

static void first_bytes_say_what_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *said; /* a part of it; NULL: nothing */
    } rows[] = {
        {BYTES("\x15\x03\x01\0\x02\x02\x46"), "speaks TLS"},
        {BYTES("\x16\x03"), "speaks TLS"},
        {BYTES("HTTP/1.0 400 Bad Request\r\n"), "HTTP/1.1"},
        {BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "echoes"},
        {BYTES("SSH-2.0-x\r\nrest"), "no HTTP/2 on this port: it begins with \"SSH-2.0-x\""},
        {BYTES("220 \x1b[2J"), "it begins with \"220 \""},
        {BYTES("+OK \"quoted\""), "it begins with \"+OK \""},
        {BYTES("<html>0123456789012345678901234567890123456789"),
         "\"<html>0123456789012345678901234567890123\""},
        {BYTES("\0\0\0\4\0\0\0\0\0"), NULL},
        {BYTES("\0\0\0\0\0\0\0\0\0"), NULL},
        {BYTES("\x16"), NULL},
        {BYTES("22"), NULL},
        {BYTES(""), NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char said[HAR_GREETING_MAX] = "";
        bool is_told = har_greeting_tell(sl_span(rows[i].bytes, rows[i].len), said);
        assert_int_equal(is_told, rows[i].said != NULL);
        if (is_told) {
            assert_non_null(strstr(said, rows[i].said));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(first_bytes_say_what_it_is)};
    return cmocka_run_group_tests_name("harness/greeting", tests, NULL, NULL);
}
