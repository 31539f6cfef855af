/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SRV_WRONG_TEXT_H
#define SRV_WRONG_TEXT_H

/* What a wrong server does to Unicode: an e with a combining acute accent becomes one letter, and nothing else. */
#include "lib/base/buf.h"

/* Appends text in the composed form to out. */
void srv_wrong_compose(struct sl_span text, struct sl_buf *out);

/* True when the two differ in their form only, or not at all. */
bool srv_wrong_is_same_composed(struct sl_span a, struct sl_span b);

#endif
