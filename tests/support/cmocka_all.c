/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/cmocka_all.h"

void test_span_is_at(struct sl_span span, const char *text, const char *file, int line)
{
    if (!sl_span_is(span, text)) {
        print_error("seen \"%.*s\", expected \"%s\"\n", SL_SPAN_ARG(span), text);
        _fail(file, line);
    }
}
