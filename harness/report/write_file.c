/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/write_file.h"

#include <stdio.h>

bool har_write_file(const char *path, struct sl_span bytes)
{
    FILE *file = fopen(path, "wb");
    bool is_good = file != NULL && fwrite(bytes.data, 1, bytes.len, file) == bytes.len;
    if (file != NULL) {
        is_good &= fclose(file) == 0;
    }
    return is_good;
}
