/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_TERMINAL_H
#define INS_TERMINAL_H

/* What reads our output: a terminal, how wide, with colours or without. */
#include <stdbool.h>

struct ins_terminal {
    bool is_there;
    bool has_colour; /* a terminal, NO_COLOR is not set (or empty), TERM is not dumb */
    unsigned width;  /* of the terminal; else of $COLUMNS, else INS_TERMINAL_WIDTH */
};

enum {
    INS_TERMINAL_WIDTH = 160,
};

struct ins_terminal ins_terminal_look(int fd);

#endif
