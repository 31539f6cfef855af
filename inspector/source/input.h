/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_INPUT_H
#define INS_INPUT_H

/*
 * The bytes of a capture, from a file, stdin or memory, through a window that moves forward.
 *
 * Reads are large and the window is reused, so a capture of any size costs one window of memory.
 * What decompresses or waits for more bytes later is one more ins_input_read_fn.
 *
 * Ownership: a view is borrowed until the next call on the same input.
 * Limits:    a view of at most INS_INPUT_VIEW_MAX bytes.
 */
#include <sys/types.h>

#include "lib/base/span.h"
#include "lib/base/status.h"

enum {
    INS_INPUT_WINDOW = 256 * 1024,
    INS_INPUT_VIEW_MAX = 2 * 1024 * 1024,
};

struct ins_input;

/* Puts up to room bytes at into; 0 at the end, -1 with errno set on failure. */
typedef ssize_t ins_input_read_fn(void *context, uint8_t *into, size_t room);

/* The file at path; "-" is stdin. SL_IO with the system's reason. */
SL_MUST_USE enum sl_status ins_input_open(const char *path, struct ins_input **ret_input,
                                          struct sl_error *reterr_error);

/* A copy of these bytes, all of it in view. */
struct ins_input *ins_input_memory(struct sl_span bytes);

void ins_input_free(struct ins_input *input);

/* Called before a read that will have to wait: a pipe with nothing in it. */
typedef void ins_input_wait_fn(void *owner);
void ins_input_on_wait(struct ins_input *input, ins_input_wait_fn *on_wait, void *owner);

/* What comes next: at least want bytes (at most INS_INPUT_VIEW_MAX), fewer only at the end. */
struct sl_span ins_input_view(struct ins_input *input, size_t want);

/* Moves on by count bytes; false when the input ended before. */
bool ins_input_skip(struct ins_input *input, uint64_t count);

/* Bytes skipped so far: the place in the file. */
uint64_t ins_input_offset(const struct ins_input *input);

/* The system's reason when a read failed (the input then looks ended), or NULL. */
const char *ins_input_failure(const struct ins_input *input);

#endif
