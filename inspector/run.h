/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_RUN_H
#define INS_RUN_H

/* The whole way of a capture: source > link > ip > tcp > http2 > view > output. */
#include "inspector/opts.h"

enum ins_exit {
    INS_EXIT_OK = 0,
    INS_EXIT_STRICT = 1, /* --strict: loss, or a broken MUST */
    INS_EXIT_USAGE = 2,  /* bad usage, an input of which nothing can be read, output that failed */
};

/* Reads the captures and writes the records; says on stderr what was wrong. */
enum ins_exit ins_run(const struct ins_opts *opts, char *const *captures, int capture_count);

#endif
