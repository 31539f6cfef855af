/* SPDX-License-Identifier: Apache-2.0 */
#include "inspector/render/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "inspector/render/pen.h"
#include "lib/base/units.h"

static unsigned within(uint64_t width)
{
    if (width < INS_PEN_WIDTH_MIN) {
        return INS_PEN_WIDTH_MIN;
    }
    return width > INS_PEN_WIDTH_MAX ? INS_PEN_WIDTH_MAX : (unsigned)width;
}

static unsigned width_of(int fd)
{
    struct winsize size;
    uint64_t columns = 0;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return within(size.ws_col);
    }
    const char *text = getenv("COLUMNS");
    if (text != NULL && sl_units_u64(sl_span_str(text), &columns) == SL_OK && columns > 0) {
        return within(columns);
    }
    return INS_TERMINAL_WIDTH;
}

struct ins_terminal ins_terminal_look(int fd)
{
    const char *no_colour = getenv("NO_COLOR");
    const char *kind = getenv("TERM");
    bool is_there = isatty(fd) == 1;
    bool is_plain =
        (no_colour != NULL && no_colour[0] != '\0') || kind == NULL || strcmp(kind, "dumb") == 0;
    return (struct ins_terminal){
        .is_there = is_there, .has_colour = is_there && !is_plain, .width = width_of(fd)};
}
