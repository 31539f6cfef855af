/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a scenario file. Whatever it is, there is a scenario or there are problems with it, and every
 * problem has a text; so has every one that the schema of the built-in types shows. */
#include <assert.h>

#include "fuzz/builtin.h"
#include "fuzz/fuzz.h"
#include "harness/scenario/methods.h"
#include "harness/scenario/parse.h"
#include "lib/base/alloc.h"

static void on_misfit(void *owner, const char *path, const char *text)
{
    (void)owner;
    assert(path[0] != '\0' && text[0] != '\0');
}

static void compare_with_schema(const struct har_scenario *scenario)
{
    struct har_missing *missing = sl_alloc(sizeof(*missing));
    har_methods_missing(scenario, fuzz_builtin(), missing);
    assert(missing->count <= HAR_METHODS_MAX);
    for (size_t i = 0; i < missing->count; i++) {
        assert(missing->of[i] == scenario && missing->places[i][0] != '\0');
    }
    har_methods_check(scenario, fuzz_builtin(), on_misfit, NULL);
    sl_free(missing);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    struct har_scenario *scenario =
        har_scenario_parse(sl_span(data, size), "fuzz.json", "fuzz", problems);
    assert((scenario == NULL) == (problems->count > problems->warning_count));
    for (size_t i = 0; i < problems->count && i < HAR_PROBLEMS_MAX; i++) {
        assert(problems->items[i].text[0] != '\0');
    }
    if (scenario != NULL) {
        compare_with_schema(scenario);
    }
    har_scenario_free(scenario);
    sl_free(problems);
    return 0;
}
