/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/source/input.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "lib/base/alloc.h"

enum {
    FAILURE_MAX = 128,
};

struct ins_input {
    const struct ins_input_ops *ops;
    void *context; /* owned */
    uint8_t *window;
    size_t usual; /* capacity that it shrinks back to */
    size_t capacity;
    size_t start, end; /* of the bytes in the window that are not skipped yet */
    uint64_t offset;
    bool is_ended;
    char failure[FAILURE_MAX]; /* empty: none */
};

struct ins_input *ins_input_new(const struct ins_input_ops *ops, void *context, size_t window)
{
    struct ins_input *input = sl_alloc(sizeof(*input));
    input->ops = ops;
    input->context = context;
    input->usual = window;
    input->capacity = window;
    input->window = sl_alloc(window);
    return input;
}

void ins_input_fail(struct ins_input *input, const char *format, ...)
{
    if (input->failure[0] != '\0') {
        return;
    }
    va_list values;
    va_start(values, format);
    (void)vsnprintf(input->failure, sizeof(input->failure), format, values);
    va_end(values);
}

static const struct ins_input_ops memory_ops = {0};

struct ins_input *ins_input_memory(struct sl_span bytes)
{
    struct ins_input *input = ins_input_new(&memory_ops, NULL, bytes.len);
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
    if (input->ops->free != NULL) {
        input->ops->free(input->context);
    }
    sl_free(input->window);
    sl_free(input);
}

size_t ins_input_memory_size(const struct ins_input *input)
{
    return input->capacity + (input->ops->memory == NULL ? 0 : input->ops->memory(input->context));
}

/* Bytes that are left go to the front of a window of this capacity. */
static void move_to(struct ins_input *input, size_t capacity)
{
    memmove(input->window, input->window + input->start, input->end - input->start);
    input->end -= input->start;
    input->start = 0;
    if (capacity != input->capacity) {
        input->capacity = capacity;
        input->window = sl_realloc(input->window, capacity);
    }
}

/* Makes room for want bytes from start on, and reads until they are there. The window is twice as large
 * as the largest view, so that bytes are moved to its front once in a view's length and not each time. */
static void fill(struct ins_input *input, size_t want)
{
    size_t left = input->end - input->start;
    if (want > input->capacity / 2) {
        move_to(input, 2 * want);
    } else if (input->capacity > input->usual && want <= input->usual / 2 && left <= want) {
        move_to(input, input->usual);
    } else if (input->capacity - input->start < want) {
        move_to(input, input->capacity);
    }
    while (!input->is_ended && input->end - input->start < want) {
        ssize_t got = input->ops->read(input->context, input, input->window + input->end,
                                       input->capacity - input->end);
        if (got <= 0) {
            input->is_ended = true;
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
    if (count < input->end - input->start) { /* as for each packet of a file */
        input->start += (size_t)count;
        input->offset += count;
        return true;
    }
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
    return input->failure[0] == '\0' ? NULL : input->failure;
}

bool ins_input_resume(struct ins_input *input)
{
    if (input->failure[0] == '\0' || input->ops->resume == NULL ||
        !input->ops->resume(input->context)) {
        return false;
    }
    input->failure[0] = '\0';
    input->is_ended = false;
    return true;
}

size_t ins_input_peek(const struct ins_input *input, uint64_t offset, uint8_t *into, size_t room)
{
    return input->ops->peek == NULL ? 0 : input->ops->peek(input->context, offset, into, room);
}
