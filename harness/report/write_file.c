/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/write_file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PATH_BYTES = 4096,
};

static bool write_all(const char *path, struct sl_span bytes)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) {
        return false;
    }
    bool is_good = fwrite(bytes.data, 1, bytes.len, file) == bytes.len;
    int why = errno;
    if (fclose(file) != 0) {
        why = is_good ? errno : why;
        is_good = false;
    }
    errno = why;
    return is_good;
}

enum sl_status har_write_file(const char *path, struct sl_span bytes, struct sl_error *reterr_error)
{
    char part[PATH_BYTES];
    struct stat info;
    /* A link is followed as it is: what it points to keeps its place. */
    bool is_plain = lstat(path, &info) != 0 || S_ISREG(info.st_mode);
    bool is_good = false;
    if (!is_plain) {
        is_good = write_all(path, bytes);
    } else if (snprintf(part, sizeof(part), "%s.part", path) < (int)sizeof(part)) {
        is_good = write_all(part, bytes) && rename(part, path) == 0;
        int why = errno;
        if (!is_good) {
            (void)unlink(part);
            (void)unlink(path);
        }
        errno = why;
    } else {
        errno = ENAMETOOLONG;
    }
    return is_good
               ? SL_OK
               : sl_error_set(reterr_error, SL_IO, "cannot write %s: %s", path, strerror(errno));
}
