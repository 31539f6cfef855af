/* SPDX-License-Identifier: Apache-2.0 */
/* The table of layers: the one place to hook another one in. */
#include "inspector/http1/layer.h"
#include "inspector/stream/stream.h"
#include "inspector/tls/layer.h"

const struct ins_layer_kind *const ins_layer_kinds[] = {
    &ins_http1_layer,
    &ins_tls_layer,
    NULL,
};
