/* SPDX-License-Identifier: Apache-2.0 */
/* Inputs of the file system: regular files, which may still grow, and pipes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inspector/source/input.h"
#include "inspector/source/stop.h"
#include "lib/base/alloc.h"
#include "lib/base/clock.h"

enum {
    /* Who writes into the pipe got the same Ctrl-C and has something left to write: so long it may be
     * silent, and so long it may go on. */
    LAST_WORDS_MS = 500,
};

#define LAST_WORDS_ALL_NS (2 * SL_SECOND)

struct file {
    int fd;
    bool is_stream;
    off_t begin;         /* of a file that is stdin: where that stood */
    uint64_t size;       /* read so far */
    uint64_t stop_at_ns; /* 0: no stop was asked for yet */
    const struct ins_input_wait *wait;
};

/* Waits until a pipe can be read. False when a stop was asked for and nothing more comes. */
static bool await_stream(struct file *file)
{
    if (!ins_stop_is_asked()) {
        if (ins_stop_poll(file->fd, 0)) {
            return true;
        }
        if (file->wait != NULL && file->wait->before != NULL) {
            file->wait->before(file->wait->owner);
        }
        if (ins_stop_poll(file->fd, -1)) {
            return true;
        }
    }
    struct pollfd ready = {.fd = file->fd, .events = POLLIN};
    uint64_t now = sl_clock_mono_ns();
    file->stop_at_ns = file->stop_at_ns == 0 ? now + LAST_WORDS_ALL_NS : file->stop_at_ns;
    return now < file->stop_at_ns && poll(&ready, 1, LAST_WORDS_MS) > 0;
}

static ssize_t read_once(struct file *file, uint8_t *into, size_t room)
{
    ssize_t got = 0;
    do {
        if (file->is_stream && !await_stream(file)) {
            return 0;
        }
        got = read(file->fd, into, room);
    } while (got < 0 && (errno == EINTR || errno == EAGAIN));
    return got;
}

static ssize_t file_read(void *context, struct ins_input *input, uint8_t *into, size_t room)
{
    struct file *file = context;
    const struct ins_input_wait *wait = file->wait;
    ssize_t got = read_once(file, into, room);
    while (got == 0 && !file->is_stream && wait != NULL && wait->more != NULL &&
           wait->more(wait->owner, file->fd, file->size)) {
        got = read_once(file, into, room);
    }
    if (got < 0) {
        ins_input_fail(input, "%s", strerror(errno));
    }
    file->size += got > 0 ? (uint64_t)got : 0;
    if (got > 0 && wait != NULL && wait->got != NULL) {
        wait->got(wait->owner, (size_t)got);
    }
    return got;
}

static size_t file_peek(const void *context, uint64_t offset, uint8_t *into, size_t room)
{
    const struct file *file = context;
    size_t done = 0;
    while (!file->is_stream && done < room) {
        off_t at = file->begin + (off_t)(offset + done);
        ssize_t got = pread(file->fd, into + done, room - done, at);
        if (got <= 0) {
            return done;
        }
        done += (size_t)got;
    }
    return done;
}

static void file_free(void *context)
{
    struct file *file = context;
    if (file->fd != STDIN_FILENO) {
        (void)close(file->fd);
    }
    sl_free(file);
}

static const struct ins_input_ops file_ops = {
    .read = file_read,
    .peek = file_peek,
    .free = file_free,
};

enum sl_status ins_input_open(const char *path, const struct ins_input_wait *wait,
                              struct ins_input **ret_input, struct sl_error *reterr_error)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return sl_error_set(reterr_error, SL_IO, "cannot open: %s", strerror(errno));
    }
    struct stat info = {0};
    bool is_known = fstat(fd, &info) == 0;
    if (is_known && S_ISDIR(info.st_mode)) {
        (void)close(fd);
        return sl_error_set(reterr_error, SL_IO, "is a directory");
    }
    struct file *file = sl_alloc(sizeof(*file));
    *file = (struct file){.fd = fd, .is_stream = !S_ISREG(info.st_mode), .wait = wait};
    off_t begin = file->is_stream ? 0 : lseek(fd, 0, SEEK_CUR);
    file->begin = begin < 0 ? 0 : begin;
    *ret_input = ins_input_new(&file_ops, file, INS_INPUT_WINDOW);
    return SL_OK;
}

uint64_t ins_input_path_size(const char *path)
{
    struct stat info;
    bool is_known =
        strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, &info) == 0 : stat(path, &info) == 0;
    return is_known && S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
}

bool ins_input_path_is_stream(const char *path)
{
    struct stat info;
    if (strcmp(path, "-") == 0) {
        return fstat(STDIN_FILENO, &info) != 0 || !S_ISREG(info.st_mode);
    }
    return stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}
