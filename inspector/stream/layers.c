/* SPDX-License-Identifier: Apache-2.0 */
/* The table of layers: the one place to hook another one in. */
#include "inspector/stream/stream.h"

const struct ins_layer_kind *const ins_layer_kinds[] = {
    NULL,
};
