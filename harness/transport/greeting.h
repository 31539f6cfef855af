/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_GREETING_H
#define HAR_GREETING_H

/*
 * What answers on a port, by its first bytes, where it was met in the wrong way or is no HTTP/2 at all: for the user
 * who gave the address of something else.
 */
#include "lib/base/span.h"

enum {
    HAR_GREETING_MAX = 160,
};

/* TLS, HTTP/1, an echo or any protocol of text: writes that, and what to do, into ret (HAR_GREETING_MAX bytes), and
 * returns true. Else false: nothing in the bytes says that it is no HTTP/2. Of the server's bytes only printable
 * ones are in the text. */
bool har_greeting_tell(struct sl_span bytes, char *ret);

#endif
