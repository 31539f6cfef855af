/* SPDX-License-Identifier: Apache-2.0 */
/* A capture compressed by gzip. */
#include "fuzz/source/fuzz_unpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_unpack(ins_gz_new(ins_input_memory(sl_span(data, size))));
    return 0;
}
