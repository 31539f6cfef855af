/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_KINDS_H
#define TEST_KINDS_H

/* The types of kinds2.proto and kinds3.proto, and messages of them as hex digits. */
#include "tests/support/cmocka_all.h"

#include "lib/base/hex.h"
#include "lib/schema/protojson.h"

enum {
    TEST_TEXT_MAX = 4 * 1024 * 1024,
};

/* kinds2.proto, kinds3.proto and their imports, as protoc wrote them (CMakeLists.txt). */
extern const unsigned char test_kinds[];
extern const size_t test_kinds_size;

/* A linked pool of them and the built-in types. */
static inline struct sl_pool *test_kinds_pool(void)
{
    struct sl_pool *pool = sl_pool_new();
    assert_int_equal(sl_pool_add_set(pool, sl_span(test_kinds, test_kinds_size), NULL), SL_OK);
    sl_pool_add_builtin(pool);
    assert_int_equal(sl_pool_link(pool, NULL), SL_OK);
    return pool;
}

static inline const struct sl_message_type *test_type(const struct sl_pool *pool, const char *name)
{
    const struct sl_message_type *type = sl_pool_message(pool, sl_span_str(name));
    assert_non_null(type);
    return type;
}

/* The bytes of hex digits, blanks between them ignored; release them. */
static inline struct sl_buf test_bytes(const char *hex)
{
    struct sl_buf digits;
    struct sl_buf bytes;
    sl_buf_init(&digits, TEST_TEXT_MAX);
    sl_buf_init(&bytes, TEST_TEXT_MAX);
    for (; *hex != '\0'; hex++) {
        if (*hex != ' ') {
            (void)sl_buf_add(&digits, hex, 1);
        }
    }
    assert_int_equal(sl_hex_decode(sl_buf_span(&digits), &bytes), SL_OK);
    sl_buf_release(&digits);
    return bytes;
}

#endif
