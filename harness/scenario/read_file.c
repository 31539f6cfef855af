/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/scenario/read_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/alloc.h"

enum {
    FIRST_READ = 16 * 1024,
};

char *har_read_file(const char *path, size_t max, size_t *ret_len, struct sl_error *reterr_error)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        (void)sl_error_set(reterr_error, SL_IO, "cannot be opened: %s", strerror(errno));
        return NULL;
    }
    size_t room = max < FIRST_READ ? max : FIRST_READ; /* most are far shorter than they may be */
    char *text = sl_alloc(room + 1);
    *ret_len = fread(text, 1, room + 1, file);
    while (*ret_len > room && room < max) {
        room = room > max / 2 ? max : 2 * room;
        text = sl_realloc(text, room + 1);
        *ret_len += fread(text + *ret_len, 1, room + 1 - *ret_len, file);
    }
    bool is_bad = ferror(file) != 0;
    (void)fclose(file);
    if (is_bad || *ret_len > max) {
        (void)sl_error_set(reterr_error, is_bad ? SL_IO : SL_LIMIT,
                           is_bad ? "cannot be read" : "is larger than %zu bytes", max);
        sl_free(text);
        return NULL;
    }
    text[*ret_len] = '\0';
    return text;
}
