/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HAR_H2_EDIT_H
#define HAR_H2_EDIT_H

/* Frames that the proxy makes or changes. Pure. */
#include "harness/proxy/fault.h"

enum {
    HAR_H2_FRAME_MAX = 16384, /* a longer frame is passed on as it is */
};

/* What an injected frame refers to, where the fault does not say. */
struct har_h2_place {
    uint32_t stream;     /* of the call that matched; 0: none */
    uint32_t max_stream; /* the highest one that the client opened */
};

/* Appends the frame that an injecting fault asks for. */
void har_h2_build(const struct har_fault *fault, const struct har_h2_place *place,
                  struct sl_buf *out);

/* Appends the frame (its header and payload, as it came) with the fault's changes. One whose payload is not
 * what its type asks for, and an acknowledgement of SETTINGS, stay as they are. */
void har_h2_rewrite(const struct har_fault *fault, struct sl_span frame, struct sl_buf *out);

#endif
