/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/progress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"

enum {
    COLUMNS_USUAL = 80,
};

bool sl_progress_is_possible(FILE *file)
{
    const char *kind = getenv("TERM");
    return isatty(fileno(file)) == 1 && kind != NULL && kind[0] != '\0' &&
           strcmp(kind, "dumb") != 0;
}

unsigned sl_progress_columns(FILE *file)
{
    struct winsize size;
    bool is_known = ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    return is_known ? size.ws_col - 1U : COLUMNS_USUAL - 1U; /* the last column would wrap */
}

static bool is_piped(void)
{
    struct stat info;
    return fstat(STDOUT_FILENO, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode));
}

void sl_progress_init(struct sl_progress *progress, FILE *file)
{
    *progress = (struct sl_progress){.file = file};
    progress->is_on = sl_progress_is_possible(file) && !is_piped();
    progress->due_ns = sl_clock_mono_ns() + SL_PROGRESS_FIRST_MS * SL_MS;
}

bool sl_progress_is_due(const struct sl_progress *progress)
{
    return progress->is_on && sl_clock_mono_ns() >= progress->due_ns;
}

/* The shell has the terminal. -1: it is nobody's, or not ours to ask about. */
static bool is_in_background(FILE *file)
{
    pid_t foreground = tcgetpgrp(fileno(file));
    return foreground > 0 && foreground != getpgrp();
}

void sl_progress_draw(struct sl_progress *progress, struct sl_span text)
{
    if (!progress->is_on) {
        return;
    }
    progress->due_ns = sl_clock_mono_ns() + SL_PROGRESS_MS * SL_MS;
    if (is_in_background(progress->file)) {
        return;
    }
    size_t columns = sl_progress_columns(progress->file);
    sl_progress_erase(progress);
    (void)fwrite(text.data, 1, text.len < columns ? text.len : columns, progress->file);
    (void)fflush(progress->file);
    progress->is_shown = true;
}

void sl_progress_erase(struct sl_progress *progress)
{
    if (progress->is_shown) {
        (void)fputs("\r\033[K", progress->file);
        (void)fflush(progress->file);
        progress->is_shown = false;
    }
}

void sl_progress_end(struct sl_progress *progress)
{
    sl_progress_erase(progress);
    progress->is_on = false;
}
