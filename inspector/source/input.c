/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/source/input.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/alloc.h"

struct ins_input {
    ins_input_read_fn *read;
    int fd; /* of read_fd */
    ins_input_wait_fn *on_wait;
    void *owner;
    uint8_t *window;
    size_t capacity;
    size_t start, end; /* of the bytes in the window that are not skipped yet */
    uint64_t offset;
    bool is_ended;
    int error;
};

static ssize_t read_fd(void *context, uint8_t *into, size_t room)
{
    struct ins_input *input = context;
    struct pollfd ready = {.fd = input->fd, .events = POLLIN};
    ssize_t got = 0;
    if (input->on_wait != NULL && poll(&ready, 1, 0) == 0) {
        input->on_wait(input->owner);
    }
    do {
        got = read(input->fd, into, room);
    } while (got < 0 && errno == EINTR);
    return got;
}

static struct ins_input *input_new(ins_input_read_fn *read, size_t capacity)
{
    struct ins_input *input = sl_alloc(sizeof(*input));
    input->read = read;
    input->fd = -1;
    input->capacity = capacity;
    input->window = sl_alloc(input->capacity);
    return input;
}

enum sl_status ins_input_open(const char *path, struct ins_input **ret_input,
                              struct sl_error *reterr_error)
{
    bool is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return sl_error_set(reterr_error, SL_IO, "cannot open: %s", strerror(errno));
    }
    struct stat info;
    if (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
        (void)close(fd);
        return sl_error_set(reterr_error, SL_IO, "is a directory");
    }
    struct ins_input *input = input_new(read_fd, INS_INPUT_WINDOW);
    input->fd = fd;
    *ret_input = input;
    return SL_OK;
}

struct ins_input *ins_input_memory(struct sl_span bytes)
{
    struct ins_input *input = input_new(NULL, bytes.len);
    if (bytes.len > 0) {
        memcpy(input->window, bytes.data, bytes.len);
    }
    input->end = bytes.len;
    input->is_ended = true;
    return input;
}

void ins_input_free(struct ins_input *input)
{
    if (input == NULL) {
        return;
    }
    if (input->fd > STDIN_FILENO) {
        (void)close(input->fd);
    }
    sl_free(input->window);
    sl_free(input);
}

void ins_input_on_wait(struct ins_input *input, ins_input_wait_fn *on_wait, void *owner)
{
    input->on_wait = on_wait;
    input->owner = owner;
}

/* Makes room for want bytes from start on, and reads until they are there. The window is twice as large
 * as the largest view, so that bytes are moved to its front once in a view's length and not each time. */
static void fill(struct ins_input *input, size_t want)
{
    if (want > input->capacity / 2) {
        input->capacity = 2 * want;
        input->window = sl_realloc(input->window, input->capacity);
    }
    if (input->capacity - input->start < want) {
        memmove(input->window, input->window + input->start, input->end - input->start);
        input->end -= input->start;
        input->start = 0;
    }
    while (!input->is_ended && input->end - input->start < want) {
        ssize_t got = input->read(input, input->window + input->end, input->capacity - input->end);
        if (got <= 0) {
            input->is_ended = true;
            input->error = got < 0 ? errno : 0;
            return;
        }
        input->end += (size_t)got;
    }
}

struct sl_span ins_input_view(struct ins_input *input, size_t want)
{
    assert(want <= INS_INPUT_VIEW_MAX);
    if (input->end - input->start < want && !input->is_ended) {
        fill(input, want);
    }
    return sl_span(input->window + input->start, input->end - input->start);
}

bool ins_input_skip(struct ins_input *input, uint64_t count)
{
    while (count > 0) {
        struct sl_span here = ins_input_view(input, 1);
        if (here.len == 0) {
            return false;
        }
        size_t step = count < here.len ? (size_t)count : here.len;
        input->start += step;
        input->offset += step;
        count -= step;
        if (input->start == input->end) {
            input->start = 0;
            input->end = 0;
        }
    }
    return true;
}

uint64_t ins_input_offset(const struct ins_input *input)
{
    return input->offset;
}

const char *ins_input_failure(const struct ins_input *input)
{
    return input->error == 0 ? NULL : strerror(input->error);
}
