/* SPDX-License-Identifier: Apache-2.0 */
/* Input: faults as the control port gets them. Whatever it is, there are faults or a reason. */
#include <assert.h>

#include "fuzz/fuzz.h"
#include "harness/proxy/fault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct har_fault_list list;
    struct sl_error error = {0};
    enum sl_status status = har_faults_read(sl_span(data, size), &list, &error);
    assert((status == SL_OK) == (error.text[0] == '\0'));
    assert(status == SL_OK || list.count == 0);
    for (size_t i = 0; i < list.count; i++) {
        assert(list.texts[i][0] == '{');
        assert(!list.faults[i].is_h2 || list.faults[i].frame <= SL_H2_CONTINUATION);
    }
    har_fault_list_release(&list);
    return 0;
}
