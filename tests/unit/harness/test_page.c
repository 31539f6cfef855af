/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>

#include "harness/report/page.h"
#include "tests/support/cmocka_all.h"

static void text_is_never_markup_and_shows_what_cannot_be_seen(void **state)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {NULL, ""},
        {"", ""},
        {"a b/c-d", "a b/c-d"},
        {"</script><b a=\"x\" c='y'>&lt;",
         "&lt;/script&gt;&lt;b a=&quot;x&quot; c=&#39;y&#39;&gt;&amp;lt;"},
        {"<!-- ]]>", "&lt;!-- ]]&gt;"},
        {"\n\t\r\x01\x1b[2J\x7f", "\\x0a\\x09\\x0d\\x01\\x1b[2J\\x7f"},
        {"\xff\xc0\xaf\xed\xa0\x80 \xe2\x82", "\\xff\\xc0\\xaf\\xed\\xa0\\x80 \\xe2\\x82"},
        {"\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa6\xef\xbb\xbf\xc2\x85",
         "\\xe2\\x80\\xa8\\xe2\\x80\\xae\\xe2\\x81\\xa6\\xef\\xbb\\xbf\\xc2\\x85"},
        {"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sl_buf out;
        sl_buf_init(&out, 1000);
        har_page_text(&out, cases[i].text);
        assert_string_equal(sl_buf_str(&out), cases[i].wanted);
        sl_buf_release(&out);
    }
}

/* The text between the two, which are there once. */
static struct sl_span between(struct sl_span page, const char *begin, const char *end)
{
    const uint8_t *from = memmem(page.data, page.len, begin, strlen(begin));
    assert_non_null(from);
    from += strlen(begin);
    size_t rest = (size_t)(page.data + page.len - from);
    assert_null(memmem(from, rest, begin, strlen(begin)));
    const uint8_t *to = memmem(from, rest, end, strlen(end));
    assert_non_null(to);
    return sl_span(from, (size_t)(to - from));
}

static void data_reads_back_equal_and_cannot_end_its_element(void **state)
{
    static const char data[] =
        "{\"a<b>\":\"</script><!--&\",\"b\":\"\x7f \xc2\x85 \xe2\x80\xa8 \xe2\x80\xae "
        "\xef\xbb\xbf \xef\xbf\xbf \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"}";
    (void)state;
    struct sl_buf out;
    sl_buf_init(&out, 1 << 20);
    const struct har_page page = {.title = "</title><script>",
                                  .style = sl_span_str(".own{}"),
                                  .body = sl_span_str("<p>body</p>"),
                                  .json = sl_span_str(data),
                                  .script = sl_span_str("own();")};
    har_page_write(&page, &out);
    assert_false(out.is_full);
    struct sl_span all = sl_buf_span(&out);
    struct sl_span json =
        between(all, "<script type=\"application/json\" id=\"report\">", "</script>");
    for (size_t i = 0; i < json.len; i++) {
        assert_true(json.data[i] != '<' && json.data[i] != '>' && json.data[i] != '&' &&
                    json.data[i] != 0x7f);
    }
    assert_null(memmem(json.data, json.len, "\xe2\x80", 2));
    json_t *read = json_loadb((const char *)json.data, json.len, 0, NULL);
    json_t *wanted = json_loadb(data, sizeof(data) - 1, 0, NULL);
    assert_non_null(wanted);
    assert_true(json_equal(read, wanted));
    json_decref(read);
    json_decref(wanted);
    assert_true(sl_span_is(between(all, "<title>", "</title>"), "&lt;/title&gt;&lt;script&gt;"));
    assert_non_null(memmem(all.data, all.len, "<p>body</p>", 11));
    assert_non_null(memmem(all.data, all.len, "default-src 'none'", 18));
    sl_buf_release(&out);
}

static void a_buffer_that_is_too_small_is_told(void **state)
{
    (void)state;
    struct sl_buf out;
    sl_buf_init(&out, 1000);
    const struct har_page page = {.title = "t", .json = sl_span_str("{}")};
    har_page_write(&page, &out);
    assert_true(out.is_full);
    sl_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_never_markup_and_shows_what_cannot_be_seen),
        cmocka_unit_test(data_reads_back_equal_and_cannot_end_its_element),
        cmocka_unit_test(a_buffer_that_is_too_small_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
