/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/tls/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"

struct ins_keyfile {
    int fd;
    bool is_regular;
    off_t size; /* read so far */
    struct ins_keylog keylog;
};

static ssize_t read_some(struct ins_keyfile *keyfile, uint8_t *into)
{
    ssize_t got = 0;
    do {
        got = keyfile->is_regular ? pread(keyfile->fd, into, INS_KEYFILE_READ, keyfile->size)
                                  : read(keyfile->fd, into, INS_KEYFILE_READ);
    } while (got < 0 && errno == EINTR);
    return got;
}

/* False when it cannot be read. */
static bool read_on(struct ins_keyfile *keyfile)
{
    uint8_t bytes[INS_KEYFILE_READ];
    ssize_t got = 0;
    while ((got = read_some(keyfile, bytes)) > 0) {
        keyfile->size += got;
        ins_keylog_feed(&keyfile->keylog, sl_span(bytes, (size_t)got));
    }
    ins_keylog_peek(&keyfile->keylog);
    struct stat stat;
    if (got == 0 && keyfile->is_regular && fstat(keyfile->fd, &stat) == 0 &&
        stat.st_size < keyfile->size) {
        keyfile->size = 0; /* truncated: what is written now is read the next time */
        ins_keylog_end(&keyfile->keylog);
    }
    return got == 0 || errno == EAGAIN;
}

static void on_miss(void *owner, struct ins_keys *keys)
{
    (void)keys;
    (void)read_on(owner);
}

enum sl_status ins_keyfile_open(const char *path, struct ins_keys *keys,
                                struct ins_keyfile **ret_keyfile, struct sl_error *reterr_error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return sl_error_set(reterr_error, SL_IO, "cannot read the key log: %s", strerror(errno));
    }
    struct stat stat;
    struct ins_keyfile *keyfile = sl_alloc(sizeof(*keyfile));
    keyfile->fd = fd;
    keyfile->is_regular = fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode);
    ins_keylog_init(&keyfile->keylog, keys);
    if (!read_on(keyfile)) {
        (void)sl_error_set(reterr_error, SL_IO, "cannot read the key log: %s", strerror(errno));
        ins_keyfile_free(keyfile);
        return SL_IO;
    }
    ins_keys_on_miss(keys, on_miss, keyfile);
    *ret_keyfile = keyfile;
    return SL_OK;
}

void ins_keyfile_free(struct ins_keyfile *keyfile)
{
    if (keyfile != NULL) {
        (void)close(keyfile->fd);
        ins_keylog_release(&keyfile->keylog);
        sl_free(keyfile);
    }
}

void ins_keyfile_read(struct ins_keyfile *keyfile)
{
    (void)read_on(keyfile);
}

uint64_t ins_keyfile_bad(const struct ins_keyfile *keyfile)
{
    return keyfile->keylog.lines_bad;
}
