/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a scenario file. Whatever it is, there is a scenario or there are problems with it, and every
 * problem has a text. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "harness/scenario/parse.h"
#include "lib/base/alloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct har_problems *problems = sl_alloc(sizeof(*problems));
    struct har_scenario *scenario =
        har_scenario_parse(sl_span(data, size), "fuzz.json", "fuzz", problems);
    assert((scenario == NULL) == (problems->count > problems->warning_count));
    for (size_t i = 0; i < problems->count && i < HAR_PROBLEMS_MAX; i++) {
        assert(problems->items[i].text[0] != '\0');
    }
    har_scenario_free(scenario);
    sl_free(problems);
    return 0;
}
