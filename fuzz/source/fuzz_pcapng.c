/* SPDX-License-Identifier: Apache-2.0 */
/* A pcapng file, all the way to frame records: source, layers, detection, observer, view. */
#include "fuzz/fuzz.h"
#include "fuzz/fuzz_capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_capture(sl_span(data, size), ins_view_frames_new);
    return 0;
}
