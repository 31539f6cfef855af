/* SPDX-License-Identifier: Apache-2.0 */
#include "reference-server/telemetry/metrics.h"

#include "lib/base/clock.h"
#include "reference-server/telemetry/ages.h"
#include "tests/support/cmocka_all.h"

enum {
    PAGE_MAX = 4096,
};

static void assert_page(const struct srv_metrics *metrics, const char *expected)
{
    struct sl_buf page;
    sl_buf_init(&page, PAGE_MAX);
    assert_int_equal(srv_metrics_write(metrics, &page), SL_OK);
    assert_string_equal(sl_buf_str(&page), expected);
    sl_buf_release(&page);
}

static void a_page_has_families_with_series_in_their_order(void **state)
{
    (void)state;
    static const struct srv_family_spec counter = {
        .type = SRV_COUNTER, .name = "a_total", .help = "First.", .labels = {"x", "y"}};
    static const struct srv_family_spec gauge = {.type = SRV_GAUGE, .name = "b", .help = "Second."};
    static const struct srv_family_spec empty = {.type = SRV_GAUGE, .name = "c", .help = "None."};
    const char *const first[] = {"1", "quote \" back \\ line\n"};
    const char *const second[] = {"2", ""};
    struct sl_tally watched = {0};
    struct srv_metrics *metrics = srv_metrics_new();
    struct srv_family *family = srv_metrics_add(metrics, &counter);
    (void)srv_metrics_add(metrics, &empty);
    struct sl_tally *one = srv_family_tally(family, first);
    struct sl_tally *rare = srv_family_rare_tally(family, second);
    srv_family_watch(srv_metrics_add(metrics, &gauge), NULL, &watched);
    assert_page(metrics, "# HELP a_total First.\n# TYPE a_total counter\n"
                         "a_total{x=\"1\",y=\"quote \\\" back \\\\ line\\n\"} 0\n"
                         "# HELP b Second.\n# TYPE b gauge\nb 0\n");
    sl_tally_add(one, UINT64_MAX);
    sl_tally_add(rare, 1);
    sl_tally_set(&watched, 7);
    assert_page(metrics,
                "# HELP a_total First.\n# TYPE a_total counter\n"
                "a_total{x=\"1\",y=\"quote \\\" back \\\\ line\\n\"} 18446744073709551615\n"
                "a_total{x=\"2\",y=\"\"} 1\n"
                "# HELP b Second.\n# TYPE b gauge\nb 7\n");
    srv_metrics_free(metrics);
}

static void a_gauge_below_zero_is_zero(void **state)
{
    (void)state;
    static const struct srv_family_spec gauge = {.type = SRV_GAUGE, .name = "g", .help = "G."};
    struct srv_metrics *metrics = srv_metrics_new();
    sl_tally_sub(srv_family_tally(srv_metrics_add(metrics, &gauge), NULL), 1);
    assert_page(metrics, "# HELP g G.\n# TYPE g gauge\ng 0\n");
    srv_metrics_free(metrics);
}

static void a_histogram_adds_its_buckets_up_in_seconds(void **state)
{
    (void)state;
    static const uint64_t bounds[] = {SL_MS / 2, SL_SECOND};
    static const struct srv_family_spec spec = {.type = SRV_HISTOGRAM,
                                                .name = "h_seconds",
                                                .help = "H.",
                                                .labels = {"m"},
                                                .is_time = true,
                                                .bounds = bounds,
                                                .bound_count = 2};
    const char *const values[] = {"x"};
    struct srv_metrics *metrics = srv_metrics_new();
    struct srv_histogram *histogram = srv_family_histogram(srv_metrics_add(metrics, &spec), values);
    srv_histogram_add(histogram, 0);
    srv_histogram_add(histogram, SL_MS / 2); /* le: the bound belongs to it */
    srv_histogram_add(histogram, SL_MS / 2 + 1);
    srv_histogram_add(histogram, SL_SECOND + 1);
    assert_page(metrics, "# HELP h_seconds H.\n# TYPE h_seconds histogram\n"
                         "h_seconds_bucket{m=\"x\",le=\"0.0005\"} 2\n"
                         "h_seconds_bucket{m=\"x\",le=\"1\"} 3\n"
                         "h_seconds_bucket{m=\"x\",le=\"+Inf\"} 4\n"
                         "h_seconds_sum{m=\"x\"} 1.001000002\n"
                         "h_seconds_count{m=\"x\"} 4\n");
    srv_metrics_free(metrics);
}

static bool read_half(const void *context, double *ret_value)
{
    *ret_value = 0.5;
    return context != NULL;
}

static void what_cannot_be_read_now_is_left_out(void **state)
{
    (void)state;
    static const struct srv_family_spec spec = {
        .type = SRV_GAUGE, .name = "asked", .help = "A.", .labels = {"l"}};
    const char *const there[] = {"there"};
    const char *const missing[] = {"missing"};
    struct srv_metrics *metrics = srv_metrics_new();
    struct srv_family *family = srv_metrics_add(metrics, &spec);
    srv_family_ask(family, missing, read_half, NULL);
    srv_family_ask(family, there, read_half, &spec);
    assert_page(metrics, "# HELP asked A.\n# TYPE asked gauge\nasked{l=\"there\"} 0.500000000\n");
    srv_metrics_free(metrics);
}

static void a_page_that_is_too_long_is_an_error(void **state)
{
    (void)state;
    static const struct srv_family_spec gauge = {.type = SRV_GAUGE, .name = "g", .help = "G."};
    struct srv_metrics *metrics = srv_metrics_new();
    struct sl_buf page;
    (void)srv_family_tally(srv_metrics_add(metrics, &gauge), NULL);
    sl_buf_init(&page, 8);
    assert_int_equal(srv_metrics_write(metrics, &page), SL_LIMIT);
    sl_buf_release(&page);
    srv_metrics_free(metrics);
}

static void the_oldest_of_a_list_is_the_first_that_is_left(void **state)
{
    (void)state;
    struct srv_ages ages = {0};
    struct srv_age calls[3] = {0};
    assert_int_equal(srv_ages_oldest(&ages, 1, 100), 0);
    for (size_t i = 0; i < 3; i++) {
        srv_ages_add(&ages, 1, &calls[i], 10 * (i + 1));
    }
    assert_int_equal(srv_ages_oldest(&ages, 1, 100), 90);
    srv_ages_remove(&ages, 1, &calls[1]);
    assert_int_equal(srv_ages_oldest(&ages, 1, 100), 90);
    srv_ages_remove(&ages, 1, &calls[0]);
    assert_int_equal(srv_ages_oldest(&ages, 1, 100), 70);
    assert_int_equal(srv_ages_oldest(&ages, 0, 100), 0);
    srv_ages_remove(&ages, 1, &calls[2]);
    assert_int_equal(srv_ages_oldest(&ages, 1, 100), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_has_families_with_series_in_their_order),
        cmocka_unit_test(a_gauge_below_zero_is_zero),
        cmocka_unit_test(a_histogram_adds_its_buckets_up_in_seconds),
        cmocka_unit_test(what_cannot_be_read_now_is_left_out),
        cmocka_unit_test(a_page_that_is_too_long_is_an_error),
        cmocka_unit_test(the_oldest_of_a_list_is_the_first_that_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
