/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_CMOCKA_ALL_H
#define TEST_CMOCKA_ALL_H

/* cmocka.h and what it must have before it, and helpers for the types of lib/base. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/buf.h"

#define test_span_is(span, text) test_span_is_at((span), (text), __FILE__, __LINE__)

/* The bytes of span are those of text; on failure both are printed. */
void test_span_is_at(struct sl_span span, const char *text, const char *file, int line);

#endif
