/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_INPUT_H
#define INS_INPUT_H

/*
 * The bytes of a capture, from a file, a pipe, memory or a decompressor, through a window that moves
 * forward.
 *
 * Reads are large and the window is reused, so a capture of any size costs one window of memory. A
 * window that one large view made grow shrinks again after it.
 *
 * Ownership: a view is borrowed until the next call on the same input.
 * Limits:    a view of at most INS_INPUT_VIEW_MAX bytes.
 */
#include <sys/types.h>

#include "lib/base/span.h"
#include "lib/base/status.h"

enum {
    INS_INPUT_WINDOW = 256 * 1024,
    INS_INPUT_VIEW_MAX = 4 * 1024 * 1024 + 64, /* the largest block of a pcapng file that is read */
};

struct ins_input;

/* Where the bytes come from. */
struct ins_input_ops {
    /* Puts up to room bytes at into; 0 at the end; -1 on failure, after ins_input_fail(). */
    ssize_t (*read)(void *context, struct ins_input *input, uint8_t *into, size_t room);
    /* Up to room bytes at a place of a file, without moving; 0 where there are none. May be NULL. */
    size_t (*peek)(const void *context, uint64_t offset, uint8_t *into, size_t room);
    /* After a failure: moves to a place from which read() gives bytes again. False: there is none. May be NULL. */
    bool (*resume)(void *context);
    size_t (*memory)(const void *context); /* bytes that it holds beside the window; may be NULL */
    void (*free)(void *context);           /* may be NULL */
};

/* Takes context. window: bytes that are read ahead. */
struct ins_input *ins_input_new(const struct ins_input_ops *ops, void *context, size_t window);

/* Says why no more can be read; the first reason stays. For read functions. */
void ins_input_fail(struct ins_input *input, const char *format, ...) SL_PRINTF(2, 3);

/* What a file or pipe does where it has no bytes yet. Each may be NULL. */
struct ins_input_wait {
    void (*before)(void *owner);            /* a read will have to wait */
    void (*got)(void *owner, size_t bytes); /* a read gave these */
    /* The file at fd was read to its end: waits for more. False: it really is the end. */
    bool (*more)(void *owner, int fd, uint64_t size);
    void *owner;
};

/* The file at path; "-" is stdin. Borrows wait, which may be NULL. SL_IO with the system's reason. */
SL_MUST_USE enum sl_status ins_input_open(const char *path, const struct ins_input_wait *wait,
                                          struct ins_input **ret_input,
                                          struct sl_error *reterr_error);

/* A copy of these bytes, all of it in view. */
struct ins_input *ins_input_memory(struct sl_span bytes);

void ins_input_free(struct ins_input *input);

/* Bytes of the file; 0 where that is not known. */
uint64_t ins_input_path_size(const char *path);

/* True where the bytes pass once only: a pipe, a terminal, a socket. */
bool ins_input_path_is_stream(const char *path);

/* Bytes of memory that it holds. */
size_t ins_input_memory_size(const struct ins_input *input);

/* What comes next: at least want bytes (at most INS_INPUT_VIEW_MAX), fewer only at the end. */
struct sl_span ins_input_view(struct ins_input *input, size_t want);

/* The bytes at this place, counted as ins_input_offset() counts, into into; answers how many, up to room:
 * 0 where the input is no file. */
size_t ins_input_peek(const struct ins_input *input, uint64_t offset, uint8_t *into, size_t room);

/* Moves on by count bytes; false when the input ended before. */
bool ins_input_skip(struct ins_input *input, uint64_t count);

/* Bytes skipped so far: the place in the file. */
uint64_t ins_input_offset(const struct ins_input *input);

/* Why a read failed (the input then looks ended), or NULL. */
const char *ins_input_failure(const struct ins_input *input);

/* After a failure, when the view is empty: goes on behind what is damaged, with bytes that do not follow
 * those before, and without the failure. False where that cannot be. */
bool ins_input_resume(struct ins_input *input);

#endif
