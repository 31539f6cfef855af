/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/diff/compare.h"

#include <stdio.h>

#include "inspector/diff/report.h"
#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"

static const struct ins_digest_ignore nothing;

/* A record of a call with this request message, metadata and reply, all in JSON. */
static void add(struct ins_digest *digest, int id, const char *metadata, const char *request,
                const char *reply)
{
    char *record = sl_asprintf(
        "{\"type\":\"call\",\"id\":%d,\"method\":\"/a.B/"
        "C\",\"duration_ms\":1.5,\"http_status\":200,"
        "\"request\":{\"metadata\":%s,\"message_count\":1,\"messages\":[{\"json\":%s}]},"
        "\"response\":{\"metadata\":{},\"message_count\":1,\"messages\":[{\"json\":%s}],"
        "\"trailers\":{}},"
        "\"status\":{\"code\":0,\"name\":\"OK\"},\"status_source\":\"trailers\"}",
        id, metadata, request, reply);
    ins_digest_add(digest, sl_span_str(record));
    sl_free(record);
}

/* "1-3 2-" : the ids of all pairs. */
static void check_pairs(struct ins_digest *a, struct ins_digest *b, const char *wanted)
{
    size_t count = 0;
    struct ins_pair *pairs = ins_compare_pair(a, b, &count);
    char seen[200] = "";
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(seen);
        (void)snprintf(seen + len, sizeof(seen) - len, "%s%d-%d", i == 0 ? "" : " ",
                       pairs[i].a == NULL ? 0 : (int)pairs[i].a->id,
                       pairs[i].b == NULL ? 0 : (int)pairs[i].b->id);
    }
    assert_string_equal(seen, wanted);
    sl_free(pairs);
}

static void calls_are_paired_by_id_contents_request_and_method(void **state)
{
    (void)state;
    struct ins_digest a, b;
    ins_digest_init(&a, &nothing);
    ins_digest_init(&b, &nothing);
    add(&a, 1, "{\"x-request-id\":\"7\"}", "{\"q\":1}", "{}");
    add(&a, 2, "{}", "{\"q\":2}", "{\"r\":1}");
    add(&a, 3, "{}", "{\"q\":2}", "{\"r\":2}");
    add(&a, 4, "{}", "{\"q\":4}", "{}");
    add(&a, 5, "{}", "{\"q\":5}", "{}");
    add(&b, 1, "{}", "{\"q\":2}", "{\"r\":2}");                /* the contents of 3 */
    add(&b, 2, "{}", "{\"q\":2}", "{\"r\":3}");                /* the request of 2 */
    add(&b, 3, "{\"x-request-id\":\"7\"}", "{\"q\":4}", "{}"); /* the id of 1 */
    add(&b, 4, "{}", "{\"q\":6}", "{}");                       /* the method of all */
    check_pairs(&a, &b, "1-3 2-2 3-1 4-4 5-0");
    ins_digest_release(&a);
    ins_digest_release(&b);
}

static void differences_have_paths(void **state)
{
    (void)state;
    struct ins_digest a, b;
    struct ins_digest_ignore ignore = {.items = {"t", "$.response.messages[*].u"}, .count = 2};
    ins_digest_init(&a, &ignore);
    ins_digest_init(&b, &ignore);
    add(&a, 1, "{\"x\":\"1\",\"date\":\"now\"}", "{\"q\":[1,{\"t\":1}]}", "{\"r\":1,\"u\":1}");
    add(&b, 1, "{\"y\":\"1\",\"grpc-timeout\":\"1S\"}", "{\"q\":[1,{\"t\":2},3]}",
        "{\"r\":2,\"u\":2}");
    size_t count = 0;
    bool is_cut = true;
    struct ins_pair *pairs = ins_compare_pair(&a, &b, &count);
    assert_int_equal(count, 1);
    assert_false(ins_compare_is_equal(&pairs[0]));
    json_t *seen = ins_compare_differences(&pairs[0], &is_cut);
    json_t *wanted = json_loads("[{\"path\":\"$.request.messages[0].q[2]\",\"b\":3},"
                                "{\"path\":\"$.request.metadata.x\",\"a\":\"1\"},"
                                "{\"path\":\"$.request.metadata.y\",\"b\":\"1\"},"
                                "{\"path\":\"$.response.messages[0].r\",\"a\":1,\"b\":2}]",
                                0, NULL);
    assert_non_null(wanted);
    assert_false(is_cut);
    assert_int_equal(json_array_size(seen), json_array_size(wanted));
    size_t at = 0;
    json_t *one = NULL;
    json_array_foreach (wanted, at, one) {
        bool has = false;
        size_t other_at = 0;
        json_t *other = NULL;
        json_array_foreach (seen, other_at, other) {
            has |= json_equal(one, other);
        }
        assert_true(has);
    }
    json_decref(seen);
    json_decref(wanted);
    sl_free(pairs);
    ins_digest_release(&a);
    ins_digest_release(&b);
}

static void what_does_not_fit_is_compared_by_hash_and_told(void **state)
{
    (void)state;
    struct ins_digest a, b;
    char *large = sl_alloc(INS_DIGEST_CALL_TEXT_MAX + 16);
    ins_digest_init(&a, &nothing);
    ins_digest_init(&b, &nothing);
    memset(large, 'x', INS_DIGEST_CALL_TEXT_MAX + 8);
    large[0] = large[INS_DIGEST_CALL_TEXT_MAX + 7] = '"';
    add(&a, 1, "{}", "{}", large);
    add(&b, 1, "{}", "{}", large);
    large[5] = 'y';
    add(&a, 2, "{}", "{}", large);
    add(&b, 2, "{}", "{}", "{}");
    assert_int_equal(a.hashed, 2);
    size_t count = 0;
    bool is_cut = false;
    struct ins_pair *pairs = ins_compare_pair(&a, &b, &count);
    assert_int_equal(count, 2);
    assert_true(ins_compare_is_equal(&pairs[0]));
    assert_false(ins_compare_is_equal(&pairs[1]));
    json_t *seen = ins_compare_differences(&pairs[1], &is_cut);
    assert_true(is_cut);
    json_decref(seen);
    sl_free(pairs);
    sl_free(large);
    ins_digest_release(&a);
    ins_digest_release(&b);
}

static void calls_past_the_maximum_are_not_equal(void **state)
{
    (void)state;
    struct ins_digest a, b;
    ins_digest_init(&a, &nothing);
    ins_digest_init(&b, &nothing);
    for (int i = 0; i < INS_DIGEST_CALLS_MAX; i++) {
        add(&a, i + 1, "{}", "{}", "{}");
        add(&b, i + 1, "{}", "{}", "{}");
    }
    FILE *out = fopen("/dev/null", "we");
    assert_non_null(out);
    assert_true(ins_diff_report(&a, &b, true, out));
    add(&b, INS_DIGEST_CALLS_MAX + 1, "{}", "{}", "{}");
    ins_digest_add(&a, sl_span_str("{\"type\":\"call\","));
    assert_int_equal(b.unkept, 1);
    assert_int_equal(a.unkept, 1);
    assert_false(ins_diff_report(&a, &b, false, out));
    assert_int_equal(fclose(out), 0);
    ins_digest_release(&a);
    ins_digest_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_are_paired_by_id_contents_request_and_method),
        cmocka_unit_test(differences_have_paths),
        cmocka_unit_test(what_does_not_fit_is_compared_by_hash_and_told),
        cmocka_unit_test(calls_past_the_maximum_are_not_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
