/* SPDX-License-Identifier: Apache-2.0 */
/* The table of layers: the one place to hook another one in. */
#include "inspector/http1/layer.h"
#include "inspector/stream/proxy.h"
#include "inspector/stream/stream.h"
#include "inspector/tls/layer.h"

/* http1 last: the others look at heads of HTTP/1.1 too. */
const struct ins_layer_kind *const ins_layer_kinds[] = {
    &ins_proxy_layer,
    &ins_tls_layer,
    &ins_http1_layer,
    NULL,
};
