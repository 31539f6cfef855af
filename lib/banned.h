/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_BANNED_H
#define SL_BANNED_H

/*
 * Functions that are not used in this project, turned into compile errors.
 *
 * The build includes this header before every source file of our own (cmake/flags.cmake), and not
 * before generated code. It only declares the functions again, as deprecated, so it brings no system
 * header that a source file should have included itself, and a system header that mentions one of
 * them is left in peace.
 */
#include <sys/types.h>

#define SL_BANNED(instead) __attribute__((deprecated("banned here; use " instead)))

struct tm;

/* They write past the end of a buffer, or leave one without its terminator. */
char *strcpy(char *to, const char *from) SL_BANNED("sl_buf, or snprintf");
char *strcat(char *to, const char *from) SL_BANNED("sl_buf, or snprintf");
char *strncpy(char *to, const char *from, size_t size) SL_BANNED("sl_buf, or snprintf");
int sprintf(char *to, const char *format, ...) SL_BANNED("sl_buf, or snprintf");
/* They keep state between calls. */
char *strtok(char *text, const char *separators) SL_BANNED("strtok_r");
struct tm *gmtime(const time_t *when) SL_BANNED("gmtime_r");
struct tm *localtime(const time_t *when) SL_BANNED("localtime_r");
/* It cannot tell an error from a zero. */
int atoi(const char *text) SL_BANNED("lib/base/units.h");
/* It waits for time, where an event can be awaited. */
int usleep(useconds_t microseconds) SL_BANNED("lib/base/clock.h");

#undef SL_BANNED
#endif
