/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/evidence/excerpt.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/cmocka_all.h"

enum {
    OUT_MAX = HAR_EXCERPT_HEAD + HAR_EXCERPT_TAIL + 1024,
};

static void a_short_text_is_whole(void **state)
{
    struct har_excerpt excerpt;
    struct sl_buf out;
    (void)state;
    har_excerpt_init(&excerpt);
    sl_buf_init(&out, OUT_MAX);
    har_excerpt_add(&excerpt, sl_span_str("one\n"));
    har_excerpt_add(&excerpt, sl_span_str("two\n"));
    har_excerpt_write(&excerpt, &out);
    assert_string_equal(sl_buf_str(&out), "one\ntwo\n");
    assert_int_equal(har_excerpt_lost(&excerpt), 0);
    sl_buf_release(&out);
    har_excerpt_release(&excerpt);
}

/* Numbered lines of 16 bytes, in pieces of this size. */
static void add_lines(struct har_excerpt *excerpt, size_t lines, size_t piece)
{
    char *text = malloc(lines * 16 + 1);
    for (size_t i = 0; i < lines; i++) {
        (void)snprintf(text + i * 16, 17, "line %010zu\n", i);
    }
    for (size_t at = 0; at < lines * 16; at += piece) {
        struct sl_span rest = sl_span(text + at, lines * 16 - at);
        har_excerpt_add(excerpt, sl_span_first(rest, piece));
    }
    free(text);
}

static void of_a_long_text_the_ends_are_kept_and_the_rest_is_counted(void **state)
{
    static const size_t pieces[] = {7, 4096, 300 * 1024, 4 * 1024 * 1024};
    enum { LINES = 100000 };
    (void)state;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct har_excerpt excerpt;
        struct sl_buf out;
        char said[80];
        har_excerpt_init(&excerpt);
        sl_buf_init(&out, OUT_MAX);
        add_lines(&excerpt, LINES, pieces[i]);
        har_excerpt_write(&excerpt, &out);
        assert_false(out.is_full);
        uint64_t lost = har_excerpt_lost(&excerpt);
        assert_int_equal(lost, LINES * 16 - HAR_EXCERPT_HEAD - HAR_EXCERPT_TAIL);
        (void)snprintf(said, sizeof(said), "\n[sluice-harness: %llu bytes are left out here]\n",
                       (unsigned long long)lost);
        assert_non_null(strstr(sl_buf_str(&out), said));
        assert_memory_equal(out.data, "line 0000000000\n", 16);
        assert_memory_equal(out.data + out.len - 16, "line 0000099999\n", 16);
        assert_int_equal(out.len, HAR_EXCERPT_HEAD + HAR_EXCERPT_TAIL + strlen(said));
        sl_buf_release(&out);
        har_excerpt_release(&excerpt);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_text_is_whole),
        cmocka_unit_test(of_a_long_text_the_ends_are_kept_and_the_rest_is_counted),
    };
    return cmocka_run_group_tests_name("excerpt", tests, NULL, NULL);
}
