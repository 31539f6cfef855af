/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_SHELL_H
#define HAR_SHELL_H

/* Commands for sh. */
#include "lib/base/buf.h"

/* Appends text as one word of the shell, whatever is in it. out->is_full tells that it did not fit. */
void har_shell_word(struct sl_buf *out, const char *text);

#endif
