/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INS_HEAD_H
#define INS_HEAD_H

/* The first bytes of a protobuf message whose rest is not there. */
#include "lib/base/buf.h"

/* The head as a message that ends where it does: whole records, and of the one that is cut, where it has
 * a length, what is there, with a length that fits. Borrows head, or is in scratch, which is cleared
 * first and must have room for head and 10 bytes. */
struct sl_span ins_head_as_message(struct sl_span head, struct sl_buf *scratch);

#endif
