/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SL_UTF8_H
#define SL_UTF8_H

/* UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#include "lib/base/span.h"

/* Length in bytes (1 to 4) of the well-formed character that text begins with; 0 when it begins with
 * none. */
size_t sl_utf8_char(struct sl_span text);

/* True when all of text is well-formed; an empty text is. */
bool sl_utf8_is_valid(struct sl_span text);

#endif
