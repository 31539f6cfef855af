/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_GLOB_H
#define INS_GLOB_H

/*
 * Patterns of the command line against captured text: "*" any bytes, "?" one byte, "[a-z]" one of a set
 * ("[!...]" of none), "\" takes the next byte as it is. "*" crosses "/".
 *
 * The text is hostile, so the time is at most its length times that of the pattern, as fnmatch()'s is
 * not.
 */
#include "lib/base/span.h"

bool ins_glob_matches(const char *glob, struct sl_span text);

#endif
