/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/report/write_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"

enum {
    PATH_BYTES = 4096,
    PARTS_MAX = 100, /* names that are tried for what is not complete yet */
};

/* Takes the descriptor; -1: errno says why there is none. */
static bool write_all(int fd, struct sl_span bytes)
{
    bool is_good = fd >= 0;
    while (is_good && bytes.len > 0) {
        ssize_t count = write(fd, bytes.data, bytes.len);
        is_good = count > 0 || (count < 0 && errno == EINTR);
        bytes = sl_span_from(bytes, count > 0 ? (size_t)count : 0);
    }
    int why = errno;
    if (fd >= 0 && close(fd) != 0 && is_good) {
        why = errno;
        is_good = false;
    }
    errno = why;
    return is_good;
}

/* A new file beside path. It is nobody's file, and no link that somebody put there. */
static int open_part(const char *path, char ret_part[PATH_BYTES])
{
    for (unsigned i = 0; i < PARTS_MAX; i++) {
        if (snprintf(ret_part, PATH_BYTES, "%s.%ld-%u.part", path, (long)getpid(), i) >=
            PATH_BYTES) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = open(ret_part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST) {
            return fd;
        }
    }
    return -1;
}

enum sl_status har_write_file(const char *path, struct sl_span bytes, struct sl_error *reterr_error)
{
    char part[PATH_BYTES];
    struct stat info;
    /* A link is followed as it is: what it points to keeps its place. */
    bool is_plain = lstat(path, &info) != 0 || S_ISREG(info.st_mode);
    bool is_good = false;
    if (!is_plain) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        is_good = write_all(fd, bytes);
    } else {
        int fd = open_part(path, part);
        is_good = write_all(fd, bytes) && rename(part, path) == 0;
        int why = errno;
        if (!is_good && fd >= 0) {
            (void)unlink(part);
        }
        if (!is_good) {
            (void)unlink(path);
        }
        errno = why;
    }
    return is_good
               ? SL_OK
               : sl_error_set(reterr_error, SL_IO, "cannot write %s: %s", path, strerror(errno));
}

const char *har_file_obstacle(const char *path)
{
    const char *slash = strrchr(path, '/');
    struct stat info;
    if (slash != NULL && slash != path) {
        char *folder = sl_asprintf("%.*s", (int)(slash - path), path);
        bool is_there = stat(folder, &info) == 0 && S_ISDIR(info.st_mode);
        sl_free(folder);
        if (!is_there) {
            return "there is no folder for the report ";
        }
    }
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode) ? "a folder is no place for the report "
                                                           : NULL;
}
