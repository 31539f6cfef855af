/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/explain/prose.h"

#include <jansson.h>

#include "tests/support/cmocka_all.h"

/* One explanation of everything that there is. */
static void write_all(struct sl_buf *out, enum har_prose_format format)
{
    struct har_prose prose;
    sl_buf_init(out, 64 * 1024);
    har_prose_init(&prose, format, 10, out);
    har_prose_begin(&prose, "rule", "A-1", "a *title*");
    har_prose_section(&prose, "Heading");
    har_prose_add(&prose, 0, "a paragraph that is longer than a line of forty columns may be");
    har_prose_add(&prose, 1, "an item \x1b[31m of somebody's own");
    har_prose_add(&prose, 2, "\xc3\xa4\xc3\xb6\xc3\xbc in it");
    har_prose_code(&prose, "{\"a\": 1}");
    har_prose_end(&prose);
}

static void text_is_wrapped_and_obeys_nothing(void **state)
{
    (void)state;
    struct sl_buf out;
    write_all(&out, HAR_PROSE_TEXT);
    assert_string_equal(sl_buf_str(&out), "A-1: a *title*\n"
                                          "\nHeading\n"
                                          "  a paragraph that is longer than a line\n"
                                          "  of forty columns may be\n"
                                          "  - an item \\x1b[31m of somebody's own\n"
                                          "    - \xc3\xa4\xc3\xb6\xc3\xbc in it\n"
                                          "    {\"a\": 1}\n");
    sl_buf_release(&out);
}

static void markdown_is_escaped(void **state)
{
    (void)state;
    struct sl_buf out;
    write_all(&out, HAR_PROSE_MARKDOWN);
    assert_string_equal(sl_buf_str(&out),
                        "## A-1: a \\*title\\*\n"
                        "\n### Heading\n\n"
                        "a paragraph that is longer than a line of forty columns may be\n"
                        "- an item \\\\x1b\\[31m of somebody's own\n"
                        "  - \xc3\xa4\xc3\xb6\xc3\xbc in it\n"
                        "\n```\n{\"a\": 1}\n```\n");
    sl_buf_release(&out);
}

static void json_is_an_object_a_line(void **state)
{
    (void)state;
    struct sl_buf out;
    write_all(&out, HAR_PROSE_JSON);
    json_t *root = json_loads(sl_buf_str(&out), 0, NULL);
    assert_non_null(root);
    const json_t *section = json_array_get(json_object_get(root, "sections"), 0);
    const json_t *items = json_object_get(section, "items");
    assert_int_equal(json_array_size(items), 4);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(items, 2), "depth")), 2);
    assert_true(json_is_true(json_object_get(json_array_get(items, 3), "code")));
    json_decref(root);
    sl_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_wrapped_and_obeys_nothing),
        cmocka_unit_test(markdown_is_escaped),
        cmocka_unit_test(json_is_an_object_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
