/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/harness/compare/reports.h"

#include "lib/base/alloc.h"
#include "tests/support/cmocka_all.h"

char *report_of(const char *results, const char *findings, const char *more)
{
    return sl_asprintf("{\"schema\":\"sluice.report/1\",\"target\":\"h:1\",\"profile\":\"seed\","
                       "\"seed\":7,\"duration_ms\":1000,\"hiccup_ms\":{\"p99\":1.0,\"max\":5.0},"
                       "\"results\":[%s],\"findings\":[%s]%s}",
                       results, findings, more);
}

void two_read(struct two *two, const char *a, const char *b, bool is_strict)
{
    static const char *const names[] = {"A", "B"};
    const char *texts[] = {a, b};
    const struct har_compare_options options = {.is_strict = is_strict};
    *two = (struct two){0};
    for (int side = 0; side < HAR_COMPARE_SIDES; side++) {
        struct sl_error error = {0};
        if (har_compare_parse(texts[side], strlen(texts[side]), names[side], names[side],
                              &two->runs[side], &error) != SL_OK) {
            fail_msg("%s", error.text);
        }
    }
    har_compare_make(&two->model, &two->runs[HAR_COMPARE_A], &two->runs[HAR_COMPARE_B], &options);
}

void two_make(struct two *two, const char *a, const char *b, bool is_strict)
{
    char *first = report_of(a, "", "");
    char *second = report_of(b, "", "");
    two_read(two, first, second, is_strict);
    sl_free(first);
    sl_free(second);
}

void two_release(struct two *two)
{
    har_compare_release(&two->model);
    har_compare_run_release(&two->runs[HAR_COMPARE_A]);
    har_compare_run_release(&two->runs[HAR_COMPARE_B]);
}

const struct har_compare_pair *two_find(const struct two *two, const char *id)
{
    for (size_t i = 0; i < two->model.pair_count; i++) {
        if (strcmp(two->model.pairs[i].id, id) == 0) {
            return &two->model.pairs[i];
        }
    }
    fail_msg("no scenario %s", id);
    return NULL;
}
